"""RSS, RDF, Atom (feedparser) and JSON Feed."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import feedparser

from aggregator.models import ArticleLink, ChannelPage
from crawler.channels.errors import ChannelError
from crawler.channels.links import LIMITS, MAX_LINKS, resolve, to_plain

FULL_TEXT_CHARS = 600  # shorter content is an excerpt by another name
_EXCERPT_END = re.compile(
    r"(?:\[\s?(?:…|\.\.\.|&#8230;|&hellip;)\s?\]|baca selengkapnya|selengkapnya|read more|continue reading"
    r"|appeared first on.{0,200}|…|\.\.\.)\W{0,20}$",
    re.IGNORECASE | re.DOTALL,
)
_PROLOG = re.compile(rb"<\?xml|<rss|<feed|<rdf:RDF", re.IGNORECASE)
_CONTROL = bytes(set(range(32)) - {9, 10, 13})
_PERSON = re.compile(r"^\s*\S+@\S+\s+\((.+)\)\s*$")
_MINUTES = {"hourly": 60, "daily": 1440, "weekly": 10_080, "monthly": 43_200, "yearly": 525_600}


def parse_feed(body: bytes, url: str, content_type: str = "") -> ChannelPage:
    """The entries of a feed. Raises ChannelError when it is none.

    feedparser gets bytes in a BytesIO, never text or an address: it opens files and URLs named in those. Its cleaning
    passes are off, for ingest cleans once. Dates stay as written, since it reads WIB as UTC.
    """
    start = _PROLOG.search(body[:4096])
    if start is None:
        raise ChannelError("not a feed")
    body = body[start.start() :].translate(None, _CONTROL)
    headers = {"content-type": content_type} if content_type else {}
    try:
        feed = feedparser.parse(
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:  # feedparser raises whatever its many parsers raise
        raise ChannelError(f"unreadable feed: {error!r}") from error
    if not feed.get("version") and not feed.entries:
        raise ChannelError(f"not a feed: {feed.get('bozo_exception', 'no entries')}")
    entries = [_read_entry(entry, url) for entry in feed.entries[:MAX_LINKS]]
    return ChannelPage(
        links=tuple(link for link in entries if link.url),
        title=to_plain(feed.feed.get("title", ""), 300),
        ttl_minutes=_read_ttl(feed.feed),
        fault=_describe_fault(feed),
    )


def parse_json_feed(body: bytes, url: str) -> ChannelPage:
    """JSON Feed 1.1. Raises ChannelError."""
    try:
        feed = json.loads(body)
        items = [item for item in feed["items"] if isinstance(item, dict)][:MAX_LINKS]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ChannelError(f"broken JSON Feed: {error!r}"[:200]) from error

    def text(item: dict[str, Any], name: str) -> str:
        value = item.get(name)
        return value if isinstance(value, str) else ""

    links = []
    for item in items:
        authors = item.get("authors")
        first = authors[0] if isinstance(authors, list) and authors and isinstance(authors[0], dict) else {}
        tags = item.get("tags")
        links.append(
            ArticleLink(
                url=resolve(text(item, "url"), url),
                title=to_plain(text(item, "title"), LIMITS["title"]),
                published_raw=text(item, "date_published")[:100],
                modified_raw=text(item, "date_modified")[:100],
                author=to_plain(text(first, "name"), LIMITS["author"]),
                summary=text(item, "summary")[: LIMITS["summary"]],
                content_html=_choose_full_text(text(item, "content_html"), text(item, "summary")),
                tags=tuple(to_plain(tag, 100) for tag in tags[:30] if isinstance(tag, str))
                if isinstance(tags, list)
                else (),
                guid=text(item, "id")[:500],
                image=resolve(text(item, "image"), url),
            )
        )
    return ChannelPage(links=tuple(link for link in links if link.url), title=to_plain(text(feed, "title"), 300))


def _read_entry(entry: Any, url: str) -> ArticleLink:
    contents = [content.get("value", "") for content in entry.get("content", ()) if isinstance(content, dict)]
    content = max(contents, key=len, default="")
    summary = entry.get("summary", "")
    if summary == content:
        summary = ""  # feedparser repeats the content there
    published = entry.get("published", "") or entry.get("created", "") or entry.get("issued", "")
    updated = entry.get("updated", "")
    return ArticleLink(
        url=resolve(entry.get("link", ""), url),
        title=to_plain(entry.get("title", ""), LIMITS["title"]),
        published_raw=(published or updated)[:100],
        modified_raw=updated[:100] if published and updated != published else "",
        author=_read_author(entry),
        summary=summary[: LIMITS["summary"]],
        content_html=_choose_full_text(content, summary),
        tags=tuple(to_plain(tag.get("term") or "", 100) for tag in entry.get("tags", ())[:30] if tag.get("term")),
        guid=entry.get("id", "")[:500],
        image=_read_image(entry, url),
    )


def _choose_full_text(content: str, summary: str) -> str:
    """The content, where it is clearly the whole text and not an excerpt."""
    plain = to_plain(content, 5_000)
    if len(plain) < FULL_TEXT_CHARS or len(content) <= len(summary):
        return ""
    if _EXCERPT_END.search(to_plain(content[-600:], 600)) and content.lower().count("<p") < 3:
        return ""
    return content[: LIMITS["content"]]


def _read_author(entry: Any) -> str:
    author = entry.get("author", "")[: LIMITS["author"] * 2]
    person = _PERSON.match(author)
    name = to_plain(person[1] if person else author, LIMITS["author"])
    return "" if "@" in name else name


def _read_image(entry: Any, url: str) -> str:
    for medium in (*entry.get("media_content", ()), *entry.get("media_thumbnail", ()), *entry.get("enclosures", ())):
        address = medium.get("url") or medium.get("href") or ""
        kind = medium.get("type") or medium.get("medium") or "image"
        if kind.startswith("image") and address:
            return resolve(address, url)
    return ""


def _read_ttl(channel: Any) -> int | None:
    ttl = str(channel.get("ttl", ""))
    if ttl.isdigit():
        return int(ttl[:6]) or None
    period = _MINUTES.get(str(channel.get("sy_updateperiod", "")).strip().lower())
    frequency = str(channel.get("sy_updatefrequency", "1")).strip()
    return period // max(1, int(frequency[:4])) if period and frequency.isdigit() else None


def _describe_fault(feed: Any) -> str:
    error = feed.get("bozo_exception")
    harmless = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    return " ".join(str(error).split())[:200] if feed.get("bozo") and not isinstance(error, harmless) else ""
