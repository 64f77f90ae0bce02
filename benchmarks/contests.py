"""Contests: commands that take turns, and the ratios of their CPU times.

    A B, A B, A B ─▶ one ratio A/B for each turn ─▶ their median

What slows the machine down for a while slows both sides of a turn, so ratios hold where milliseconds do not.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

METER = Path(__file__).with_name("meter.py")
PATIENCE_SECONDS = 900
LEAST_HANDLED = 0.98  # of the work; a side that did less was not measured doing it
# Of the environment: the operator's configuration; and what would have Python compile our modules at every start,
# which no installed copy does.
UNWANTED = ("KABARKOTA_", "PYTHONDONTWRITEBYTECODE")


class BenchmarkError(Exception):
    """A command failed, or did other work than it was measured for."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU time of one run and the units of work it did."""

    cpu_seconds: float
    units: int
    wall_seconds: float = 0

    @property
    def milliseconds(self) -> float:
        """CPU time of a unit."""
        return 1000 * self.cpu_seconds / self.units


@dataclass(frozen=True, kw_only=True)
class Run:
    """A command to measure. `read_units` gets what it printed, and raises BenchmarkError when that is not the work."""

    command: Sequence[str]
    read_units: Callable[[str], int]
    prepare: Callable[[], None] = lambda: None  # not measured
    # It prints its own `cpu_seconds`, which leave out its start; or `costs`: name → cpu_seconds and units, of several
    # kinds of work, which figures know as "run.name".
    is_self_timed: bool = False


@dataclass(frozen=True)
class Limit:
    """The most that a value may be."""

    most: float
    unit: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One ratio that a contest gives."""

    id: str
    what: str
    peer: str  # what the other side is
    unit: str
    ours: str  # name of the run
    theirs: str
    target: float | None = None  # the ratio that the design asks for
    floor: str = ""  # name of the run without which it cannot be done
    limits: Mapping[str, Limit] = field(default_factory=dict)  # of values told beside the ratio
    also: Mapping[str, str] = field(default_factory=dict)  # value told beside it → the run whose milliseconds it is


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Runs that take turns, by name and in order, and the figures that come of them."""

    runs: Mapping[str, Run]
    figures: Sequence[Figure]
    prepare: Callable[[], None] = lambda: None  # once, before the first turn


@dataclass(frozen=True, kw_only=True)
class Result:
    """A figure, measured; or the reason why it was not."""

    figure: Figure
    ratios: tuple[float, ...] = ()
    ours_ms: float = 0
    peer_ms: float = 0
    units: int = 0
    skipped: str = ""
    floor_ms: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)  # told beside the ratio, and held against limits
    is_wrong: bool = False  # it was cheap, and not what was asked for

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def is_met(self) -> bool | None:
        """Whether the ratio keeps to the target and every value to its limit; None where nothing was asked."""
        figure = self.figure
        if self.skipped or (figure.target is None and not figure.limits):
            return None
        kept = all(self.values[name] <= limit.most for name, limit in figure.limits.items())
        return kept and not self.is_wrong and (figure.target is None or self.ratio <= figure.target)

    def to_json(self) -> dict[str, Any]:
        figure = self.figure
        facts: dict[str, Any] = {"unit": figure.unit, "target": figure.target, "peer": figure.peer, "what": figure.what}
        if figure.limits:
            facts["limits"] = {name: limit.most for name, limit in figure.limits.items()}
        if self.skipped:
            return facts | {"met": None, "skipped": self.skipped}
        return facts | {
            "ratio": round(self.ratio, 4),
            "ours_ms": round(self.ours_ms, 4),
            "peer_ms": round(self.peer_ms, 4),
            "floor_ms": None if self.floor_ms is None else round(self.floor_ms, 4),
            "ratios": [round(ratio, 4) for ratio in self.ratios],
            "units": self.units,
            "met": self.is_met,
            **{name: round(value, 4) for name, value in self.values.items()},
        }


def hold_contest(contest: Contest, *, turns: int, folder: Path) -> list[Result]:
    """Runs a contest; `folder` is where its commands run. Raises BenchmarkError."""
    contest.prepare()
    costs: defaultdict[str, list[Cost]] = defaultdict(list)
    for _ in range(turns):
        for name, run in contest.runs.items():
            for part, cost in measure_parts(run, folder).items():
                costs[f"{name}.{part}" if part else name].append(cost)
    results = [
        compare(figure, costs[figure.ours], costs[figure.theirs], floor=costs[figure.floor] if figure.floor else ())
        for figure in contest.figures
    ]
    return [replace(result, values=_tell_also(result.figure, costs)) for result in results]


def _tell_also(figure: Figure, costs: Mapping[str, Sequence[Cost]]) -> dict[str, float]:
    return {name: statistics.median(cost.milliseconds for cost in costs[run]) for name, run in figure.also.items()}


def compare(figure: Figure, ours: Sequence[Cost], theirs: Sequence[Cost], *, floor: Sequence[Cost] = ()) -> Result:
    """The figure, of what both sides cost in each turn. Raises BenchmarkError where one cost nothing."""
    if any(cost.cpu_seconds <= 0 or cost.units < 1 for cost in (*ours, *theirs)):
        raise BenchmarkError(f"{figure.id}: too little work to be measured")
    return Result(
        figure=figure,
        ratios=tuple(our.milliseconds / their.milliseconds for our, their in zip(ours, theirs, strict=True)),
        ours_ms=statistics.median(cost.milliseconds for cost in ours),
        peer_ms=statistics.median(cost.milliseconds for cost in theirs),
        units=ours[0].units,
        floor_ms=statistics.median(cost.milliseconds for cost in floor) if floor else None,
    )


def measure(run: Run, folder: Path) -> Cost:
    """One run of one kind of work. Raises BenchmarkError."""
    return measure_parts(run, folder)[""]


def measure_parts(run: Run, folder: Path) -> dict[str, Cost]:
    """One run in a process of its own: what each kind of its work cost. Raises BenchmarkError."""
    run.prepare()
    out = folder / "meter.json"
    printed = call([sys.executable, "-I", str(METER), str(out), *run.command], folder)
    facts = json.loads(printed) if run.is_self_timed else json.loads(out.read_text(encoding="utf-8"))
    units = run.read_units(printed)
    if "costs" in facts:
        return {name: Cost(**cost) for name, cost in facts["costs"].items()}
    return {"": Cost(cpu_seconds=facts["cpu_seconds"], wall_seconds=facts.get("wall_seconds", 0), units=units)}


def check_done(who: str, done: int, wanted: int) -> int:
    """`wanted`, if nearly all of it was done. Raises BenchmarkError."""
    if done < LEAST_HANDLED * wanted:
        raise BenchmarkError(f"{who} has done {done} of {wanted}")
    return wanted


def call(command: Sequence[str], folder: Path) -> str:
    """What a command prints. It runs in `folder`, and sees no configuration of the operator. Raises BenchmarkError."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(UNWANTED)}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{' '.join(command[-6:])}: not done after {PATIENCE_SECONDS} s") from error
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command[-6:])}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout
