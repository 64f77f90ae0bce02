"""Which rows of an export are asked for. Pure.

Times are as in `aggregator.bounds`. Of several values for one filter either will do; of several filters each must.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from aggregator.bounds import Bound
from aggregator.exports.choices import Basis
from aggregator.exports.table import ExportError

TIMES = ("since", "until")
_SHOWN = 80  # characters of a value that are repeated


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
