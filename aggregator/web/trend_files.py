"""The figures of a chart for other programs: CSV for tables, JSON for the page's own script. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from aggregator.exports.cells import make_cell
from aggregator.periods import Counted
from aggregator.trend_rows import Subject
from aggregator.web.trend_query import TrendQuery


def render_csv(query: TrendQuery, counted: Mapping[Subject, Sequence[Counted]]) -> str:
    """A line for each step: its first day, a value for each subject (empty where nothing is known), source-days."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["start", *(make_cell(name) for _, name in query.subjects), "source_days"])
    columns = [counted[subject] for subject, _ in query.subjects]
    for steps in zip(*columns, strict=True):
        values = (_round(query.measure(step)) for step in steps)
        writer.writerow([steps[0].start, *("" if value is None else value for value in values), steps[0].working])
    return file.getvalue()


def render_json(
    query: TrendQuery, counted: Mapping[Subject, Sequence[Counted]], spikes: Mapping[Subject, frozenset[int]]
) -> str:
    starts = [step.start.isoformat() for step in counted[query.subjects[0][0]]]
    series = [
        {
            "name": name,
            "values": [_round(query.measure(step)) for step in counted[subject]],
            "spikes": sorted(spikes[subject]),
        }
        for subject, name in query.subjects
    ]
    return json.dumps({"starts": starts, "series": series}, ensure_ascii=False, separators=(",", ":"))


def _round(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, 4)
