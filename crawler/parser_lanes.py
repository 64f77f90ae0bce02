"""Who may use a parser worker next, so that nobody's pages keep other sources' waiting.

light lane   first tries, with small limits: any worker, a bounded share of them for each owner, in order
heavy lane   what needs more, and all of an owner that has ended a worker: one at a time, when nobody light waits
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(eq=False)
class _Waiting:
    owner: str
    is_heavy: bool
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Lanes:
    """Hands out `places`, the number of workers."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._share = max(1, places // 2)
        self._light: Counter[str] = Counter()  # under way, by owner
        self._heavy = 0
        self._waiting: list[_Waiting] = []

    @asynccontextmanager
    async def take(self, owner: str, *, is_heavy: bool = False, patience: float | None = None) -> AsyncIterator[None]:
        """A place. Raises TimeoutError where none became free for so many seconds."""
        waiting = _Waiting(owner, is_heavy)
        self._waiting.append(waiting)
        try:
            self._call()
            async with asyncio.timeout(patience):
                await waiting.turn
        except BaseException:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:
                self._leave(waiting)
            raise
        try:
            yield
        finally:
            self._leave(waiting)

    def _leave(self, left: _Waiting) -> None:
        if left.is_heavy:
            self._heavy -= 1
        else:
            self._light[left.owner] -= 1
            self._light += Counter()  # without those that have none
        self._call()

    def _call(self) -> None:
        """Gives the free places away."""
        for waiting in sorted(self._waiting, key=lambda each: each.is_heavy):  # stable: else in order
            if self._light.total() + self._heavy >= self._places:
                return
            if waiting.turn.done() or not self._may_start(waiting):
                continue  # done: its patience has ended just now, and it has not yet heard of it
            self._waiting.remove(waiting)
            if waiting.is_heavy:
                self._heavy += 1
            else:
                self._light[waiting.owner] += 1
            waiting.turn.set_result(None)

    def _may_start(self, waiting: _Waiting) -> bool:
        return not self._heavy if waiting.is_heavy else self._light[waiting.owner] < self._share
