"""What all kinds of channels do to a link: absolute, http(s), of sane length, its texts plain and bounded."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from crawler.characters import drop_unsafe, unescape

MAX_URL = 2_000
MAX_LINKS = 2_000
LIMITS = {"title": 1_000, "author": 300, "summary": 20_000, "content": 500_000}
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")


def resolve(url: str, base: str) -> str:
    """The absolute http(s) address, or "" for what is none."""
    url = url.strip()
    if not url or len(url) > MAX_URL:
        return ""
    is_plain = url.startswith(("https://", "http://")) and url.isprintable()
    try:
        absolute = url if is_plain else drop_unsafe(urljoin(base, url))  # joining is half of what a sitemap costs
        parts = urlsplit(absolute)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    return absolute if usable and len(absolute) <= MAX_URL else ""


def to_plain(text: str, limit: int) -> str:
    """Text without tags and entities (portals escape twice), white space collapsed, cut at `limit` characters."""
    cut = unescape(text[: limit * 4])
    if "<" in cut:
        cut = unescape(_TAG.sub(" ", cut))
    elif "&" in cut:
        cut = unescape(cut)
    return " ".join(cut.split())[:limit]
