"""What is wrong with a source, told by its figures. PURE: the store counts, this module judges.

    channels that keep failing ─▶ their reason       pages that gave no text, lost dates or authors ─▶ coverage
    far fewer posts than its rhythm leads to expect ─▶ quiet       gambling spam on its pages ─▶ hijacked

The codes are those of `aggregator.diagnosis`, which has the words for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

PERSISTENT_STRIKES = 2.0  # of a channel that is down for longer than a hiccup: two hard failures, eight temporary ones
COVERAGE_DAYS = 7  # the days that are judged …
USUAL_DAYS = 28  # … by those before them
FEWEST_PAGES = 5  # fewer tell nothing
DROP = 0.3  # of a share, that is an alarm …
LOW = 0.5  # … and a share that is one where nothing is known of before
QUIET_SHARE = 0.2  # of the posts that were to be expected in a day
QUIET_EXPECTED = 10.0  # expecting fewer, none at all is no wonder
HIJACKED_FOR = timedelta(days=30)  # after the last spam that was found


class Alarm(NamedTuple):
    """One thing that is wrong; `detail` has the figures, or the crawler's own words."""

    code: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelState:
    """How a channel's last poll went."""

    url: str
    strikes: float
    code: str  # of its last poll; "" when all went well
    reason: str
    retired_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """Pages that were extracted, and how many of them gave what."""

    pages: int = 0
    bodied: int = 0
    dated: int = 0
    authored: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFacts:
    """What is known of a source."""

    channels: tuple[ChannelState, ...] = ()
    recent: Coverage = Coverage()
    usual: Coverage = Coverage()
    posts: int = 0  # of the last 24 hours
    expected_posts: float = 0.0
    hijacked_at: datetime | None = None
    quarantine: str = ""  # why it is in one: the last kill's address, and how it went


def find_alarms(facts: SourceFacts, now: datetime) -> list[Alarm]:
    """All that is wrong with a source, each code once."""
    held = [Alarm("quarantined", facts.quarantine)] if facts.quarantine else []
    found = [*held, *_judge_channels(facts.channels), *_judge_coverage(facts.recent, facts.usual), *_judge_posts(facts)]
    if facts.hijacked_at is not None and now - facts.hijacked_at < HIJACKED_FOR:
        found.append(Alarm("hijacked", f"last found on {facts.hijacked_at:%Y-%m-%d}"))
    return list({alarm.code: alarm for alarm in reversed(found)}.values())[::-1]


def _judge_channels(channels: Iterable[ChannelState]) -> Iterator[Alarm]:
    for channel in channels:
        is_down = channel.strikes >= PERSISTENT_STRIKES or channel.retired_at is not None
        if channel.code and (is_down or not channel.strikes):  # without strikes it answers, and holds nothing
            yield Alarm(channel.code, f"{channel.url}: {channel.reason}")


def _judge_coverage(recent: Coverage, usual: Coverage) -> Iterator[Alarm]:
    if recent.pages >= FEWEST_PAGES and _has_dropped(recent.bodied, recent.pages, usual.bodied, usual.pages):
        yield Alarm("no-articles", _tell(recent.bodied, recent.pages, usual.bodied, usual.pages))
    if recent.bodied >= FEWEST_PAGES and _has_dropped(recent.dated, recent.bodied, usual.dated, usual.bodied):
        yield Alarm("dates-missing", _tell(recent.dated, recent.bodied, usual.dated, usual.bodied))
    knows_usual = usual.bodied >= FEWEST_PAGES  # many portals never name an author
    if (
        knows_usual
        and recent.bodied >= FEWEST_PAGES
        and _has_dropped(recent.authored, recent.bodied, usual.authored, usual.bodied)
    ):
        yield Alarm("authors-missing", _tell(recent.authored, recent.bodied, usual.authored, usual.bodied))


def _has_dropped(part: int, whole: int, usual_part: int, usual_whole: int) -> bool:
    if usual_whole < FEWEST_PAGES:
        return part < LOW * whole
    return part / whole <= usual_part / usual_whole - DROP


def _tell(part: int, whole: int, usual_part: int, usual_whole: int) -> str:
    before = f"; before that {usual_part} of {usual_whole}" if usual_whole else ""
    return f"{part} of {whole} in the last {COVERAGE_DAYS} days{before}"


def _judge_posts(facts: SourceFacts) -> Iterator[Alarm]:
    if facts.expected_posts >= QUIET_EXPECTED and facts.posts <= QUIET_SHARE * facts.expected_posts:
        yield Alarm("quiet", f"{facts.posts} posts in 24 hours, where {facts.expected_posts:.0f} are usual")
