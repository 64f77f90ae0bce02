"""What the suite prints: a table for people, and a last line of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.contests import Result

HEADINGS = ("figure", "ours ms", "peer ms", "floor ms", "per", "ratio", "of the turns", "target")


def render_table(results: Iterable[Result]) -> str:
    """One line for each result, columns aligned."""
    rows: list[Sequence[str]] = [HEADINGS, *map(_to_cells, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def render_json(results: Iterable[Result], material: str) -> str:
    """`{id: {ratio, ours_ms, peer_ms, floor_ms, unit, units, target, met, peer, ratios, material, …}}`; `skipped`
    tells why there is no figure."""
    return json.dumps({result.figure.id: result.to_json() | {"material": material} for result in results})


def _to_cells(result: Result) -> Sequence[str]:
    figure = result.figure
    wanted = [f"<= {figure.target:g}"] if figure.target is not None else []
    wanted += [f"{name} <= {limit.most:g}" for name, limit in figure.limits.items()]
    target = ", ".join(wanted)
    if result.skipped:
        return (figure.id, "-", "-", "-", figure.unit, "-", f"skipped: {result.skipped}", target)
    beside = ", ".join(f"{name} {value:g}" for name, value in _round(result.values).items())
    verdict = {True: "met", False: "missed", None: ""}[result.is_met]
    return (
        figure.id,
        f"{result.ours_ms:.3f}",
        f"{result.peer_ms:.3f}",
        "" if result.floor_ms is None else f"{result.floor_ms:.3f}",
        figure.unit,
        f"{result.ratio:.3f}",
        "; ".join(filter(None, (f"{min(result.ratios):.3f} to {max(result.ratios):.3f}", beside))),
        "  ".join(filter(None, (target, verdict))),
    )


def _round(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in values.items()}
