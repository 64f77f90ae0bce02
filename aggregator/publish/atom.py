"""Feeds as Atom 1.0 (RFC 4287). Pure: the same items give the same bytes, whenever and wherever they are rendered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from lxml import etree

from aggregator.models import FeedItem
from aggregator.publish.characters import fit_line, fit_name, fit_url
from aggregator.publish.feed_info import GENERATOR, FeedInfo, Format
from aggregator.publish.feed_links import Link, make_links, name_taxonomy
from aggregator.publish.guids import PREFIX, fit_guid
from aggregator.publish.item_content import ItemContent, make_content
from aggregator.publish.times import format_rfc3339, format_utc
from aggregator.publish.xml_document import add_element, render_xml
from aggregator.urls import canonicalize

ATOM = "http://www.w3.org/2005/Atom"
HISTORY = "http://purl.org/syndication/history/1.0"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)  # of a feed that never had an item: readers doubt what is before 1990


def render_atom(items: Sequence[FeedItem], feed: FeedInfo) -> bytes:
    """The feed as UTF-8 XML, `items` in the order given; `updated` is the newest update among them."""
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM} | ({"fh": HISTORY} if feed.is_archive else {}))
    root.set(_LANGUAGE, feed.language)
    updates = list(_spread_updates(items))
    _add_head(root, feed, updated=max(updates, default=feed.began or _FIRST_DAY))
    schemes = {taxonomy: _name_scheme(feed, taxonomy) for taxonomy in ("topic", "region")}
    for item, updated in zip(items, updates, strict=True):
        _add_entry(_add(root, "entry"), item, feed, schemes, updated)
    return render_xml(root, feed.style_url)


def _spread_updates(items: Sequence[FeedItem]) -> Iterator[datetime]:
    """When each was updated, no two at once: programs take entries of the same moment for the same entry.

    We know it to the second. The fraction comes from the guid, so that it stays the same in every document, whatever
    else stands there; only the rare two that agree even in that are set apart.
    """
    taken = set()
    for item in items:
        fraction = int.from_bytes(hashlib.blake2b(item.guid.encode("utf-8", "surrogatepass"), digest_size=8).digest())
        updated = item.updated.replace(microsecond=fraction % 1_000_000)
        while updated in taken:
            updated += timedelta(microseconds=1)
        taken.add(updated)
        yield updated


def _add_head(root: etree._Element, feed: FeedInfo, *, updated: datetime) -> None:
    title = fit_line(feed.title) or GENERATOR
    _add(root, "id", fit_guid(feed.id))
    _add(root, "title", title)
    _add(root, "subtitle", fit_line(feed.description) or title)
    _add(root, "updated", format_utc(updated))
    _add(_add(root, "author"), "name", fit_name(feed.publisher) or GENERATOR)
    _add(root, "generator", GENERATOR)
    for link in (Link("alternate", feed.page_url, "text/html"), *make_links(feed, Format.ATOM)):
        _add_link(root, link)
    if feed.is_archive:
        add_element(root, f"{{{HISTORY}}}archive")


def _add_entry(
    entry: etree._Element, item: FeedItem, feed: FeedInfo, schemes: dict[str, str], updated: datetime
) -> None:
    content = make_content(item, feed.language)
    if content.language and content.language != feed.language:
        entry.set(_LANGUAGE, content.language)
    _add(entry, "id", content.guid)
    _add(entry, "title", content.title)
    if content.link:
        _add_link(entry, Link("alternate", content.link, "text/html"))
    published = format_rfc3339(content.published)
    _add(entry, "published", published)
    _add(entry, "updated", format_utc(updated))
    # Without persons it is the portal's: else readers would name the author of the feed, which is us.
    if name := content.author or content.source_name:
        _add(_add(entry, "author"), "name", name)
    for taxonomy, term, label in content.categories:
        _add(entry, "category", term=term, scheme=schemes[taxonomy], label=label)
    _add_source(entry, content, published)
    _add(entry, "summary", content.summary, type="html")
    if content.whole or not content.link:  # an entry that leads nowhere has to hold its content
        _add(entry, "content", content.whole or content.summary, type="html")


def _add_source(entry: etree._Element, content: ItemContent, published: str) -> None:
    """The portal, as RFC 4287, 4.2.11, credits where an entry was taken from."""
    identity = _identify_source(content.source_url)
    if not (identity and content.source_name):
        return
    source = _add(entry, "source")
    _add(source, "id", identity)
    _add(source, "title", content.source_name)
    _add(source, "updated", published)
    _add_link(source, Link("alternate", content.source_url, "text/html"))


@lru_cache(maxsize=4096)
def _identify_source(url: str) -> str:
    """The normal form of a portal's address, as an Atom id has to be; "" where there is none."""
    identity = canonicalize(url)
    return identity if fit_url(identity) == identity else ""


def _add_link(parent: etree._Element, link: Link) -> None:
    _add(parent, "link", rel=link.rel, href=link.href, **({"type": link.type} if link.type else {}))


def _name_scheme(feed: FeedInfo, taxonomy: str) -> str:
    """Atom wants it absolute: a tag URI stands in while the site has no address."""
    address = name_taxonomy(feed, taxonomy)
    return address if "://" in address else f"{PREFIX}{taxonomy}"


def _add(parent: etree._Element, name: str, text: str = "", /, **attributes: str) -> etree._Element:
    return add_element(parent, f"{{{ATOM}}}{name}", text, **attributes)
