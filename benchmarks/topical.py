"""Which pages of the material are on topic, and which are not; and others made so, where there are too few.

Few real pages are on topic: wherever the title of one stands, "Apeksi: " is put before it; then it must be on topic as
ingest judges. Hardly any sample page is off topic: the words that topics are made of are taken out of it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from aggregator.ingest import judge
from aggregator.topic_tables import TopicTable
from aggregator.topics import load_topics, scan_bytes
from benchmarks.loops import ZONE
from benchmarks.material import NOW
from crawler.extraction import extract_article
from crawler.extraction.reasons import PASSING_REASONS

WORD = "Apeksi: "
TOPIC_WORDS = re.compile(rb"apeksi|smart|cerdas|pintar|city|kota|asosiasi|digital", re.IGNORECASE)
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
    (folder / "plain").mkdir(exist_ok=True)
    return list(islice(_list_plain(folder, list(pages)), most))


def _list_plain(folder: Path, pages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those that are so, then those that are made so."""
    table = load_topics(None)
    for is_made in (False, True):
        for page in pages:
            body, told = (folder / page["file"]).read_bytes(), {name: page[name] for name in ("title", "summary")}
            if _names_topic(body, told, table) is not is_made:
                continue
            if is_made:
                body = TOPIC_WORDS.sub(b"desa", body)
                told = {name: TOPIC_WORDS.sub(b"desa", said.encode()).decode() for name, said in told.items()}
            if not _names_topic(body, told, table):
                file = f"plain/{Path(page['file']).name}"
                (folder / file).write_bytes(body)
                yield {**page, **told, "file": file}


def _names_topic(body: bytes, told: Mapping[str, str], table: TopicTable) -> bool:
    return scan_bytes(body, table) or scan_bytes("\n".join(told.values()).encode(), table)


def is_on_topic(body: bytes, url: str) -> bool:
    """Whether the page becomes an article."""
    article = extract_article(body, url, zone=ZONE, now=NOW)
    if article.refusal in PASSING_REASONS or not article.text or article.noindex:
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
    """Pages with enough text to be carried in full by a feed, and that are on topic as soon as their title says so."""
    table = load_topics(None)
    return [page for page in pages if len(page["text"].split()) >= LEAST_WORDS and _becomes_topical(page, table)]


def _becomes_topical(page: Mapping[str, Any], table: TopicTable) -> bool:
    row = {"title": WORD + page["title"], "text": page["text"], "summary": page["summary"], "url": page["url"]}
    verdict = judge(row, (), table)
    return bool(verdict.topics) and not verdict.spam.is_spam
