"""When a channel is asked next. PURE: the store remembers what polls brought, this module decides.

    polls ─▶ Rhythm: posts an hour, by hour of the day, by day of the week ─▶ polls as dense as √rate ─▶ the next one

With a given number of requests, posts are seen earliest on average when each channel is asked in proportion to the
square root of how often it posts (Sia, Cho, Cho 2007: "Efficient Monitoring Algorithm for Fast News Alerts"): asked in
proportion to the rate itself, as some readers do, the rare posts of many quiet channels wait as long as is gained
elsewhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo

from aggregator.models import ChannelKind

USUAL_RATE = 1.0  # posts an hour of a channel that is asked at the usual interval
PRIOR_HOURS = 6.0  # a channel is taken for a usual one for so long
HALF_LIFE = timedelta(days=14)  # what was seen so long ago counts half
LONGEST_TOLD = timedelta(hours=24)  # posts found after a longer gap say nothing of their hour
HOURS_PRIOR = 24.0  # posts as if spread evenly over the day, and over the week: few posts make no habit
DAYS_PRIOR = 14.0
BOUNDS = {  # shortest and longest interval, in usual ones
    ChannelKind.FEED: (1 / 3, 24.0),
    ChannelKind.WORDPRESS: (2 / 3, 24.0),
    ChannelKind.SITEMAP: (1.0, 48.0),
    ChannelKind.LISTING: (1.0, 48.0),
}
JITTER = 0.1  # of an interval, either way: channels that came together must not stay together
LONGEST_WAIT = timedelta(hours=24)  # after failures, and for a feed that asks for more
RETIRED_WAIT = timedelta(days=30)  # of a channel that is gone for good, it seems: it is never given up in silence
RETIRING = frozenset({"gone", "parked"})  # codes of aggregator.diagnosis
NO_FAILURE = frozenset({"held", "our-limits"})  # codes: the host wants a rest, or we had no time for it
FIRST_PAGE_RETRY = timedelta(minutes=15)  # of a page that failed; then each time twice as late
# How much a failure says against a channel, as Media Cloud's rss-fetcher has it; the interval doubles with each 1.
TEMPORARY, SOFT, HARD = 0.25, 0.5, 1.0
LONGEST_CYCLE = timedelta(hours=1)  # clocks further apart than that were set meanwhile
_DAY_MINUTES = 24 * 60
_TEMPORARY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """How often a channel posts, and when. What is older counts less."""

    posts: float = 0.0  # seen since the first poll
    hours: float = 0.0  # in so many hours
    by_hour: tuple[float, ...] = field(default=(0.0,) * 24)  # of the posts, those by hour of the source's day
    by_day: tuple[float, ...] = field(default=(0.0,) * 7)  # and by weekday, Monday first
    seen_until: datetime | None = None  # the last poll that was answered; None: there was none

    def observe(self, until: datetime, posts: int, zone: tzinfo) -> Rhythm:
        """With what a poll found that the one before had not. The first poll tells nothing: its posts have any age."""
        if self.seen_until is not None and self.seen_until - until > timedelta(days=1):
            return replace(self, seen_until=until)  # a clock that was wrong had seen the future
        if self.seen_until is None or until <= self.seen_until:
            return replace(self, seen_until=max(until, self.seen_until or until))
        gap = until - self.seen_until
        kept = 0.5 ** (gap / HALF_LIFE)
        by_hour = [count * kept for count in self.by_hour]
        by_day = [count * kept for count in self.by_day]
        if posts and gap <= LONGEST_TOLD:
            for at, span in _split_by_hour(self.seen_until, until, zone):
                by_hour[at.hour] += posts * (span / gap)
                by_day[at.weekday()] += posts * (span / gap)
        return Rhythm(
            posts=self.posts * kept + posts,
            hours=self.hours * kept + gap / timedelta(hours=1),
            by_hour=tuple(by_hour),
            by_day=tuple(by_day),
            seen_until=until,
        )

    @property
    def rate(self) -> float:
        """Posts an hour, on average."""
        return (self.posts + USUAL_RATE * PRIOR_HOURS) / (self.hours + PRIOR_HOURS)

    def get_rate_at(self, local: datetime) -> float:
        """Posts an hour at that hour and weekday of the source."""
        hour = (self.by_hour[local.hour] + HOURS_PRIOR / 24) / (sum(self.by_hour) + HOURS_PRIOR) * 24
        day = (self.by_day[local.weekday()] + DAYS_PRIOR / 7) / (sum(self.by_day) + DAYS_PRIOR) * 7
        return self.rate * hour * day

    def expect(self, since: datetime, until: datetime, zone: tzinfo) -> float:
        """How many posts are to be expected between two instants."""
        return sum(
            self.get_rate_at(at) * (span / timedelta(hours=1)) for at, span in _split_by_hour(since, until, zone)
        )

    def to_json(self) -> str:
        """As kept in the database."""
        until = self.seen_until.isoformat() if self.seen_until else None
        counts = [[round(count, 4) for count in counts] for counts in (self.by_hour, self.by_day)]
        return json.dumps([round(self.posts, 4), round(self.hours, 4), until, *counts], separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Rhythm:
        if not text:
            return cls()
        posts, hours, until, by_hour, by_day = json.loads(text)
        return cls(
            posts=posts,
            hours=hours,
            by_hour=tuple(by_hour),
            by_day=tuple(by_day),
            seen_until=datetime.fromisoformat(until) if until else None,
        )


def plan_poll(
    rhythm: Rhythm,
    now: datetime,
    *,
    kind: ChannelKind,
    usual: timedelta,
    zone: tzinfo,
    chance: float,
    fresh: timedelta = timedelta(0),
) -> datetime:
    """When a channel that answered is asked next.

    `usual` is the interval of a channel that posts once an hour, `zone` the source's, `chance` a number from 0 to 1.
    Before its answer was `fresh` no longer asking again would bring the same, but an answer that is said to stay fresh
    for longer than the longest interval is one of a server that says so of everything.
    """
    least, most = (usual * bound for bound in BOUNDS[kind])
    goal = usual / timedelta(hours=1) * math.sqrt(USUAL_RATE)
    wait = most
    for at, span in _split_by_hour(now, now + most, zone):
        density = math.sqrt(rhythm.get_rate_at(at))
        if density * (span / timedelta(hours=1)) >= goal:
            wait = at - now + timedelta(hours=goal / density)
            break
        goal -= density * (span / timedelta(hours=1))
    return now + max(_shake(min(max(wait, least), most), chance), min(fresh, most))


def plan_retry(strikes: float, now: datetime, *, usual: timedelta, chance: float) -> datetime:
    """When a channel that failed is asked again: twice as late with each strike, and once a day for ever."""
    return now + min(LONGEST_WAIT, _shake(min(LONGEST_WAIT, usual * 2 ** min(strikes, 20.0)), chance))


def start_next_day(now: datetime, chance: float) -> datetime:
    """In the first hour of the next day (UTC): not all at midnight."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=1, hours=chance)


def plan_page_retry(attempts: int, now: datetime) -> datetime:
    """When a page that failed so many times is asked again."""
    return now + min(LONGEST_WAIT, FIRST_PAGE_RETRY * 2.0 ** min(attempts - 1, 20))


def leave_blackout(due: datetime, blackout: Iterable[str], zone: tzinfo) -> datetime:
    """`due`, or the end of the hours in which the source is left alone ("07:00-09:00", of its clock) if it falls there.

    Hours that reach over midnight, or into each other, count as one reads them; if they cover the whole day, the
    source is switched off by it: a day later then.
    """
    spans = [_read_span(span) for span in blackout]
    at = due.astimezone(zone)
    for _ in range(len(spans) + 1):
        minute = at.hour * 60 + at.minute
        ends = [(end - minute) % _DAY_MINUTES for begin, end in spans if _is_within(minute, begin, end)]
        if not ends:
            return max(due, at.astimezone(due.tzinfo))
        at = at.replace(second=0, microsecond=0) + timedelta(minutes=max(ends))
    return due + timedelta(days=1)


def _read_span(span: str) -> tuple[int, int]:
    """First minute of the day, and the one after the last."""
    begin, _, end = span.partition("-")
    return _read_minute(begin), _read_minute(end)


def _read_minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def _is_within(minute: int, begin: int, end: int) -> bool:
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def weigh_failure(status: int) -> float:
    """Strikes for a failed poll: HTTP `status`, 0 where the channel gave no answer (network, robots.txt)."""
    if status in _TEMPORARY_STATUS:
        return TEMPORARY
    return HARD if status else SOFT


def _shake(wait: timedelta, chance: float) -> timedelta:
    return wait * (1 + JITTER * (2 * chance - 1))


def _split_by_hour(since: datetime, until: datetime, zone: tzinfo) -> list[tuple[datetime, timedelta]]:
    """(beginning, length) of each piece of the span within one hour of the clock there."""
    pieces = []
    at, end = since.astimezone(zone), until.astimezone(zone)
    while at < end:
        following = min(end, at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
        pieces.append((at, following - at))
        at = following
    return pieces
