"""Portals that set traps with what they say of their news: one loopback server, by names under .localhost."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from portals import Answer, LoopbackPortal, make_setup
from warm import run_warm

from schedules.cycle import CycleSummary

NOW = datetime.now(UTC).replace(microsecond=0)
RSS = "application/rss+xml"
_WORDS = re.findall(
    r"\w+",
    "layanan warga jalan air listrik taman pasar sekolah puskesmas terminal pajak izin dana rapat dinas camat lurah"
    " banjir sampah parkir",
)


def write_text(name: str) -> str:
    """On topic, and unlike that of any other name."""
    words = " ".join(_WORDS[byte % len(_WORDS)] for byte in hashlib.sha256(name.encode()).digest())
    return (
        f"Wali kota menghadiri Rapat Kerja Nasional APEKSI di Surabaya tentang {name}. Forum itu membahas {words}. " * 3
    )


def write_page(title: str, name: str, head: str = "") -> bytes:
    paragraphs = "".join(f"<p>{sentence}.</p>" for sentence in write_text(name).split(". ") if sentence)
    return (
        f"<!doctype html><html><head><title>{escape(title)}</title>{head}</head><body><article><h1>{escape(title)}</h1>"
        f"<div class=entry-content>{paragraphs}</div></article></body></html>"
    ).encode()


def write_item(title: str, link: str, date: str = "", more: str = "") -> str:
    dated = f"<pubDate>{escape(date)}</pubDate>" if date else ""
    return f"<item><title>{escape(title)}</title><link>{escape(link)}</link>{dated}{more}</item>"


def write_feed(items: Iterable[str], head: str = "") -> bytes:
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:atom="http://www.w3.org/2005/Atom" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">'
        f"<channel><title>Kabar</title>{head}{''.join(items)}</channel></rss>"
    ).encode()


class TrapRoom:
    """Sources with a channel each, and the database that cycles over them fill."""

    def __init__(self, portal: LoopbackPortal, folder: Path) -> None:
        self.portal, self.folder = portal, folder
        self._sources: dict[str, tuple[str, str]] = {}

    def base(self, name: str) -> str:
        return f"http://{name}.localhost:{self.portal.port}"

    def enlist(self, name: str, *, kind: str = "feed", path: str = "", domain: str = "") -> str:
        """A source at `name`.localhost; returns the path of its channel."""
        path = path or f"/{name}.xml"
        self._sources[name] = (domain or f"{name}.localhost", f'{{ kind = "{kind}", url = "{self.base(name)}{path}" }}')
        return path

    def put(self, path: str, body: bytes, kind: str = "text/html", status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.portal.answers[path] = Answer(body, status, kind, headers=named)

    def put_article(self, path: str, title: str = "", head: str = "") -> None:
        name = path.strip("/")
        self.put(path, write_page(title or f"APEKSI {name}", name, head))

    def put_feed(self, path: str, items: Iterable[str], head: str = "", **headers: str) -> None:
        self.put(path, write_feed(items, head), RSS, **headers)

    def cycle(self, after: timedelta = timedelta(0), *, due_only: bool = False, **crawl: Any) -> CycleSummary:
        """One cycle so long after NOW; `asked` is then what it asked for, without robots.txt."""
        catalogue = "".join(
            f'[sources.{name}]\nname = "{name}"\ndomain = "{domain}"\nchannels = [{channel}]\n'
            for name, (domain, channel) in self._sources.items()
        )
        before = self.portal.asked.copy()
        summary = run_warm(make_setup(self.folder, catalogue, **crawl), now=NOW + after, due_only=due_only)
        self.asked = {path: count for path, count in (self.portal.asked - before).items() if path != "/robots.txt"}
        return summary

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(self.folder / "data" / "news.db")
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def list_articles(self) -> dict[str, tuple[str, str]]:
        """Address without scheme and port → source, title."""
        rows = self.ask("SELECT url, source_id, title FROM articles")
        return {re.sub(r"^http://|:\d+", "", url): (source, title) for url, source, title in rows}

    def list_polls(self) -> Mapping[str, list[str]]:
        """Source → code or outcome of each poll."""
        rows = self.ask(
            "SELECT c.source_id, coalesce(nullif(p.code, ''), p.outcome) FROM polls AS p"
            " JOIN channels AS c ON c.id = p.channel_id ORDER BY p.id"
        )
        polls: dict[str, list[str]] = {}
        for source, told in rows:
            polls.setdefault(source, []).append(told)
        return polls

    def list_items(self) -> list[tuple[str, ...]]:
        """What subscribers hold fast: guid, address, place."""
        return self.ask(
            "SELECT g.guid, a.url, g.first_published_at FROM duplicate_groups AS g"
            " JOIN articles AS a ON a.id = g.canonical_id ORDER BY g.first_published_at"
        )

    def read_feed(self) -> list[str]:
        """Titles in the published feed, newest first."""
        feed = (self.folder / "data" / "public" / "feed.xml").read_text(encoding="utf-8")
        return re.findall(r"<item>.*?<title>([^<]*)</title>", feed, re.DOTALL)
