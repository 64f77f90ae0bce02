"""The page after this one of a listing."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import chain, islice
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from aggregator.urls import get_host, get_registrable_domain
from crawler.channels.entries import read_text
from crawler.channels.links import resolve, to_plain

MAX_ANCHORS = 5_000
_find_next = etree.XPath(
    "//a[contains(concat(' ', @rel, ' '), ' next ')] | //link[contains(concat(' ', @rel, ' '), ' next ')]"
)
_find_named = etree.XPath(
    "//a[contains(concat(' ', @class, ' '), ' next ')] | //*[contains(concat(' ', @class, ' '), ' next ')]/a"
    " | //*[contains(@class, 'nav-previous')]/a | //a[contains(@class, 'older-link')]"
)
_find_current = etree.XPath(
    "//*[@aria-current='page' or contains(concat(' ', @class, ' '), ' current ')"
    " or contains(concat(' ', @class, ' '), ' active ')]"
)
_WORDS = re.compile(
    r"\W*(?:(?:halaman |laman |berita )?(?:selanjutnya|berikut(?:nya)?|lanjut)|next(?: page)?|older(?: posts| entries)?"
    r"|lebih lama|(?:pos-pos|postingan|posting|tulisan|artikel|berita) (?:lama|sebelumnya|lebih lama)"
    r"|(?:muat|lihat|tampilkan) (?:lebih banyak|lainnya)|load more)\W*",
    re.IGNORECASE,
)
_ARROW = re.compile(r"[›→>]")
_DOUBLE_ARROW = re.compile(r"»|>>")
_PAGE_IN_PATH = re.compile(r"/(?:page|halaman|hal|laman)[/-]?(\d{1,4})(?:/|\.|$)", re.IGNORECASE)
_PAGE_PARAMETERS = ("page", "paged", "halaman", "hal", "laman", "p", "pg")


def find_next(
    root: etree._Element, url: str, base: str, sites: Container[str], selector: str | None = None
) -> str | None:
    """The address of the next page, on one of `sites` (registrable domains), or None.

    Raises the errors of cssselect and lxml for a bad selector.

    In this order: `rel=next`, links called next, links that say so, a single arrow, the number after the current one,
    a double arrow (which on some portals is the last page).
    """
    ways: list[Callable[[], Iterator[etree._Element]]]
    if selector:
        ways = [lambda: iter(root.cssselect(selector))]
    else:
        ways = [
            lambda: iter(_find_next(root)),
            lambda: iter(_find_named(root)),
            lambda: _find_said(root, _WORDS),
            lambda: _find_said(root, _ARROW),
            lambda: _find_number(root, url),
            lambda: _find_said(root, _DOUBLE_ARROW),
        ]
    for way in ways:
        for element in way():
            address = resolve(element.get("href") or "", base)
            if address and "#" not in address and address != url and get_registrable_domain(get_host(address)) in sites:
                return address
    return None


def _find_said(root: etree._Element, wanted: re.Pattern[str]) -> Iterator[etree._Element]:
    for anchor in islice(root.iter("a"), MAX_ANCHORS):
        said = (read_text(anchor, 60), anchor.get("aria-label") or "", anchor.get("title") or "")
        if any(wanted.fullmatch(to_plain(text, 60)) for text in said):
            yield anchor


def _find_number(root: etree._Element, url: str) -> Iterator[etree._Element]:
    """Links that are the number after the current page's."""
    numbers: dict[int, etree._Element] = {}
    for anchor in islice(root.iter("a"), MAX_ANCHORS):
        number = _read_number(anchor)
        if number:
            numbers.setdefault(number, anchor)
    if numbers:
        following = _read_current(root, url, numbers.values()) + 1
        if following in numbers:
            yield numbers[following]


def _read_number(element: etree._Element) -> int:
    text = read_text(element, 20)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0


def _read_current(root: etree._Element, url: str, numbered: Iterable[etree._Element]) -> int:
    """The number that is marked, or that is no link among the links, or that stands in the address; else 1."""
    beside = (element for anchor in islice(numbered, 20) for element in _list_beside(anchor))
    for element in chain(islice(_find_current(root), 200), beside):
        if number := _read_number(element):
            return number
    parts = urlsplit(url)
    for name, value in parse_qsl(parts.query):
        if name.lower() in _PAGE_PARAMETERS and value.isascii() and value.isdigit() and len(value) <= 4:
            return int(value)
    in_path = _PAGE_IN_PATH.search(parts.path)
    return int(in_path[1]) if in_path else 1


def _list_beside(anchor: etree._Element) -> Iterator[etree._Element]:
    """The elements without a link beside a numbered link, or beside the list item that it stands in."""
    parent = anchor.getparent()
    shell = parent if parent is not None and len(parent) == 1 else anchor
    for way in (True, False):
        for sibling in islice(shell.itersiblings(preceding=way), 3):
            if sibling.tag != "a" and sibling.find(".//a") is None:
                yield sibling
