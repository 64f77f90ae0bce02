"""Sitemaps, news sitemaps and indexes (sitemaps.org, Google's news extension)."""

from __future__ import annotations

from lxml import etree

from aggregator.models import ArticleLink, ChannelPage
from crawler.channels.errors import ChannelError
from crawler.channels.links import LIMITS, resolve, to_plain

MAX_ENTRIES = 50_000  # what the protocol allows in one file


def parse_sitemap(body: bytes, url: str) -> ChannelPage:
    """The entries of a sitemap as links, those of an index as `sitemaps`. Raises ChannelError."""
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    try:
        root = etree.fromstring(body.lstrip(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ChannelError(f"not a sitemap: {error}"[:200]) from error
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        raise ChannelError("not a sitemap")
    entries = [_read_entry(child, url) for child in root[:MAX_ENTRIES] if isinstance(child.tag, str)]
    links = tuple(entry for entry in entries if entry.url)
    fault = parser.error_log[0].message[:200] if len(parser.error_log) else ""  # type: ignore[arg-type,index]
    if _name(root) == "sitemapindex":
        return ChannelPage(sitemaps=links, fault=fault)
    return ChannelPage(links=links, fault=fault)


def _read_entry(entry: etree._Element, url: str) -> ArticleLink:
    said: dict[str, str] = {}
    for element in entry.iter():
        if isinstance(element.tag, str) and element.text:
            parent = element.getparent()
            inside_image = parent is not None and _name(parent) == "image"
            said.setdefault(f"image:{_name(element)}" if inside_image else _name(element), element.text)
    keywords = to_plain(said.get("keywords", ""), 1_000)
    return ArticleLink(
        url=resolve(said.get("loc", ""), url),
        title=to_plain(said.get("title", ""), LIMITS["title"]),
        published_raw=said.get("publication_date", "").strip()[:100],
        modified_raw=said.get("lastmod", "").strip()[:100],
        tags=tuple(tag.strip() for tag in keywords.split(",") if tag.strip())[:30],
        image=resolve(said.get("image:loc", ""), url),
    )


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname.lower()
