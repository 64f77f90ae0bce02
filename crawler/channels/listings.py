"""Listing pages: index, tag and search pages, by selectors or by themselves.

By selectors, the operator says what an entry is. Without them `headlines` finds the entries; either way `entries` reads
each one and `paging` finds the page after this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from cssselect import SelectorError
from lxml import etree

from aggregator.models import ArticleLink, ChannelPage, Selectors
from aggregator.urls import get_host, get_registrable_domain
from crawler.channels.entries import Entry, read_entry
from crawler.channels.errors import ChannelError
from crawler.channels.headlines import find_entries
from crawler.channels.links import MAX_LINKS, resolve, to_plain
from crawler.channels.paging import find_next
from crawler.extraction.decoding import parse_markup, read_markup

_find_declared = etree.XPath(
    "//link[@rel='canonical']/@href | //meta[@property='og:url']/@content", smart_strings=False
)
NO_SELECTORS = Selectors(item="")


def parse_listing(body: bytes, url: str, selectors: Selectors | None = None) -> ChannelPage:
    """The article links of a listing page, in its order. Raises ChannelError when there are none."""
    root = parse_markup(read_markup(body), deep=False)  # links are looked at with all that is around them
    if root is None:
        raise ChannelError("not an HTML page")
    title = to_plain(root.findtext(".//title") or "", 300)
    base = _find_base(root, url)
    try:
        sites = set(_list_sites(root, url, base))
        entries = _select(root, selectors) if selectors else find_entries(root, url, base, sites)
        links = _read_links(entries, base, selectors or NO_SELECTORS)
        next_page = find_next(root, url, base, sites, selectors.next if selectors else None)
    except SelectorError as error:
        raise ChannelError(f"bad selector: {error}"[:200]) from error
    except etree.XPathError as error:
        raise ChannelError(f"selectors that cannot be followed: {error}"[:200]) from error
    if not links:
        where = f"the page {title[:80]!r}" if title else "the page"
        raise ChannelError(f"no article links on {where}" + (f" match {selectors.item!r}" if selectors else ""))
    return ChannelPage(links=tuple(links), title=title, next_page=next_page)


def _select(root: etree._Element, selectors: Selectors) -> list[Entry]:
    entries = []
    for item in root.cssselect(selectors.item)[:MAX_LINKS]:
        inside = item.cssselect(selectors.link)
        anchor = inside[0] if inside else item
        if anchor.get("href"):
            titles = item.cssselect(selectors.title) if selectors.title else []
            entries.append(Entry(anchor=anchor, block=item, heading=titles[0] if titles else None))
    return entries


def _read_links(entries: list[Entry], base: str, selectors: Selectors) -> list[ArticleLink]:
    links: dict[str, ArticleLink] = {}
    for entry in entries:
        link = read_entry(entry, base, date=selectors.date, author=selectors.author)
        if link.url:
            links.setdefault(link.url.partition("#")[0], link)
    return list(islice(links.values(), MAX_LINKS))


def _find_base(root: etree._Element, url: str) -> str:
    element = root.find(".//base[@href]")
    return (resolve(element.get("href", ""), url) if element is not None else "") or url


def _list_sites(root: etree._Element, url: str, base: str) -> Iterator[str]:
    """The registrable domains that are this site: a copy or an old name of a portal links to its real one."""
    for address in (url, base, *_find_declared(root)[:3]):
        if domain := get_registrable_domain(get_host(address)):
            yield domain
