"""The crawl process: batches come in on stdin, harvests go out on stdout, logs to stderr.

    stdin: CrawlBatch ──▶ one crawl per kind of channel, side by side in one event loop ──▶ stdout: Report … end
    stdin closed ──▶ exit

It may serve many batches (`serve` keeps it warm) and is recycled by its parent.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, BinaryIO, cast

from scrapy.crawler import AsyncCrawlerRunner
from scrapy.utils.reactor import install_reactor
from twisted.logger import ILogObserver, STDLibLogObserver, globalLogBeginner

from aggregator.heap import end_loading
from aggregator.lifeline import die_with_parent
from aggregator.log import set_up_log
from aggregator.models import ChannelKind, Harvest, PollOutcome, RobotsRecord, Validators
from crawler.address_guard import AddressGuard, install_guard
from crawler.backfilling.report import ArchiveFailure, ArchiveReport
from crawler.batch import BATCH, REPORT, BatchEnd, CrawlBatch, Report
from crawler.clock import system_clock
from crawler.middlewares import Manners
from crawler.parsing import ParserPool
from crawler.politeness import Pace, Robots
from crawler.probing.report import ProbeReport
from crawler.resolving import Resolver
from crawler.scrapy_settings import EVENT_LOOP, REACTOR, build_scrapy_settings
from crawler.settings import CrawlSettings
from crawler.spiders.base import Assignment, ChannelSpider
from crawler.spiders.feed import FeedSpider
from crawler.spiders.listing import ListingSpider
from crawler.spiders.sitemap import SitemapSpider
from crawler.spiders.wordpress import WordPressSpider
from crawler.visit import Visit
from crawler.vitals import Vitals

SPIDERS: dict[ChannelKind, type[ChannelSpider]] = {
    spider.kind: spider for spider in (FeedSpider, SitemapSpider, WordPressSpider, ListingSpider)
}
LONGEST_LINE = 1 << 30  # of a batch: our own parent sends it
LONGEST_REPORT = 32 << 20  # bytes; the parent takes twice as much
BEAT_SECONDS = 1.0

logger = logging.getLogger(__name__)


class ReportWriter:
    """Writes reports, a whole line at a time; in a thread, for the parent may be busy."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = asyncio.Lock()
        self.harvests = 0

    async def write_harvest(self, harvest: Harvest) -> None:
        await self.write(Report(harvest=harvest))

    async def write_probe(self, report: ProbeReport) -> None:
        await self.write(Report(probe=report))

    async def write_archive(self, report: ArchiveReport) -> None:
        await self.write(Report(archive=report))

    async def write(self, report: Report) -> None:
        line = REPORT.encode(report)
        if len(line) > LONGEST_REPORT:
            line = REPORT.encode(shorten(report, len(line)))
        async with self._lock:
            await asyncio.to_thread(self._write_line, line + b"\n")
        self.harvests += report.harvest is not None

    def _write_line(self, line: bytes) -> None:
        self._out.write(line)
        self._out.flush()


class CrawlServer:
    """Serves batches until stdin closes."""

    def __init__(self, out: BinaryIO, vitals: Vitals) -> None:
        self._out = out
        self._vitals = vitals
        self._guard = AddressGuard()
        self._pool: ParserPool | None = None
        self._pace: tuple[CrawlSettings, Pace] | None = None  # of backfills

    def get_guard(self) -> AddressGuard:
        return self._guard

    async def serve(self) -> None:
        lines = await open_stdin()
        try:
            while line := await lines.readline():
                beating = asyncio.ensure_future(self._beat())
                await self._crawl(BATCH.decode(line))
                beating.cancel()
        finally:
            if self._pool is not None:
                self._pool.close()

    async def _beat(self) -> None:
        """Tells the parent that the event loop goes round."""
        while True:
            self._vitals.beat()
            await asyncio.sleep(BEAT_SECONDS)

    async def _crawl(self, batch: CrawlBatch) -> None:
        settings = batch.settings
        self._guard = AddressGuard(settings.allow_networks)
        self._pool = self._pool or ParserPool(settings)
        self._pool.begin_batch()
        writer = ReportWriter(self._out)
        records = (record for robots in _list_robots(batch) for record in robots)
        manners = Manners(
            settings=settings,
            pace=self._choose_pace(batch),
            robots=Robots(records, system_clock()),
            clock=system_clock,
            ca_folder=batch.overlays.data_folder,
        )
        runner = AsyncCrawlerRunner(build_scrapy_settings(settings))
        deadline = asyncio.get_running_loop().time() + settings.deadline_seconds
        tools: dict[str, Any] = {"manners": manners, "pool": self._pool, "deadline": deadline, "vitals": self._vitals}
        crawls = []
        for kind, assignments in assign_channels(batch).items():
            work = {"assignments": assignments, "hand_over": writer.write_harvest, "overlays": batch.overlays}
            crawls.append(runner.crawl(SPIDERS[kind], **work, **tools))
        if batch.probes:
            from crawler.spiders.probe import ProbeSpider

            crawls.append(runner.crawl(ProbeSpider, jobs=batch.probes, hand_over=writer.write_probe, **tools))
        if batch.archives:
            from crawler.spiders.archive import ArchiveSpider

            work = {"jobs": batch.archives, "hand_over": writer.write_archive, "overlays": batch.overlays}
            crawls.append(runner.crawl(ArchiveSpider, **work, **tools))
        await asyncio.gather(*crawls)
        await writer.write(Report(end=BatchEnd(harvests=writer.harvests)))

    def _choose_pace(self, batch: CrawlBatch) -> Pace:
        """A backfill is many small batches, and its portal must not notice: they share one pace."""
        if not batch.archives:
            return Pace(batch.settings, batch.held, now=system_clock(), left=batch.left, budget=batch.requests_per_day)
        if self._pace is None or self._pace[0] != batch.settings:
            self._pace = (batch.settings, Pace(batch.settings, now=system_clock()))
        self._pace[1].hold_all(batch.held, system_clock())
        return self._pace[1]


def _list_robots(batch: CrawlBatch) -> Iterator[tuple[RobotsRecord, ...]]:
    yield from (job.robots for job in batch.jobs)
    yield from (probe.robots for probe in batch.probes)
    yield from (archive.robots for archive in batch.archives)


def assign_channels(batch: CrawlBatch) -> dict[ChannelKind, list[Assignment]]:
    """The channels by kind; channels of one source share its visit."""
    by_kind: defaultdict[ChannelKind, list[Assignment]] = defaultdict(list)
    units = count()
    for job in batch.jobs:
        visit = Visit(job=job, settings=batch.settings)
        for channel_job in job.channels:
            by_kind[channel_job.channel.kind].append(Assignment(visit=visit, job=channel_job, unit=next(units)))
    return dict(by_kind)


def shorten(report: Report, length: int) -> Report:
    """What is left of a report that is too long for anybody to read: that it was."""
    reason = f"what the portal sent comes to {length} bytes, over the limit of {LONGEST_REPORT}"
    if report.harvest is not None:
        poll = replace(report.harvest.poll, outcome=PollOutcome.FAILED, reason=reason, validators=Validators())
        return Report(harvest=Harvest(source_id=report.harvest.source_id, poll=poll, robots=report.harvest.robots))
    if report.probe is not None:
        return Report(probe=replace(report.probe, findings=(), reason=reason))
    failure = ArchiveFailure(reason=reason, is_unreadable=True)
    return Report(archive=replace(report.archive or ArchiveReport(), page=None, pages=(), failures=(), failure=failure))


async def open_stdin() -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST_LINE, loop=loop)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), sys.stdin)
    return reader


def claim_stdout() -> BinaryIO:
    """The pipe to the parent, out of reach of anything that prints: file descriptor 1 becomes stderr."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def main(log_level: str = "WARNING", vitals: str = "-1") -> None:
    """Runs the crawl process until its stdin closes. `vitals`: descriptor of the memory shared with the parent."""
    die_with_parent()
    set_up_log(log_level)
    server = CrawlServer(claim_stdout(), Vitals(int(vitals)))
    # until somebody listens, Twisted keeps all its events, and what they hold on to
    globalLogBeginner.beginLoggingTo(
        [cast("ILogObserver", STDLibLogObserver())], discardBuffer=True, redirectStandardIO=False
    )
    install_reactor(REACTOR, EVENT_LOOP)
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    reactor.installNameResolver(Resolver(reactor))
    install_guard(reactor, server.get_guard)
    end_loading()
    try:
        react(lambda _: Deferred.fromFuture(asyncio.ensure_future(server.serve())))
    except SystemExit as end:  # as react ends; a task that still waits for a batch is no complaint
        logging.shutdown()
        os._exit(int(end.code or 0))
