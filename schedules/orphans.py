"""What the first process of a container does for those whose parent has ended: it waits for them, else they stay."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from aggregator.processes import list_zombies

LOOK_SECONDS = 10.0


class Orphans:
    """Processes that became ours, because their parent was killed, and have ended.

    Those that we started are waited for where they were started, long before the next look; so who is found twice is
    nobody else's. Outside of a container there is an init for this.
    """

    def __init__(self, *, is_init: bool | None = None, pause: float = LOOK_SECONDS) -> None:
        self._is_init = os.getpid() == 1 if is_init is None else is_init
        self._pause = pause
        self._looked = 0.0
        self._found: set[int] = set()

    def watch(self) -> None:
        """To be called now and then."""
        now = time.monotonic()
        if not self._is_init or now - self._looked < self._pause:
            return
        self._looked = now
        zombies = list_zombies(os.getpid())
        for pid in zombies & self._found:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        self._found = zombies - self._found
