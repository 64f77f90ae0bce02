"""What is in the queue, who works, and what waits: for `cluster status`, and for /metrics."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from schedules.cluster.postgres import Connection, check_schema, tell_errors

REASONS_SHOWN = 10

_QUEUE = """
    SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
        count(*) FILTER (WHERE status = 'failed'),
        coalesce(extract(epoch FROM now() - min(sent_at) FILTER (WHERE status = 'todo'))::float8, 0)
    FROM procrastinate_jobs
"""
_HARVESTS = """
    SELECT count(*) FILTER (WHERE refused IS NULL), count(*) FILTER (WHERE refused IS NOT NULL),
        coalesce(extract(epoch FROM now() - min(brought_at) FILTER (WHERE refused IS NULL))::float8, 0),
        coalesce(sum(length(body)) FILTER (WHERE refused IS NULL), 0)::bigint
    FROM harvests
"""
_WORKERS = """
    SELECT name, program, extract(epoch FROM now() - beaten_at)::float8, extract(epoch FROM now() - started_at)::float8,
        under_way, polls, articles, is_leaving
    FROM workers ORDER BY name
"""
_ASIDE = """
    SELECT id::text, source_id, refused FROM harvests WHERE refused IS NOT NULL ORDER BY brought_at DESC LIMIT %s
"""


@dataclass(frozen=True, kw_only=True)
class WorkerStatus:
    name: str
    program: str
    silent_seconds: float
    age_seconds: float
    under_way: int
    polls: int
    articles: int
    is_leaving: bool
    is_alive: bool


@dataclass(frozen=True, kw_only=True)
class AsideHarvest:
    """A harvest that could not be taken in."""

    id: str
    source: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClusterStatus:
    program: str  # the store node's; "" where none has been there yet
    waiting: int  # polls that no worker has begun
    under_way: int
    failed: int  # polls to be recorded as failed
    lag_seconds: float  # that the oldest of those has waited
    harvests: int  # that wait to be taken in
    harvest_bytes: int
    oldest_harvest_seconds: float
    aside: int  # harvests that could not be taken in
    workers: tuple[WorkerStatus, ...] = ()
    reasons: tuple[AsideHarvest, ...] = field(default=())

    @property
    def alive(self) -> int:
        return sum(worker.is_alive for worker in self.workers)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "workers_alive": self.alive}

    def to_figures(self) -> dict[str, float]:
        """For /metrics."""
        return {
            "workers": self.alive,
            "polls_waiting": self.waiting,
            "polls_under_way": self.under_way,
            "lag_seconds": round(self.lag_seconds, 1),
            "harvests_waiting": self.harvests,
            "oldest_harvest_seconds": round(self.oldest_harvest_seconds, 1),
            "harvests_aside": self.aside,
        }


def read_status(connection: Connection, *, stalled_seconds: float) -> ClusterStatus:
    """Raises RunFailure."""
    cluster = check_schema(connection)
    with tell_errors():
        queue = connection.execute(_QUEUE).fetchone()
        harvests = connection.execute(_HARVESTS).fetchone()
        workers = connection.execute(_WORKERS).fetchall()
        aside = connection.execute(_ASIDE, [REASONS_SHOWN]).fetchall()
    assert queue is not None
    assert harvests is not None
    return ClusterStatus(
        program=cluster.program,
        waiting=queue[0],
        under_way=queue[1],
        failed=queue[2],
        lag_seconds=queue[3],
        harvests=harvests[0],
        aside=harvests[1],
        oldest_harvest_seconds=harvests[2],
        harvest_bytes=harvests[3],
        workers=tuple(
            WorkerStatus(
                name=row[0],
                program=row[1],
                silent_seconds=round(row[2], 1),
                age_seconds=round(row[3]),
                under_way=row[4],
                polls=row[5],
                articles=row[6],
                is_leaving=row[7],
                is_alive=row[2] < stalled_seconds,
            )
            for row in workers
        ),
        reasons=tuple(AsideHarvest(id=row[0], source=row[1], reason=row[2]) for row in aside),
    )
