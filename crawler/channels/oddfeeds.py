"""Feeds of every version, and broken ones, by feedparser: it reads what nobody else can."""

from __future__ import annotations

import io
import re
from typing import Any

import feedparser

from crawler.bounds import cut_marks
from crawler.channels.errors import ChannelError, describe_broken_xml
from crawler.channels.links import MAX_LINKS
from crawler.channels.raw import RawEntry, RawFeed
from crawler.extraction.decoding import cut_long_tags

# What feedparser needs 1 s for, each; the rest is left out. 500 full-text entries have half as much.
MOST_MARKS = (
    *((b"<", 30_000), (b"&", 300_000), (b"=", 200_000)),
    *((b"\n", 300_000), (b"\r", 300_000), (b"]]", 100_000)),  # each is a piece of text of its own to expat
)
LONGEST_NAME = 1_000  # bytes: feedparser needs the square of it for the address in an author, and for keywords
TAIL_BYTES = 64 * 1024  # scripts of advertisers may follow the end
_ENTRY_END = re.compile(rb"</(?:\w{1,20}:)?(?:item|entry)\s{0,10}>", re.IGNORECASE)
_ENTRY_START = re.compile(rb"<(?:\w{1,20}:)?(?:item|entry)[\s>]", re.IGNORECASE)
_ROOT_END = re.compile(rb"</(?:\w{1,20}:)?(?:rss|feed|rdf)\s{0,10}>", re.IGNORECASE)
_LONG_NAME = re.compile(
    rb"(<(?:[\w.-]{1,20}:)?(?:author|creator|managingEditor|webMaster|publisher|contributor|owner|name|email"
    rb"|category|keywords|subject|tags)\b[^<>]{0,500}>\s{0,20}(?:<!\[CDATA\[)?[^<\]]{%d})[^<\]]++" % LONGEST_NAME,
    re.IGNORECASE,
)
# The body is in UTF-8 whatever its declaration says; RFC 7303, 3.2 puts the header above it.
_HEADERS = {"content-type": "application/xml; charset=utf-8"}


def read_any_feed(body: bytes) -> RawFeed:
    """The feed in a body in UTF-8. Raises ChannelError when it is none, or cut off within its first entry.

    feedparser gets bytes in a BytesIO, never text or an address: it opens files and URLs named in those. Its cleaning
    passes are off, for ingest cleans once. A monstrous feed is read as far as that can be afforded.
    """
    bounded = body
    for mark, most in MOST_MARKS:
        bounded = cut_marks(bounded, mark, most)
    whole = cut_to_whole_entries(bounded)
    fault = "the feed is cut off" if whole != bounded else ""
    if bounded is not body:
        fault = "the parser left out the end of a monstrous feed"
    try:
        feed = feedparser.parse(
            io.BytesIO(_LONG_NAME.sub(rb"\1", cut_long_tags(whole))),
            response_headers=_HEADERS,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except MemoryError:
        raise
    except Exception as error:  # feedparser raises whatever its many parsers raise
        raise ChannelError("unreadable feed: the parser for odd ones failed at it") from error
    if not feed.get("version") and not feed.entries:
        raise ChannelError(f"not a feed: {_describe_fault(feed) or 'no entries'}")
    if fault and not feed.entries:
        raise ChannelError("the feed is cut off before the end of its first entry")
    return RawFeed(
        entries=tuple(map(_read_entry, feed.entries[:MAX_LINKS])),
        title=_text(feed.feed, "title"),
        ttl=_text(feed.feed, "ttl"),
        period=_text(feed.feed, "sy_updateperiod").strip(),
        frequency=_text(feed.feed, "sy_updatefrequency").strip(),
        fault=fault or _describe_fault(feed),
    )


def cut_to_whole_entries(body: bytes) -> bytes:
    """The body up to its last whole entry, where its end is missing: half a text must not pass for the full one."""
    if _ROOT_END.search(body, max(0, len(body) - TAIL_BYTES)):
        return body
    ends = [match.end() for match in _ENTRY_END.finditer(body)]
    if ends:
        return body[: ends[-1]]
    start = _ENTRY_START.search(body)
    return body[: start.start()] if start else body


def _read_entry(entry: Any) -> RawEntry:
    contents = [content.get("value") or "" for content in entry.get("content", ()) if isinstance(content, dict)]
    media = (*entry.get("media_content", ()), *entry.get("media_thumbnail", ()), *entry.get("enclosures", ()))
    return RawEntry(
        link=_text(entry, "link"),
        title=_text(entry, "title"),
        published=_text(entry, "published") or _text(entry, "created"),
        updated=dict.get(entry, "updated") or "",  # feedparser's own `get` answers with the publication
        authors=_list_authors(entry),
        summary=_text(entry, "summary"),
        content=max(contents, key=len, default=""),
        tags=tuple(filter(None, (tag.get("term") for tag in entry.get("tags", ())))),
        guid=_text(entry, "id"),
        publisher=_text(entry.get("source") or {}, "title"),
        media=tuple(
            (medium.get("url") or medium.get("href") or "", medium.get("type") or medium.get("medium") or "")
            for medium in media
        ),
    )


def _list_authors(entry: Any) -> tuple[str, ...]:
    """All names; of an RSS author ("mail (name)") the whole, since feedparser knows top-level domains of 1998 only.

    What Atom says apart, feedparser says as "name (mail)", too.
    """
    said, authors = _text(entry, "author"), entry.get("authors", ())
    is_apart = any(said == f"{author.get('name')} ({author.get('email')})" for author in authors)
    if "@" in said and not is_apart:
        return (said,)
    return tuple(filter(None, (author.get("name") for author in authors))) or (said,)


def _text(holder: Any, name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _describe_fault(feed: Any) -> str:
    error = feed.get("bozo_exception")
    harmless = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    if not feed.get("bozo") or isinstance(error, harmless):
        return ""
    get_line = getattr(error, "getLineNumber", None)  # expat's errors have it
    return describe_broken_xml(get_line() if get_line else 0)
