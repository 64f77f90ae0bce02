"""CPU time and memory of a process and all below it, while they live."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aggregator.processes import list_descendants

TICKS = os.sysconf("SC_CLK_TCK")
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


def read_cpu(pid: int) -> float:
    """Seconds in user and system mode, with those of children that it has waited for."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS
    return 0


def read_tree_cpu(pid: int | None = None) -> float:
    """The same over a process (this one) and all that live below it."""
    return sum(map(read_cpu, list_tree(pid or os.getpid())))


def read_tree_pss(pid: int) -> int:
    """Bytes of memory of a process and all below it; what several share counts once, in parts."""
    return sum(map(read_pss, list_tree(pid)))


def read_pss(pid: int) -> int:
    with suppress(OSError):
        found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"))
        return int(found[1]) * 1024 if found else 0
    return 0


def list_tree(pid: int) -> Iterator[int]:
    yield pid
    yield from list_descendants(pid)
