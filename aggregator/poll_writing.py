"""How a poll went, into rows: the poll, its channel's state and next date, and what it says of its source."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aggregator.cleaning import clean_text
from aggregator.diagnosis import diagnose
from aggregator.models import Harvest, Poll, PollOutcome, Source
from aggregator.polling import (
    BOUNDS,
    LONGEST_WAIT,
    NO_FAILURE,
    RETIRED_WAIT,
    RETIRING,
    Rhythm,
    leave_blackout,
    plan_poll,
    plan_retry,
    start_next_day,
    weigh_failure,
)
from aggregator.settings import AggregatorSettings
from aggregator.store import ChannelRow, Store

REASON_LIMIT = 400


class PollWriter:
    """Works inside the caller's transaction; `now` is the cycle's clock."""

    def __init__(self, store: Store, settings: AggregatorSettings, now: datetime) -> None:
        self._store = store
        self._settings = settings
        self._now = now

    def write(
        self,
        cycle_id: int,
        poll: Poll,
        channel: ChannelRow,
        source: Source,
        *,
        posts: int,
        articles: int,
        is_cut_short: bool,
    ) -> None:
        """`channel` is as it was before the poll; `posts`: links never seen before; `is_cut_short`: a limit has left
        articles unread."""
        code = diagnose(poll.reason, poll.http_status).code if poll.reason else ""
        channel = self._learn(poll, code, channel, source, posts)
        now, due = self._now, self._plan_next_poll(poll, channel, source, is_cut_short=is_cut_short)
        self._store.write_poll(
            cycle_id, poll, channel, code=code, posts=posts, articles=articles, now=now, next_poll_at=due
        )

    def write_kills(self, harvest: Harvest) -> None:
        """After the poll: where the source is quarantined, its channels are due later than the poll says."""
        poll = harvest.poll
        if poll.kills:
            failed = [f"{failure.url}: {failure.reason}" for failure in harvest.failures if _has_killed(failure.reason)]
            reason = poll.reason if poll.outcome is PollOutcome.FAILED else (failed or [poll.reason])[-1]
            self._store.write_kills(harvest.source_id, poll.kills, clean_text(reason, limit=REASON_LIMIT), self._now)
        elif poll.outcome in (PollOutcome.CHANGED, PollOutcome.UNCHANGED):
            self._store.forgive_answer(harvest.source_id, self._now)

    def _learn(self, poll: Poll, code: str, channel: ChannelRow, source: Source, posts: int) -> ChannelRow:
        """The channel as it is after the poll."""
        if poll.outcome in (PollOutcome.FAILED, PollOutcome.REFUSED):
            if code in NO_FAILURE:
                return channel
            strikes = channel.strikes + weigh_failure(poll.http_status)
            retired_at = channel.retired_at or (self._now if code in RETIRING else None)
            return replace(channel, failures=channel.failures + 1, strikes=strikes, retired_at=retired_at)
        rhythm = Rhythm.from_json(channel.rhythm).observe(self._now, posts, ZoneInfo(source.timezone))
        return replace(channel, failures=0, strikes=0.0, rhythm=rhythm.to_json(), retired_at=None)

    def _plan_next_poll(self, poll: Poll, channel: ChannelRow, source: Source, *, is_cut_short: bool) -> datetime:
        """When the channel, as it is after the poll, is due again: never before the portal wants it.

        Soon, where a limit has left articles unread.
        """
        usual = timedelta(minutes=self._settings.poll_minutes)
        chance = random.Random(f"{channel.id} {self._now}").random()  # noqa: S311 - the same in a repeated run
        zone = ZoneInfo(source.timezone)
        if channel.retired_at is not None:
            due = self._now + RETIRED_WAIT
        elif channel.failures:
            due = plan_retry(channel.strikes, self._now, usual=usual, chance=chance)
        else:
            fresh = timedelta(seconds=poll.fresh_seconds)
            rhythm = Rhythm.from_json(channel.rhythm)
            due = plan_poll(rhythm, self._now, kind=channel.kind, usual=usual, zone=zone, chance=chance, fresh=fresh)
            if is_cut_short:
                due = min(due, self._now + usual * BOUNDS[channel.kind][0])
        asked = min(timedelta(minutes=poll.ttl_minutes or 0), LONGEST_WAIT)
        due = max(due, self._now + asked, self._now + timedelta(seconds=poll.retry_after_seconds or 0))
        for part in poll.traffic:
            if part.host == poll.host:  # a Crawl-delay of an hour; what other hosts want is no matter of the channel
                due = max(due, self._now + (part.free_at - poll.finished_at))
        if self._has_spent_its_host(poll):
            due = max(due, start_next_day(self._now, chance))
        return leave_blackout(due, source.blackout, zone)

    def _has_spent_its_host(self, poll: Poll) -> bool:
        asked = sum(part.requests for part in poll.traffic if part.host == poll.host)
        return self._store.count_requests([poll.host], poll.finished_at) + asked >= self._settings.requests_per_day


def _has_killed(reason: str) -> bool:
    return diagnose(reason).code in ("unparsable", "crawler-killed")
