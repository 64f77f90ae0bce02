"""A backfill: an archive read back unit by unit, each written in one transaction that moves its position on.

    plan ─▶ unit: a page of the archive, or a few articles of it ─▶ crawl process ─▶ one transaction ─▶ the next unit
                                                                     └─ the day's requests used up, the portal busy,
                                                                        interrupted: the same command goes on later

The lock is held while something is written, not while a portal is asked: a backfill takes hours, and the cycles that
cron calls go on beside it. While one of them runs, the backfill waits, for a portal should not be asked by two at once.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from types import FrameType
from typing import Any

from aggregator.archives import Backfill, Step, StepState, WaitingLink
from aggregator.chronicle import Chronicle
from aggregator.ingest import Ingest
from aggregator.models import FetchedPage, LinkFailure, RobotsRecord, Source
from aggregator.pages import PageFolder
from aggregator.quarantine import announce
from aggregator.store import Store
from aggregator.topics import load_topics, scan_bytes
from aggregator.urls import get_host
from crawler.backfilling.address import make_page
from crawler.backfilling.dating import Span, make_span
from crawler.backfilling.estimate import count_requests_left
from crawler.backfilling.plan import choose_step, find_sitemap_steps, is_for_robots, list_steps
from crawler.backfilling.report import ArchiveFailure, ArchiveJob, ArchiveReport
from crawler.backfilling.walking import LISTED, list_keys, settle, walk
from crawler.batch import CrawlBatch
from crawler.clock import system_clock
from crawler.politeness import ROBOTS_MAX_AGE, host_of
from crawler.process import CrawlProcess, CrawlProcessError
from crawler.units import join_reports
from crawler.visit import LEARN_PAGES
from schedules.config import Setup
from schedules.crawling import start_crawler
from schedules.cycle import find_overlays, refresh_catalogue
from schedules.errors import RunFailure
from schedules.lock import hold_backfill_lock, hold_writer_lock
from schedules.probing import TERMS
from schedules.publishing import publish
from schedules.quarantines import lift_quarantines
from schedules.tending import renew_sketches

logger = logging.getLogger(__name__)

PAGES_AT_ONCE = 1  # articles in one unit: so many are asked for again after a kill; a unit costs 45 ms beside the pace
TEXTS_AT_ONCE = 50  # articles whose full text the archive gave, which cost no request
SHARE_OF_DAY = 0.9  # of the source's requests of a day: the rest is for its polls
LOCK_PATIENCE = 1_200  # seconds: longer than a cycle
LONGEST_SLEEP = 600  # seconds; a portal that wants to be left alone for longer ends the run
HOLDS_IN_A_ROW = 5
TRIES_IN_A_RUN = 2  # of the same page of an archive
SILENT_PAGES = 5  # articles in a row that could not be had: the portal is down


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be read back."""

    source: Source
    since: date
    until: date | None = None
    max_requests: int | None = None  # of this run


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far it is, after a unit."""

    doing: str
    requests: int  # of this run
    requests_left: int  # an estimate
    kept: int
    oldest: str  # the earliest day met


@dataclass(kw_only=True)
class BackfillSummary:
    """What `backfill --json` prints. Counts are of the whole backfill, those of this run are named so."""

    source: str
    since: str
    until: str | None
    finished: bool = False
    stopped: str = ""  # why this run ended before the backfill did
    requests: int = 0
    requests_of_run: int = 0
    archive_pages: int = 0
    seen: int = 0  # articles that the archive named, once for each way
    read: int = 0
    kept: int = 0
    kept_in_run: int = 0
    outside: int = 0  # read, and older or younger than was asked for
    failed: int = 0
    waiting: int = 0  # seen, and not read yet
    requests_left: int = 0  # an estimate
    earliest: str | None = None  # the earliest day that the archive named
    ways: list[dict[str, Any]] = field(default_factory=list)
    new_items: int = 0  # of the archives
    reached_nothing: bool = False  # not one request was answered

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class _Unit:
    """What the crawl process is asked next."""

    job: ArchiveJob
    doing: str
    step: Step | None = None  # whose page it is
    links: tuple[WaitingLink, ...] = ()


class Backfilling:
    """One run of a backfill. `process` is a warm crawl process; without one, one is started and ended."""

    def __init__(
        self,
        setup: Setup,
        request: Request,
        *,
        clock: Callable[[], datetime],
        watch: Callable[[Progress], None] | None = None,
        process: CrawlProcess | None = None,
    ) -> None:
        self._setup = setup
        self._request = request
        self._clock = clock
        self._watch = watch
        self._process = process
        self._started = clock()
        self._topics = load_topics(setup.topics_overlay)
        self._overlays = find_overlays(setup)
        source = request.source
        self._hosts = {host_of(channel.url) for channel in source.channels} | {source.domain, f"www.{source.domain}"}
        self._held: tuple[tuple[str, datetime], ...] = ()  # hosts, by what polls asked of them before
        self._robots: dict[str, RobotsRecord] = {}
        self._id = 0
        self._requests = self._kept = self._answers = 0  # of this run
        self._stopped = ""
        self._resting: set[int] = set()  # steps that wait for the next run
        self._holds = self._silent = 0  # in a row
        self._pause = 0  # seconds that the portal wants to be left alone

    def run(self) -> BackfillSummary:
        """Reads on until all is read, or something ends the run. Raises WriterBusy, StoreError, PublishError,
        ProfileError, CrawlProcessError, RunFailure (the source is quarantined); whatever was written stays."""
        with hold_backfill_lock(self._setup.data_folder, self._request.source.id), self._noting_interrupts():
            return self._run()

    @contextmanager
    def _noting_interrupts(self) -> Iterator[None]:
        """Remembers Ctrl-C: its exception is lost where it is raised in a callback or a finalizer."""
        if (
            threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        ):
            yield
            return

        def note(number: int, frame: FrameType | None) -> None:
            self._stopped = "interrupted"
            signal.default_int_handler(number, frame)

        before = signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _run(self) -> BackfillSummary:
        with self._open(patience=0) as store:
            self._begin(store)
            unit = self._choose(store)
        crawler = self._process
        try:
            while unit is not None:
                crawler = crawler or start_crawler(self._setup)
                report = self._ask(crawler, unit)
                with self._open() as store:
                    self._write(store, unit, report)
                    unit = self._choose(store)
                if unit is not None:
                    time.sleep(self._pause)
        except KeyboardInterrupt:
            self._stopped = "interrupted"
        finally:
            if crawler is not None and self._process is None:
                crawler.close()
        with self._open() as store:
            return self._conclude(store)

    @contextmanager
    def _open(self, *, patience: float = LOCK_PATIENCE) -> Iterator[Store]:
        """The database, under the lock: opened and closed within it, for no two connections may write."""
        with (
            hold_writer_lock(self._setup.data_folder, patience=patience),
            Store.open_writer(self._setup.database) as store,
        ):
            yield store

    def _begin(self, store: Store) -> None:
        request, now = self._request, self._started
        lift_quarantines(self._setup, store, now)
        if told := self._describe_quarantine(store):
            raise RunFailure(f"{request.source.id}: {told}")
        refresh_catalogue(self._setup, store)
        renew_sketches(self._setup, store, now)
        for record in store.get_robots(now - ROBOTS_MAX_AGE):
            self._robots[record.host] = record
        found = store.find_backfill(request.source.id, request.since, request.until)
        if found is None:
            with store.transaction():
                self._id = store.add_backfill(request.source.id, request.since, request.until, now)
                store.add_steps(self._id, list_steps(request.source, TERMS))
            return
        self._id = found.id
        if found.free_at and found.free_at > now and not found.finished_at:
            self._stopped = f"the portal wants to be left alone until {found.free_at:%Y-%m-%d %H:%M} UTC"

    # ── what comes next ────────────────────────────────────────────────────────────────────────────────────────────

    def _choose(self, store: Store) -> _Unit | None:
        """The next unit; None where there is none, or none now, and then `_stopped` says why."""
        self._held = store.get_held_hosts(system_clock())  # cycles go on beside it, and hear what hosts want
        backfill = self._get_backfill(store)
        self._stopped = self._stopped or self._describe_quarantine(store)
        if self._stopped or backfill.finished_at:
            return None
        left = self._count_left(store)
        links = store.take_links(self._id, self._started, pages=min(PAGES_AT_ONCE, max(0, left)), texts=TEXTS_AT_ONCE)
        if links:
            return self._make_articles(store, links, left)
        _, pages_waiting = store.count_waiting(self._id)
        with store.transaction():
            step = self._choose_step(store)
            if step is None and not pages_waiting and not self._resting:
                store.finish_backfill(self._id, self._clock())
        if left <= 0 and (step is not None or pages_waiting):
            self._stopped = self._describe_limit()
            return None
        if step is None:
            if pages_waiting or self._resting:
                self._stopped = "what could not be had now is tried again in the next run"
            return None
        job = self._make_job(page=make_page(step, self._request.source, self._request.since, self._request.until))
        return _Unit(job=job, step=step, doing=describe_step(step))

    def _choose_step(self, store: Store) -> Step | None:
        """The step whose next page is to be asked for; what is not needed is written down as spared."""
        while True:
            steps = store.get_steps(self._id)
            for spared in (choice := choose_step(steps, may_wait=self._resting)).spared:
                store.write_step(replace(spared, state=StepState.SPARED))
            step = choice.step
            if step is None:
                return None
            settled = settle(step)
            if settled is not step:
                store.write_step(settled)
            elif is_for_robots(step):
                record = self._robots.get(host_of(step.url))
                store.add_steps(self._id, find_sitemap_steps(step, record.body if record else b"", steps), after=step)
                store.write_step(replace(step, state=StepState.SPARED, reason="not itself a sitemap"))
            else:
                return step

    def _make_articles(self, store: Store, links: Sequence[WaitingLink], left: int) -> _Unit:
        step = self._get_current_list(store)
        is_new = store.count_pages_read(self._request.source.id) < LEARN_PAGES
        job = self._make_job(
            links=tuple(waiting.link for waiting in links),
            learns=is_new,
            reads_dates=step is not None and step.position.is_undated,
            max_requests=max(1, min(left, len(links) * self._setup.crawl.max_article_pages)),
        )
        return _Unit(job=job, links=tuple(links), doing="articles")

    def _make_job(self, **facts: Any) -> ArchiveJob:
        source = self._request.source
        names = {get_host(f"http://{host}/") for host in self._hosts}
        robots = (record for host, record in sorted(self._robots.items()) if get_host(f"http://{host}/") in names)
        return ArchiveJob(source=source, now=self._clock(), robots=tuple(robots), **facts)

    def _count_left(self, store: Store) -> int:
        """Requests that may still be made: today, and in this run."""
        share = max(1, int(self._setup.aggregator.requests_per_day * SHARE_OF_DAY))
        left = share - store.count_requests(self._hosts, self._clock())
        most = self._request.max_requests
        return left if most is None else min(left, most - self._requests)

    def _describe_limit(self) -> str:
        most = self._request.max_requests
        if most is not None and self._requests >= most:
            return f"the {most} requests of --max-requests are used up; the same command goes on"
        return "the source's requests of today are used up; resume tomorrow: run the same command again"

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, crawler: CrawlProcess, unit: _Unit) -> ArchiveReport:
        """Raises CrawlProcessError."""
        batch = CrawlBatch(settings=self._setup.crawl, archives=(unit.job,), overlays=self._overlays, held=self._held)
        report = join_reports(crawler.read_archive(batch))
        if report is None:
            raise CrawlProcessError("the crawl process brought no report")
        return report

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _write(self, store: Store, unit: _Unit, report: ArchiveReport) -> None:
        """One transaction: what the unit brought, and where the backfill stands now."""
        now = self._clock()
        self._requests += report.requests
        self._answers += bool(report.page or report.pages or (report.failure and report.failure.status))
        self._robots |= {record.host: record for record in report.robots}
        with store.transaction():
            store.write_robots(report.robots)
            store.count_backfill(self._id, requests=report.requests)
            received = sum(part.bytes for part in report.traffic)
            store.count_day(self._request.source.id, now, requests=report.requests, bytes=received)
            store.write_traffic(report.traffic, now)
            if report.kills:
                self._write_kills(store, report, now)
            if unit.step is not None:
                self._write_page(store, unit.step, report)
            else:
                self._write_articles(store, unit, report)
            wait = report.failure.wait_seconds if report.failure else None
            if wait is not None:
                self._hold(store, wait, report.failure)
        self._holds = self._holds if wait is not None else 0
        # the crawl process itself waits for short whiles
        self._pause = wait if wait is not None and wait > self._setup.crawl.max_crawl_delay_seconds else 0
        self._show(store, unit)

    def _write_kills(self, store: Store, report: ArchiveReport, now: datetime) -> None:
        reasons = [f"{failure.url}: {failure.reason}" for failure in report.failures]
        reason = report.failure.reason if report.failure else (reasons or ["a backfill"])[-1]
        store.write_kills(self._request.source.id, report.kills, reason, now)

    def _describe_quarantine(self, store: Store) -> str:
        """Why it is not read now, and what to do; "" outside a quarantine. Polls beside us may begin one, too."""
        held = store.find_quarantine(self._request.source.id)
        if held is None or not held.lasts(self._clock()):
            return ""
        return announce(held)

    def _write_page(self, store: Store, step: Step, report: ArchiveReport) -> None:
        if report.failure and report.failure.wait_seconds is not None:
            return  # the page is asked for again
        walked = walk(step, report, self._span, names_topic=self._names_topic)
        known = store.find_known(list_keys(walked.wanted), self._request.source.id)
        wanted = [link for link, key in zip(walked.wanted, list_keys(walked.wanted), strict=True) if key not in known]
        queued = store.queue_links(self._id, wanted)
        store.write_step(replace(walked.step, wanted=walked.step.wanted + queued))
        if walked.sitemaps:
            planned = {other.url for other in store.get_steps(self._id)}
            store.add_steps(self._id, (new for new in walked.sitemaps if new.url not in planned), after=step)
        if report.failure and walked.step.state is StepState.WAITING:
            self._rest(walked.step, report.failure)

    def _rest(self, step: Step, failure: ArchiveFailure) -> None:
        """After a failure that may pass: another try, then what else there is; a portal that says nothing is let be."""
        if step.attempts % TRIES_IN_A_RUN:
            return
        self._resting.add(step.id)
        if failure.status == 0 or step.position.page:
            self._stopped = f"{describe_step(step)}: {failure.reason}; run the same command again later"

    def _write_articles(self, store: Store, unit: _Unit, report: ArchiveReport) -> None:
        waiting = {found.link.url: found for found in unit.links}
        given_up, later = self._part_failures(report.failures, waiting)
        inside = [page for page in report.pages if self._is_asked_for(page)]
        ingest = Ingest(
            store,
            sources={self._request.source.id: self._request.source},
            settings=self._setup.aggregator,
            topics=self._topics,
            pages=PageFolder(self._setup.data_folder / "pages"),
            keep_all=self._setup.crawl.keep == "all",
            now=self._clock(),
            is_backfill=True,
        )
        counts = ingest.write_read(self._request.source, inside, given_up)
        done = [page.link.url for page in report.pages] + [failure.link.url for failure in given_up]
        store.drop_links(waiting[url].id for url in done)
        store.delay_links((waiting[failure.link.url].id for failure in later), self._clock())
        store.count_backfill(
            self._id,
            pages_read=len(report.pages),
            kept=counts.articles,
            outside=len(report.pages) - len(inside),
            failed=counts.failed,
        )
        self._kept += counts.articles
        self._note_dates(store, report.pages)
        self._silent = 0 if report.pages or given_up else self._silent + len(later)
        if self._silent >= SILENT_PAGES and not self._stopped:
            self._stopped = f"its pages cannot be had ({later[-1].reason if later else ''}); run the same command later"

    def _part_failures(
        self, failures: Sequence[LinkFailure], waiting: dict[str, WaitingLink]
    ) -> tuple[list[LinkFailure], list[LinkFailure]]:
        """(those that are given up, those that the next run tries again)"""
        given_up, later = [], []
        for failure in failures:
            is_last = waiting[failure.link.url].attempts + 1 >= self._setup.aggregator.max_attempts
            if failure.permanent or failure.refused or is_last:
                given_up.append(replace(failure, permanent=True))
            else:
                later.append(failure)
        return given_up, later

    def _is_asked_for(self, page: FetchedPage) -> bool:
        """Whether it was published in the days asked for. What has no date counts as if it was."""
        return page.article is None or page.article.published is None or self._span.has(page.article.published)

    def _note_dates(self, store: Store, pages: Sequence[FetchedPage]) -> None:
        """Where a list has no dates, the dates of its articles tell when to end."""
        step = self._get_current_list(store)
        if step is None or not step.position.is_undated:
            return
        span = self._span
        days = [span.get_day(page.article.published) for page in pages if page.article and page.article.published]
        before = sum(span.is_before(day) for day in days)
        position = replace(
            step.position,
            read_before=step.position.read_before + before,
            read_within=step.position.read_within + len(days) - before,
        )
        store.write_step(replace(step, position=position))

    def _get_current_list(self, store: Store) -> Step | None:
        step = choose_step(store.get_steps(self._id), may_wait=self._resting).step
        return step if step is not None and step.way in LISTED and step.position.page else None

    def _hold(self, store: Store, wait: int, failure: ArchiveFailure | None) -> None:
        """The portal wants to be left alone: a moment is waited for, more than that ends the run."""
        self._holds += 1
        if wait <= LONGEST_SLEEP and self._holds < HOLDS_IN_A_ROW:
            return
        free_at = self._clock() + timedelta(seconds=wait)
        store.hold_backfill(self._id, free_at)
        reason = failure.reason if failure else ""
        self._stopped = (
            f"the portal wants to be left alone until {free_at:%Y-%m-%d %H:%M} UTC ({reason}); "
            "run the same command again then"
        )

    # ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _conclude(self, store: Store) -> BackfillSummary:
        """Puts what came in its place, and says how it went. Raises StoreError, PublishError."""
        now = self._clock()
        with store.transaction():
            Chronicle(store, now).look()
        new_items = publish(self._setup, store, now).new_items
        backfill, steps = self._get_backfill(store), store.get_steps(self._id)
        waiting, pages = store.count_waiting(self._id)
        days = [step.position.oldest for step in steps if step.position.oldest]
        is_finished = backfill.finished_at is not None
        return BackfillSummary(
            source=backfill.source_id,
            since=backfill.since.isoformat(),
            until=backfill.until.isoformat() if backfill.until else None,
            finished=is_finished,
            stopped="" if is_finished else self._stopped,
            requests=backfill.requests,
            requests_of_run=self._requests,
            archive_pages=sum(step.position.page for step in steps),
            seen=sum(step.links for step in steps),
            read=backfill.pages_read,
            kept=backfill.kept,
            kept_in_run=self._kept,
            outside=backfill.outside,
            failed=backfill.failed,
            waiting=waiting,
            requests_left=0 if is_finished else count_requests_left(steps, pages, self._span),
            earliest=min(days) if days else None,
            ways=[step_to_json(step) for step in steps if step.state is not StepState.SPARED],
            new_items=new_items,
            reached_nothing=bool(self._requests) and not self._answers,
        )

    def _show(self, store: Store, unit: _Unit) -> None:
        if self._watch is None:
            return
        steps = store.get_steps(self._id)
        _, pages = store.count_waiting(self._id)
        days = [step.position.oldest for step in steps if step.position.oldest]
        self._watch(
            Progress(
                doing=unit.doing,
                requests=self._requests,
                requests_left=count_requests_left(steps, pages, self._span),
                kept=self._kept,
                oldest=min(days, default=""),
            )
        )

    @property
    def _span(self) -> Span:
        return make_span(self._request.source, self._request.since, self._request.until, self._started)

    def _get_backfill(self, store: Store) -> Backfill:
        found = store.find_backfill(self._request.source.id, self._request.since, self._request.until)
        assert found is not None
        return found

    def _names_topic(self, text: str) -> bool:
        return scan_bytes(text.encode("utf-8", "replace"), self._topics)


def describe_step(step: Step) -> str:
    """A way in a few words: "rest 'apeksi'", "sitemap https://…"."""
    return f"{step.way.value} {step.term!r}" if step.term else f"{step.way.value} {step.url}"


def step_to_json(step: Step) -> dict[str, Any]:
    return {
        "way": step.way.value,
        "term": step.term,
        "url": step.url,
        "state": step.state.value,
        "reason": step.reason,
        "pages": step.position.page,
        "links": step.links,
        "wanted": step.wanted,
        "oldest": step.position.oldest,
    }
