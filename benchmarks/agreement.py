"""B4: whether `parse_channel` says of a well-formed feed what feedparser says: addresses, titles, guids, dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import feedparser

from aggregator.urls import make_url_key
from benchmarks.material import NOW
from crawler.channels import parse_channel
from crawler.dates import parse_date

ZONE = "Asia/Jakarta"
_TAG = re.compile(r"<[^>]*>")


def fold(text: str) -> str:
    """A title as people read it: feeds write markup and references in many ways."""
    return " ".join(unescape(_TAG.sub("", unescape(text))).split())


def list_entries(body: bytes) -> list[tuple[Any, ...]] | None:
    """What feedparser says; None where it complains of the feed."""
    feed = feedparser.parse(BytesIO(body))
    if feed.bozo or not feed.entries:
        return None
    return sorted(
        (
            make_url_key(entry.get("link", "")),
            fold(entry.get("title", "")),
            entry.get("id") or "",
            read_date(entry.get("published") or entry.get("updated") or ""),
        )
        for entry in feed.entries
    )


def read_date(raw: str) -> str:
    found = parse_date(raw, zone=ZONE, now=NOW) if raw else None
    return found.at.isoformat() if found else ""


def list_links(body: bytes, url: str) -> list[tuple[Any, ...]]:
    """What ours says."""
    return sorted(
        (make_url_key(link.url), fold(link.title), link.guid, read_date(link.published_raw))
        for link in parse_channel(body, url).links
    )


def compare_feeds(folder: Path, channels: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """How many well-formed feeds there are, and in how many any entry differs."""
    feeds = unequal = 0
    for channel in channels:
        body = (folder / channel["file"]).read_bytes()
        wanted = list_entries(body)
        if wanted is not None:
            feeds += 1
            unequal += list_links(body, channel["url"]) != wanted
    return {"feeds": feeds, "unequal": unequal}
