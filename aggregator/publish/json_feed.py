"""Feeds as JSON Feed 1.1. Pure: the same items give the same bytes, whenever and wherever they are rendered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin

from aggregator.models import FeedItem
from aggregator.publish.characters import fit_line, fit_name, fit_text, fit_url
from aggregator.publish.feed_info import GENERATOR, FeedInfo
from aggregator.publish.feed_links import make_neighbours
from aggregator.publish.item_content import make_content
from aggregator.publish.times import format_rfc3339, format_utc
from aggregator.publish.wording import get_wording

VERSION = "https://jsonfeed.org/version/1.1"
EXTENSION = "_kabarkota"


def render_json(items: Sequence[FeedItem], feed: FeedInfo) -> bytes:
    """The feed as UTF-8 JSON, `items` in the order given. What is not known is left out."""
    neighbours = dict(make_neighbours(feed))
    publisher = {"name": fit_name(feed.publisher) or GENERATOR, "url": fit_text(feed.site_url)}
    head = {
        "version": VERSION,
        "title": fit_line(feed.title) or GENERATOR,
        "home_page_url": fit_text(feed.page_url),
        "feed_url": fit_text(feed.self_url),
        "description": fit_line(feed.description),
        "user_comment": get_wording(feed.language)["json_comment"],
        "next_url": fit_text(neighbours.get("next") or neighbours.get("prev-archive") or ""),
        "language": feed.language.value,
        "authors": [_drop_unknown(publisher)],
        "hubs": [{"type": "WebSub", "url": fit_text(hub)} for hub in feed.hubs],
    }
    about = urljoin(feed.site_url, "feeds")
    document = _drop_unknown(head) | {"items": [_make_item(item, feed, about) for item in items]}
    return (json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _make_item(item: FeedItem, feed: FeedInfo, about: str) -> dict[str, Any]:
    content = make_content(item, feed.language)
    source = _drop_unknown({"name": content.source_name, "url": content.source_url})
    return _drop_unknown(
        {
            "id": content.guid,
            "url": content.link,
            "title": content.title,
            "content_html": content.whole or content.summary,
            "summary": content.excerpt,
            "date_published": format_rfc3339(content.published),
            "date_modified": format_utc(item.updated.replace(microsecond=0)),
            "authors": [{"name": content.author}] if content.author else [source] if source else [],
            "tags": [category.term for category in content.categories],
            "language": content.language,
            EXTENSION: {
                "about": about,
                "source": source,
                "topics": [category.term for category in content.categories if category.taxonomy == "topic"],
                "regions": [category.term for category in content.categories if category.taxonomy == "region"],
                "also_at": [_drop_unknown({"name": fit_line(name), "url": fit_url(url)}) for name, url in item.also_at],
                "first_published": format_utc(item.first_published),
            },
        }
    )


def _drop_unknown(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}
