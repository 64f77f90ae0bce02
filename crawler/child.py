"""The crawl process: batches come in on stdin, harvests go out on stdout, logs to stderr.

    stdin: Order ──▶ one crawl per kind of channel, side by side in one event loop ──▶ stdout: Report … end
    stdin closed ──▶ exit

It may serve many batches (`serve` keeps it warm) and is recycled by its parent.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, cast

from scrapy.crawler import AsyncCrawlerRunner
from scrapy.utils.reactor import install_reactor
from twisted.logger import ILogObserver, STDLibLogObserver, globalLogBeginner

from aggregator.heap import end_loading
from aggregator.lifeline import die_with_parent
from aggregator.log import set_up_log
from aggregator.models import ChannelKind, CrawlJob, Harvest, PollOutcome, RobotsRecord, Validators
from crawler.address_guard import AddressGuard, install_guard
from crawler.backfilling.report import ArchiveFailure, ArchiveJob, ArchiveReport
from crawler.batch import ORDER, REPORT, BatchEnd, CrawlBatch, Report
from crawler.clock import system_clock
from crawler.intake import Intake
from crawler.middlewares import Manners
from crawler.parsing import ParserPool
from crawler.permits import PermitCall, Permits
from crawler.politeness import Pace, Robots
from crawler.probing.report import ProbeJob, ProbeReport
from crawler.resolving import Resolver
from crawler.scrapy_settings import EVENT_LOOP, REACTOR, build_scrapy_settings
from crawler.settings import CrawlSettings
from crawler.spiders.base import ChannelSpider
from crawler.spiders.feed import FeedSpider
from crawler.spiders.listing import ListingSpider
from crawler.spiders.portal import PortalSpider
from crawler.spiders.sitemap import SitemapSpider
from crawler.spiders.wordpress import WordPressSpider
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

    async def write_permits(self, call: PermitCall) -> None:
        await self.write(Report(permits=call))

    async def write(self, report: Report) -> None:
        async with self._lock:  # many may wait for a slow parent: each is encoded when its turn comes
            line = REPORT.encode(report)
            if len(line) > LONGEST_REPORT:
                line = REPORT.encode(shorten(report, len(line)))
            await asyncio.to_thread(self._write_line, line + b"\n")
        self.harvests += report.harvest is not None

    def _write_line(self, line: bytes) -> None:
        self._out.write(line)
        self._out.flush()


class Crawl:
    """One batch under way: a spider for each kind of channel, which share manners and parsers."""

    def __init__(self, batch: CrawlBatch, writer: ReportWriter, pace: Pace, pool: ParserPool, vitals: Vitals) -> None:
        settings = batch.settings
        self._batch, self._writer = batch, writer
        self._intake = Intake(settings)
        self._manners = Manners(
            settings=settings,
            pace=pace,
            robots=Robots(_list_robots(batch), system_clock),
            clock=system_clock,
            ca_folder=batch.overlays.data_folder,
        )
        self._runner = AsyncCrawlerRunner(build_scrapy_settings(settings))
        # each visit of an open batch has its own time
        seconds = float("inf") if batch.is_open else settings.deadline_seconds
        deadline = asyncio.get_running_loop().time() + seconds
        self._pool = pool
        self._tools = {"manners": self._manners, "pool": pool, "deadline": deadline, "vitals": vitals}
        self._crawls: dict[ChannelKind | str, asyncio.Future[None]] = {}

    async def run(self) -> None:
        """Until all is polled, and nothing more will come."""
        self._take(self._batch)
        if self._batch.probes:
            from crawler.spiders.probe import ProbeSpider

            self._start("probes", ProbeSpider, jobs=self._batch.probes, hand_over=self._writer.write_probe)
        if self._batch.archives:
            from crawler.spiders.archive import ArchiveSpider

            work = {"jobs": self._batch.archives, "overlays": self._batch.overlays}
            self._start("archives", ArchiveSpider, hand_over=self._writer.write_archive, **work)
        if not self._batch.is_open:
            self._intake.close()
        while not self._intake.is_closed:
            closing = asyncio.ensure_future(self._intake.wait_closed())
            await asyncio.wait((closing, *self._crawls.values()), return_when=asyncio.FIRST_COMPLETED)
            closing.cancel()
            for crawl in self._crawls.values():
                if crawl.done():  # one that ends before it is closed has failed
                    crawl.result()
        await asyncio.gather(*self._crawls.values())

    def add(self, more: CrawlBatch) -> None:
        self._manners.pace.hold_all(more.held, system_clock())
        self._manners.pace.count_left(more.left)
        self._manners.robots.remember(_list_robots(more))
        for job in more.jobs:  # each visit begins as it does in a batch of its own
            self._pool.forget_kills(None if job.source.discovery else job.source.id)
        self._take(more)

    def close(self) -> None:
        self._intake.close()

    def _take(self, batch: CrawlBatch) -> None:
        self._intake.take(batch.jobs)
        for kind in self._intake.list_kinds():
            if kind not in self._crawls:
                work = {"assignments": self._intake.iterate(kind), "overlays": self._batch.overlays}
                self._start(kind, SPIDERS[kind], hand_over=self._writer.write_harvest, **work)

    def _start(self, name: ChannelKind | str, spider: type[PortalSpider], **work: Any) -> None:
        self._crawls[name] = asyncio.ensure_future(self._runner.crawl(spider, **work, **self._tools))


class CrawlServer:
    """Serves batches until stdin closes."""

    def __init__(self, out: BinaryIO, vitals: Vitals) -> None:
        self._out = out
        self._vitals = vitals
        self._guard = AddressGuard()
        self._pool: ParserPool | None = None
        self._pace: tuple[CrawlSettings, Pace] | None = None  # of backfills
        self._permits: Permits | None = None  # of the batch
        self._crawl: Crawl | None = None

    def get_guard(self) -> AddressGuard:
        return self._guard

    async def serve(self) -> None:
        lines = await open_stdin()
        crawling: asyncio.Future[None] | None = None
        try:
            while line := await self._read(lines, crawling):
                order = ORDER.decode(line)
                if order.batch is not None:
                    if crawling is not None:
                        await crawling
                    crawling = asyncio.ensure_future(self._serve_batch(order.batch))
                    await asyncio.sleep(0)  # it begins, so that what comes next finds it
                if self._permits is not None:
                    self._permits.heed(order.permits)
                if self._crawl is not None and order.more is not None:
                    self._crawl.add(order.more)
                if self._crawl is not None and order.closes:
                    self._crawl.close()
            if self._crawl is not None:
                self._crawl.close()
            if crawling is not None:
                await crawling
        finally:
            if self._pool is not None:
                self._pool.close()

    @staticmethod
    async def _read(lines: asyncio.StreamReader, crawling: asyncio.Future[None] | None) -> bytes:
        """The next line; raises what the crawl under way raises meanwhile."""
        reading = asyncio.ensure_future(lines.readline())
        if crawling is not None:
            await asyncio.wait((reading, crawling), return_when=asyncio.FIRST_COMPLETED)
            if crawling.done():
                crawling.result()
        return await reading

    async def _serve_batch(self, batch: CrawlBatch) -> None:
        settings = batch.settings
        self._guard = AddressGuard(settings.allow_networks)
        self._pool = self._pool or ParserPool(settings)
        self._pool.begin_batch()
        writer = ReportWriter(self._out)
        self._permits = Permits(writer.write_permits, settings.max_crawl_delay_seconds) if batch.needs_permits else None
        self._crawl = Crawl(batch, writer, self._choose_pace(batch), self._pool, self._vitals)
        beating = asyncio.ensure_future(self._beat())
        await self._crawl.run()
        self._crawl = None
        if self._permits is not None:
            await self._permits.settle()
        await writer.write(Report(end=BatchEnd(harvests=writer.harvests)))
        beating.cancel()

    async def _beat(self) -> None:
        """Tells the parent that the event loop goes round."""
        while True:
            self._vitals.beat()
            await asyncio.sleep(BEAT_SECONDS)

    def _choose_pace(self, batch: CrawlBatch) -> Pace:
        """A backfill is many small batches, and its portal must not notice: they share one pace."""
        if not batch.archives:
            return Pace(
                batch.settings,
                batch.held,
                now=system_clock(),
                left=batch.left,
                budget=batch.requests_per_day,
                permits=self._permits,
            )
        if self._pace is None or self._pace[0] != batch.settings:
            self._pace = (batch.settings, Pace(batch.settings, now=system_clock()))
        self._pace[1].permits = self._permits
        self._pace[1].hold_all(batch.held, system_clock())
        return self._pace[1]


def _list_robots(batch: CrawlBatch) -> Iterator[RobotsRecord]:
    parts: Iterable[CrawlJob | ProbeJob | ArchiveJob] = (*batch.jobs, *batch.probes, *batch.archives)
    for part in parts:
        yield from part.robots


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
