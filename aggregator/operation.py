"""How gathering goes, as `status`, `/healthz` and `/metrics` are told it. A leaf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.quarantine import Quarantine


@dataclass(frozen=True, kw_only=True)
class ChannelState:
    """A channel, and why it is in a list."""

    source_id: str
    name: str  # of the source
    kind: str
    url: str
    enabled: bool  # it and its source
    failures: int  # polls failed in a row
    failing_since: datetime | None  # the first of them that is remembered
    last_success_at: datetime | None
    next_poll_at: datetime | None  # None: it was never asked
    retired_at: datetime | None
    quarantined_until: datetime | None  # with its source
    is_stand_in: bool  # found in place of channels of its source that are dead
    code: str  # of the last poll: its reason in one word, …
    reason: str  # … in the crawler's own
    http_status: int


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """What is wrong with a source."""

    source_id: str
    name: str
    code: str
    since: datetime
    until: datetime | None  # None: still so
    detail: str


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The figures of the installation. Every channel is in one of the states."""

    quarantined: int  # on, with a source that is left alone for a while, whatever else they are
    working: int
    failing: int
    retired: int
    unasked: int  # on, and never asked yet
    off: int  # it or its source
    due: int  # of those that are on
    late: int  # due for longer than LATE_AFTER
    lateness: timedelta  # of the one that has been due for longest
    sources: int  # that are on
    unprobed: int  # that nobody looked at yet
    stand_ins: int
    pending_links: int  # seen, and not read yet
    requests_today: int  # UTC
    bytes_today: int
    database_bytes: int
    alarms: dict[str, int]  # open ones, by code


@dataclass(frozen=True, kw_only=True)
class Operation:
    """How gathering goes at `now`. The lists are the worst of each, at most LISTED."""

    now: datetime
    last_cycle: tuple[datetime, datetime] | None  # started, finished
    unfinished_since: datetime | None  # of a newer cycle: it is running, or was killed
    counts: Counts
    quarantined: list[Quarantine]  # sources, all of them; their channels are in none of the lists below
    late: list[ChannelState]
    failing: list[ChannelState]
    retired: list[ChannelState]
    stand_ins: list[ChannelState]
    alarms: list[Alarm]


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """Whether cycles run, as far as anything is due."""

    last_cycle_finished_at: datetime | None
    first_cycle_started_at: datetime | None
    due_since: datetime | None  # of the channel that has been due for longest; None: none is
    has_unasked: bool  # a channel that is on was never asked
    answered_at: datetime | None  # when a channel that is on last answered
    is_any_working: bool  # the last poll of one of them was answered


@dataclass(frozen=True, kw_only=True)
class SourceOperation:
    """All about one source."""

    id: str
    name: str
    domain: str
    enabled: bool
    evidence: str
    quarantine: Quarantine | None  # None: it is in none
    channels: list[ChannelState]
    polls: list[dict[str, Any]]  # the newest: started_at, kind, url, outcome, http_status, code, reason, links …
    days: list[dict[str, Any]]  # the newest days (WIB) of source_days
    coverage: list[dict[str, Any]]  # by month: pages, and the shares with a text, a date, an author
    alarms: list[Alarm]  # closed ones, too, the newest first
    pending_links: int


@dataclass(frozen=True, kw_only=True)
class PollTally:
    """Polls by what came of them. It only grows, whatever is pruned."""

    last_id: int = 0  # of the polls that were counted
    outcomes: tuple[tuple[str, int], ...] = ()
    failures: tuple[tuple[str, int], ...] = ()  # by code
    requests: int = 0
    bytes: int = 0
    articles: int = 0
    posts: int = 0
