"""A cycle of the store node: due sources go to the workers, harvests come in, the feed goes out.

catalogue ─▶ due channels, but for what is out ─▶ polls ─▶ PostgreSQL ─▶ harvests in their order ─▶ ingest ─▶ publish

A harvest is written and remembered in one transaction, and let go in PostgreSQL after that: killed between the two, the
store node finds that it has it.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.ingest import Ingest
from aggregator.instants import from_text
from aggregator.models import Harvest, Source
from aggregator.store import ChannelRow, Store, StoreError
from aggregator.wire import WireError
from crawler.clock import system_clock
from crawler.politeness import host_of
from crawler.units import make_failure
from schedules.cluster.messages import Kit, PollOrder
from schedules.cluster.queue import Brought, FailedPoll, OutgoingPoll, Queue
from schedules.config import Setup
from schedules.cycle import (
    CycleSummary,
    Meanwhile,
    Progress,
    count_left,
    find_overlays,
    finish_cycle,
    forgive,
    ingest_harvest,
    make_ingest,
    make_jobs,
    prepare_cycle,
)
from schedules.errors import KabarKotaError, UsageFailure

logger = logging.getLogger(__name__)

MOST_PRIORITY = 1_000_000
LOOK_SECONDS, LEAST_LOOK_SECONDS = 1.0, 0.3  # while a cycle waits for its polls
PATIENCE_SECONDS = 120.0  # of a command, for a PostgreSQL that is started anew; the service tries again anyway
READ_AT_ONCE = 100  # harvests, between two looks at what they are called
# what a harvest alone can be blamed for
_OF_ITSELF = (sqlite3.IntegrityError, sqlite3.DataError)
NOT_POLLED = "no worker has brought it in time; `kabarkota cluster status` shows the queue"


def run_store_node(
    setup: Setup, store: Store, *, now: datetime, due_only: bool, progress: Progress | None = None
) -> CycleSummary:
    """One cycle of a command, which waits for its polls. Raises as `run_cluster_cycle`, UsageFailure, WriterBusy."""
    with Queue.open(setup.cluster, patience=PATIENCE_SECONDS) as queue:
        summary = run_cluster_cycle(setup, store, queue, now=now, due_only=due_only, progress=progress)
        if not queue.read_status().alive:
            summary.warnings.append("no worker is running; `kabarkota worker` on another machine, or here, is one")
    return summary


def poll_store_node(setup: Setup, store: Store, *, now: datetime) -> bool:
    """One look of the service: a cycle where there is something to send or to take in; whether there was.

    Raises as `run_store_node`.
    """
    with Queue.open(setup.cluster) as queue:
        queue.sweep()
        out = queue.list_out()
        is_due = any(row.source_id not in out for row in store.get_due_channels(now))
        is_first = store.get_health().last_cycle_finished_at is None
        is_wanted = is_due or is_first or bool(queue.list_brought()) or bool(queue.list_failed())
        if is_wanted:
            run_cluster_cycle(setup, store, queue, now=now, due_only=True, waits=False)
        with store.transaction():
            store.write_cluster_figures(queue.read_status().to_figures(), now)
    return is_wanted


def run_cluster_cycle(
    setup: Setup,
    store: Store,
    queue: Queue,
    *,
    now: datetime,
    due_only: bool = False,
    waits: bool = True,
    progress: Progress | None = None,
) -> CycleSummary:
    """Has the due sources polled by workers, takes in what they have brought, and publishes.

    `waits`: until all is brought that it asked for, or the time of a cycle is up; else it takes in what is there.
    Raises as `schedules.cycle.run_cycle`, and RunFailure where PostgreSQL is not there.
    """
    started = time.monotonic()
    queue.sweep()
    due, sources = prepare_cycle(setup, store, now, due_only=due_only)
    out = queue.list_out()
    due = [row for row in due if row.source_id not in out]
    summary = CycleSummary(cycle=store.start_cycle(now), sources=0, channels=0)
    sent = queue.send(_make_polls(setup, store, queue, due, sources=sources, now=now, cycle=summary.cycle))
    if waits and sent:
        _wait(queue, setup.crawl.deadline_seconds, sent, progress)
    intake = _Intake(setup, store, queue, summary, now, shows_news=not waits)
    intake.take_in(queue.list_brought())
    intake.take_failed(queue.list_failed())
    if waits:
        out = queue.list_out()
        summary.failed_sources += [
            {"source": row.source_id, "channel": row.url, "reason": NOT_POLLED} for row in due if row.source_id in out
        ]
    summary.is_outage = summary.reached_nothing and forgive(setup, store, intake.polled, now)
    queue.tidy()
    with store.transaction():
        store.forget_taken(now)
    finish_cycle(setup, store, summary, now, started=started)
    return summary


def _make_polls(
    setup: Setup,
    store: Store,
    queue: Queue,
    due: Sequence[ChannelRow],
    *,
    sources: dict[str, Source],
    now: datetime,
    cycle: int,
) -> Iterator[OutgoingPoll]:
    """A poll for each source with a due channel: the later it is, the more urgent."""
    if not due:
        return
    kit = queue.store_kit(make_kit(setup, store.get_ca_bundles()))
    held, left = dict(store.get_held_hosts(system_clock())), dict(count_left(setup, store, due))
    since: dict[str, str] = {}
    for row in due:
        since[row.source_id] = min(row.next_poll_at, since.get(row.source_id, row.next_poll_at))
    deadline = system_clock() + timedelta(seconds=setup.cluster.deadline_seconds)
    for job in make_jobs(store, due, sources, now, crawl=setup.crawl):
        hosts = list(dict.fromkeys(host_of(channel.channel.url) for channel in job.channels))
        if not hosts:
            continue
        order = PollOrder(
            kit=kit,
            cycle=cycle,
            deadline=deadline,
            job=job,
            held=tuple((host, held[host]) for host in hosts if host in held),
            left=tuple((host, left[host]) for host in hosts if host in left),
        )
        yield OutgoingPoll(order=order, host=hosts[0], priority=_measure_lateness(since[job.source.id], now))


def _measure_lateness(since: str, now: datetime) -> int:
    """Minutes; "" is the plan of a channel that was never asked."""
    minutes = (now - from_text(since)).total_seconds() // 60 if since else 0
    return int(max(0, min(minutes, MOST_PRIORITY)))


def make_kit(setup: Setup, bundles: Iterable[str]) -> Kit:
    """Settings and the operator's tables, and the CA bundles of all sources, whoever is due: a worker starts anew for
    each other kit. Raises UsageFailure, ProfileError."""
    overlays = find_overlays(setup)
    return Kit(
        settings=setup.crawl,
        requests_per_day=setup.aggregator.requests_per_day,
        topics=_read(Path(overlays.topics)) if overlays.topics else None,
        profiles=_read(Path(overlays.profiles)) if overlays.profiles else None,
        certificates=tuple(_read_bundles(setup, bundles)),
    )


def _read_bundles(setup: Setup, bundles: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Those that are there: of the others the poll tells."""
    for bundle in bundles:
        with suppress(UsageFailure):
            yield bundle, _read(setup.data_folder / bundle)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFailure(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _wait(queue: Queue, seconds: float, sent: int, progress: Progress | None) -> None:
    """Until nothing is out, or so many seconds are over."""
    deadline = time.monotonic() + seconds
    while (left := queue.count_out()) and time.monotonic() < deadline:
        if progress:
            progress(max(0, sent - left), sent, "")
        queue.wait(LOOK_SECONDS)
        time.sleep(LEAST_LOOK_SECONDS)  # harvests come many at a time
        queue.sweep()


class _Intake:
    """Takes harvests in, each once."""

    def __init__(
        self,
        setup: Setup,
        store: Store,
        queue: Queue,
        summary: CycleSummary,
        now: datetime,
        *,
        shows_news: bool,
    ) -> None:
        """`shows_news`: what has come is published while more is taken in; else all of it together, at the end."""
        self._setup, self._store, self._queue, self._summary, self._now = setup, store, queue, summary, now
        self._shows_news = shows_news
        self._meanwhile = Meanwhile(setup, store, now, summary)
        self.polled: list[ChannelRow] = []  # as they were before
        self._sources: set[str] = set()

    def take_in(self, waiting: Sequence[Brought]) -> None:
        """Raises StoreError, PublishError, RunFailure."""
        for start in range(0, len(waiting), READ_AT_ONCE):
            part = waiting[start : start + READ_AT_ONCE]
            sources = self._store.get_sources({brought.source_id for brought in part})
            ingest = make_ingest(self._setup, self._store, sources, self._now)
            done = []
            for brought in part:
                try:
                    harvest = self._read(brought)
                    self._write(harvest, brought.id, sources, ingest)
                except WireError as error:
                    self._set_aside(brought, str(error))
                except KabarKotaError:  # PostgreSQL is away: no harvest's fault
                    raise
                except (StoreError, OSError) as error:
                    if not isinstance(error.__cause__, _OF_ITSELF):
                        raise
                    self._set_aside(brought, f"cannot be written: {error}")
                except Exception as error:  # of this one alone: the others go on
                    self._set_aside(brought, f"cannot be taken in: {error!r}")
                    logger.debug("harvest %s", brought.id, exc_info=error)
                else:
                    done.append(brought.id)
                self._meanwhile.heed_takedowns()
                if self._shows_news:
                    self._meanwhile.show_news()
            self._queue.forget(done)

    def take_failed(self, failed: Sequence[FailedPoll]) -> None:
        """Records polls that nobody could do as failed, so that they wait for their next turn as such."""
        for each in failed:
            if each.order is None:
                logger.error("poll %d cannot be read, and is dropped", each.job_id)
            else:
                sources = self._store.get_sources({each.order.job.source.id})
                ingest = make_ingest(self._setup, self._store, sources, self._now)
                job, reason = each.order.job, f"no worker could do it, {each.attempts} times"
                for channel in job.channels:
                    harvest = make_failure(job, channel, reason, system_clock())
                    self._write(harvest, f"{each.id}/{harvest.poll.channel_id}", sources, ingest, was_asked=False)
            self._queue.forget_failed(each.job_id)

    def _read(self, brought: Brought) -> Harvest:
        """Raises WireError."""
        harvest = self._queue.read(brought.id)
        if (harvest.source_id, harvest.poll.channel_id) != (brought.source_id, brought.channel_id):
            raise WireError("it is of another channel than it says")
        return harvest

    def _write(
        self, harvest: Harvest, harvest_id: str, sources: dict[str, Source], ingest: Ingest, *, was_asked: bool = True
    ) -> None:
        row = self._store.get_channels([harvest.poll.channel_id]).get(harvest.poll.channel_id)
        if row is None or row.source_id != harvest.source_id or harvest.source_id not in sources:
            logger.info("%s: no longer in the catalogue; what a worker brought of it is dropped", harvest.source_id)
            return
        if self._store.was_taken(harvest_id):
            return
        ingest_harvest(harvest, row, ingest, self._summary, harvest_id=harvest_id, was_asked=was_asked)
        self._sources.add(harvest.source_id)
        if was_asked:
            self.polled.append(row)
        self._summary.channels = len(self.polled)
        self._summary.sources = len(self._sources)

    def _set_aside(self, brought: Brought, reason: str) -> None:
        logger.error("harvest %s of %s is set aside: %s", brought.id, brought.source_id, reason)
        self._summary.warnings.append(f"a harvest of {brought.source_id} is set aside: {reason}")
        self._queue.set_aside(brought.id, reason)
        usual = timedelta(minutes=self._setup.aggregator.poll_minutes)
        with self._store.transaction():  # else it is still due, and asked again at once
            self._store.postpone([(brought.channel_id, self._now + usual)])
