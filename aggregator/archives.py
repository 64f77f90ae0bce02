"""What a backfill remembers: the ways into a source's archive, and how far each has been gone. A leaf, as `models`.

Backfill ─▶ Step, Step, … : a way and a term, or an address ─▶ Position: the next page to ask for
         └▶ Waiting links: seen in the archive, their pages not read yet
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from aggregator.models import ArticleLink


class Way(StrEnum):
    """The ways into an archive, the cheapest first."""

    REST = "rest"  # the WordPress API, asked for a term between two days
    SEARCH = "search"  # the paged feed of a WordPress search
    SEARCH_PAGE = "search-page"  # its paged results
    TAG_FEED = "tag-feed"
    TAG_PAGE = "tag-page"
    SITEMAP = "sitemap"  # an index, or a file
    LISTING = "listing"  # a listing channel and the pages after it


class StepState(StrEnum):
    """How a step of a backfill stands."""

    WAITING = "waiting"  # not begun, or not at its end
    DONE = "done"  # gone to its end, or to what is older than was asked for
    PARTIAL = "partial"  # it gave what it has, and that need not be all
    FAILED = "failed"
    SPARED = "spared"  # a cheaper way had everything


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """How far a step has been gone. Kept as JSON."""

    page: int = 0  # pages read
    next_url: str = ""  # of a listing: the page after the last one read
    total_pages: int = 0  # where the archive tells
    oldest: str = ""  # the earliest day met, "2023-02-24"
    has_reached: bool = False  # something older than was asked for was met
    seen: tuple[str, ...] = ()  # a digest of each page read, so that an archive without end is recognised
    last_keys: tuple[str, ...] = ()  # URL keys on the last page, so that a pinned article is
    is_empty: bool = False  # a page for people that lists nothing
    is_undated: bool = False  # the last page read had no dates; of the articles on it …
    read_before: int = 0  # … so many were older than was asked for …
    read_within: int = 0  # … and so many not
    depth: int = 0  # of a sitemap: indexes above it


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One way into an archive, gone page by page."""

    id: int = 0  # 0: not in the database yet
    way: Way
    url: str  # the site's root, or the sitemap's or listing's own address
    term: str = ""
    state: StepState = StepState.WAITING
    reason: str = ""  # why it failed or is partial; while it waits, what went wrong last
    attempts: int = 0  # failures in a row
    links: int = 0  # articles met
    wanted: int = 0  # of them, those that were neither known nor too old
    position: Position = Position()


@dataclass(frozen=True, kw_only=True, slots=True)
class Backfill:
    """A request for what a source published since a day. The same request again goes on where it stopped."""

    id: int
    source_id: str
    since: date
    until: date | None
    started_at: datetime
    finished_at: datetime | None = None
    free_at: datetime | None = None  # the portal wants to be left alone until then
    requests: int = 0
    pages_read: int = 0  # articles' pages and full texts
    kept: int = 0  # of them, new articles on topic
    outside: int = 0  # read, and older or younger than was asked for
    failed: int = 0  # given up


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingLink:
    """An article seen in the archive that is still to be read."""

    id: int
    link: ArticleLink
    attempts: int = 0
