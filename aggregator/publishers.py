"""Who published what is at an address, and gets the credit for it: sources of the catalogue, and those beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from aggregator.catalogue_rows import Publishers
from aggregator.cleaning import clean_text
from aggregator.masking import mask_name
from aggregator.models import FetchedPage, Source
from aggregator.sites import list_sites
from aggregator.store import Store
from aggregator.urls import canonicalize, get_host, get_site

PUBLISHER_LIMIT = 100
# That a source leads to in a day. A network's portals lead to a handful, a search engine to a few a day once its first
# hits are known; each stays in the lists of sources for good, and who makes up hosts makes up any number of them.
MOST_DISCOVERED = 20


class TooManyPublishers(Exception):  # noqa: N818 - named after what there is
    """A source led to more new publishers in a day than it may."""


class PublisherFinder:
    """Finds publishers; those it meets for the first time become sources (`via-…`), in the caller's transaction.

    `now` is the cycle's clock.
    """

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now
        self._publishers = Publishers(store)

    def find(self, polled: Source, page: FetchedPage) -> Source | None:
        """Who gets the credit: the source of the catalogue at the page's host, else the one that was polled where the
        link was to its own site, else the site, once there is something to credit it for.

        What a search engine led to is credited to whom it names; None where it names nobody. Raises TooManyPublishers.
        """
        address = canonicalize(page.url)
        found = self.find_holder(address, polled)
        if found is not None:
            return found
        if polled.discovery:
            host = _get_bare_host(address)
            name = mask_name(clean_text(page.link.publisher, limit=PUBLISHER_LIMIT)) or host
            return self._discover(host, name, polled) if host and host != polled.domain else None
        site, names_topic = get_site(page.url), page.article is not None and page.passed_scan
        if not site or not names_topic or get_site(page.link.url) in list_sites(polled):
            return polled
        return self._discover(site, site, polled)

    def _discover(self, host: str, name: str, by: Source) -> Source:
        found = self._store.add_discovered_source(host, name, by, self._now, most=MOST_DISCOVERED)
        if found is None:
            raise TooManyPublishers(f"{by.id} has led to {MOST_DISCOVERED} new publishers within a day; {host} waits")
        return found

    def find_holder(self, address: str, source: Source) -> Source | None:
        """The source of the catalogue at a canonical address; `source` where it is one of several there."""
        return find_source(_get_bare_host(address), self._publishers, source)

    def is_publisher(self, source: Source, url: str) -> bool:
        """Whether what a source met with at an address counts there: it is of its own site."""
        found = self.find_holder(canonicalize(url), source)
        return found.id == source.id if found is not None else get_site(url) in list_sites(source)


def _get_bare_host(address: str) -> str:
    return get_host(address).removeprefix("www.")


class ByHost(Protocol):
    """Looks up the sources that publish at a host."""

    def get(self, host: str, default: Sequence[Source] = ..., /) -> Sequence[Source]: ...


def find_source(host: str, publishers: ByHost, polled: Source) -> Source | None:
    """The source at a host, or at the nearest domain above it; `polled` where it is one of several there."""
    while "." in host:
        at_host = publishers.get(host, ())
        if at_host:
            return polled if any(source.id == polled.id for source in at_host) else at_host[0]
        host = host.partition(".")[2]
    return None
