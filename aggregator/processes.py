"""Who is writing, and how much memory our processes take, as Linux tells it. Elsewhere nobody knows.

Only processes of the same user are seen, unless root asks.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

LOCK_FILE = "writer.lock"  # in the data folder; whoever writes holds it open and locked
PROC = Path("/proc")


def find_writer(data_folder: Path) -> int | None:
    """The process that holds the data folder's lock; None: none does, or it cannot be seen."""
    lock = os.path.realpath(data_folder / LOCK_FILE)
    holders = []
    with contextlib.suppress(OSError):
        holders = [int(folder.name) for folder in PROC.iterdir() if folder.name.isdigit() and _has_open(folder, lock)]
    return min(holders, default=None)  # a rival opens it for a moment; the holder came first


def list_descendants(pid: int) -> set[int]:
    """All processes below that one."""
    found: set[int] = set()
    queue = [pid]
    while queue:
        for children in (PROC / str(queue.pop()) / "task").glob("*/children"):
            with contextlib.suppress(OSError):
                fresh = {int(child) for child in children.read_text(encoding="ascii").split()} - found
                found |= fresh
                queue += fresh
    return found


def list_zombies(parent: int) -> set[int]:
    """Children of that process that have ended, and that it has not waited for."""
    found = set()
    for folder in PROC.iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit():
                state, above = (
                    (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
                )
                if state == "Z" and int(above) == parent:
                    found.add(int(folder.name))
    return found


def read_memory(pid: int) -> int:
    """Bytes of memory that the process occupies; 0: it has ended, or cannot be seen."""
    try:
        pages = (PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def give_memory_back() -> None:
    """Has the C library return to the system what it keeps for later: after work in a thread that is half of what it
    took. Nothing happens where it cannot."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def read_command(pid: int) -> str:
    """The command line of the process; "": it has ended, or cannot be seen."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _has_open(process: Path, file: str) -> bool:
    try:
        links = [entry.path for entry in os.scandir(process / "fd")]
    except OSError:
        return False
    for link in links:
        with contextlib.suppress(OSError):
            if os.readlink(link) == file:  # noqa: PTH115 - thousands of them: a Path each is twice as slow
                return True
    return False
