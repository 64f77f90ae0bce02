"""What is measured on: pages, channels and dates, as files that both sides of a contest read.

    FOLDER/index.json       pages: [{file, url, title, summary, published, text}], channels: [{file, url}], dates: [{…}]
    FOLDER/pages/*.html     FOLDER/channels/*

The development data (real pages) where they are at hand, else what the sample portals publish.
"""

from __future__ import annotations

import csv
import gzip
import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

from schedules.demo.channels import CHANNELS
from schedules.demo.dialects import write_date
from schedules.demo.pages import render_post
from schedules.demo.posts import Edition, make_editions

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # of the sample portals, so that every run measures the same bytes
SAMPLE_PORT = 80
PAGE_SETS = ("id-dev", "aeb-dev", "wcxb-dev")
MAX_PAGE_BYTES = 600 * 1024  # a handful of development pages are larger: one would outweigh fifty others
SUMMARY_WORDS = 40  # as WordPress cuts excerpts
_TITLE = re.compile(rb"<title[^>]*>([^<]+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Page:
    """A saved article page; title and summary are what its portal's feed says, `text` is what stands in its label."""

    url: str
    title: str
    summary: str
    published: str  # ISO 8601
    text: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A saved feed."""

    url: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class DateText:
    """A date as a portal prints it; `zone` and `now` (ISO 8601) are what a reader must know."""

    raw: str
    zone: str
    now: str


@dataclass(frozen=True, kw_only=True)
class Material:
    """All of it. `name`: development or sample."""

    name: str
    pages: tuple[Page, ...]
    channels: tuple[Channel, ...]
    dates: tuple[DateText, ...]


def load_material(development: Path | None) -> Material:
    """The development data in this folder, completed by the sample portals' feeds; without a folder, all samples."""
    editions = list(make_editions(NOW, SAMPLE_PORT).values())
    feeds = tuple(_list_sample_feeds(editions))
    if development is None:
        return Material(
            name="sample",
            pages=_shuffle(_list_sample_pages(editions)),
            channels=feeds,
            dates=tuple(_list_sample_dates(editions)),
        )
    return Material(
        name="development",
        pages=tuple(_read_pages(development / "extraction")),
        channels=(*_read_feeds(development / "channels"), *feeds),
        dates=tuple(_read_dates(development / "dates.tsv")),
    )


def write_material(material: Material, folder: Path) -> None:
    """Writes the files described above."""
    index: dict[str, Any] = {"dates": [asdict(date) for date in material.dates]}
    kinds: dict[str, Sequence[Page | Channel]] = {"pages": material.pages, "channels": material.channels}
    for kind, things in kinds.items():
        (folder / kind).mkdir(parents=True)
        index[kind] = []
        for number, thing in enumerate(things):
            facts = asdict(thing)
            file = folder / kind / str(number)
            file.write_bytes(facts.pop("body"))
            index[kind].append(facts | {"file": f"{kind}/{number}"})
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")


def read_index(folder: Path) -> dict[str, Any]:
    index: dict[str, Any] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return index


def _shuffle(pages: Iterable[Page]) -> tuple[Page, ...]:
    """Always the same order, in which any first few pages are a fair sample."""
    return tuple(sorted(pages, key=lambda page: crc32(page.url.encode())))


# ── development data ───────────────────────────────────────────────────────────────────────────────────────────────


def _read_pages(folder: Path) -> Iterator[Page]:
    """The Indonesian pages, then the others mixed."""
    home, *others = ([*_read_set(folder / name)] for name in PAGE_SETS)
    yield from _shuffle(home)
    yield from _shuffle(chain.from_iterable(others))


def _read_set(folder: Path) -> Iterator[Page]:
    gold = json.loads((folder / "gold.json").read_text(encoding="utf-8"))
    for key, facts in sorted(gold.items()):
        body = gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())
        if len(body) <= MAX_PAGE_BYTES:
            yield Page(
                url=facts.get("url") or f"https://portal.example/{key}",
                title=facts.get("title") or _read_title(body) or key,
                summary=" ".join((facts.get("body") or "").split()[:SUMMARY_WORDS]),
                published=(NOW - timedelta(minutes=crc32(key.encode()) % 4000)).isoformat(),
                text=facts.get("body") or "",
                body=body,
            )


def _read_title(body: bytes) -> str:
    found = _TITLE.search(body)
    return " ".join(html.unescape(found[1].decode("utf-8", "replace")).split()) if found else ""


def _read_feeds(folder: Path) -> Iterator[Channel]:
    for file in sorted(folder.glob("*-feed.xml.gz")):
        yield Channel(
            url=f"https://{file.name.partition('-')[0]}.example/feed/", body=gzip.decompress(file.read_bytes())
        )


def _read_dates(file: Path) -> Iterator[DateText]:
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield DateText(raw=row["raw"], zone=row["zone"], now=row["now"])


# ── sample portals ─────────────────────────────────────────────────────────────────────────────────────────────────


def _list_sample_pages(editions: Iterable[Edition]) -> Iterator[Page]:
    for edition in editions:
        for post in edition.posts:
            yield Page(
                url=post.url,
                title=post.headline,
                summary=" ".join(post.paragraphs[0].split()[:SUMMARY_WORDS]),
                published=post.published.isoformat(),
                text="\n".join(post.paragraphs),
                body=render_post(edition, post),
            )


def _list_sample_feeds(editions: Iterable[Edition]) -> Iterator[Channel]:
    """What both sides can read: the portals' RSS and Atom."""
    for edition in editions:
        for path, name in edition.portal.routes.items():
            body = CHANNELS[name](edition, {}).body
            if urlsplit(path).path != "/" and (b"<rss" in body[:500] or b"<feed" in body[:500]):
                yield Channel(url=f"http://{edition.portal.host}{path}", body=body)


def _list_sample_dates(editions: Iterable[Edition]) -> Iterator[DateText]:
    for edition in editions:
        for post in edition.posts:
            raw = write_date(post.published, edition.portal.page_date, NOW)
            yield DateText(raw=raw, zone=str(edition.portal.zone), now=NOW.isoformat())
