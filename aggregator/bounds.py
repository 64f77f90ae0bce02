"""What the beginning and the end of a time mean, wherever somebody asks for one. PURE.

2026-11-01                  a day of Jakarta (WIB); as the end, the day included
today                       the same
2026-11-01T08:00:00+08:00   an instant; without an offset, WIB
7d                          the instant so many days ago

By days, an article counts on the day that its page tells; by instants, on when it was published.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from aggregator.times import WIB

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)  # of instants, which in another zone would be out of the calendar
TODAY = "today"

_DAY = timedelta(days=1)
_FIRST_DAY_BEGINS = timedelta(hours=7)  # that much before Jakarta's: the earliest midnight on Earth
_DAYS = re.compile(r"(\d{1,6})d")
_SHOWN = 80  # characters of a text that are repeated


class BoundError(ValueError):
    """A text that means no time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """The beginning or the end of a time."""

    text: str  # as given
    at: datetime  # UTC; of a day its beginning in Jakarta, or as an end its end there
    day: date | None  # WIB, for what is counted by day; None: an hour was given
    is_day: bool  # whether it is the day that is asked for, not the instant

    @property
    def earliest(self) -> datetime:
        """No article that is in a time with this beginning was published before."""
        return self.at - _FIRST_DAY_BEGINS if self.is_day else self.at


def begin_day(day: date, text: str = "") -> Bound:
    """Raises OverflowError."""
    return _make_day(day, text, timedelta())


def end_day(day: date, text: str = "") -> Bound:
    """Raises OverflowError."""
    return _make_day(day, text, _DAY)


def bind_instant(at: datetime, text: str = "") -> Bound:
    return Bound(text=text, at=min(max(at, EARLIEST), LATEST).astimezone(UTC), day=None, is_day=False)


def read_since(text: str, now: datetime) -> Bound:
    """The beginning of a time; none is before EARLIEST. Raises BoundError."""
    return _read_bound(text, now, timedelta())


def read_until(text: str, now: datetime) -> Bound:
    """The end of a time. Raises BoundError."""
    return _read_bound(text, now, _DAY)


def read_days(text: str) -> int | None:
    """How many days it asks for; None where it is a day or an instant."""
    found = _DAYS.fullmatch(text.lower())
    return int(found[1]) if found else None


def _read_bound(text: str, now: datetime, length: timedelta) -> Bound:
    try:
        days = read_days(text)
        if days is not None:
            at = EARLIEST if days > (now - EARLIEST).days else now - timedelta(days=days)
            return Bound(text=text, at=at.astimezone(UTC), day=at.astimezone(WIB).date(), is_day=False)
        day = now.astimezone(WIB).date() if text.lower() == TODAY else _read_day(text)
        if day is not None:
            return _make_day(max(day, EARLIEST.date()), text, length)
        at = datetime.fromisoformat(text)
        return bind_instant(at if at.tzinfo else at.replace(tzinfo=WIB), text)
    except (ValueError, OverflowError) as error:
        wanted = "a day such as 2026-11-23, 7d or today, nor an instant such as 2026-11-23T08:00:00+07:00"
        raise BoundError(f"{text[:_SHOWN]!r}: not {wanted}") from error


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _make_day(day: date, text: str, length: timedelta) -> Bound:
    at = datetime.combine(day, time(), WIB) + length
    return Bound(text=text or day.isoformat(), at=max(at, EARLIEST).astimezone(UTC), day=day, is_day=True)
