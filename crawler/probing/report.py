"""What a probe is asked, and what it says. A leaf: it travels through the pipe of the crawl process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aggregator.models import Channel, HostTraffic, RobotsRecord, Source


class State(StrEnum):
    """What a way in turned out to be."""

    LIVE = "live"
    STALE = "stale"  # its newest entry is old
    EMPTY = "empty"  # it answers, with no entry
    UNFILTERED = "unfiltered"  # a search or tag page that gives whatever is new
    FAILED = "failed"
    REFUSED = "refused"  # robots.txt, or the address guard


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeJob:
    """A portal to probe: a source (its channels are checked first), or one made up for an address."""

    source: Source
    url: str  # the home page, or whatever address was given
    now: datetime
    terms: tuple[str, ...]
    robots: tuple[RobotsRecord, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One address that was tried."""

    channel: Channel
    state: State
    found_by: str  # "entry", "page", "robots.txt", "usual path" …
    reason: str = ""  # of FAILED and REFUSED, as the machine says it
    status: int = 0
    links: int = 0
    dated: int = 0  # links with a date that could be read
    newest: datetime | None = None
    per_day: float | None = None  # posts a day, over the dated links
    on_topic: int = 0  # links whose headline or text names a topic
    offsets: tuple[str, ...] = ()  # of its dates as written: "+07:00", "UTC", "none"
    is_ahead: bool = False  # dates labelled UTC that lie in the future: a local clock with a wrong label


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeReport:
    """All that a probe found out."""

    source_id: str
    url: str  # of the home page, after redirects
    probed_at: datetime
    site_name: str = ""
    generator: str = ""
    language: str = ""
    findings: tuple[Finding, ...] = ()
    timezone: str = ""  # as its dates tell; "": they do not
    is_hijacked: bool = False  # the home page carries gambling spam
    reason: str = ""  # why nothing could be asked at all
    status: int = 0
    requests: int = 0
    traffic: tuple[HostTraffic, ...] = ()
    kills: int = 0  # parsers, and crawl processes, that died of what the portal sent
