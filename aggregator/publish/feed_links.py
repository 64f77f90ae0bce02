"""The links of a feed's document, the same in RSS and Atom. Pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin

from aggregator.publish.feed_info import FeedInfo, Format

_ARCHIVE_NEIGHBOURS = frozenset({"prev-archive", "next-archive"})


class Link(NamedTuple):
    rel: str
    href: str
    type: str = ""


def make_links(feed: FeedInfo, own: Format) -> list[Link]:
    """Itself, its hubs, the other formats, then its neighbours."""
    return [
        Link("self", feed.self_url, own.media_type),
        *(Link("hub", hub) for hub in feed.hubs),
        *(Link("alternate", url, other.media_type) for other, url in feed.format_urls if other is not own),
        *(Link(rel, url, own.media_type) for rel, url in make_neighbours(feed)),
    ]


def make_neighbours(feed: FeedInfo) -> list[tuple[str, str]]:
    """The links of RFC 5005, each once, under the names that are registered.

    A feed's only archive has no other beside it; what follows it is the subscription document.
    """
    links = {("previous" if rel == "prev" else rel): url for rel, url in feed.links}
    if feed.is_archive and "current" in links and not _ARCHIVE_NEIGHBOURS & links.keys():
        links["next-archive"] = links["current"]
    return list(links.items())


def name_taxonomy(feed: FeedInfo, taxonomy: str) -> str:
    """The address of the list that a category comes from."""
    return urljoin(feed.site_url, f"feeds/{taxonomy}")
