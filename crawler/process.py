"""The parent's handle on a crawl process, which is replaced when it dies of what it crawls.

batch ─▶ crawl process ─▶ reports ─▶ …        it dies ─▶ a new one goes on with what is left (crawler.regrouping)
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from aggregator.models import Harvest
from crawler.backfilling.report import ArchiveReport
from crawler.batch import BatchEnd, CrawlBatch, Order
from crawler.clock import system_clock
from crawler.crawl_child import SILENT_SECONDS, ChildDied, CrawlChild, Send
from crawler.incoming import Incoming
from crawler.permits import PermitKeeper
from crawler.probing.report import ProbeReport
from crawler.regrouping import Regrouping
from crawler.units import ArchiveUnits, ChannelUnits, ProbeUnits, Units
from crawler.vitals import NOBODY

R = TypeVar("R")

logger = logging.getLogger(__name__)

GRACE_SECONDS = 120  # after the deadline: requests under way, pages in the parser, the last harvests
MOST_DEATHS = 12  # in a batch: of hundreds of units one that kills without a trace is found with nine
MOST_STILLBORN = 2  # in a row
KILLED = "the crawl process died of it: {}"
# -P: the current folder, which under cron is anything, must not be able to shadow a module
COMMAND = (sys.executable, "-P", "-m", "crawler")


class CrawlProcessError(Exception):
    """Crawl processes die again and again, or time is up; what was handed over is safe, the rest was not polled."""


class CrawlInterrupted(CrawlProcessError):  # noqa: N818 - named after what happened to the crawl
    """`interrupt` broke it off."""


class CrawlProcess:
    """Starts `python -m crawler` and talks to it. One batch at a time; warm between batches."""

    def __init__(
        self,
        *,
        log_level: str = "WARNING",
        command: Sequence[str] = COMMAND,
        patience: float = SILENT_SECONDS,
        keeper: PermitKeeper | None = None,
    ) -> None:
        """`patience`: seconds without a sign of life after which it is ended; `keeper`: of the permits to ask hosts,
        where other machines crawl, too."""
        self._command, self._patience = (*command, log_level), patience
        self._keeper = keeper
        self._lock = threading.RLock()
        self._is_busy = self._is_interrupted = False
        self._child = self._start()
        self._idle: Callable[[], object] = bool  # which does nothing
        self.batches = 0
        self.deaths = 0  # of processes, in all batches
        self.last_end: BatchEnd | None = None

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        return self._child.is_alive

    def crawl(self, batch: CrawlBatch, idle: Callable[[], object] = bool) -> Generator[Harvest]:
        """Sends the batch and yields its harvests as they come, each channel's once.

        A channel that crawl processes die of has failed. `idle`: what is done while nothing comes, over and over.
        Raises CrawlProcessError, and what `idle` raises.
        """
        return self._run(self._work(ChannelUnits(batch)), idle)

    def probe(self, batch: CrawlBatch) -> Generator[ProbeReport]:
        """Sends the batch and yields what its probes found, as they come. Raises CrawlProcessError."""
        return self._run(self._work(ProbeUnits(batch)))

    def read_archive(self, batch: CrawlBatch) -> Generator[ArchiveReport]:
        """Sends the batch, of one job, and yields what the archive gave; in parts, where processes died of it.

        Raises CrawlProcessError.
        """
        return self._run(self._work(ArchiveUnits(batch)))

    def follow(self, incoming: Incoming) -> Generator[Harvest]:
        """Polls what comes in until it is closed, and yields the harvests, each channel's once.

        When the process dies, what was under way is asked for as a batch of its own, and then it goes on. Raises
        CrawlProcessError.
        """
        return self._run(self._follow(incoming))

    def _run(self, work: Iterator[R], idle: Callable[[], object] = bool) -> Generator[R]:
        self.batches += 1
        self.last_end = None
        self._is_busy = True
        self._idle = idle
        try:
            if self._is_interrupted:
                raise CrawlInterrupted("the crawl was broken off")
            yield from work
        finally:
            self._is_busy = False
            if not self._child.is_idle:  # nobody may take what is still under way for an answer to the next batch
                self._child.close()

    def _work(self, units: Units[R]) -> Iterator[R]:
        """Group after group, until none is left."""
        groups = Regrouping(units.list_numbers())
        clock = _Clock(units.batch.settings.deadline_seconds)
        deaths = stillborn = 0
        while group := groups.begin_next():
            if deaths and clock.left <= 0:
                raise CrawlProcessError(f"no time was left after {deaths} crawl processes had died")
            try:
                yield from self._crawl(units, group, groups, clock, may_be_new=bool(deaths))
            except ChildDied as death:
                if self._is_interrupted:
                    raise CrawlInterrupted("the crawl was broken off") from death
                deaths += 1
                self.deaths += 1
                if not self._child.vitals.beats:  # it did not even begin: no channel is to blame
                    stillborn += 1
                    if stillborn >= MOST_STILLBORN:
                        raise CrawlProcessError(f"no crawl process can be started: {death}") from death
                    groups.put_back()
                    continue
                stillborn = 0
                busy = group[death.busy] if 0 <= death.busy < len(group) else None
                begun = {group[place] for place in range(len(group)) if self._child.vitals.has_begun(place)}
                given_up = groups.note_death(busy, begun.__contains__)
                logger.warning("%s; what is left: %d", death, len(groups.list_left()))
                if given_up is not None:
                    yield units.give_up(given_up, KILLED.format(death), system_clock())
                if deaths >= MOST_DEATHS:
                    raise CrawlProcessError(f"{deaths} crawl processes died, the last: {death}") from death

    def _crawl(
        self, units: Units[R], group: Sequence[int], groups: Regrouping[int], clock: _Clock, *, may_be_new: bool
    ) -> Iterator[R]:
        """The reports of one group. Raises ChildDied, CrawlInterrupted."""
        child = self._get_child()
        settings = units.batch.settings
        batch = replace(units.cut(group), needs_permits=self._keeper is not None)
        if may_be_new:
            settings = settings.model_copy(update={"deadline_seconds": clock.left})
            batch = replace(batch, settings=settings)
        most = settings.deadline_seconds + settings.timeout_seconds + GRACE_SECONDS
        for report in child.work(partial(_send_batch, batch), most, self._idle, self._keeper):
            if report.end is not None:
                self.last_end = report.end
                return
            read = units.read(report)
            if read is None or not all(map(groups.is_left, read[1])):
                raise ChildDied("the crawl process sent what it was not asked for", busy=NOBODY)
            for number in read[1]:
                groups.note_done(number)
            yield read[0]

    def _follow(self, incoming: Incoming) -> Iterator[Harvest]:
        stillborn = 0
        while True:
            try:
                yield from self._listen(incoming)
                return
            except ChildDied as death:
                if self._is_interrupted:
                    raise CrawlInterrupted("the crawl was broken off") from death
                self.deaths += 1
                stillborn = 0 if self._child.vitals.beats else stillborn + 1
                if stillborn >= MOST_STILLBORN:
                    raise CrawlProcessError(f"no crawl process can be started: {death}") from death
                left = incoming.take_left()
                logger.warning("%s; what is left: %d sources", death, len(left.jobs))
                if left.jobs:
                    yield from self._work(ChannelUnits(left))

    def _listen(self, incoming: Incoming) -> Iterator[Harvest]:
        """The harvests of one process. Raises ChildDied, CrawlInterrupted."""
        child = self._get_child()
        batch = replace(incoming.opening, needs_permits=self._keeper is not None)
        is_over = threading.Event()

        def feed(send: Send) -> None:
            send(Order(batch=batch))
            if incoming.send_all(lambda more: send(Order(more=more)), lambda: not is_over.is_set()):
                send(Order(closes=True))

        def check() -> None:
            if incoming.is_stuck():
                child.interrupt()

        try:
            for report in child.work(feed, float("inf"), check, self._keeper):
                if report.end is not None:
                    self.last_end = report.end
                    return
                if report.harvest is None or not incoming.note_done(report.harvest):
                    raise ChildDied("the crawl process sent what it was not asked for", busy=NOBODY)
                yield report.harvest
        finally:
            is_over.set()
            incoming.wake()

    def close(self, timeout: float = 10) -> None:
        """Lets the process end by itself, then makes it."""
        self._child.close(timeout)
        if self._keeper is not None:
            self._keeper.close()

    def interrupt(self) -> None:
        """Breaks a batch off, from another thread or a signal handler: `crawl` then raises CrawlInterrupted.

        It takes no further batch.
        """
        with self._lock:
            self._is_interrupted = True
            if self._is_busy:
                self._child.interrupt()

    def kill(self) -> None:
        self._child.close()

    def _get_child(self) -> CrawlChild:
        """A process that waits for a batch. Raises CrawlInterrupted."""
        with self._lock:
            if self._is_interrupted:
                raise CrawlInterrupted("the crawl was broken off")
            if not self._child.is_idle or not self._child.is_alive:
                self._child.close()
                self._child = self._start()
            return self._child

    def _start(self) -> CrawlChild:
        try:
            return CrawlChild(self._command, patience=self._patience)
        except OSError as error:
            raise CrawlProcessError(f"no crawl process can be started: {error}") from error


def _send_batch(batch: CrawlBatch, send: Send) -> None:
    send(Order(batch=batch))


class _Clock:
    """What is left of a batch's time."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._ends_at - time.monotonic())
