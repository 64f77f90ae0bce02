"""When digests are due, and when alerts keep quiet: by the clock of whoever reads them. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
LATE_MOST = timedelta(hours=12)  # an hour missed for longer is not made up: the next digest has it all
ALL_DAYS = frozenset(range(7))


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours:
    """The set hours of a digest, in a zone."""

    times: tuple[time, ...]
    days: frozenset[int] = ALL_DAYS  # Monday is 0
    zone: tzinfo

    @property
    def period(self) -> timedelta:
        """What a first digest looks back on."""
        return WEEK if len(self.days) == 1 else DAY

    def find_last(self, now: datetime) -> datetime:
        """The latest set hour that has come, UTC."""
        return max(hour for hour in self._list(now) if hour <= now)

    def find_next(self, now: datetime) -> datetime:
        """The next set hour, UTC."""
        return min(hour for hour in self._list(now) if hour > now)

    def _list(self, now: datetime) -> list[datetime]:
        """Those of the weeks around now. An hour that a change of the clock leaves out comes an hour later."""
        today = now.astimezone(self.zone).date()
        days = [today + timedelta(days=each) for each in range(-8, 9)]
        return [
            datetime.combine(day, each, self.zone).astimezone(UTC)
            for day in days
            if day.weekday() in self.days
            for each in self.times
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class LastRun:
    """The last time a digest was due, as it was recorded."""

    slot: datetime
    until: datetime | None  # up to then it has told everything; None: it has told nothing yet


@dataclass(frozen=True, kw_only=True, slots=True)
class DueRun:
    """A digest that is due."""

    slot: datetime
    since: datetime  # what came in after that


def find_due(hours: Hours, last: LastRun | None, now: datetime) -> DueRun | None:
    """Whether a set hour has come since the last run, and what the digest is then of."""
    slot = hours.find_last(now)
    if (last is not None and slot <= last.slot) or now - slot > LATE_MOST:
        return None
    return DueRun(slot=slot, since=find_since(hours, last, slot))


def find_since(hours: Hours, last: LastRun | None, slot: datetime) -> datetime:
    """Where a digest begins: where the last one ended; the first one where it was written down, or a period before."""
    if last is None:
        return slot - hours.period
    return min(slot - hours.period, last.slot) if last.until is None else last.until


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """Hours of each day in which nobody is to be disturbed; they may pass midnight."""

    begins: time
    ends: time
    zone: tzinfo

    def find_end(self, now: datetime) -> datetime | None:
        """When the quiet that it is ends, UTC; None: it is none."""
        local = now.astimezone(self.zone)
        clock = local.time().replace(tzinfo=None)
        passes_midnight = self.begins > self.ends
        is_quiet = clock >= self.begins or clock < self.ends if passes_midnight else self.begins <= clock < self.ends
        if not is_quiet:
            return None
        day = local.date() + (DAY if passes_midnight and clock >= self.begins else timedelta(0))
        return datetime.combine(day, self.ends, self.zone).astimezone(UTC)
