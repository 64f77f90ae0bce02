"""What work costs, in CPU time and by the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

TURNS = 5
SLOW_MS = 2_000  # what takes longer is done once


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Milliseconds of each time that something was done."""

    cpu: Sequence[float]
    wall: Sequence[float]

    def to_json(self) -> dict[str, float]:
        return {
            "cpu_ms": round(median(self.cpu), 3),
            "cpu_p95_ms": round(find_p95(self.cpu), 3),
            "wall_ms": round(median(self.wall), 3),
            "wall_p95_ms": round(find_p95(self.wall), 3),
            "first_ms": round(self.wall[0], 3),
        }


def find_p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def join(spent: Iterable[Spent]) -> Spent:
    """All of it together."""
    spent = list(spent)
    return Spent(cpu=[ms for each in spent for ms in each.cpu], wall=[ms for each in spent for ms in each.wall])


def spend(works: Iterable[Callable[[], object]]) -> Spent:
    """What each of these costs."""
    cpu, wall = [], []
    for work in works:
        began, began_wall = time.process_time(), time.perf_counter()
        work()
        wall.append((time.perf_counter() - began_wall) * 1000)
        cpu.append((time.process_time() - began) * 1000)
    return Spent(cpu=cpu, wall=wall)


def spend_again(work: Callable[[], object]) -> Spent:
    """What one thing costs: `TURNS` times, or once where that takes long."""
    first = spend([work])
    if first.wall[0] > SLOW_MS:
        return first
    more = spend([work] * TURNS)
    return Spent(cpu=[*first.cpu, *more.cpu], wall=[*first.wall, *more.wall])
