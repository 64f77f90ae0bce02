"""The store node's side of the queue: polls go out, harvests come in.

    due sources ─▶ send ─▶ PostgreSQL ─▶ workers ─▶ PostgreSQL ─▶ list_brought, read ─▶ ingest ─▶ forget

What is out, what waits to be taken in, and what has failed is known to PostgreSQL alone: a store node that was killed
finds it there.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Self

from procrastinate import SyncPsycopgConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from aggregator.models import Harvest
from aggregator.wire import WireError
from schedules.cluster.installed import require_dsn
from schedules.cluster.messages import HARVEST, KIT, ORDER, POLL_TASK, PROGRAM, QUEUE, Kit, PollOrder, name_kit
from schedules.cluster.postgres import STORE_LOCK, Connection, check_schema, connect, tell_errors
from schedules.cluster.settings import ClusterSettings
from schedules.cluster.status import ClusterStatus, read_status
from schedules.errors import WriterBusy

HOST_DAYS = 2  # after which what is known of a host's permit is let go
KIT_DAYS = 2
SENT_AT_ONCE = 200


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
    """A connection of the one store node."""

    def __init__(self, connection: Connection, cluster_id: str, settings: ClusterSettings) -> None:
        self._connection, self._cluster_id, self._settings = connection, cluster_id, settings
        self._jobs = JobManager(SyncPsycopgConnector())  # which is given our connection

    @classmethod
    def open(cls, settings: ClusterSettings) -> Self:
        """Raises UsageFailure, RunFailure (no PostgreSQL, no schema, another version's), WriterBusy."""
        connection = connect(require_dsn(settings))
        try:
            cluster = check_schema(connection)
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
            return cls(connection, cluster.id, settings)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── out ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def list_out(self) -> set[str]:
        """Sources that wait for a worker, are with one, or whose harvest waits here."""
        with tell_errors():
            rows = self._connection.execute(
                "SELECT queueing_lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')"
                " AND queueing_lock IS NOT NULL UNION SELECT source_id FROM harvests WHERE refused IS NULL"
            )
            return {row[0] for row in rows}

    def store_kit(self, kit: Kit) -> str:
        """Its id, by which polls name it."""
        body = KIT.pack(kit)
        with tell_errors():
            self._connection.execute(
                "INSERT INTO kits (id, body) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET used_at = now()",
                [name_kit(body), body],
            )
        return name_kit(body)

    def send(self, polls: Iterable[OutgoingPoll]) -> int:
        """Has sources polled; how many were sent."""
        sent = 0
        for part in _cut(polls, SENT_AT_ONCE):
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
            with tell_errors():
                self._jobs.batch_defer_jobs(jobs, connection=self._connection)
            sent += len(jobs)
        return sent

    def count_out(self) -> int:
        """Polls that wait for a worker, or are with one."""
        with tell_errors():
            row = self._connection.execute(
                "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND queue_name = %s", [QUEUE]
            ).fetchone()
        return int(row[0]) if row else 0

    def wait(self, seconds: float) -> None:
        """Until a worker has brought something, or so many seconds are over."""
        with tell_errors():
            self._connection.execute("LISTEN kabarkota_harvests")
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass

    def sweep(self) -> list[int]:
        """Gives the polls of workers that show no sign of life to others; returns the ids of their jobs."""
        with tell_errors():
            rows = self._connection.execute(
                "SELECT job_id FROM sweep(%s, %s)", [self._settings.stalled_seconds, self._settings.max_attempts]
            )
            return [row[0] for row in rows]

    def tidy(self) -> None:
        """Lets go what nobody will need."""
        with tell_errors():
            self._connection.execute(
                "DELETE FROM hosts WHERE holder IS NULL AND free_at < now() - make_interval(days => %s)", [HOST_DAYS]
            )
            self._connection.execute("DELETE FROM kits WHERE used_at < now() - make_interval(days => %s)", [KIT_DAYS])
            self._connection.execute("DELETE FROM procrastinate_jobs WHERE status IN ('cancelled', 'aborted')")

    def read_status(self) -> ClusterStatus:
        return read_status(self._connection, stalled_seconds=self._settings.stalled_seconds)

    # ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def list_brought(self) -> list[Brought]:
        """What waits to be taken in, in the order in which it is: by source and channel, then as it came."""
        with tell_errors():
            rows = self._connection.execute(
                "SELECT id::text, source_id, channel_id FROM harvests WHERE refused IS NULL"
                ' ORDER BY source_id COLLATE "C", channel_id, number'
            )
            return [Brought(id=row[0], source_id=row[1], channel_id=row[2]) for row in rows]

    def read(self, harvest_id: str) -> Harvest:
        """Raises WireError where it cannot be read."""
        with tell_errors():
            row = self._connection.execute("SELECT body FROM harvests WHERE id = %s", [harvest_id]).fetchone()
        if row is None:
            raise WireError("it is not there any more")
        return HARVEST.unpack(row[0])

    def set_aside(self, harvest_id: str, reason: str) -> None:
        with tell_errors():
            self._connection.execute("UPDATE harvests SET refused = %s WHERE id = %s", [reason[:1000], harvest_id])

    def forget(self, harvest_ids: Sequence[str]) -> None:
        """What was taken in."""
        with tell_errors():
            self._connection.execute("DELETE FROM harvests WHERE id = ANY (%s::uuid[])", [list(harvest_ids)])

    def list_failed(self) -> list[FailedPoll]:
        with tell_errors():
            rows = self._connection.execute(
                "SELECT id, attempts, args FROM procrastinate_jobs WHERE status = 'failed' ORDER BY id"
            ).fetchall()
        return [
            FailedPoll(id=f"{self._cluster_id}/{row[0]}", job_id=row[0], attempts=row[1], order=_read_order(row[2]))
            for row in rows
        ]

    def forget_failed(self, job_id: int) -> None:
        with tell_errors():
            self._connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s AND status = 'failed'", [job_id])


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


def _cut(polls: Iterable[OutgoingPoll], most: int) -> Iterator[list[OutgoingPoll]]:
    remaining = iter(polls)
    while part := list(islice(remaining, most)):
        yield part
