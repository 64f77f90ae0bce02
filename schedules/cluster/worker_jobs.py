"""Procrastinate's manager of jobs as a worker needs it: it completes a poll together with its harvests, touches none
that is no longer its own, and outlives PostgreSQL.

Procrastinate's worker ends when PostgreSQL breaks off. Ours goes on with what it has begun, and tries again.
"""

from __future__ import annotations

import asyncio
import logging
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

from schedules.cluster.messages import PROGRAM
from schedules.cluster.postgres import find_cause

R = TypeVar("R")

PATIENCE_SECONDS = 300.0  # for PostgreSQL, with what is to be brought; after that others have polled it anew
LONGEST_PAUSE = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedHarvest:
    """As it is kept in PostgreSQL."""

    channel_id: int
    pages: int
    body: bytes


class WorkerGivenUp(Exception):  # noqa: N818 - named after what happened
    """The others think that this worker is dead, and have its polls: it was frozen, or cut off."""


class WorkerJobs(JobManager):
    """For one worker, which registers anew after it was given up."""

    def __init__(self, connector: PsycopgConnector, name: str) -> None:
        super().__init__(connector)
        self._name = name
        self._harvests: dict[int, Sequence[PackedHarvest]] = {}
        self._is_cut_off = False
        self._polls = self._articles = 0  # since the last sign of life
        self.worker_id = 0

    def bring(self, job: Job, harvests: Sequence[PackedHarvest]) -> None:
        """What goes with the job when it is completed."""
        assert job.id is not None
        self._harvests[job.id] = harvests

    async def register_worker(self) -> int:
        self.worker_id = await super().register_worker()
        return self.worker_id

    async def unregister_worker(self, worker_id: int) -> None:
        await super().unregister_worker(worker_id)
        await self.connector.execute_query_async("DELETE FROM workers WHERE id = %(id)s", id=worker_id)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """None also where PostgreSQL does not answer. Raises WorkerGivenUp."""
        try:
            job = await super().fetch_job(queues, worker_id)
        except ConnectorException as error:
            if isinstance(find_cause(error), psycopg.errors.ForeignKeyViolation):
                raise WorkerGivenUp from error
            self._note_failure(error)
            return None
        self._note_success()
        return job

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
        if status is not Status.SUCCEEDED:
            await self._hand_back(job.id, None)
            return
        arguments: dict[str, Any] = {
            "poll": job.id,
            "worker": self.worker_id,
            "name": self._name,
            "source": job.queueing_lock or "",
            "ids": [str(uuid4()) for _ in harvests],
            "channels": [harvest.channel_id for harvest in harvests],
            "bodies": [harvest.body for harvest in harvests],
        }
        sql = (
            "SELECT bring(%(poll)s, %(worker)s, %(name)s, %(source)s, %(ids)s::uuid[], %(channels)s::bigint[],"
            " %(bodies)s::bytea[]) AS done"
        )
        if await self._persist(lambda: self._ask(sql, arguments)):
            self._polls += 1
            self._articles += sum(harvest.pages for harvest in harvests)
        else:
            logger.info("%s: what was brought is dropped: another worker has the poll", job.queueing_lock)

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
        await self._hand_back(job.id, retry_at or datetime.now(UTC))

    async def beat(self, under_way: int, *, is_leaving: bool) -> str:
        """A sign of life; what PostgreSQL says of the store node's program, "" where it does not answer.

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
            " AS done"
        )
        try:
            program = await self._ask(sql, arguments)
        except ConnectorException as error:
            self._note_failure(error)
            return ""
        self._note_success()
        if program is None:
            raise WorkerGivenUp
        self._polls -= polls
        self._articles -= articles
        return str(program)

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

    async def _hand_back(self, job_id: int, again_at: datetime | None) -> None:
        sql = "SELECT hand_back(%(poll)s, %(worker)s, %(at)s::timestamptz) AS done"
        arguments = {"poll": job_id, "worker": self.worker_id, "at": again_at}
        await self._persist(lambda: self._ask(sql, arguments))

    async def _ask(self, sql: Any, arguments: dict[str, Any]) -> Any:
        return (await self.connector.execute_query_one_async(sql, **arguments))["done"]

    async def _persist(self, ask: Callable[[], Awaitable[R]]) -> R:
        """Asks until PostgreSQL answers. Raises ConnectorException where that takes too long, or it refuses."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + PATIENCE_SECONDS, 0.2
        while True:
            try:
                answer = await ask()
            except ConnectorException as error:
                is_away = isinstance(find_cause(error), psycopg.OperationalError | psycopg.InterfaceError)
                if not is_away or loop.time() > deadline:
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
