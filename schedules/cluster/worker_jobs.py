"""Procrastinate's manager of jobs as a worker needs it: it completes a poll together with its harvests, touches none
that is no longer its own, and outlives PostgreSQL.

Procrastinate's worker ends when PostgreSQL breaks off. Ours goes on with what it has begun, and tries again. It also
asks and tells PostgreSQL one job at a time, which costs more than the poll's other share of the queue: here what comes
together in a moment goes in one statement.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback

from crawler.clock import system_clock
from schedules.cluster.messages import PROGRAM, QUEUE
from schedules.cluster.postgres import find_cause, refuse_clock, refuse_program

R = TypeVar("R")

PATIENCE_SECONDS = 300.0  # for PostgreSQL, with what is to be brought; after that others have polled it anew
LEAVING_PATIENCE_SECONDS = 10.0
LONGEST_PAUSE = 5.0
GATHER_SECONDS = 0.05  # what comes in so much time goes in one statement
FETCHED_AT_ONCE = 10  # polls: the other workers want some, too
BROUGHT_AT_ONCE, BYTES_AT_ONCE = 50, 8 << 20  # polls, and bytes of their harvests: one may have more by itself

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedHarvest:
    """As it is kept in PostgreSQL."""

    channel_id: int
    pages: int
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Completion:
    """A poll that was done, to be told to PostgreSQL."""

    job_id: int
    harvests: Sequence[PackedHarvest]
    future: asyncio.Future[bool]  # whether it was still ours

    @property
    def size(self) -> int:
        return sum(len(harvest.body) for harvest in self.harvests)


class WorkerGivenUp(Exception):  # noqa: N818 - named after what happened
    """The others think that this worker is dead, and have its polls: it was frozen, or cut off."""


class WorkerJobs(JobManager):
    """For one worker, which registers anew after it was given up."""

    def __init__(self, connector: PsycopgConnector, name: str, polls_at_once: int) -> None:
        super().__init__(connector)
        self._name, self._polls_at_once = name, polls_at_once
        self._harvests: dict[int, Sequence[PackedHarvest]] = {}
        self._fetched: deque[Job] = deque()  # ours, and not begun
        self._begun: set[int] = set()  # ours, and not yet completed or handed back
        self._has_missed = False  # an answer of PostgreSQL's: what it gave us is not known
        self._completions: deque[_Completion] = deque()
        self._bringing: asyncio.Task[None] | None = None
        self._is_cut_off = self._is_leaving = False
        self._patience = PATIENCE_SECONDS
        self._polls = self._articles = 0  # since the last sign of life
        self.worker_id = 0

    def bring(self, job: Job, harvests: Sequence[PackedHarvest]) -> None:
        """What goes with the job when it is completed."""
        assert job.id is not None
        self._harvests[job.id] = harvests

    async def register_worker(self) -> int:
        self._fetched.clear()
        self._has_missed = self._is_leaving = False
        self._patience = PATIENCE_SECONDS
        self.worker_id = await super().register_worker()
        return self.worker_id

    async def unregister_worker(self, worker_id: int) -> None:
        await super().unregister_worker(worker_id)
        await self.connector.execute_query_async("DELETE FROM workers WHERE id = %(id)s", id=worker_id)

    async def prune_stalled_workers(self, seconds_since_heartbeat: float) -> list[int]:
        """Not at each start: `sweep` knows when somebody may be taken for dead."""
        return []

    async def leave_off(self) -> None:
        """Fetches no more, and hands back what was fetched and is not begun."""
        self._is_leaving = True
        self._patience = LEAVING_PATIENCE_SECONDS
        try:
            while self._fetched:
                await self.retry_job(self._fetched.popleft())
        except ConnectorException as error:  # whoever sweeps next finds them
            self._note_failure(error)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """None also where PostgreSQL does not answer. Raises WorkerGivenUp."""
        if not self._fetched and not self._is_leaving:
            if self._begun:
                await asyncio.sleep(GATHER_SECONDS)  # more of them end meanwhile
            await self._fetch()
        if self._is_leaving:
            await self.leave_off()
        if not self._fetched:
            return None
        job = self._fetched.popleft()
        assert job.id is not None
        self._begun.add(job.id)
        return job

    async def _fetch(self) -> None:
        """As many as can be begun at once, not all there are. Raises WorkerGivenUp."""
        arguments: dict[str, Any] = {
            "queue": QUEUE,
            "worker": self.worker_id,
            "most": max(1, min(self._polls_at_once - len(self._begun), FETCHED_AT_ONCE)),
            "known": list(self._begun) if self._has_missed else None,
        }
        sql = "SELECT * FROM fetch_polls(%(queue)s, %(worker)s, %(most)s, %(known)s::bigint[])"
        try:
            rows = await self.connector.execute_query_all_async(sql, **arguments)
        except ConnectorException as error:
            if isinstance(find_cause(error), psycopg.errors.ForeignKeyViolation):
                raise WorkerGivenUp from error
            if isinstance(find_cause(error), psycopg.errors.UniqueViolation):
                return  # somebody else has just begun with that host
            self._has_missed = True
            self._note_failure(error)
            return
        self._has_missed = False
        self._note_success()
        jobs = [Job.from_row(row) for row in rows]
        self._fetched.extend(sorted(jobs, key=lambda job: (-job.priority, job.id)))

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        while True:
            try:
                await super().listen_for_jobs(on_notification=on_notification, queues=queues)
            except (ConnectorException, psycopg.Error) as error:
                self._note_failure(error)
            await asyncio.sleep(1)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        assert job.id is not None
        harvests = self._harvests.pop(job.id, ())
        try:
            if status is not Status.SUCCEEDED:
                await self._hand_back(job.id, None)
            elif await self._complete(job.id, harvests):
                self._polls += 1
                self._articles += sum(harvest.pages for harvest in harvests)
            else:
                logger.info("%s: what was brought is dropped: another worker has the poll", job.queueing_lock)
        except ConnectorException as error:
            self._has_missed = True  # should it still be ours, it is done again
            if is_away(error):
                raise
            logger.error("%s: PostgreSQL refuses what was brought: %s", job.queueing_lock, find_cause(error))
            await self._hand_back(job.id, None)
        finally:
            self._begun.discard(job.id)

    async def _complete(self, job_id: int, harvests: Sequence[PackedHarvest]) -> bool:
        """Whether the poll was still ours. Raises ConnectorException."""
        completion = _Completion(job_id=job_id, harvests=harvests, future=asyncio.get_running_loop().create_future())
        self._completions.append(completion)
        if self._bringing is None:
            self._bringing = asyncio.create_task(self._bring_all())
        return await completion.future

    async def _bring_all(self) -> None:
        try:
            while self._completions:
                await asyncio.sleep(GATHER_SECONDS)
                await self._bring(self._take_completions())
        finally:
            self._bringing = None

    def _take_completions(self) -> list[_Completion]:
        part = [self._completions.popleft()]
        size = part[0].size
        while self._completions and len(part) < BROUGHT_AT_ONCE:
            size += self._completions[0].size
            if size > BYTES_AT_ONCE:
                break
            part.append(self._completions.popleft())
        return part

    async def _bring(self, completions: Sequence[_Completion]) -> None:
        brought = [(each.job_id, harvest) for each in completions for harvest in each.harvests]
        arguments: dict[str, Any] = {
            "worker": self.worker_id,
            "name": self._name,
            "polls": [each.job_id for each in completions],
            "ids": [str(uuid4()) for _ in brought],
            "of": [job_id for job_id, _ in brought],
            "channels": [harvest.channel_id for _, harvest in brought],
            "bodies": [harvest.body for _, harvest in brought],
        }
        sql = (
            "SELECT bring(%(worker)s, %(name)s, %(polls)s::bigint[], %(ids)s::uuid[], %(of)s::bigint[],"
            " %(channels)s::bigint[], %(bodies)b::bytea[]) AS done"
        )
        try:
            rows = await self._persist(lambda: self.connector.execute_query_all_async(sql, **arguments))
        except Exception as error:
            if len(completions) > 1 and isinstance(error, ConnectorException) and not is_away(error):
                for each in completions:  # one that is refused is no other's fault
                    await self._bring([each])
                return
            for each in completions:
                each.future.set_exception(error)
            return
        done = {row["done"] for row in rows}
        for each in completions:
            each.future.set_result(each.job_id in done)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        assert job.id is not None
        self._harvests.pop(job.id, None)
        now = datetime.now(UTC)
        try:
            await self._hand_back(job.id, max(0.0, ((retry_at or now) - now).total_seconds()))
        except ConnectorException:
            self._has_missed = True  # should it still be ours, it is done again
            raise
        finally:
            self._begun.discard(job.id)

    async def beat(self, under_way: int, *, is_leaving: bool) -> str:
        """A sign of life. Returns why this worker cannot go on working for the store node, "" where it can.

        Raises WorkerGivenUp.
        """
        polls, articles = self._polls, self._articles
        arguments: dict[str, Any] = {
            "worker": self.worker_id,
            "name": self._name,
            "program": PROGRAM,
            "under_way": under_way,
            "polls": polls,
            "articles": articles,
            "leaving": is_leaving,
        }
        sql = (
            "SELECT beat(%(worker)s, %(name)s, %(program)s, %(under_way)s, %(polls)s, %(articles)s, %(leaving)s)"
            " AS program, clock_timestamp() AS clock"
        )
        asked_at = system_clock()
        try:
            told = await self.connector.execute_query_one_async(sql, **arguments)
        except ConnectorException as error:
            self._note_failure(error)
            return ""
        self._note_success()
        if told["program"] is None:
            raise WorkerGivenUp
        self._polls -= polls
        self._articles -= articles
        return refuse_program(told["program"]) or refuse_clock(told["clock"], asked_at)

    async def read_kit(self, kit_id: str) -> bytes | None:
        """Raises ConnectorException where PostgreSQL is away for long."""
        sql = "SELECT (SELECT body FROM kits WHERE id = %(id)s) AS done"
        body: bytes | None = await self._persist(lambda: self._ask(sql, {"id": kit_id}))
        return body

    async def sweep(self, stalled_seconds: float, most_attempts: int) -> None:
        sql = "SELECT count(*) AS done FROM sweep(%(seconds)s, %(most)s)"
        try:
            await self._ask(sql, {"seconds": stalled_seconds, "most": most_attempts})
        except ConnectorException as error:
            self._note_failure(error)

    async def _hand_back(self, job_id: int, again_seconds: float | None) -> None:
        sql = "SELECT hand_back(%(poll)s, %(worker)s, %(seconds)s::float8) AS done"
        arguments = {"poll": job_id, "worker": self.worker_id, "seconds": again_seconds}
        await self._persist(lambda: self._ask(sql, arguments))

    async def _ask(self, sql: Any, arguments: dict[str, Any]) -> Any:
        return (await self.connector.execute_query_one_async(sql, **arguments))["done"]

    async def _persist(self, ask: Callable[[], Awaitable[R]]) -> R:
        """Asks until PostgreSQL answers. Raises ConnectorException where that takes too long, or it refuses."""
        loop = asyncio.get_running_loop()
        begun, pause = loop.time(), 0.2
        while True:
            try:
                answer = await ask()
            except ConnectorException as error:
                if not is_away(error) or loop.time() > begun + self._patience:
                    raise
                self._note_failure(error)
            else:
                self._note_success()
                return answer
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _note_failure(self, error: Exception) -> None:
        if not self._is_cut_off:
            said = find_cause(error) if isinstance(error, ConnectorException) else error
            logger.warning("PostgreSQL does not answer: %s", " ".join(str(said).split()))
        self._is_cut_off = True

    def _note_success(self) -> None:
        if self._is_cut_off:
            logger.warning("PostgreSQL answers again")
        self._is_cut_off = False


def is_away(error: ConnectorException) -> bool:
    """Whether PostgreSQL did not answer; else it refused."""
    return isinstance(find_cause(error), psycopg.OperationalError | psycopg.InterfaceError)
