"""The store node's side of the queue: polls go out, harvests come in.

    due sources ─▶ send ─▶ PostgreSQL ─▶ workers ─▶ PostgreSQL ─▶ list_brought, read ─▶ ingest ─▶ forget

What is out, what waits to be taken in, and what has failed is known to PostgreSQL alone: a store node that was killed
finds it there.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, LiteralString, Self, TypeVar

from procrastinate import SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from aggregator.models import Harvest
from aggregator.wire import WireError
from schedules.cluster.installed import require_dsn
from schedules.cluster.messages import HARVEST, KIT, ORDER, POLL_TASK, PROGRAM, QUEUE, Kit, PollOrder, name_kit
from schedules.cluster.postgres import (
    STORE_LOCK,
    ClusterUnreachable,
    Connection,
    check_clock,
    check_schema,
    connect,
    tell_errors,
)
from schedules.cluster.settings import ClusterSettings
from schedules.cluster.status import ClusterStatus, read_status
from schedules.errors import WriterBusy

T = TypeVar("T")

_OUT: LiteralString = (
    "SELECT queueing_lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')"
    " AND queueing_lock IS NOT NULL UNION SELECT source_id FROM harvests WHERE refused IS NULL"
)
ASIDE_DAYS = 30  # in which somebody may look at what could not be taken in
HOST_DAYS = 2  # after which what is known of a host's permit is let go
KIT_DAYS = 2
SENT_AT_ONCE = 200
AGAIN_SECONDS = 0.5  # between two attempts to reach PostgreSQL
LONGEST_REASON = 1_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Brought:
    """A harvest that waits, without its body."""

    id: str
    source_id: str
    channel_id: int


@dataclass(frozen=True, kw_only=True)
class OutgoingPoll:
    """A source to poll."""

    order: PollOrder
    host: str  # which one worker asks at a time
    priority: int  # the higher, the sooner


@dataclass(frozen=True, kw_only=True)
class FailedPoll:
    """One that too many workers died of, or that no worker could do."""

    id: str  # of the harvest that stands for it
    job_id: int
    attempts: int
    order: PollOrder | None  # None: it cannot be read


class Queue:
    """The one store node's; it outlives a PostgreSQL that is away for a moment."""

    def __init__(self, settings: ClusterSettings, patience: float) -> None:
        self._settings, self._patience = settings, patience
        self._dsn = require_dsn(settings)
        self._connection: Connection | None = None
        self._cluster_id = ""
        self._jobs = JobManager(SyncPsycopgConnector())  # which is given our connection

    @classmethod
    def open(cls, settings: ClusterSettings, *, patience: float = 0.0) -> Self:
        """`patience`: seconds for a PostgreSQL that breaks off later; at first it has to be there.

        Raises UsageFailure, RunFailure (no PostgreSQL, no schema, another version's), WriterBusy.
        """
        queue = cls(settings, patience)
        queue._connect()
        return queue

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> Connection:
        connection = connect(self._dsn)
        try:
            cluster = check_schema(connection)
            check_clock(connection)
            with tell_errors():
                row = connection.execute("SELECT pg_try_advisory_lock(%s)", [STORE_LOCK]).fetchone()
                if row is None or not row[0]:
                    raise WriterBusy("cluster.dsn: another store node works with this PostgreSQL")
                if cluster.program != PROGRAM:
                    connection.execute("UPDATE cluster SET program = %s", [PROGRAM])
                # what another version has sent nobody will do; it is still due
                connection.execute(
                    "DELETE FROM procrastinate_jobs WHERE queue_name <> %s AND status <> 'doing'", [QUEUE]
                )
        except BaseException:
            connection.close()
            raise
        self._connection, self._cluster_id = connection, cluster.id
        return connection

    def _do(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns; it is done again where PostgreSQL broke off meanwhile. Raises RunFailure, WriterBusy."""
        begun = time.monotonic()
        while True:
            try:
                with tell_errors():
                    return work(self._connection or self._connect())
            except (ClusterUnreachable, WriterBusy) as error:  # busy: our own connection of before
                self.close()
                if time.monotonic() - begun > self._patience:
                    raise
                logger.info("%s", error)
                time.sleep(AGAIN_SECONDS)

    def _list(self, sql: LiteralString, *arguments: object) -> list[tuple[Any, ...]]:
        return self._do(lambda connection: connection.execute(sql, arguments).fetchall())

    def _run(self, sql: LiteralString, *arguments: object) -> None:
        self._do(lambda connection: connection.execute(sql, arguments))

    # ── out ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def list_out(self) -> set[str]:
        """Sources that wait for a worker, are with one, or whose harvest waits here."""
        return {row[0] for row in self._list(_OUT)}

    def store_kit(self, kit: Kit) -> str:
        """Its id, by which polls name it."""
        body = KIT.pack(kit)
        sql: LiteralString = (
            "INSERT INTO kits (id, body) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET used_at = now()"
        )
        self._run(sql, name_kit(body), body)
        return name_kit(body)

    def send(self, polls: Iterable[OutgoingPoll]) -> int:
        """Has sources polled; how many were sent."""
        sent = 0
        remaining = iter(polls)
        while part := list(islice(remaining, SENT_AT_ONCE)):
            jobs = [
                Job(
                    id=None,
                    queue=QUEUE,
                    task_name=POLL_TASK,
                    lock=poll.host,
                    queueing_lock=poll.order.job.source.id,
                    priority=poll.priority,
                    task_kwargs={"order": base64.b64encode(ORDER.pack(poll.order)).decode("ascii")},
                )
                for poll in part
            ]
            try:
                self._defer(jobs)
            except AlreadyEnqueued:  # the answer to the first attempt was lost
                for job in jobs:
                    with suppress(AlreadyEnqueued):
                        self._defer([job])
            sent += len(jobs)
        return sent

    def _defer(self, jobs: list[Job]) -> None:
        """All or none. Raises AlreadyEnqueued."""
        attempts = 0

        def defer(connection: Connection) -> None:
            nonlocal attempts
            attempts += 1
            wanted = jobs
            if attempts > 1:  # those of the attempt before may be there, and with workers
                out = {row[0] for row in connection.execute(_OUT)}
                wanted = [job for job in jobs if job.queueing_lock not in out]
            if wanted:
                self._jobs.batch_defer_jobs(wanted, connection=connection)

        self._do(defer)

    def count_out(self) -> int:
        """Polls that wait for a worker, or are with one."""
        sql: LiteralString = (
            "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND queue_name = %s"
        )
        ((count,),) = self._list(sql, QUEUE)
        return int(count)

    def wait(self, seconds: float) -> None:
        """Until a worker has brought something, or so many seconds are over."""

        def listen(connection: Connection) -> None:
            connection.execute("LISTEN kabarkota_harvests")
            for _ in connection.notifies(timeout=seconds, stop_after=1):
                pass

        self._do(listen)

    def sweep(self) -> list[int]:
        """Gives the polls of workers that show no sign of life to others; returns the ids of their jobs."""
        rows = self._list(
            "SELECT job_id FROM sweep(%s, %s)", self._settings.stalled_seconds, self._settings.max_attempts
        )
        return [row[0] for row in rows]

    def tidy(self) -> None:
        """Lets go what nobody will need."""
        self._run("DELETE FROM hosts WHERE holder IS NULL AND free_at < now() - make_interval(days => %s)", HOST_DAYS)
        self._run(
            "DELETE FROM harvests WHERE refused IS NOT NULL AND brought_at < now() - make_interval(days => %s)",
            ASIDE_DAYS,
        )
        self._run("DELETE FROM kits WHERE used_at < now() - make_interval(days => %s)", KIT_DAYS)
        self._run("DELETE FROM procrastinate_jobs WHERE status IN ('cancelled', 'aborted')")

    def read_status(self) -> ClusterStatus:
        return self._do(lambda connection: read_status(connection, stalled_seconds=self._settings.stalled_seconds))

    # ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def list_brought(self) -> list[Brought]:
        """What waits to be taken in, in the order in which it is: by source and channel, then as it came."""
        rows = self._list(
            "SELECT id::text, source_id, channel_id FROM harvests WHERE refused IS NULL"
            ' ORDER BY source_id COLLATE "C", channel_id, number'
        )
        return [Brought(id=row[0], source_id=row[1], channel_id=row[2]) for row in rows]

    def read(self, harvest_id: str) -> Harvest:
        """Raises WireError where it cannot be read."""
        sql: LiteralString = "SELECT body FROM harvests WHERE id = %s"
        rows = self._do(lambda connection: connection.execute(sql, [harvest_id], binary=True).fetchall())
        if not rows:
            raise WireError("it is not there any more")
        return HARVEST.unpack(rows[0][0])

    def set_aside(self, harvest_id: str, reason: str) -> None:
        self._run(
            "UPDATE harvests SET refused = %s WHERE id = %s", reason.replace("\0", "")[:LONGEST_REASON], harvest_id
        )

    def forget(self, harvest_ids: Sequence[str]) -> None:
        """What was taken in."""
        self._run("DELETE FROM harvests WHERE id = ANY (%s::uuid[])", list(harvest_ids))

    def list_failed(self) -> list[FailedPoll]:
        rows = self._list("SELECT id, attempts, args FROM procrastinate_jobs WHERE status = 'failed' ORDER BY id")
        return [
            FailedPoll(id=f"{self._cluster_id}/{row[0]}", job_id=row[0], attempts=row[1], order=_read_order(row[2]))
            for row in rows
        ]

    def forget_failed(self, job_id: int) -> None:
        self._run("DELETE FROM procrastinate_jobs WHERE id = %s AND status = 'failed'", job_id)


def read_order(packed: str) -> PollOrder:
    """The poll that a job carries. Raises WireError."""
    try:
        return ORDER.unpack(base64.b64decode(packed, validate=True))
    except ValueError as error:
        raise WireError(str(error)) from error


def _read_order(arguments: object) -> PollOrder | None:
    try:
        return read_order(str(arguments["order"])) if isinstance(arguments, dict) and "order" in arguments else None
    except WireError:
        return None
