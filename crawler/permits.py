"""Permits to ask hosts, where several machines crawl: a host's permit is held by one crawl process at a time.

    spider ─▶ Pace.turn ─▶ Permits ── PermitCall: wanted, given back ──▶ parent ─▶ whoever keeps them for all machines
                              ◀── PermitAnswer: granted, or to wait for so many seconds ──┘

On one machine nobody asks for any: there is one crawl process, and its `Pace` is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

GATHER_SECONDS = 0.02  # hosts are asked seconds apart: so much more is nothing
LONGEST_WAIT = 120.0  # seconds for a permit that others hold, one after the other
NOBODY_ANSWERED = f"no permit to ask it came in {LONGEST_WAIT:.0f} s; is PostgreSQL away?"
OTHERS_ASK = f"other crawls asked it for {LONGEST_WAIT:.0f} s"


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitCall:
    """What a crawl process says of its permits."""

    wanted: tuple[str, ...] = ()  # hosts (name:port)
    returned: tuple[tuple[str, float], ...] = ()  # hosts, and seconds in which nobody may ask them


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitAnswer:
    """What a crawl process is told of a permit that it wanted."""

    host: str
    wait_seconds: float = 0  # 0: it is granted; else to be asked for again after so many


class PermitKeeper(Protocol):
    """Keeps the permits of several machines; its methods are called in other threads than its own."""

    def handle(self, holder: str, call: PermitCall, answer: Callable[[tuple[PermitAnswer, ...]], object]) -> None:
        """Takes the call of a crawl process; `answer` is called later, in a thread of the keeper's."""

    def take_back(self, holder: str) -> None:
        """A crawl process has ended, or its batch: what it still held is nobody's."""

    def close(self) -> None:
        """Nobody will call again."""


class PermitWaitError(Exception):
    """The host is not to be asked for longer than one waits."""

    def __init__(self, seconds: float, reason: str = "") -> None:
        """`reason`: "" where somebody asks for it, else why no permit came."""
        super().__init__(reason or f"{seconds:.0f} s")
        self.seconds, self.reason = seconds, reason


class Permits:
    """The crawl process's side, within its event loop."""

    def __init__(self, send: Callable[[PermitCall], Awaitable[None]], patience: float) -> None:
        """`patience`: seconds; a host that nobody may ask for longer is not waited for."""
        self._send, self._patience = send, patience
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._held: set[str] = set()
        self._wanted: list[str] = []
        self._returned: dict[str, float] = {}
        self._sending: asyncio.Task[None] | None = None

    async def take(self, host: str) -> None:
        """Waits until this process, of all, may ask `host`. Raises PermitWaitError."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            self._waiting[host] = loop.create_future()
            self._wanted.append(host)
            self._flush_soon()
            try:
                async with asyncio.timeout(LONGEST_WAIT):
                    wait = await self._waiting[host]
            except TimeoutError as error:  # nobody keeps permits just now
                raise PermitWaitError(LONGEST_WAIT, NOBODY_ANSWERED) from error
            finally:
                self._waiting.pop(host, None)
            if wait <= 0:
                return
            if wait > self._patience:
                raise PermitWaitError(wait)
            if loop.time() - begun > LONGEST_WAIT:
                raise PermitWaitError(wait, OTHERS_ASK)
            await asyncio.sleep(wait)

    def give_back(self, host: str, seconds: float) -> None:
        """Lets others ask `host`, after so many seconds."""
        self._held.discard(host)
        self._returned[host] = max(seconds, self._returned.get(host, 0.0))
        self._flush_soon()

    def heed(self, answers: Iterable[PermitAnswer]) -> None:
        for answer in answers:
            future = self._waiting.get(answer.host)
            if future is not None and not future.done():
                future.set_result(answer.wait_seconds)
                if answer.wait_seconds <= 0:
                    self._held.add(answer.host)
            elif answer.wait_seconds <= 0 and answer.host not in self._held:  # whoever wanted it has given up
                self.give_back(answer.host, 0)

    async def settle(self) -> None:
        """Until all that was said is sent."""
        while self._sending is not None:
            await self._sending

    def _flush_soon(self) -> None:
        if self._sending is None:
            self._sending = asyncio.ensure_future(self._flush())

    async def _flush(self) -> None:
        """Sends what comes together in a moment: one message for all of it."""
        try:
            while self._wanted or self._returned:
                await asyncio.sleep(GATHER_SECONDS)
                call = PermitCall(wanted=tuple(self._wanted), returned=tuple(self._returned.items()))
                self._wanted, self._returned = [], {}
                await self._send(call)
        finally:
            self._sending = None
