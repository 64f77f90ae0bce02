"""B12: what starting costs, and what a service holds that has nothing to do."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from benchmarks.contests import BenchmarkError, Contest, Figure, Limit, Result, Run, hold_contest
from benchmarks.crawls import Sides
from benchmarks.origin import serve_material
from benchmarks.serving import find_port
from benchmarks.tree import list_tree, read_pss, read_tree_pss

MEBIBYTE = 1 << 20
PATIENCE_SECONDS = 120
STEADY = 0.01  # two readings that differ by less
FIGURE = Figure(
    id="B12",
    what="`kabarkota --help`; memory (PSS) of all processes of `serve` after its first cycle, at rest",
    peer="a Python interpreter that does nothing",
    unit="start",
    ours="ours",
    theirs="peer",
    limits={"help_cpu_s": Limit(0.25, "s"), "idle_mib": Limit(350, "MiB")},
)


def measure_rest(folder: Path, material: Path, *, turns: int, portals: int) -> Result:
    """Raises BenchmarkError."""
    command = Path(sys.executable).with_name("kabarkota")
    started = (str(command),) if command.exists() else (sys.executable, "-P", "-m", "schedules")
    contest = Contest(
        runs={
            "ours": Run(command=(*started, "--help"), read_units=_expect_help),
            "peer": Run(command=(sys.executable, "-c", ""), read_units=lambda printed: 1),
        },
        figures=(FIGURE,),
    )
    (result,) = hold_contest(contest, turns=turns, folder=folder)
    with serve_material(material, portals=portals, entries=5) as running:
        parts = measure_idle(Sides(folder / "rest", running), folder / "rest" / "data")
    values = {"help_cpu_s": result.ours_ms / 1000, "idle_mib": sum(parts), "processes": len(parts)}
    return replace(result, values=values)


def _expect_help(printed: str) -> int:
    if "serve" not in printed:
        raise BenchmarkError("`kabarkota --help` has not told of `serve`")
    return 1


def measure_idle(sides: Sides, data: Path) -> list[float]:
    """MiB of each process of `serve`, the largest first. Raises BenchmarkError."""
    options = ("--config", str(sides.configuration), "--data", str(data), "--catalogue", str(sides.catalogue))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KABARKOTA_")}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "schedules", *options, "serve", "--port", str(find_port())],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_at_rest(process, data / "news.db")
        return sorted((read_pss(pid) / MEBIBYTE for pid in list_tree(process.pid)), reverse=True)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def wait_until_at_rest(process: subprocess.Popen[bytes], database: Path) -> None:
    """Until a cycle is done and memory changes no more. Raises BenchmarkError."""
    before = 0
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise BenchmarkError(f"`serve` has ended with {process.returncode}")
        now = read_tree_pss(process.pid) if has_finished_cycle(database) else 0
        if before and abs(now - before) < STEADY * before:
            return
        before = now
        time.sleep(1)
    raise BenchmarkError(f"`serve` does not come to rest in {PATIENCE_SECONDS} s")


def has_finished_cycle(database: Path) -> bool:
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        return bool(connection.execute("SELECT 1 FROM cycles WHERE finished_at IS NOT NULL").fetchone())
    return False
