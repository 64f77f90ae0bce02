"""What a home page says about the ways into its site. PURE."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from aggregator.spam import judge_spam
from aggregator.urls import is_same_site
from crawler.channels.links import resolve, to_plain
from crawler.cpu_limit import READING_SECONDS, limit_cpu
from crawler.extraction.decoding import parse_markup, read_markup

FEED_TYPES = frozenset(("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"))
MAX_FEEDS = 6
MAX_NAME = 100
_FEED_PATH = re.compile(r"/(?:feed|rss|atom)(?:[./?]|$)|\.rss$|/rss[./-]", re.IGNORECASE)
_COMMENTS = re.compile(r"comment|komentar", re.IGNORECASE)
_NAME_SEPARATOR = re.compile(r"\s+[|–—•»:-]+\s+|\s*\|\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteHints:
    """What was read from a home page. The addresses are absolute and of the same site."""

    name: str = ""
    generator: str = ""
    language: str = ""
    is_wordpress: bool = False
    is_blogger: bool = False
    feeds: tuple[str, ...] = ()
    is_hijacked: bool = False
    is_page: bool = True  # False: no markup at all


@limit_cpu(READING_SECONDS)
def read_hints(html: bytes, url: str) -> SiteHints:
    """The hints of the home page at `url`."""
    root = parse_markup(read_markup(html))
    if root is None:
        return SiteHints(is_page=False)
    generator = to_plain(_read_meta(root, "generator"), MAX_NAME)
    low = html[:1_000_000].lower()
    is_wordpress = "wordpress" in generator.lower() or b"/wp-content/" in low or b"api.w.org" in low
    title = to_plain("".join(root.xpath("string((//title)[1])")), 300)
    return SiteHints(
        name=_read_name(root, title),
        generator=generator,
        language=_read_language(root),
        is_wordpress=is_wordpress,
        is_blogger="blogger" in generator.lower() or b"/feeds/posts/default" in low,
        feeds=_find_feeds(root, url),
        is_hijacked=judge_spam(title, "", url=url, html=html).is_hijacked,
    )


def _read_name(root: etree._Element, title: str) -> str:
    """The site's own name for itself, else the first part of the window's title."""
    said = _read_meta(root, "og:site_name") or _read_meta(root, "application-name")
    name = to_plain(said, MAX_NAME) or _NAME_SEPARATOR.split(title)[0][:MAX_NAME]
    return " ".join(character for character in name.split() if character.isprintable())


def _read_language(root: etree._Element) -> str:
    found = re.match(r"[a-z]{2,3}", (root.get("lang") or "").strip().lower())
    return {"in": "id"}.get(found[0], found[0]) if found else ""  # "in" is Java's old code for Indonesian


def _read_meta(root: etree._Element, name: str) -> str:
    for element in root.iter("meta"):
        if (element.get("property") or element.get("name") or "").strip().lower() == name:
            return element.get("content") or ""
    return ""


def _find_feeds(root: etree._Element, url: str) -> tuple[str, ...]:
    """Declared feeds first, then links that look like one; comments and other sites left out, shortest path first."""
    declared = [
        resolve(element.get("href") or "", url)
        for element in root.iter("link")
        if "alternate" in (element.get("rel") or "").lower().split()
        and (element.get("type") or "").strip().lower() in FEED_TYPES
        and not _is_of_comments(element, url)
    ]
    linked = [resolve(element.get("href") or "", url) for element in root.iter("a")]
    linked = [
        link for link in linked if _FEED_PATH.search(urlsplit(link).path) and not _COMMENTS.search(urlsplit(link).path)
    ]
    of_site = (link for link in (*_by_depth(declared), *_by_depth(linked)) if link and is_same_site(link, url))
    return tuple(dict.fromkeys(of_site))[:MAX_FEEDS]


def _is_of_comments(element: etree._Element, url: str) -> bool:
    """WordPress declares a second feed; the site itself may be called "Komentar Kita"."""
    path = urlsplit(element.get("href") or "").path if "[" not in (element.get("href") or "") else ""
    return bool(_COMMENTS.search(path)) or (element.get("title") or "").lower().endswith(
        ("comments feed", "umpan komentar")
    )


def _by_depth(links: list[str]) -> list[str]:
    return sorted(links, key=lambda link: urlsplit(link).path.rstrip("/").count("/"))
