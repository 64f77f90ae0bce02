"""A channel's body, whatever it is, into links: what it looks like decides who reads it. PURE."""

from __future__ import annotations

import re
import zlib

from aggregator.models import ChannelKind, ChannelPage, Selectors
from crawler.channels.errors import ChannelError
from crawler.channels.feeds import parse_feed
from crawler.channels.jsonfeeds import parse_json_feed
from crawler.channels.links import to_plain
from crawler.channels.listings import parse_listing
from crawler.channels.sitemaps import parse_sitemap
from crawler.channels.wordpress import parse_posts
from crawler.extraction.decoding import read_utf8

MAX_UNPACKED = 20 * 1024 * 1024
MAX_MEMBERS = 20  # of a gzip file; a whole one has one
SNIFFED_BYTES = 4096
_CONTROLS = bytes(set(range(32)) - {9, 10, 13} | {127})
_ELEMENT = re.compile(rb"<(?![?!])(?:\w{1,20}:)?(\w{1,20})")
# References to what is no character: surrogates (halves of an emoji), controls, what is beyond Unicode. To XML parsers
# one of them spoils the whole channel.
_BAD_REFERENCE = re.compile(
    rb"&#(?:(?=\d)0*+(?:[0-8]|1[124-9]|2\d|3[01]|5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3]|6553[45]"
    rb"|[1-9]\d{6,}+)?(?!\d)|x(?=[0-9a-f])0*+(?:d[89a-f][0-9a-f]{2}|(?:[0-8bcef]|1[0-9a-f]|fff[ef]|[1-9a-f][0-9a-f]{5,}+)?"
    rb"(?![0-9a-f])));?",
    re.IGNORECASE,
)
_FILES = (
    *((b"%PDF", "PDF"), (b"PK\x03\x04", "ZIP"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF")),
    *((b"RIFF", "RIFF"), (b"\x7fELF", "ELF"), (b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"ID3", "MP3")),
)  # how they begin
_NO_CHARACTER = "\ufffd".encode()
_DOCTYPE_HTML = re.compile(rb"\s*<!doctype\s+html", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{1,300})", re.IGNORECASE)
_KIND_OF_ROOT = {
    **dict.fromkeys((b"rss", b"feed", b"rdf"), "feed"),
    **dict.fromkeys((b"urlset", b"sitemapindex"), "sitemap"),
    **dict.fromkeys((b"html", b"head", b"body"), "html"),
}


def parse_channel(
    body: bytes,
    url: str,
    content_type: str = "",
    *,
    kind: ChannelKind | None = None,
    selectors: Selectors | None = None,
) -> ChannelPage:
    """The links of a feed, sitemap, WordPress REST answer or listing page that was read from `url`.

    A body that is plainly a feed, sitemap or JSON is read as one; for the rest `kind` counts, and without it the body
    is taken for a listing. `content_type`, the HTTP header, decides nothing: servers send feeds as text/html and UTF-8
    as ISO-8859-1, and the bytes tell. Raises ChannelError when nothing of the kind can be read; a body that is broken
    in part gives what can be read and says so in `fault`.
    """
    unpacked = _unpack(body)
    if file_type := next((name for magic, name in _FILES if unpacked.startswith(magic)), ""):
        raise ChannelError(f"a file ({file_type}) instead of a {kind.value if kind else 'channel'}")
    body = _BAD_REFERENCE.sub(b"", _to_utf8(unpacked))
    head = body[:SNIFFED_BYTES].lstrip()
    if not head:
        raise ChannelError("empty body")
    looks = _sniff(head)
    if looks == "json":
        return parse_json_feed(body, url) if b"jsonfeed.org" in head else parse_posts(body, url)
    if looks == "feed":
        return parse_feed(body, url)
    if looks == "sitemap" or (kind is ChannelKind.SITEMAP and looks == "other"):
        return parse_sitemap(body, url)
    if kind in (None, ChannelKind.LISTING):
        return parse_listing(body, url, selectors)
    raise ChannelError(f"{_describe(looks, head)} instead of a {kind.value if kind else 'channel'}")


def _sniff(head: bytes) -> str:
    """json, feed, sitemap, html or other. Warnings that PHP prints before the root do not deceive it."""
    if head[:1] in b"{[":
        return "json"
    if _DOCTYPE_HTML.match(head):
        return "html"
    first = ""
    for match in _ELEMENT.finditer(head):
        kind = _KIND_OF_ROOT.get(match[1].lower())
        if kind:
            return kind
        first = first or "html"
    return first or "other"


def _describe(looks: str, head: bytes) -> str:
    element = _ELEMENT.search(head)
    root = element[1].lower() if element else b""
    if root == b"opml":
        return "list of feeds (OPML)"
    if head.startswith(b"<?xml") and root and _KIND_OF_ROOT.get(root) != "html":
        return f"XML of another kind ({root.decode('ascii', 'replace')!r})"
    if not head.startswith(b"<") and _NO_CHARACTER in head[:200]:
        return "binary content"
    if looks != "html":
        return f"unknown content ({to_plain(head[:200].decode('utf-8', 'replace'), 40)!r})"
    title = _TITLE.search(head)
    named = to_plain(title[1].decode("utf-8", "replace"), 80) if title else ""
    return f"HTML page ({named!r})" if named else "HTML page"


def _to_utf8(body: bytes) -> bytes:
    """The body in UTF-8 without control characters. What is valid UTF-8 is UTF-8, whatever it declares."""
    if b"\x00" in body[:200] or not _is_utf8(body):
        return read_utf8(body)
    return body.removeprefix(b"\xef\xbb\xbf").translate(None, _CONTROLS)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _unpack(body: bytes) -> bytes:
    """Gunzips a body that is gzip itself (`sitemap.xml.gz`). Raises ChannelError on a bomb or a broken file."""
    if body[:2] != b"\x1f\x8b":
        return body
    unpacked = b""
    for _ in range(MAX_MEMBERS):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            unpacked += unpacker.decompress(body, MAX_UNPACKED + 1 - len(unpacked))
        except zlib.error as error:
            raise ChannelError(f"broken gzip: {error}") from error
        if len(unpacked) > MAX_UNPACKED:
            raise ChannelError("gzip holds more than 20 MiB")
        if not unpacker.eof:
            raise ChannelError("broken gzip: it ends too early")
        body = unpacker.unused_data
        if body[:2] != b"\x1f\x8b":
            break
    return unpacked
