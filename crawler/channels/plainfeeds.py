"""Well-formed RSS 2.0 and Atom by lxml, which is what almost every portal sends: twenty times faster than feedparser.

Anything out of the ordinary (a DOCTYPE, xml:base, markup where text belongs, no entry) is left to feedparser.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lxml import etree

from crawler.bounds import MAX_XML_TAGS, MAX_XML_VALUES
from crawler.channels.links import MAX_LINKS
from crawler.channels.raw import RawEntry, RawFeed

_ODD = (b"<!DOCTYPE", b"<!doctype", b"<!ENTITY", b"xml:base")
_DC = "{http://purl.org/dc/elements/1.1/}"
_ATOM = "{http://www.w3.org/2005/Atom}"
_SYNDICATION = "{http://purl.org/rss/1.0/modules/syndication/}"
_MEDIA = ("{http://search.yahoo.com/mrss/}", "{http://search.yahoo.com/mrss}")
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_TEXTS = frozenset(
    (
        *("title", "link", "description", "guid", "pubDate", "author", "category", "source", _CONTENT),
        *(f"{_DC}creator", f"{_DC}date", f"{_DC}subject", f"{_ATOM}updated"),
    )
)
_MEDIA_TAGS = frozenset(
    ("enclosure", *(f"{space}{name}" for space in _MEDIA for name in ("content", "thumbnail")))
)  # their address is in an attribute
# Of Atom, texts of an entry that stand there once, as text or as escaped HTML.
_ATOM_TEXTS = {f"{_ATOM}{name}": name for name in ("id", "title", "published", "updated", "summary", "content")}
_ATOM_TYPES = frozenset(("text", "html", "text/plain", "text/html"))
_PAGE_TYPES = frozenset(("text/html", "html", "application/xhtml+xml", "xhtml"))


def read_plain_feed(body: bytes) -> RawFeed | None:
    """The feed in a body in UTF-8, or None where feedparser should read it."""
    if any(mark in body for mark in _ODD):
        return None
    if body.count(b"<") > MAX_XML_TAGS or body.count(b"=") > MAX_XML_VALUES:
        return None
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.tag == f"{_ATOM}feed":
        return _read_feed(root, map(_read_entry, root.findall(f"{_ATOM}entry")[:MAX_LINKS]), f"{_ATOM}title")
    channel = root.find("channel") if root.tag == "rss" else None
    if channel is None:
        return None
    return _read_feed(channel, map(_read_item, channel.findall("item")[:MAX_LINKS]), "title")


def _read_feed(holder: etree._Element, entries: Iterable[RawEntry | None], title: str) -> RawFeed | None:
    read: list[RawEntry] = []
    for entry in entries:
        if entry is None:
            return None
        read.append(entry)
    if not read:
        return None
    return RawFeed(
        entries=tuple(read),
        title=holder.findtext(title) or "",
        ttl=(holder.findtext("ttl") or "").strip(),
        period=(holder.findtext(f"{_SYNDICATION}updatePeriod") or "").strip(),
        frequency=(holder.findtext(f"{_SYNDICATION}updateFrequency") or "").strip(),
    )


def _read_item(item: etree._Element) -> RawEntry | None:
    said: defaultdict[str, list[str]] = defaultdict(list)
    media: defaultdict[bool, list[tuple[str, str]]] = defaultdict(list)  # by whether it is an enclosure
    for element in item.iter():
        tag = str(element.tag)
        if tag in _TEXTS and element.getparent() is item:
            if len(element):
                return None  # markup that should have been escaped
            if text := (element.text or "").strip():
                said[tag].append(text)
        elif tag in _MEDIA_TAGS:
            kind = element.get("type") or element.get("medium") or ""
            media[tag == "enclosure"].append((element.get("url", ""), kind))

    def first(*tags: str) -> str:
        return next((said[tag][0] for tag in tags if said[tag]), "")

    link = first("link") or _find_link(item, first("guid"))
    return RawEntry(
        link=link,
        title=first("title"),
        published=first("pubDate"),
        updated=first(f"{_ATOM}updated", f"{_DC}date"),
        authors=tuple(said[f"{_DC}creator"] or said["author"]),
        summary=first("description"),
        content=max(said[_CONTENT], key=len, default=""),
        tags=(*said["category"], *said[f"{_DC}subject"]),
        guid=first("guid"),
        publisher=first("source"),
        media=(*media[False], *media[True]),
    )


def _find_link(item: etree._Element, guid: str) -> str:
    """The address of an item without `link`: its Atom link, or a guid that is a permalink (RSS 2.0's default)."""
    for element in item.findall(f"{_ATOM}link"):
        if element.get("rel", "alternate") == "alternate" and element.get("href"):
            return element.get("href", "")
    said = item.find("guid")
    is_permalink = said is not None and said.get("isPermaLink", "true") != "false"
    return guid if is_permalink else ""


def _read_entry(entry: etree._Element) -> RawEntry | None:
    said: dict[str, str] = {}
    link, names, tags = "", [], []
    enclosures: list[tuple[str, str]] = []
    for element in entry:
        tag = str(element.tag)
        if name := _ATOM_TEXTS.get(tag):
            if name in said or len(element) or element.get("type", "text") not in _ATOM_TYPES or element.get("src"):
                return None
            said[name] = (element.text or "").strip()
        elif tag == f"{_ATOM}link":
            rel, kind, address = element.get("rel", "alternate"), element.get("type", ""), element.get("href", "")
            if rel == "enclosure":
                enclosures.append((address, kind))
            elif rel == "alternate" and (kind or "html") in _PAGE_TYPES and address:
                link = address
        elif tag == f"{_ATOM}author":
            name = (element.findtext(f"{_ATOM}name") or "").strip()
            if not name and len(element):
                return None  # an address of mail alone
            names.append(name)
        elif tag == f"{_ATOM}category":
            tags.append(element.get("term", ""))
        elif tag == f"{_ATOM}source" or tag.startswith(_DC):
            return None
    media = [
        (element.get("url", ""), element.get("type") or element.get("medium") or "")
        for element in entry.iter(*_MEDIA_TAGS)
    ]
    content = said.get("content", "")
    return RawEntry(
        link=link or said.get("id", ""),
        title=said.get("title", ""),
        published=said.get("published", ""),
        updated=said.get("updated", ""),
        authors=tuple(filter(None, names)),
        summary=said.get("summary", content),
        content=content,
        tags=tuple(filter(None, tags)),
        guid=said.get("id", ""),
        media=(*media, *enclosures),
    )
