"""News as feeds and pages: what a plain portal answers, with room for what a hostile one puts in."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from battery.news import News

RSS = "application/rss+xml; charset=utf-8"
HTML = "text/html; charset=utf-8"
STARTED = datetime.now(UTC) - timedelta(hours=2)


def date_of(news: News) -> datetime:
    """When it was published: within the last hours."""
    return STARTED - timedelta(minutes=7 * news.number)


def write_item(news: News, base: str, **fields: str) -> str:
    """An `<item>`; `fields` (raw XML) stand in place of its title, link, guid, pubDate, description or beside them."""
    link = f"{base}/news/{news.number}"
    parts = {
        "title": html.escape(news.title),
        "link": link,
        "guid": link,
        "pubDate": format_datetime(date_of(news)),
        "description": html.escape(news.paragraphs[0]),
    } | fields
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value) + "</item>"


def write_feed(items: Iterable[str], *, base: str, head: str = "", prolog: str = "") -> bytes:
    """RSS 2.0 with these items; `prolog` stands before it, `head` in the channel."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{prolog}<rss version="2.0"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><title>Kabar</title><link>{base}/</link><description>Berita</description>{head}"
        + "".join(items)
        + "</channel></rss>"
    ).encode()


def write_page(news: News, base: str, **places: str) -> bytes:
    """An article's page. `places`: title, head, before, body, after, author, date (raw HTML; date: ISO 8601)."""
    got: Mapping[str, str] = {
        "title": html.escape(news.title),
        "head": "",
        "before": "",
        "body": news.html,
        "after": "",
        "author": "Sari Dewi",
        "date": date_of(news).isoformat(timespec="seconds"),
    } | places
    return (
        f'<!doctype html><html lang="id"><head><meta charset="utf-8"><title>{got["title"]}</title>'
        f'<meta property="article:published_time" content="{got["date"]}">'
        f'<meta name="author" content="{got["author"]}">{got["head"]}</head><body>{got["before"]}'
        f'<article><h1 class="entry-title">{got["title"]}</h1><div class="entry-content">{got["body"]}</div></article>'
        f"{got['after']}</body></html>"
    ).encode("utf-8", "surrogatepass")
