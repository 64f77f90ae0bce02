"""Which rows of an export are asked for. Pure.

A day is one of Jakarta's (WIB), the last one included, also as `7d` (so many days ago) or `today`; an instant has an
offset, and `until` ends before it. Of several values for one filter either will do; of several filters each must.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches

from aggregator.exports.choices import Basis
from aggregator.exports.table import ExportError
from aggregator.search import TODAY, read_days
from aggregator.times import WIB

TIMES = ("since", "until")
_SHOWN = 80  # characters of a value that are repeated


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """The beginning or the end of a time."""

    text: str  # as given
    at: datetime
    day: date | None  # None: an instant was given


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    since: Bound | None = None
    until: Bound | None = None
    basis: Basis = Basis.PUBLISHED
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # topic, city, province, komwil, source

    @property
    def filters(self) -> dict[str, str]:
        """What was asked for, as given."""
        told = {name: bound.text for name, bound in zip(TIMES, (self.since, self.until), strict=True) if bound}
        told |= {"by": self.basis.value} if self.basis is not Basis.PUBLISHED else {}
        return told | {name: ", ".join(values) for name, values in self.names.items()}


def read_since(text: str, now: datetime) -> Bound:
    """Raises ExportError."""
    return _read_bound("since", text, now, timedelta(0))


def read_until(text: str, now: datetime) -> Bound:
    """Of a day: the end of it. Raises ExportError."""
    return _read_bound("until", text, now, timedelta(days=1))


def _read_bound(name: str, text: str, now: datetime, shift: timedelta) -> Bound:
    try:
        day = _read_day(text, now.astimezone(WIB).date())
        at = datetime.combine(day, time(), WIB) + shift
        return Bound(text=text, at=at.astimezone(UTC), day=day)
    except (ValueError, OverflowError):
        pass
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return Bound(text=text, at=at.astimezone(UTC), day=None)
    except (ValueError, OverflowError):
        pass
    wanted = "a day such as 2026-11-23, 7d or today, nor an instant with an offset such as 2026-11-23T08:00:00+07:00"
    raise ExportError(f"--{name} {text[:_SHOWN]!r}: not {wanted}")


def _read_day(text: str, today: date) -> date:
    """Raises ValueError, OverflowError."""
    days = 0 if text.lower() == TODAY else read_days(text)
    return date.fromisoformat(text) if days is None else today - timedelta(days=days)


def check_filters(export: str, question: Question, filters: Collection[str], *, needs_days: bool) -> None:
    """That the question can be put to that export, which has these filters. Raises ExportError.

    `needs_days`: its rows are of days, which no instant parts.
    """
    bounds = dict(zip(TIMES, (question.since, question.until), strict=True))
    for name in (*(name for name, bound in bounds.items() if bound), *question.names):
        if name not in filters:
            known = [f"--{each}" for each in (*TIMES, *sorted(set(filters) - {*TIMES, Basis.FOUND})) if each in filters]
            there = f"it takes {', '.join(known)}" if known else "it takes no filter"
            raise ExportError(f"--{name} does not apply to {export}; {there}")
    for name, bound in bounds.items():
        if bound and bound.day is None and needs_days:
            raise ExportError(f"--{name} {bound.text}: {export} is counted by day (WIB); give a day")
    if question.basis is Basis.FOUND and Basis.FOUND not in filters:
        raise ExportError(f"--by found does not apply to {export}; discovery and coverage-by-day tell what was found")
    if question.since and question.until and question.since.at >= question.until.at:
        raise ExportError(f"--until {question.until.text} is before --since {question.since.text}")


def check_names(name: str, values: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """The values of a filter, each once. Raises ExportError where one is not known."""
    found = tuple(dict.fromkeys(value.strip().lower() for value in values))
    for value in found:
        if value not in known:
            meant = get_close_matches(value, known, n=1)
            hint = f"; did you mean {meant[0]}?" if meant else ""
            raise ExportError(f"--{name} {value[:_SHOWN]!r}: no such {name}{hint}")
    return found
