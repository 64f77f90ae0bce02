"""What goes into the crawl process for a backfill and comes out of it: one page of an archive, or a few articles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.models import (
    ArticleLink,
    ChannelKind,
    ChannelPage,
    FetchedPage,
    HostTraffic,
    LinkFailure,
    RobotsRecord,
    Selectors,
    Source,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivePage:
    """A page of an archive to ask for."""

    url: str
    kind: ChannelKind
    selectors: Selectors | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveJob:
    """One unit of work: a page of the archive, or else articles to read."""

    source: Source
    now: datetime
    page: ArchivePage | None = None
    links: tuple[ArticleLink, ...] = ()
    learns: bool = False  # the source is new: its first pages are read whatever their topic
    reads_dates: bool = False  # the archive's lists have none: pages off topic are read, too, for theirs
    max_requests: int = 1
    robots: tuple[RobotsRecord, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveFailure:
    """Why a portal could not be asked for more."""

    reason: str
    status: int = 0  # 0: there was no answer
    is_refusal: bool = False  # robots.txt or the address guard: nothing was asked
    is_unreadable: bool = False  # an answer, and not what was asked for
    wait_seconds: int | None = None  # the portal wants to be left alone so long

    @property
    def may_pass(self) -> bool:
        """Whether the same question may be answered later."""
        busy = self.status in (0, 408, 425, 429) or self.status >= 500
        return busy and not self.is_refusal and not self.is_unreadable


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveReport:
    """What came of a unit. Links that are in neither `pages` nor `failures` were not tried."""

    requests: int = 0
    traffic: tuple[HostTraffic, ...] = ()
    page: ChannelPage | None = None
    url: str = ""  # where the page answered after redirects
    total_pages: int = 0  # of the archive, where it tells
    pages: tuple[FetchedPage, ...] = ()
    failures: tuple[LinkFailure, ...] = ()
    failure: ArchiveFailure | None = None  # the page could not be had; with articles: what stopped the rest
    robots: tuple[RobotsRecord, ...] = ()
    kills: int = 0  # parsers, and crawl processes, that died of what the portal sent
