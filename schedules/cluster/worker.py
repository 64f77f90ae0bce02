"""`kabarkota worker`: takes polls from PostgreSQL, does them with the very crawl of one machine, brings the harvests.

PostgreSQL ─▶ Procrastinate's worker ─▶ poll, poll … side by side ─▶ one crawl process ─▶ harvests, with completion
   ▲  └── signs of life, sweeping, permits of hosts                                            │
   └───────────────────────────────────────────────────────────────────────────────────────────┘
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import psycopg
import psycopg_pool
import uvloop
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from pydantic import SecretStr

from aggregator.wire import WireError
from crawler.clock import system_clock
from crawler.process import CrawlProcessError
from schedules.cluster.installed import require_dsn
from schedules.cluster.lane import Lane, LaneEnded
from schedules.cluster.messages import KIT, POLL_TASK, QUEUE
from schedules.cluster.postgres import check_clock, check_schema, connect, make_dsn, refuse_program
from schedules.cluster.queue import read_order
from schedules.cluster.worker_jobs import WorkerGivenUp, WorkerJobs
from schedules.config import Setup
from schedules.crawling import check_source_address
from schedules.errors import RunFailure

FETCH_SECONDS = 1.0  # between two looks for polls whose host was busy
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds, between attempts to begin anew
CONNECTIONS = 4
RECONNECT_SECONDS = 2.0  # after which attempts to connect begin anew, instead of pausing for ever longer
LONG_WORK_SECONDS = 60.0  # after which a failure is another than the last

logger = logging.getLogger(__name__)


def run_worker(setup: Setup) -> None:
    """Until SIGINT or SIGTERM.

    Raises UsageFailure, RunFailure (no PostgreSQL, no schema, another version's, a wrong clock).
    """
    dsn = require_dsn(setup.cluster)
    check_source_address(setup.crawl)
    with closing(connect(dsn)) as connection:
        if refusal := refuse_program(check_schema(connection).program):
            raise RunFailure(refusal)
        check_clock(connection)
    if not logger.isEnabledFor(logging.DEBUG):
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # what fails is told by us, in one line
        logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Worker(setup, dsn).run())


class BackOff(BaseRetryStrategy):
    """Polls that were not done are done again, each time later; what cannot be read is not."""

    def __init__(self, most_attempts: int) -> None:
        self._most_attempts = most_attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, WireError):
            return None
        if isinstance(exception, asyncio.CancelledError | HandedBack):
            return RetryDecision(retry_at=datetime.now(UTC))
        if job.attempts + 1 >= self._most_attempts:
            return None
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=2 ** (job.attempts + 1)))


def make_pool(*, check: object, **options: Any) -> psycopg_pool.AsyncConnectionPool:
    """A pool that asks no connection whether it is alive before each use: one that is not is noticed, and what was
    asked is asked again."""
    return psycopg_pool.AsyncConnectionPool(**options)


async def commit_each(connection: psycopg.AsyncConnection[Any]) -> None:
    """All that we ask is one statement: without this each is three."""
    await connection.set_autocommit(True)


class HandedBack(Exception):  # noqa: N818 - named after what happened
    """This worker ends, or was given up, before the poll was done: it is nobody's fault."""


class Worker:
    """One worker. Its name is its own, whatever else runs on the machine."""

    def __init__(self, setup: Setup, dsn: SecretStr) -> None:
        self._setup, self._dsn, self._settings = setup, dsn, setup.cluster
        self.name = f"{setup.cluster.worker_name}/{token_hex(3)}"
        self._connector = PsycopgConnector(
            conninfo=make_dsn(dsn),
            min_size=1,
            max_size=CONNECTIONS,
            timeout=10,
            pool_factory=make_pool,
            reconnect_timeout=RECONNECT_SECONDS,
            configure=commit_each,
        )
        self._jobs = WorkerJobs(self._connector, self.name, setup.cluster.polls_at_once)
        self._app = App(connector=self._connector)
        self._app.job_manager = self._jobs
        retry = BackOff(self._settings.max_attempts)
        self._app.task(name=POLL_TASK, queue=QUEUE, retry=retry, pass_context=True)(self._poll)
        self._lane: Lane | None = None
        self._old_lanes: set[Lane] = set()
        self._under_way = 0
        self._ending = asyncio.Event()
        self._is_giving_up = self._is_stopping = False
        self._working: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._refusal = ""

    async def run(self) -> None:
        """Raises RunFailure where the store node is of another version, or the clock is wrong."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._heed_end)
        print(f"kabarkota: worker {self.name} begins", file=sys.stderr, flush=True)
        pause = FIRST_PAUSE
        while not self._ending.is_set():
            begun = loop.time()
            try:
                await self._work()
            except WorkerGivenUp:
                logger.warning("the others took this worker for dead; it begins anew")
            except (ConnectorException, psycopg.Error, psycopg_pool.PoolTimeout) as error:
                logger.warning("cannot work: %s", " ".join(str(error.__cause__ or error).split()))
            if loop.time() - begun > LONG_WORK_SECONDS:
                pause = FIRST_PAUSE
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        await self._close_lanes()
        if self._refusal:
            raise RunFailure(self._refusal)
        print(f"kabarkota: worker {self.name} has ended", file=sys.stderr, flush=True)

    async def _work(self) -> None:
        """Registers, and works until it is told to end, or is given up. Raises WorkerGivenUp, ConnectorException."""
        self._is_giving_up = self._is_stopping = False
        self._jobs.worker_id = 0
        async with self._app.open_async():
            self._working = asyncio.create_task(
                self._app.run_worker_async(
                    queues=[QUEUE],
                    name=self.name,
                    concurrency=self._settings.polls_at_once,
                    fetch_job_polling_interval=FETCH_SECONDS,
                    install_signal_handlers=False,
                    update_heartbeat_interval=1e6,  # ours goes on while the last polls end
                    stalled_worker_timeout=self._settings.stalled_seconds,
                )
            )
            if self._ending.is_set():  # meanwhile
                self._stop()
            beating = asyncio.create_task(self._beat())
            try:
                with suppress(asyncio.CancelledError):
                    await self._working
            finally:
                self._working = None
                beating.cancel()
                with suppress(asyncio.CancelledError):
                    await beating
                if self._leaving is not None:  # it needs the connections
                    await self._leaving
                    self._leaving = None
            if self._is_giving_up:
                raise WorkerGivenUp

    async def _beat(self) -> None:
        """Signs of life, and a look for those that give none."""
        while True:
            await asyncio.sleep(self._settings.heartbeat_seconds)
            if not self._jobs.worker_id or self._is_giving_up:
                continue
            try:
                refusal = await self._jobs.beat(self._under_way, is_leaving=self._ending.is_set())
            except WorkerGivenUp:
                self._is_giving_up = True
                self._break_off()
                self._stop()
                continue
            if refusal and not self._refusal:
                self._refusal = refusal
                self._heed_end()
            await self._jobs.sweep(self._settings.stalled_seconds, self._settings.max_attempts)

    def _heed_end(self) -> None:
        """The first time gently, then not."""
        if self._ending.is_set():
            self._break_off()
            return
        self._ending.set()
        asyncio.get_running_loop().call_later(self._settings.drain_seconds, self._break_off)
        self._stop()

    def _stop(self) -> None:
        if self._working is not None and not self._is_stopping:
            self._is_stopping = True  # a second time would break its last polls off
            self._working.cancel()  # which Procrastinate takes for: no more, and end when all is done
            self._leaving = asyncio.create_task(self._jobs.leave_off())

    def _break_off(self) -> None:
        for lane in self._list_lanes():
            lane.interrupt()

    async def _poll(self, context: JobContext, *, order: str) -> None:
        """The task: polls one source once."""
        self._under_way += 1
        try:
            poll = read_order(order)
            if system_clock() > poll.deadline:
                logger.info("%s: too late, it is asked for anew", poll.job.source.id)
                self._jobs.bring(context.job, ())
                return
            lane = await self._find_lane(poll.kit)
            self._jobs.bring(context.job, await lane.poll(poll))
        except LaneEnded as error:
            if self._ending.is_set() or self._is_giving_up:
                raise HandedBack from error
            logger.error("%s: not polled: %s", context.job.queueing_lock, error)
            raise
        except Exception as error:
            said = error if isinstance(error, WireError) else f"internal error: {error!r}"
            logger.error("%s: not polled: %s", context.job.queueing_lock, said)
            raise
        finally:
            self._under_way -= 1

    async def _find_lane(self, kit_id: str) -> Lane:
        """Raises WireError, LaneEnded."""
        lane = self._lane
        if lane is not None and lane.kit_id == kit_id and lane.is_usable:
            return lane
        body = await self._jobs.read_kit(kit_id)
        if body is None:
            raise WireError(f"kit {kit_id!r} is not there")
        if self._lane is lane:  # nobody else has opened one meanwhile
            if lane is not None:
                lane.close()
                self._old_lanes.add(lane)
            try:
                self._lane = Lane(kit_id, KIT.unpack(body), self._dsn, self._setup.crawl)
            except CrawlProcessError as error:
                self._lane = None
                raise LaneEnded(str(error)) from error
            self._old_lanes = {old for old in self._old_lanes if old.is_alive}
        return await self._find_lane(kit_id)

    def _list_lanes(self) -> list[Lane]:
        return [*self._old_lanes, *([self._lane] if self._lane is not None else [])]

    async def _close_lanes(self) -> None:
        lanes = self._list_lanes()
        for lane in lanes:
            lane.close()
        await asyncio.gather(*(lane.join() for lane in lanes))
