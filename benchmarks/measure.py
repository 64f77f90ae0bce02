"""CPU seconds of commands, and pairs of them measured in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table."""

    id: str
    what: str
    unit: str
    units: int  # pages, feeds, strings in one run
    ours: Sequence[float]  # CPU seconds of each run
    peer: Sequence[float]

    @property
    def ratio(self) -> float:
        """Median of the pairs' ratios: noise that lasts hits both halves of a pair."""
        return statistics.median(ours / peer for ours, peer in zip(self.ours, self.peer, strict=True))

    def to_json(self) -> dict[str, object]:
        return {
            "ratio": round(self.ratio, 3),
            "ours_ms": round(1000 * statistics.median(self.ours) / self.units, 3),
            "peer_ms": round(1000 * statistics.median(self.peer) / self.units, 3),
            "unit": self.unit,
            "units": self.units,
        }


def run_python(*arguments: object) -> float:
    """CPU seconds, user and system, of `python arguments` and of all it started and waited for."""
    process = subprocess.Popen([sys.executable, *map(str, arguments)], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def pair(ours: Callable[[], float], peer: Callable[[], float], times: int) -> tuple[list[float], list[float]]:
    """Ours, peer, ours, peer … so that what slows the machine slows both."""
    runs = [(ours(), peer()) for _ in range(times)]
    return [run[0] for run in runs], [run[1] for run in runs]
