"""`/metrics`: the figures of the installation in the text format of Prometheus.

Whoever writes is another process, so nothing is counted here but by asking the database, at most every few seconds.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from aggregator.models import PollOutcome
from aggregator.operation import Counts, PollTally, Pulse
from aggregator.processes import find_writer, list_descendants, read_memory
from aggregator.store import Health, StoreError
from aggregator.web.health import judge_pulse, measure_age
from aggregator.web.reading import OpenStore

logger = logging.getLogger(__name__)

KEPT = timedelta(seconds=10)  # an answer is given so long: however many ask, the database is read once
PREFIX = "kabarkota_"
STATES = ("quarantined", "working", "failing", "retired", "unasked", "off")
COUNTED = "counted from the newest 200,000 that the database held when the web server started"

CLUSTER = {
    "workers": "Workers on other machines that show signs of life.",
    "polls_waiting": "Polls that no worker has begun.",
    "polls_under_way": "Polls that workers are at.",
    "lag_seconds": "For which the oldest of the waiting polls has waited.",
    "harvests_waiting": "Harvests that wait to be taken in.",
    "oldest_harvest_seconds": "For which the oldest of them has waited.",
    "harvests_aside": "Harvests that could not be taken in.",
}


class Metrics:
    """The endpoint."""

    def __init__(self, collector: OperationCollector, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(collector)
        ProcessCollector(registry=self._registry)
        self._lock = threading.Lock()
        self._kept: tuple[datetime, bytes] | None = None

    def show(self, _request: Request) -> Response:
        """The figures; 503 and a line of text when the database cannot be read."""
        try:
            body = self._render()
        except StoreError as error:
            logger.error("no metrics: %s", error)
            return PlainTextResponse("the database cannot be read\n", 503, {"cache-control": "no-store"})
        return Response(body, headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"})

    def _render(self) -> bytes:
        kept = self._kept
        if kept and abs(self._clock() - kept[0]) < KEPT:
            return kept[1]
        if not self._lock.acquire(blocking=kept is None):  # who comes while it is read anew is given what there is
            assert kept is not None
            return kept[1]
        try:
            if self._kept is kept:
                self._kept = (self._clock(), generate_latest(self._registry))
            assert self._kept is not None
            return self._kept[1]
        finally:
            self._lock.release()


class OperationCollector(Collector):
    """Reads the figures when they are collected. Raises StoreError then."""

    def __init__(
        self,
        *,
        database: Path,
        feed: Path,
        late_after: timedelta,
        open_store: OpenStore,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._feed, self._late_after = database, feed, late_after
        self._open_store, self._clock = open_store, clock
        self._tally: PollTally | None = None

    def collect(self) -> Iterator[Metric]:
        now = self._clock()
        with self._open_store(self._database) as store, store.snapshot():
            self._tally = store.count_polls(self._tally)
            counts, health, pulse = store.count_operation(now), store.get_health(), store.get_pulse(now)
            cycles, cluster = store.get_cycle_number(), store.get_cluster_figures()
        yield InfoMetricFamily(f"{PREFIX}build", "The version that runs.", {"version": version("kabarkota")})
        yield from describe_cycles(health, pulse, cycles, now=now, late_after=self._late_after)
        yield from describe_polls(self._tally)
        yield from describe_counts(counts)
        yield from describe_cluster(cluster)
        yield _gauge("articles", "Articles that are kept.", health.articles)
        yield _gauge("groups", "Pieces of news (duplicate groups).", health.groups)
        age = measure_age(self._feed, now)
        if age is not None:
            yield _gauge("feed_age_seconds", "Since feed.xml last changed.", age)
        wal = self._database.with_name(f"{self._database.name}-wal")
        yield _gauge("wal_bytes", "Size of the database's write-ahead log.", wal.stat().st_size if wal.exists() else 0)
        yield describe_memory(self._database.parent)


def describe_cluster(figures: Mapping[str, float]) -> Iterator[Metric]:
    """What the writer saw of the queue to other machines; nothing where there are none."""
    for name, value in figures.items():
        if name in CLUSTER:
            yield _gauge(f"cluster_{name}", CLUSTER[name], value)


def describe_cycles(
    health: Health, pulse: Pulse, cycles: int, *, now: datetime, late_after: timedelta
) -> Iterator[Metric]:
    """Whether cycles run."""
    yield _counter("cycles", "Cycles that were started.", cycles)
    is_healthy = not judge_pulse(pulse, now, late_after)
    yield _gauge("healthy", "1: /healthz finds nothing wrong with the cycles.", int(is_healthy))
    if pulse.answered_at:
        at = pulse.answered_at.timestamp()
        yield _gauge("last_answer_timestamp_seconds", "When a channel last answered a poll.", at)
    if health.last_cycle_finished_at:
        at = health.last_cycle_finished_at.timestamp()
        yield _gauge("last_cycle_finished_timestamp_seconds", "When the last finished cycle was run.", at)


def describe_polls(tally: PollTally) -> Iterator[Metric]:
    """What polls brought. Counters: they begin anew with the web server, and pruning the database takes nothing off."""
    polls = {outcome.value: 0 for outcome in PollOutcome} | dict(tally.outcomes)
    yield _labelled(CounterMetricFamily, "polls", f"Polls of channels, by outcome; {COUNTED}.", "outcome", polls)
    failures = {code or "unknown": count for code, count in tally.failures}
    yield _labelled(CounterMetricFamily, "poll_failures", f"Failed polls, by reason; {COUNTED}.", "code", failures)
    yield _counter("requests", f"Requests that polls took; {COUNTED}.", tally.requests)
    yield _counter("received_bytes", f"Bytes that polls received; {COUNTED}.", tally.bytes)
    yield _counter("posts", f"Entries of channels that were never seen before; {COUNTED}.", tally.posts)
    yield _counter("new_articles", f"Articles, new and kept; {COUNTED}.", tally.articles)


def describe_counts(counts: Counts) -> Iterator[Metric]:
    """How things stand."""
    states = {state: getattr(counts, state) for state in STATES}
    yield _labelled(GaugeMetricFamily, "channels", "Channels, by state.", "state", states)
    yield _gauge("channels_due", "The queue: channels whose poll is due.", counts.due)
    yield _gauge("channels_late", "Channels whose poll has been due for over an hour.", counts.late)
    yield _gauge("lateness_seconds", "Of the channel that is due for longest.", counts.lateness.total_seconds())
    yield _gauge("sources", "Sources that are on.", counts.sources)
    yield _gauge("sources_unprobed", "Sources that nobody looked at yet.", counts.unprobed)
    yield _gauge("stand_ins", "Channels that were found in place of dead ones.", counts.stand_ins)
    yield _gauge("links_pending", "Links that were seen and not read yet.", counts.pending_links)
    yield _gauge("today_requests", "Requests since midnight (UTC).", counts.requests_today)
    yield _gauge("today_received_bytes", "Bytes received since midnight (UTC).", counts.bytes_today)
    yield _gauge("database_bytes", "Size of the database.", counts.database_bytes)
    yield _labelled(GaugeMetricFamily, "alarms", "Open alarms of sources, by code.", "code", counts.alarms)


def describe_memory(data_folder: Path) -> Metric:
    """Resident memory of whoever writes, of the crawl processes below it, and of this process."""
    memory = {"web": read_memory(os.getpid())}
    writer = find_writer(data_folder)
    if writer is not None:
        below = list_descendants(writer) - {os.getpid()}
        memory |= {"writer": read_memory(writer), "crawl": sum(map(read_memory, below))}
    known = {process: size for process, size in memory.items() if size}
    return _labelled(GaugeMetricFamily, "resident_memory_bytes", "Resident memory, by process.", "process", known)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value)


def _labelled(
    family: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    text: str,
    label: str,
    values: Mapping[str, float],
) -> Metric:
    metric = family(PREFIX + name, text, labels=[label])
    for key, value in values.items():
        metric.add_metric([key], value)
    return metric
