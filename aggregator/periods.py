"""Days, weeks and months of a chart. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

DAYS_MOST = 370  # columns of each kind that a chart can still show
WEEKS_MOST = 370
POINTS_MOST = 740  # days of all lines together


class Step(StrEnum):
    """What one column of a chart stands for."""

    DAY = "day"
    WEEK = "week"  # from Monday on
    MONTH = "month"


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Days, both included; `since` is not after `until`."""

    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What was counted in a step."""

    start: date
    count: int
    working: int  # days of sources that answered: two sources on three days are six
    is_known: bool  # False: no source was asked, so that a count of 0 says nothing

    @property
    def value(self) -> int | None:
        return self.count if self.is_known or self.count else None

    @property
    def rate(self) -> float | None:
        """For each hundred sources at work on a day; None where it is not known how many worked."""
        return 100 * self.count / self.working if self.working else None


def begin_step(day: date, step: Step) -> date:
    """The first day of the week or month that `day` is in."""
    if step is Step.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step is Step.MONTH else day


def choose_step(period: Period, wanted: Step | None = None, *, lines: int = 1) -> Step:
    """The step that is wanted, or that suits the period; a longer one where there would be too many of them."""
    if wanted is None:
        wanted = Step.DAY if period.days <= 100 else Step.WEEK if period.days <= 760 else Step.MONTH
    if wanted is Step.DAY and (period.days > DAYS_MOST or period.days * lines > POINTS_MOST):
        wanted = Step.WEEK
    if wanted is Step.WEEK and period.days > WEEKS_MOST * 7:
        wanted = Step.MONTH
    return wanted


def sum_by_step(days: Sequence[tuple[date, int, int | None]], step: Step) -> list[Counted]:
    """Successive days (day, count, sources at work or None for unknown) added up by step."""
    return [_add_up(start, members) for start, members in _gather(days, step)]


def _gather(
    days: Sequence[tuple[date, int, int | None]], step: Step
) -> Iterator[tuple[date, Sequence[tuple[date, int, int | None]]]]:
    gathered: dict[date, list[tuple[date, int, int | None]]] = {}
    for day in days:
        gathered.setdefault(begin_step(day[0], step), []).append(day)
    yield from gathered.items()


def _add_up(start: date, days: Sequence[tuple[date, int, int | None]]) -> Counted:
    return Counted(
        start=start,
        count=sum(count for _, count, _ in days),
        working=sum(working or 0 for *_, working in days),
        is_known=any(working is not None for *_, working in days),
    )
