"""Links of news search engines, which lead to themselves: the publisher's own address behind them. PURE.

Google News  news.google.com/rss/articles/<base64>: older ones hold the address as text in a protocol buffer; in newer
             ones it is encrypted and told by a script alone, so they have none
Bing News    bing.com/news/apiclick.aspx?…&url=<address>

An entry without an address behind it is dropped: nobody could be credited for it.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import parse_qs, urlsplit

_GOOGLE_PATH = re.compile(r"/(?:rss/|__i/rss/rd/)?articles/([\w-]{20,2000})")
_ADDRESS = re.compile(rb"https?://[!-~]{4,2000}")
_SUFFIX = re.compile(r"\s[-–—|]\s")


def find_publisher_url(url: str) -> str:
    """`url` where it is no search engine's; the address behind one that is, "" where none can be read."""
    if "google." not in url and "bing." not in url:
        return url
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if host == "news.google.com":
        return _read_google(parts.path)
    if host == "bing.com" and parts.path.startswith("/news/"):
        return next((found for found in parse_qs(parts.query).get("url", ()) if found.startswith("http")), "")
    return url


def drop_publisher(title: str, publisher: str) -> str:
    """A headline without the publisher's name that a search engine puts behind it."""
    head, separator, tail = _split_last(title)
    return head if separator and publisher and tail.casefold() == publisher.casefold() else title


def _split_last(title: str) -> tuple[str, str, str]:
    found = list(_SUFFIX.finditer(title))
    if not found:
        return title, "", ""
    return title[: found[-1].start()], found[-1][0], title[found[-1].end() :]


def _read_google(path: str) -> str:
    token = _GOOGLE_PATH.match(path)
    if token is None:
        return ""
    try:
        held = base64.urlsafe_b64decode(token[1] + "=" * (-len(token[1]) % 4))
    except (binascii.Error, ValueError):
        return ""
    # A field of the message ends where the next one's tag, no printable ASCII, begins.
    found = _ADDRESS.search(held)
    return found[0].decode("ascii") if found else ""
