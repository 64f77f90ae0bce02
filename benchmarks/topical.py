"""Which pages of the material are on topic; and others made so, for few real pages are.

To the title of a page, wherever it stands, "Apeksi: " is put before it; then it must be on topic as ingest judges.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aggregator.ingest import judge
from aggregator.topics import load_topics, scan_bytes
from benchmarks.loops import ZONE
from benchmarks.material import NOW
from crawler.extraction import extract_article
from crawler.extraction.refusals import PASSING_REASONS

WORD = "Apeksi: "
LEAST_WORDS = 60  # of a text that is worth a feed entry


def choose_topical(folder: Path, pages: Iterable[Mapping[str, Any]], most: int) -> list[dict[str, Any]]:
    """Pages on topic, at most so many, as the index has them; written under `topical/`."""
    (folder / "topical").mkdir(exist_ok=True)
    chosen: list[dict[str, Any]] = []
    for page in pages:
        if len(chosen) == most:
            break
        body = (folder / page["file"]).read_bytes()
        for title, candidate in ((page["title"], body), (WORD + page["title"], _name_topic(body, page["title"]))):
            if is_on_topic(candidate, page["url"]):
                file = f"topical/{Path(page['file']).name}"
                (folder / file).write_bytes(candidate)
                chosen.append({**page, "file": file, "title": title})
                break
    return chosen


def choose_plain(folder: Path, pages: Iterable[Mapping[str, Any]], most: int) -> list[dict[str, Any]]:
    """Pages that name no topic anywhere, at most so many."""
    table = load_topics(None)
    return list(_take(most, (page for page in pages if not _names_topic(folder, page, table))))


def _names_topic(folder: Path, page: Mapping[str, Any], table: Any) -> bool:
    said = f"{page['title']}\n{page['summary']}".encode()
    return scan_bytes((folder / page["file"]).read_bytes(), table) or scan_bytes(said, table)


def _take(most: int, pages: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for _, page in zip(range(most), pages):  # noqa: B905 - whichever ends first
        yield dict(page)


def is_on_topic(body: bytes, url: str) -> bool:
    """Whether the page becomes an article."""
    article = extract_article(body, url, zone=ZONE, now=NOW)
    if getattr(article, "reason", "") in PASSING_REASONS or not article.text or article.noindex:
        return False
    row = {"title": article.title, "text": article.text, "summary": article.summary, "url": url}
    verdict = judge(row, article.tags, load_topics(None), html=body)
    return bool(verdict.topics) and not verdict.spam.is_spam


def _name_topic(body: bytes, title: str) -> bytes:
    for written in {title, html.escape(title), html.escape(title, quote=False)}:
        body = body.replace(written.encode(), (WORD + written).encode())
    return body


def write_full_text(page: Mapping[str, Any]) -> str:
    """The text of a page's label as a feed carries it, in HTML."""
    return "\n".join(f"<p>{html.escape(line)}</p>" for line in page["text"].split("\n") if line.strip())


def list_texts(pages: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Pages with enough text to be carried in full by a feed."""
    return [page for page in pages if len(page["text"].split()) >= LEAST_WORDS]
