"""Reading channels: bytes in, links out. PURE.

feeds  sitemaps  wordpress  listings      one module for each kind; `parse_channel` chooses by kind, or sniffs
"""

from __future__ import annotations

import gzip
import io
import re
import zlib

from aggregator.models import ChannelKind, ChannelPage, Selectors
from crawler.channels.errors import ChannelError
from crawler.channels.feeds import parse_feed, parse_json_feed
from crawler.channels.listings import parse_listing
from crawler.channels.sitemaps import parse_sitemap
from crawler.channels.wordpress import parse_posts

__all__ = ["ChannelError", "parse_channel"]

MAX_UNPACKED = 20 * 1024 * 1024
_ROOT = re.compile(rb"<(?![?!])(?:\w+:)?(\w+)")
_FEED_ROOTS = {b"rss", b"feed", b"rdf"}
_SITEMAP_ROOTS = {b"urlset", b"sitemapindex"}


def parse_channel(
    body: bytes,
    url: str,
    content_type: str = "",
    *,
    kind: ChannelKind | None = None,
    selectors: Selectors | None = None,
) -> ChannelPage:
    """The links of a feed, sitemap, WordPress REST answer or listing page that was read from `url`.

    Without `kind` the body's beginning decides. Raises ChannelError when nothing of the kind can be read; a body that
    is broken in part gives what can be read and says so in `fault`.
    """
    body = _unpack(body)
    head = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise ChannelError("empty body")
    looks = _sniff(head)
    if kind in (None, ChannelKind.FEED, ChannelKind.WORDPRESS) and head[:1] in b"{[":
        return parse_json_feed(body, url) if b"jsonfeed.org" in head else parse_posts(body, url)
    if kind is ChannelKind.FEED or kind is ChannelKind.WORDPRESS or (kind is None and looks == "feed"):
        if looks == "html":
            raise ChannelError("HTML page instead of a feed")
        return parse_feed(body, url, content_type)
    if kind is ChannelKind.SITEMAP or (kind is None and looks == "sitemap"):
        if looks == "html":
            raise ChannelError("HTML page instead of a sitemap")
        return parse_sitemap(body, url)
    return parse_listing(body, url, selectors)


def _sniff(head: bytes) -> str:
    for match in _ROOT.finditer(head):
        root = match[1].lower()
        if root in _FEED_ROOTS:
            return "feed"
        if root in _SITEMAP_ROOTS:
            return "sitemap"
        return "html" if root in (b"html", b"head", b"body", b"div", b"meta", b"script") else "other"
    return "html" if head[:9].lower() == b"<!doctype" else "other"


def _unpack(body: bytes) -> bytes:
    """Gunzips a body that is gzip itself (`sitemap.xml.gz`). Raises ChannelError on a bomb or a broken file."""
    if body[:2] != b"\x1f\x8b":
        return body
    try:
        with gzip.open(io.BytesIO(body)) as packed:
            unpacked = packed.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ChannelError(f"broken gzip: {error}") from error
    if len(unpacked) > MAX_UNPACKED:
        raise ChannelError("gzip holds more than 20 MiB")
    return unpacked
