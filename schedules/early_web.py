"""The web server's process, begun before anything large is loaded: it loads its part while the service loads its own.

It waits for its order, which `schedules.web_server` gives it. Nothing but the standard library is imported here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_WITH_VALUE = ("--config", "--data", "--catalogue")  # options that stand before the command's name


@dataclass(frozen=True)
class WebProcess:
    """One that wants its order on its standard input."""

    process: subprocess.Popen[bytes]
    bulletin: int  # the descriptor that it has inherited


_begun: list[WebProcess] = []  # one at most


def start_web_process(bulletin: int) -> WebProcess:
    """Raises OSError."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "aggregator.web"], stdin=subprocess.PIPE, pass_fds=[bulletin]
    )
    return WebProcess(process, bulletin)


def begin_early(arguments: Sequence[str]) -> None:
    """Begins it where the command is `serve`; the command line is not judged otherwise."""
    if find_command(arguments) == "serve" and "--help" not in arguments:
        from aggregator.shared_memory import make_shared_memory

        _begun.append(start_web_process(make_shared_memory(0)))


def take_begun() -> WebProcess | None:
    """The one that was begun, for whoever gives it its order, and ends it."""
    return _begun.pop() if _begun else None


def end_begun() -> None:
    """Ends it where nobody has taken it."""
    if (begun := take_begun()) is not None:
        begun.process.kill()
        begun.process.wait()


def find_command(arguments: Sequence[str]) -> str:
    """The command's name; "" where there is none. PURE."""
    left = iter(arguments)
    for argument in left:
        if argument in _WITH_VALUE:
            next(left, None)
        elif not argument.startswith("-"):
            return argument
    return ""
