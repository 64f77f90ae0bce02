"""JSON Feed 1.1 (jsonfeed.org)."""

from __future__ import annotations

from typing import Any

from aggregator.models import ChannelPage
from crawler.channels.cleaning import clean_feed
from crawler.channels.errors import ChannelError
from crawler.channels.jsons import load_json
from crawler.channels.links import MAX_LINKS
from crawler.channels.raw import RawEntry, RawFeed


def parse_json_feed(body: bytes, url: str) -> ChannelPage:
    """The items of a JSON Feed. Raises ChannelError."""
    feed = load_json(body)
    listed = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(listed, list):
        raise ChannelError("broken JSON Feed: it has no list of items")
    items = [item for item in listed if isinstance(item, dict)][:MAX_LINKS]
    return clean_feed(RawFeed(entries=tuple(map(_read_item, items)), title=_text(feed, "title")), url)


def _read_item(item: dict[str, Any]) -> RawEntry:
    authors, tags = item.get("authors"), item.get("tags")
    people = authors if isinstance(authors, list) else [item.get("author")]  # version 1.0 had one
    return RawEntry(
        link=_text(item, "url"),
        title=_text(item, "title"),
        published=_text(item, "date_published"),
        updated=_text(item, "date_modified"),
        authors=tuple(filter(None, (_text(person, "name") for person in people))),
        summary=_text(item, "summary"),
        content=_text(item, "content_html"),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        guid=_text(item, "id"),
        media=((_text(item, "image"), "image"),),
    )


def _text(holder: Any, name: str) -> str:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, str) else ""
