"""Feeds as RSS 2.0. Pure: the same items give the same bytes, whenever and wherever they are rendered.

Follows the RSS 2.0 specification and the RSS Advisory Board's Best Practices Profile: `atom:link rel="self"`, one
`guid` a life, `source` for the portal, `dc:creator` for the person, HTML only in `description` and `content:encoded`.
Archives are marked as RFC 5005 says.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lxml import etree

from aggregator.models import FeedItem
from aggregator.publish.characters import fit_line
from aggregator.publish.feed_info import GENERATOR, FeedInfo, Format
from aggregator.publish.feed_links import make_links, name_taxonomy
from aggregator.publish.item_content import make_content
from aggregator.publish.times import format_rfc822, format_utc
from aggregator.publish.xml_document import add_element, render_xml

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"
_NAMESPACES = {"atom": ATOM, "content": CONTENT, "dc": DC}
_ARCHIVE_NAMESPACES = _NAMESPACES | {"fh": HISTORY}
_SPECIFICATION = "https://www.rssboard.org/rss-specification"


def render_rss(items: Sequence[FeedItem], feed: FeedInfo) -> bytes:
    """The feed as UTF-8 XML, `items` in the order given.

    `lastBuildDate` is the newest update among the items rather than the clock, so that an unchanged feed is an
    unchanged file with an unchanged ETag; an empty feed has the day on which it began, or none.
    """
    root = etree.Element("rss", version="2.0", nsmap=_ARCHIVE_NAMESPACES if feed.is_archive else _NAMESPACES)
    channel = add_element(root, "channel")
    _add_channel(channel, feed, built=max((item.updated for item in items), default=feed.began))
    domains = {taxonomy: name_taxonomy(feed, taxonomy) for taxonomy in ("topic", "region")}
    for item in items:
        _add_item(add_element(channel, "item"), item, feed, domains)
    return render_xml(root, feed.style_url)


def _add_channel(channel: etree._Element, feed: FeedInfo, *, built: datetime | None) -> None:
    title = fit_line(feed.title) or GENERATOR
    add_element(channel, "title", title)
    add_element(channel, "link", feed.page_url)
    add_element(channel, "description", fit_line(feed.description) or title)
    add_element(channel, "language", feed.language)
    if built:
        add_element(channel, "lastBuildDate", format_rfc822(built.astimezone(UTC)))
    add_element(channel, "generator", GENERATOR)
    add_element(channel, "docs", _SPECIFICATION)
    add_element(channel, "ttl", str(feed.ttl_minutes))
    for rel, href, media_type in make_links(feed, Format.RSS):
        add_element(channel, f"{{{ATOM}}}link", href=href, rel=rel, **({"type": media_type} if media_type else {}))
    if feed.is_archive:
        add_element(channel, f"{{{HISTORY}}}archive")


def _add_item(element: etree._Element, item: FeedItem, feed: FeedInfo, domains: dict[str, str]) -> None:
    content = make_content(item, feed.language)
    add_element(element, "title", content.title)
    if content.link:
        add_element(element, "link", content.link)
    add_element(element, "description", content.summary)
    if content.author:
        add_element(element, f"{{{DC}}}creator", content.author)
    for category in content.categories:
        add_element(element, "category", category.term, domain=domains[category.taxonomy])
    add_element(element, "guid", content.guid, isPermaLink="false")
    add_element(element, "pubDate", format_rfc822(content.published))
    if content.source_feed:
        add_element(element, "source", content.source_name, url=content.source_feed)
    if content.whole:
        add_element(element, f"{{{CONTENT}}}encoded", content.whole)
    add_element(element, f"{{{ATOM}}}updated", format_utc(item.updated.replace(microsecond=0)))
