"""The killable pool in which untrusted bytes are parsed.

A page can hang lxml for minutes or eat all memory. Each parse runs in a worker process with a limit on CPU, on memory
and on the clock; a page that breaks one costs itself and its worker, which is replaced.

    page ─▶ light try: 1 CPU second, a little memory ─┬─▶ result
                                                      └─ it needs more, or its worker ended
                 heavy try: the limits of the settings, one at a time over all sources ─┬─▶ result
                                                                                        └─▶ ParseFailedError, a kill
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

from aggregator.wire import WireError
from crawler.parser_calls import Call, Outcome, Reply, get_call
from crawler.parser_lanes import Lanes
from crawler.parser_process import Limits, ParserProcess, WorkerDied, WorkerTookTooLong, WorkerUnavailable
from crawler.settings import MEBIBYTE, CrawlSettings

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

CALLS_PER_WORKER = 500  # a fresh worker now and then keeps leaks in C libraries small
CLOCK_PER_CPU_SECOND = 6  # wall seconds allowed for each CPU second: the machine is shared
LIGHT_CPU_SECONDS = 1  # an article takes a hundredth of it
POOL_MEMORY = 768 * MEBIBYTE  # that the calls of all workers together may take
LEAST_MEMORY = 96 * MEBIBYTE  # of a light try: an article takes a tenth of it
HEAVY_PATIENCE = 30.0  # seconds that what is heavy waits for its turn, for its body may keep others from being fetched
FEW_CALLS = 100  # of a pool: until then it gets along with one worker, for starting one takes as long as fifty articles
MOMENT = 2.0  # seconds that one of few calls waits for a busy worker, before it gets one of its own
MOST_KILLS = 3  # of an owner, in a batch: nothing more of it is parsed then


class ParseFailedError(Exception):
    """The bytes could not be parsed within the limits, or hold nothing of the kind.

    `kills`: workers that they ended at the limits of the settings.
    """

    def __init__(self, reason: str, *, kills: int = 0) -> None:
        super().__init__(reason)
        self.kills = kills


class ParserBusyError(Exception):
    """Nothing was parsed, and nobody knows whether it could be: it is for the next cycle."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    owner: str
    call: Call
    values: Callable[[], bytes]  # of its arguments: made when its turn comes, for many may wait


class _Answer(NamedTuple):
    reply: Reply
    result: Any  # of the function, where there is one


class ParserPool:
    """Runs functions of `crawler.reading` in worker processes, which are started as they are needed."""

    def __init__(self, settings: CrawlSettings) -> None:
        workers, memory = settings.parser_workers, settings.parse_memory_bytes
        cpu_seconds = settings.parse_cpu_seconds
        self._light = _make_limits(min(LIGHT_CPU_SECONDS, cpu_seconds), choose_light_memory(workers, memory))
        self._heavy = _make_limits(cpu_seconds, memory)
        self._patience = settings.visit_seconds or None
        self._lanes = Lanes(workers)
        self._idle: list[ParserProcess] = []
        self._busy: set[ParserProcess] = set()
        self._starting = self._calls = 0
        self._freed = asyncio.Event()
        self._kills: Counter[str] = Counter()  # by owner, in this batch

    def begin_batch(self) -> None:
        """Forgets who ended workers."""
        self.forget_kills(None)

    def forget_kills(self, owner: str | None) -> None:
        """Those of an owner whose next visit begins; None: of all, for search engines lead to any host."""
        if owner is None:
            self._kills.clear()
        else:
            self._kills.pop(owner, None)

    async def run(self, owner: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`function(*args)` in a worker; `owner` is whose bytes they are. Raises ParseFailedError, ParserBusyError."""
        call = get_call(function)
        job = _Job(owner=owner, call=call, values=lambda: call.encode(args, kwargs))
        reply, result = await self._try(job)
        if reply.outcome is not Outcome.RESULT:
            raise self._explain(reply)
        return cast("R", result)

    def close(self) -> None:
        """Ends the workers, busy ones too."""
        for worker in (*self._idle, *self._busy):
            worker.kill()
        self._idle.clear()

    async def _try(self, job: _Job) -> _Answer:
        """The answer of the first try that has one. A worker that somebody else ends costs a try, and no more."""
        if not self._kills[job.owner]:
            try:
                answer = await self._ask(job, is_heavy=False)
                if answer.reply.outcome is not Outcome.NO_MEMORY:
                    return answer
            except WorkerDied as death:
                logger.info("%s: tried again with the whole limits: %s", job.owner, death)
        try:
            return await self._try_heavy(job)
        except WorkerDied as death:
            self._kills[job.owner] += 1
            raise ParseFailedError(self._describe(death), kills=1) from death

    async def _try_heavy(self, job: _Job) -> _Answer:
        """Raises WorkerDied."""
        try:
            answer = await self._ask(job, is_heavy=True)
        except WorkerTookTooLong:
            raise
        except WorkerDied as death:
            if death.signal != signal.SIGKILL:
                raise
            answer = await self._ask(job, is_heavy=True)
        if answer.reply.outcome is Outcome.NO_MEMORY:
            raise WorkerDied("the parser ran out of its memory")
        return answer

    async def _ask(self, job: _Job, *, is_heavy: bool) -> _Answer:
        """Raises WorkerDied, ParserBusyError."""
        patience = min(self._patience or HEAVY_PATIENCE, HEAVY_PATIENCE) if is_heavy else self._patience
        try:
            async with self._lanes.take(job.owner, is_heavy=is_heavy, patience=patience):
                if self._kills[job.owner] >= MOST_KILLS:
                    raise ParserBusyError(f"no time is left to parse more of it: it has ended {MOST_KILLS} parsers")
                return await self._ask_worker(job, is_heavy=is_heavy)
        except TimeoutError:
            raise ParserBusyError("no time was left to parse it: others were waiting") from None
        except WorkerUnavailable as error:
            logger.error("%s", error)
            raise ParserBusyError(f"no time was left to parse it: {error}") from error

    async def _ask_worker(self, job: _Job, *, is_heavy: bool) -> _Answer:
        values = job.values()
        worker = await self._find_worker()
        self._busy.add(worker)
        try:
            reply = await worker.ask(job.call.name, values, self._heavy if is_heavy else self._light)
            result = job.call.decode(reply.body) if reply.outcome is Outcome.RESULT else None
        except WireError as error:  # of a worker that kept to the form: a result of ours that cannot be sent
            worker.kill()
            return _Answer(Reply(Outcome.ERROR, repr(error).partition("\\n")[0].encode("utf-8", "replace")), None)
        except BaseException:
            worker.kill()
            raise
        finally:
            self._busy.discard(worker)
            self._wake()  # they look after this task has gone on to its end, or to its next wait
        if is_heavy or reply.outcome is Outcome.NO_MEMORY or worker.calls >= CALLS_PER_WORKER:
            worker.kill()  # what a large page has left behind goes with it
        else:
            self._idle.append(worker)
        return _Answer(reply, result)

    async def _find_worker(self) -> ParserProcess:
        """One that is idle, or a new one. Raises WorkerUnavailable."""
        self._calls += 1
        until = asyncio.get_running_loop().time() + MOMENT
        while True:
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive:
                    return worker
                worker.kill()
            if self._calls > FEW_CALLS or not (self._busy or self._starting):
                return await self._start_worker()
            try:
                async with asyncio.timeout_at(until):
                    await self._freed.wait()
            except TimeoutError:
                return await self._start_worker()

    async def _start_worker(self) -> ParserProcess:
        self._starting += 1
        try:
            return await ParserProcess.start(self._heavy.memory)
        finally:
            self._starting -= 1
            self._wake()

    def _wake(self) -> None:
        """Has those look again who wait for a worker."""
        self._freed.set()
        self._freed.clear()

    def _explain(self, reply: Reply) -> ParseFailedError:
        said = reply.body.decode("utf-8", "replace")
        if reply.outcome is Outcome.NO_CHANNEL:
            return ParseFailedError(said)
        if reply.outcome is Outcome.TOO_LARGE:
            return ParseFailedError("what the parser found is over the limit of what we read")
        error, _, trace = said.partition("\n")
        logger.warning("parser failed: %s\n%s", error, trace)  # told with its traceback once, here
        return ParseFailedError("the parser failed at something in it")

    def _describe(self, death: WorkerDied) -> str:
        if death.signal == signal.SIGXCPU:
            return f"the parser was stopped (more than {self._heavy.cpu_seconds} CPU s)"
        return str(death)


def choose_light_memory(workers: int, memory: int) -> int:
    """So much that all workers together stay within POOL_MEMORY, one of them with the whole `memory`."""
    if workers < 2:
        return memory
    return min(memory, max(LEAST_MEMORY, (POOL_MEMORY - memory) // (workers - 1)))


def _make_limits(cpu_seconds: int, memory: int) -> Limits:
    return Limits(cpu_seconds=cpu_seconds, seconds=cpu_seconds * CLOCK_PER_CPU_SECOND, memory=memory)
