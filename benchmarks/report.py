"""What the suite prints: a table for people, and a last line of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from benchmarks.contests import Result

HEADINGS = ("figure", "ours ms", "peer ms", "per", "ratio", "of the turns", "target")


def render_table(results: Iterable[Result]) -> str:
    """One line for each result, columns aligned."""
    rows: list[Sequence[str]] = [HEADINGS, *map(_to_cells, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def render_json(results: Iterable[Result], material: str) -> str:
    """`{id: {ratio, ours_ms, peer_ms, unit, target, peer, ratios, units, material}}`, or `{id: {skipped, …}}`."""
    return json.dumps({result.figure.id: result.to_json() | {"material": material} for result in results})


def _to_cells(result: Result) -> Sequence[str]:
    figure = result.figure
    target = f"<= {figure.target:g}" if figure.target is not None else ""
    if result.skipped:
        return (figure.id, "-", "-", figure.unit, "-", f"skipped: {result.skipped}", target)
    if target:
        target += "  met" if result.ratio <= (figure.target or 0) else "  missed"
    turns = f"{min(result.ratios):.3f} to {max(result.ratios):.3f}"
    return (
        figure.id,
        f"{result.ours_ms:.3f}",
        f"{result.peer_ms:.3f}",
        figure.unit,
        f"{result.ratio:.3f}",
        turns,
        target,
    )
