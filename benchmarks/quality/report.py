"""What the command prints: tables for people, one line of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from benchmarks.quality.gate import Outcome, Row
from benchmarks.quality.measure import PageScore


def render_outcome(outcome: Outcome) -> str:
    """A table for each set and for each of ours; then speeds, and what was left out."""
    return "\n".join(_list_lines(outcome))


def render_json(outcome: Outcome) -> str:
    """`{passed, sets: {table: {figure: {floor, measured, verdict, PEER…}}}, pages, speed, skipped}` on one line."""
    sets: dict[str, dict[str, object]] = {}
    for row in outcome.rows:
        facts = {"floor": row.floor, "measured": row.measured, "verdict": row.verdict}
        sets.setdefault(row.table, {})[row.figure] = facts | dict(row.peers)
    speeds = {
        name: {
            "ratio_to_trafilatura": round(speed.ratio, 4),
            "median_ms": round(speed.median_ms, 3),
            "p99_ms": round(speed.p99_ms, 3),
            "p99_to_median": round(speed.tail, 2),
        }
        for name, speed in outcome.speeds.items()
    }
    return json.dumps(
        {
            "passed": outcome.has_passed,
            "sets": sets,
            "pages": dict(outcome.pages),
            "speed": speeds,
            "skipped": dict(outcome.skipped) | dict.fromkeys(outcome.missing_peers, "not installed"),
        }
    )


def render_worst(scores: Iterable[PageScore]) -> str:
    """A line for each page, the worst body first: what repairers look at."""
    worst = sorted(scores, key=lambda score: (score.f1, score.name))
    rows = [("page", "F1", "P", "R", "method", "wrong")]
    rows += [
        (
            score.name,
            _show(score.f1),
            _show(score.body.precision),
            _show(score.body.recall),
            score.method or "-",
            ", ".join([*(fact for fact, is_right in score.right.items() if not is_right), *map(repr, score.leaks)]),
        )
        for score in worst
    ]
    return "\n".join(_align(rows))


def _list_lines(outcome: Outcome) -> Iterator[str]:
    for table, rows in groupby(outcome.rows, key=lambda row: row.table):
        count = next((f", {pages} pages" for name, pages in outcome.pages.items() if name == table), "")
        yield f"{table}{count}"
        yield from ("  " + line for line in _align(_list_cells(list(rows))))
        yield ""
    for name, speed in outcome.speeds.items():
        yield (
            f"speed, {name}: {speed.ratio:.3f} of trafilatura's CPU time; "
            f"{speed.median_ms:.1f} ms a page, p99 {speed.p99_ms:.1f} ms ({speed.tail:.1f} times the median)"
        )
    for name, reason in outcome.skipped.items():
        yield f"skipped, {name}: {reason}"
    for peer in outcome.missing_peers:
        yield f"skipped, {peer}: not installed"


def _list_cells(rows: Sequence[Row]) -> list[Sequence[str]]:
    peers = list(rows[0].peers)
    return [
        ("figure", "floor", "measured", "", *peers),
        *(
            (
                row.figure,
                _show(row.floor),
                _show(row.measured),
                row.verdict,
                *(_show(row.peers[peer]) for peer in peers),
            )
            for row in rows
        ),
    ]


def _show(share: float | None) -> str:
    return "-" if share is None else f"{share:.4f}".removesuffix("0")


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
