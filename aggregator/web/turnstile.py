"""Lets a few searches be worked on at a time, and a few more wait: else a hundred of them keep every page waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

AT_ONCE = 2
WAITING_MOST = 30

Work = Callable[[Request], Response]


class CrowdedError(Exception):
    """Too many wait already."""


class Turnstile:
    """For work that costs more than a page does."""

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING_MOST) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._most = at_once + waiting
        self._inside = 0

    def guard(self, work: Work, refuse: Work) -> Callable[[Request], Awaitable[Response]]:
        """`work` as an endpoint, in a thread; `refuse` answers at once where too many wait."""

        async def answer(request: Request) -> Response:
            if self._inside >= self._most:
                return refuse(request)
            self._inside += 1
            try:
                return await to_thread.run_sync(partial(work, request), limiter=self._limiter)
            finally:
                self._inside -= 1

        return answer

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """For work that finds a thread of its own. Raises CrowdedError at once where too many wait."""
        if self._inside >= self._most:
            raise CrowdedError
        self._inside += 1
        try:
            async with self._limiter:
                yield
        finally:
            self._inside -= 1
