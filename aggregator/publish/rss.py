"""The merged feed as RSS 2.0. Pure: the same items give the same bytes, whenever and wherever they are rendered.

Follows the RSS 2.0 specification and the RSS Advisory Board's Best Practices Profile: `atom:link rel="self"`, one
`guid` a life, `source` for the portal, `dc:creator` for the person, HTML only in `description` and `content:encoded`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urljoin

from lxml import etree

from aggregator.cleaning import clean_html, cut_text, safe_url, xml_safe
from aggregator.models import FeedItem
from aggregator.publish.excerpt import make_excerpt

RSS_MEDIA_TYPE = "application/rss+xml"

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
_NAMESPACES = {"atom": ATOM, "content": CONTENT, "dc": DC}
_SPECIFICATION = "https://www.rssboard.org/rss-specification"

TITLE_LIMIT = 500  # characters; ingest cuts earlier, this keeps one odd row from filling a reader's screen
ALSO_AT_LIMIT = 20  # portals named in the credit of one item


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedInfo:
    """What a feed says of itself."""

    title: str
    site_url: str  # the page it belongs to, ending in a slash
    self_url: str  # the very address it is served at
    description: str
    language: str = "id"
    ttl_minutes: int = 30  # how long readers should keep it before asking again
    generator: str = "Kabar Kota"


def render_rss(items: Sequence[FeedItem], feed: FeedInfo) -> bytes:
    """The feed as UTF-8 XML, `items` in the order given.

    `lastBuildDate` is the newest update among the items rather than the clock, so that an unchanged feed is an
    unchanged file with an unchanged ETag; an empty feed has none.
    """
    root = etree.Element("rss", {"version": "2.0"}, nsmap=_NAMESPACES)
    channel = etree.SubElement(root, "channel")
    _add_channel(channel, feed, built=max((item.updated for item in items), default=None))
    for item in items:
        _add_item(etree.SubElement(channel, "item"), item, feed)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def format_rfc822(at: datetime) -> str:
    """An aware `at` as RSS wants it, e.g. `Mon, 05 Oct 2026 14:05:00 +0800`, in its own offset.

    RFC 822 offsets count whole minutes; a stranger one is told in UTC.
    """
    offset = at.utcoffset() or timedelta()
    return format_datetime(at.astimezone(UTC) if offset % timedelta(minutes=1) else at)


def _add_channel(channel: etree._Element, feed: FeedInfo, *, built: datetime | None) -> None:
    _add(channel, "title", feed.title)
    _add(channel, "link", feed.site_url)
    _add(channel, "description", feed.description)
    _add(channel, "language", feed.language)
    if built:
        _add(channel, "lastBuildDate", format_rfc822(built.astimezone(UTC)))
    _add(channel, "generator", feed.generator)
    _add(channel, "docs", _SPECIFICATION)
    _add(channel, "ttl", str(feed.ttl_minutes))
    _add(channel, f"{{{ATOM}}}link", href=feed.self_url, rel="self", type=RSS_MEDIA_TYPE)


def _add_item(element: etree._Element, item: FeedItem, feed: FeedInfo) -> None:
    _add(element, "title", cut_text(item.title, TITLE_LIMIT))
    if link := safe_url(item.url):
        _add(element, "link", link)
    _add(element, "description", _render_html(_make_excerpt_paragraphs(item) + _make_credit(item)))
    if item.author:
        _add(element, f"{{{DC}}}creator", item.author)
    for taxonomy, names in (("topic", item.topics), ("region", item.regions)):
        for name in names:
            _add(element, "category", name, domain=urljoin(feed.site_url, f"feeds/{taxonomy}"))
    _add(element, "guid", item.guid, isPermaLink="false")
    _add(element, "pubDate", format_rfc822(item.published))
    if source_url := safe_url(item.source_url):
        _add(element, "source", item.source_name, url=source_url)
    if item.full_text:
        _add(element, f"{{{CONTENT}}}encoded", clean_html(item.full_text) + _render_html(_make_credit(item)))
    _add(element, f"{{{ATOM}}}updated", item.updated.astimezone(UTC).isoformat(timespec="seconds"))


def _make_excerpt_paragraphs(item: FeedItem) -> list[etree._Element]:
    excerpt = make_excerpt(item.excerpt)
    return [_make_paragraph(excerpt)] if excerpt else []


def _make_credit(item: FeedItem) -> list[etree._Element]:
    """Who wrote it and who else carries it, as paragraphs with links."""
    credit = _make_paragraph("Sumber: ")
    _add_link(credit, item.source_name, item.url)
    if not item.also_at:
        return [credit]
    others = _make_paragraph("Juga diberitakan: ")
    for name, url in item.also_at[:ALSO_AT_LIMIT]:
        if len(others):
            others[-1].tail = ", "
        _add_link(others, name, url)
    if len(item.also_at) > ALSO_AT_LIMIT:
        others[-1].tail = f", dan {len(item.also_at) - ALSO_AT_LIMIT} portal lain"
    return [credit, others]


def _add_link(parent: etree._Element, name: str, url: str) -> None:
    href = safe_url(url)
    if href:
        _add(parent, "a", name or href, href=href)
    else:
        _add(parent, "span", name)


def _make_paragraph(text: str) -> etree._Element:
    paragraph = etree.Element("p")
    paragraph.text = xml_safe(text)
    return paragraph


def _render_html(elements: Sequence[etree._Element]) -> str:
    return "".join(etree.tostring(element, method="html", encoding="unicode") for element in elements)


def _add(parent: etree._Element, tag: str, text: str = "", **attributes: str) -> None:
    """A child of `parent`. Every text passes here, so that one row written before a rule was tightened cannot break
    the whole feed."""
    child = etree.SubElement(parent, tag, {name: xml_safe(value) for name, value in attributes.items()})
    if text:
        child.text = xml_safe(text)
