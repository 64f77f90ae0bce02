"""Charts of what a question was answered: over days or months, or one bar for each name. Pure.

A question of ours says in queries.toml what is drawn. Of any other the first column has to be days, months or names,
and all others, a few, numbers.

Of a day without a row nothing is known, neither news nor sources. Only an answer that counts these, in a column
`sources_working`, says why a number is missing: it is 0 where a source was at work, and unknown where none was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from aggregator.cleaning import cut_text, xml_safe
from aggregator.periods import Step
from aggregator.questions import ChartPlan
from aggregator.web.charts import NAME_LIMIT, SERIES_MOST, Chart, Series, draw_chart, tell_number
from aggregator.web.texts import Texts

SOURCES = "sources_working"
STEPS_MOST = 800
BARS_MOST = 15
_LARGEST = 1e15  # above it nothing is a count
Rows = Sequence[Sequence[Any]]
_TIMES = ((Step.DAY, re.compile(r"\d{4}-\d\d-\d\d")), (Step.MONTH, re.compile(r"\d{4}-\d\d")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """`width` in percent of the longest one."""

    name: str
    value: str
    width: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """Every text is safe to encode, none is escaped yet."""

    title: str
    unit: str
    bars: tuple[Bar, ...]


def draw_figure(
    columns: Sequence[str], rows: Rows, texts: Texts, *, title: str, plan: ChartPlan | None = None
) -> Chart | Bars | None:
    """None: nothing here can be drawn."""
    plan = plan or guess_plan(columns, rows)
    if plan is None or not rows or not {*plan.y, *filter(None, (plan.x, plan.label, plan.series))} <= set(columns):
        return None
    if f"{plan.series[:-2]}{texts.language.value}" in columns and plan.series.endswith("_id"):
        plan = replace(plan, series=f"{plan.series[:-2]}{texts.language.value}")
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    return _draw_times(records, plan, texts, title) if plan.x else _draw_bars(records, plan, texts, title)


def guess_plan(columns: Sequence[str], rows: Rows) -> ChartPlan | None:
    """Of a question that is not ours."""
    if not rows or not 2 <= len(columns) <= SERIES_MOST + 1 or len(set(columns)) < len(columns):
        return None
    values = list(zip(*rows, strict=True))
    if not all(value is None or (_is_number(value) and value >= 0) for column in values[1:] for value in column):
        return None
    first, *others = columns
    if _find_step(values[0]):
        return ChartPlan(x=first, y=tuple(others))
    if all(isinstance(value, str) for value in values[0]) and len(others) == 1:
        return ChartPlan(label=first, y=tuple(others))
    return None


def _draw_times(records: Sequence[Mapping[str, Any]], plan: ChartPlan, texts: Texts, title: str) -> Chart | None:
    step = _find_step([record[plan.x] for record in records])
    if step is None:
        return None
    known = {_read_start(record[plan.x]) for record in records}
    starts = _list_steps(known, step)
    if not 2 <= len(starts) <= STEPS_MOST:
        return None
    silent = _find_silent(records, plan)
    found: dict[str, dict[date, float | None]] = {}
    for record in records:
        start = _read_start(record[plan.x])
        for column in plan.y:
            line = found.setdefault(str(record[plan.series]) if plan.series else column, {})
            line[start] = _read_value(record, column, is_silent=start in silent)
    lines = list(found.items())
    if plan.series:
        lines.sort(key=lambda line: -sum(value or 0 for value in line[1].values()))
    # Of a line that a day with rows has no row of there was nothing, if anybody could tell.
    told = known - silent
    series = [
        Series(name=name, values=tuple(values.get(start, 0 if start in told else None) for start in starts))
        for name, values in lines[:SERIES_MOST]
    ]
    blanks = frozenset(place for place, start in enumerate(starts) if start not in silent)
    unit = plan.y[0] if len(series) == 1 else ""
    return draw_chart(series, starts, texts, step=step, title=title, unit=unit, blanks=blanks)


def _find_silent(records: Sequence[Mapping[str, Any]], plan: ChartPlan) -> set[date]:
    """On which no source was at work, where that is told."""
    if SOURCES not in records[0]:
        return set()
    told = {_read_start(record[plan.x]) for record in records}
    return told - {_read_start(record[plan.x]) for record in records if record[SOURCES]}


def _read_value(record: Mapping[str, Any], column: str, *, is_silent: bool) -> float | None:
    """None: nothing is known."""
    value: Any = record[column]
    if SOURCES not in record or column == SOURCES:
        return value if _is_number(value) else None
    return (value if _is_number(value) else 0) or (None if is_silent else 0)


def _draw_bars(records: Sequence[Mapping[str, Any]], plan: ChartPlan, texts: Texts, title: str) -> Bars | None:
    (column,) = plan.y
    shown = [record for record in records if _is_number(record[column]) and record[column] >= 0][:BARS_MOST]
    highest = max((record[column] for record in shown), default=0)
    if not highest:
        return None
    return Bars(
        title=xml_safe(title),
        unit=xml_safe(column),
        bars=tuple(
            Bar(
                name=cut_text(xml_safe(str(record[plan.label])), NAME_LIMIT),
                value=tell_number(record[column], texts),
                width=round(100 * record[column] / highest, 2),
            )
            for record in shown
        ),
    )


def _find_step(values: Iterable[Any]) -> Step | None:
    """What the values are, all of them."""
    texts = list(values)
    for step, pattern in _TIMES:
        if all(isinstance(text, str) and pattern.fullmatch(text) and _is_date(text) for text in texts):
            return step
    return None


def _is_date(text: str) -> bool:
    try:
        _read_start(text)
    except ValueError:
        return False
    return True


def _read_start(text: str) -> date:
    """Raises ValueError."""
    return date.fromisoformat(text if len(text) > len("2026-11") else f"{text}-01")


def _list_steps(found: set[date], step: Step) -> list[date]:
    """All from the first to the last; where they are too many, one more than may be."""
    first, last = min(found), max(found)
    if step is Step.MONTH:
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        return [date(month // 12, month % 12 + 1, 1) for month in months[: STEPS_MOST + 1]]
    days = range(first.toordinal(), last.toordinal() + 1)
    return [date.fromordinal(day) for day in days[: STEPS_MOST + 1]]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < _LARGEST  # NaN is not
