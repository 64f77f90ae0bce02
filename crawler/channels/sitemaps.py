"""Sitemaps, news sitemaps, indexes (sitemaps.org, Google's news extension) and plain lists of addresses."""

from __future__ import annotations

import re

from lxml import etree

from aggregator.models import ArticleLink, ChannelPage
from crawler.bounds import MAX_XML_TAGS, MAX_XML_VALUES, cut_marks
from crawler.channels.errors import ChannelError, describe_broken_xml
from crawler.channels.links import LIMITS, resolve, to_plain

MAX_ENTRIES = 50_000  # what the protocol allows in one file
_START = re.compile(rb"<\?xml|<(?:\w{1,20}:)?(?:urlset|sitemapindex)", re.IGNORECASE)


def parse_sitemap(body: bytes, url: str) -> ChannelPage:
    """The entries of a sitemap in UTF-8 as links, those of an index as `sitemaps`. Raises ChannelError."""
    body = cut_marks(cut_marks(body, b"<", MAX_XML_TAGS), b"=", MAX_XML_VALUES)
    start = _START.search(body[:4096])
    if start is None:
        return _read_list(body, url)
    parser = etree.XMLParser(
        encoding="utf-8", recover=True, resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    try:
        root: etree._Element | None = etree.fromstring(body[start.start() :], parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        _check_memory(parser)
        line = error.lineno if isinstance(error, etree.XMLSyntaxError) else 0
        raise ChannelError(f"not a sitemap: {describe_broken_xml(line)}") from error
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        raise ChannelError("not a sitemap")
    entries = [_read_entry(child, url) for child in root[:MAX_ENTRIES] if isinstance(child.tag, str)]
    links = tuple(entry for entry in entries if entry.url)
    _check_memory(parser)
    errors = list(parser.error_log)
    fault = describe_broken_xml(errors[0].line) if errors else ""
    if fault and not links:
        raise ChannelError(f"broken sitemap: {fault}")
    if _name(root) == "sitemapindex":
        return ChannelPage(sitemaps=links, fault=fault)
    return ChannelPage(links=links, fault=fault)


def _check_memory(parser: etree.XMLParser) -> None:
    """Raises MemoryError where that was the matter: with more of it the sitemap may be whole."""
    if any(error.type == etree.ErrorTypes.ERR_NO_MEMORY for error in parser.error_log):
        raise MemoryError


def _read_list(body: bytes, url: str) -> ChannelPage:
    """A text file with an address a line, which the protocol allows too."""
    lines = body.decode("utf-8", "replace").split("\n", MAX_ENTRIES)[:MAX_ENTRIES]
    links = [resolve(line, url) for line in lines if line.startswith(("http://", "https://"))]
    if not links:
        raise ChannelError("not a sitemap")
    return ChannelPage(links=tuple(ArticleLink(url=link) for link in links if link))


def _read_entry(entry: etree._Element, url: str) -> ArticleLink:
    said: dict[str, str] = {}
    for element in entry.iter():
        if isinstance(element.tag, str) and element.text and (text := element.text.strip()):
            parent = element.getparent()
            inside = _name(parent) if parent is not None else ""
            said.setdefault(f"{inside}:{_name(element)}" if inside in ("image", "video") else _name(element), text)
    keywords = to_plain(said.get("keywords", ""), 1_000)
    return ArticleLink(
        url=resolve(said.get("loc", ""), url),
        title=to_plain(said.get("title", ""), LIMITS["title"]),
        published_raw=said.get("publication_date", "")[:100],
        modified_raw=said.get("lastmod", "")[:100],
        tags=tuple(tag.strip() for tag in keywords.split(",") if tag.strip())[:30],
        image=resolve(said.get("image:loc", ""), url),
    )


def _name(element: etree._Element) -> str:
    """The local name in lower case; a prefix that nothing declares is not part of it."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()
