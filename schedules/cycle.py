"""One cycle: due channels in, harvests into the database, the feed out.

catalogue ─▶ sources table ─▶ due channels ─▶ crawl process ─▶ harvest ─▶ ingest (one transaction each) ─▶ publish
"""

from __future__ import annotations

import errno
import logging
import os
import random
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.chronicle import Chronicle
from aggregator.ingest import Ingest
from aggregator.models import MOST_WAITING, ChannelJob, CrawlJob, Harvest, PollOutcome, RobotsRecord, Source
from aggregator.pages import PageFolder
from aggregator.polling import leave_blackout, plan_retry, start_next_day
from aggregator.publish.files import PublishError
from aggregator.quarantine import Quarantine, announce
from aggregator.store import ChannelRow, Store, StoreError
from aggregator.takedowns import apply_takedowns
from aggregator.takedowns import is_due as are_takedowns_due
from aggregator.topics import load_topics
from aggregator.urls import get_host
from crawler.batch import CrawlBatch
from crawler.catalogue import load_catalogue, make_stamp
from crawler.clock import system_clock
from crawler.extraction.profiles import load_profiles
from crawler.overlays import Overlays
from crawler.politeness import ROBOTS_MAX_AGE, host_of
from crawler.process import CrawlInterrupted, CrawlProcess, CrawlProcessError
from crawler.settings import CrawlSettings
from schedules.config import Setup
from schedules.crawling import check_source_address
from schedules.publishing import publish
from schedules.tending import renew_sketches

logger = logging.getLogger(__name__)

LEAST_FREE = 2_000_000  # bytes on the disk: less than the articles of one source may take
CYCLES_AHEAD = 10  # of links that wait for a crawl: more than those that `crawler.spiders.base` reads in their order
MUCH_ASKED_PART = 100  # a hundredth of the budget of a host's day is much
NEWS_SECONDS = 30.0  # between two publishes while a cycle goes on
FEWEST_SILENT = 5  # hosts: that so many are down at once is less likely than that our own network is
Progress = Callable[[int, int, str], None]  # harvests so far, harvests expected, the source just done


@dataclass(kw_only=True)
class CycleSummary:
    """What `run --json` prints: one line."""

    cycle: int
    sources: int
    channels: int
    polls: dict[str, int] = field(default_factory=dict)  # by outcome
    articles: int = 0
    revised: int = 0
    gone: int = 0  # articles that their portals have deleted
    off_topic: int = 0
    spam: int = 0
    failed_pages: int = 0
    scans_missed: int = 0  # pages on topic that the scan of their bytes had passed over
    new_items: int = 0
    feed_items: int = 0
    requests: int = 0
    seconds: float = 0
    failed_sources: list[dict[str, str]] = field(default_factory=list)
    quarantined: list[dict[str, str]] = field(default_factory=list)  # sources, at its end
    warnings: list[str] = field(default_factory=list)  # of what came after the cycle

    @property
    def reached_nothing(self) -> bool:
        """Whether every poll failed without any answer: most likely our own network is down."""
        return bool(self.channels) and self._silent == self.channels

    is_outage: bool = False  # that nobody answered is held against nobody
    _silent: int = field(default=0, repr=False)  # polls that nobody answered

    def to_json(self) -> dict[str, Any]:
        told = {name: value for name, value in asdict(self).items() if not name.startswith("_")}
        return {**told, "reached_nothing": self.reached_nothing}


def run_cycle(
    setup: Setup,
    store: Store,
    *,
    now: datetime,
    due_only: bool = False,
    process: CrawlProcess | None = None,
    progress: Progress | None = None,
) -> CycleSummary:
    """Polls the due channels (all of them unless `due_only`), writes what they bring, and publishes.

    `process` is a warm crawl process; without one, one is started and ended. A crawl that breaks off is told in the
    summary; what had arrived is kept. Raises StoreError, PublishError, CatalogueError, ProfileError, UsageFailure.
    """
    started = time.monotonic()
    check_source_address(setup.crawl)
    due, sources = prepare_cycle(setup, store, now, due_only=due_only)
    rows = {row.id: row for row in due}
    cycle_id = store.start_cycle(now)
    summary = CycleSummary(cycle=cycle_id, sources=len({row.source_id for row in due}), channels=len(due))
    if due:
        ingest = make_ingest(setup, store, sources, now)
        batch = CrawlBatch(
            settings=setup.crawl,
            jobs=tuple(make_jobs(store, due, sources, now, crawl=setup.crawl)),
            overlays=find_overlays(setup),
            held=store.get_held_hosts(system_clock()),
            requests_per_day=setup.aggregator.requests_per_day,
            left=count_left(setup, store, due),
        )
        meanwhile = Meanwhile(setup, store, now, summary)
        _crawl(batch, ingest, rows, summary, process=process, progress=progress, meanwhile=meanwhile)
        summary.is_outage = summary.reached_nothing and forgive(setup, store, due, now)
    finish_cycle(setup, store, summary, now, started=started)
    return summary


def prepare_cycle(
    setup: Setup, store: Store, now: datetime, *, due_only: bool
) -> tuple[list[ChannelRow], dict[str, Source]]:
    """What comes before a cycle; the channels that may be asked now, and their sources.

    Raises StoreError, CatalogueError.
    """
    check_disk(setup)
    refresh_catalogue(setup, store)
    due = store.get_due_channels(now if due_only else None)
    sources = store.get_sources({row.source_id for row in due})
    due = hold_back(setup, store, [row for row in due if row.source_id in sources], sources, now)
    renew_sketches(setup, store, now)
    apply_takedowns(store, now)
    return due, sources


def make_ingest(setup: Setup, store: Store, sources: dict[str, Source], now: datetime) -> Ingest:
    return Ingest(
        store,
        sources=sources,
        settings=setup.aggregator,
        topics=load_topics(setup.topics_overlay),
        pages=PageFolder(setup.data_folder / "pages"),
        keep_all=setup.crawl.keep == "all",
        now=now,
    )


def finish_cycle(setup: Setup, store: Store, summary: CycleSummary, now: datetime, *, started: float) -> None:
    """What comes after the harvests: stories, feeds, the summary. Raises StoreError, PublishError."""
    with store.transaction():
        Chronicle(store, now).look()
    published = publish(setup, store, now)
    summary.new_items += published.new_items
    summary.feed_items = published.feed_items
    summary.quarantined = [tell_quarantine(held) for held in store.list_quarantined(now)]
    summary.seconds = round(time.monotonic() - started, 1)
    store.finish_cycle(summary.cycle, now, summary.to_json())


def tell_quarantine(held: Quarantine) -> dict[str, str]:
    return {
        "source": held.source_id,
        "until": held.until.isoformat() if held.until else "",
        "why": announce(held),
    }


def check_disk(setup: Setup) -> None:
    """Raises StoreError where there is no room to write what is fetched: portals would be asked for it in vain."""
    free = shutil.disk_usage(setup.data_folder).free
    if free < LEAST_FREE:
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise StoreError(f"{setup.database}: the disk is full; portals are asked when there is room") from full


def publish_takedowns(setup: Setup, store: Store, now: datetime) -> int:
    """Publishes where something was taken down, at once; returns the new items. Raises StoreError, PublishError."""
    return publish(setup, store, now).new_items if are_takedowns_due(store) else 0


class Meanwhile:
    """Publishing while a cycle goes on: takedowns at once, news now and then, for one slow source may take minutes.

    The last publish, with all that goes with it, is the cycle's.
    """

    def __init__(self, setup: Setup, store: Store, now: datetime, summary: CycleSummary) -> None:
        self._publish = partial(publish, setup, store, now)
        self._store = store
        self._summary = summary
        self._shown = 0  # articles and revisions when it was last published
        self._last = time.monotonic()

    def heed_takedowns(self) -> None:
        """Raises StoreError, PublishError."""
        if are_takedowns_due(self._store):
            self._go()

    def show_news(self) -> None:
        """Publishes what came, if the last time is long ago. Raises StoreError; a document that cannot be written is
        for the end of the cycle to tell."""
        if self._came == self._shown or time.monotonic() - self._last < NEWS_SECONDS:
            return
        try:
            self._go()
        except PublishError as error:
            logger.warning("not all news could be published meanwhile: %s", error)

    @property
    def _came(self) -> int:
        return self._summary.articles + self._summary.revised

    def _go(self) -> None:
        self._shown = self._came
        try:
            self._summary.new_items += self._publish().new_items
        except PublishError as error:  # which has them in the feeds
            self._summary.new_items += error.new_items
            raise
        finally:
            self._last = time.monotonic()


def find_overlays(setup: Setup) -> Overlays:
    """Raises ProfileError, before anything is fetched; the table of topics was read already."""
    load_profiles(setup.profiles_overlay)
    return Overlays(
        topics=str(setup.topics_overlay) if setup.topics_overlay else None,
        profiles=str(setup.profiles_overlay) if setup.profiles_overlay else None,
        data_folder=str(setup.data_folder),
    )


def refresh_catalogue(setup: Setup, store: Store) -> None:
    """Writes the catalogue into the database, unless it is there already. Raises CatalogueError, StoreError."""
    overlay = setup.data_folder / "sources.toml"
    stamp = make_stamp(setup.catalogue_path, overlay=overlay)
    if stamp != store.get_catalogue_stamp():
        store.write_catalogue(load_catalogue(setup.catalogue_path, overlay=overlay).sources, stamp=stamp)


def hold_back(
    setup: Setup, store: Store, due: Iterable[ChannelRow], sources: dict[str, Source], now: datetime
) -> list[ChannelRow]:
    """Those of the due channels that may be asked now; the others are put off.

    They are put off to the end of their source's quarantine or blackout, of what their host asked for (Retry-After,
    Crawl-delay), or of the day whose requests to their host are used up. Hosts live by the machine's clock, whatever
    the cycle's says.
    """
    clock = system_clock()
    spent = store.get_spent_hosts(clock, setup.aggregator.requests_per_day)
    patience = timedelta(seconds=setup.crawl.max_crawl_delay_seconds)
    quarantined = {each.source_id: each.until for each in store.list_quarantined(now)}
    held = {host: free_at - clock for host, free_at in store.get_held_hosts(clock + patience)}
    kept, later = [], []
    for row in due:
        source, host = sources[row.source_id], host_of(row.url)
        until = max(now, now + held.get(host, timedelta(0)), quarantined.get(row.source_id) or now)
        if host in spent:
            until = max(until, start_next_day(now, random.Random(row.id).random()))  # noqa: S311 - spreads load
        until = leave_blackout(until, source.blackout, ZoneInfo(source.timezone))
        if until > now:
            later.append((row.id, until))
        else:
            kept.append(row)
    if later:
        with store.transaction():
            store.postpone(later)
    return kept


def count_left(setup: Setup, store: Store, due: Iterable[ChannelRow]) -> tuple[tuple[str, int], ...]:
    """What is left today of the budgets of the hosts of channels, and of others that were asked for much: links lead to
    them."""
    clock, budget = system_clock(), setup.aggregator.requests_per_day
    asked = store.get_much_asked(clock, budget // MUCH_ASKED_PART)
    asked |= store.get_requests({host_of(row.url) for row in due}, clock)
    return tuple((host, budget - count) for host, count in asked.items())


def forgive(setup: Setup, store: Store, polled: Sequence[ChannelRow], now: datetime) -> bool:
    """Takes back the strikes of a cycle in which nobody answered where our own network is down; says whether it is.

    It is taken to be where five hosts that had worked fell silent at once, and after that until somebody answers. When
    it is up again, each channel is asked within its usual interval.
    """
    fallen_silent = {host_of(row.url) for row in polled if not row.failures}
    if len(fallen_silent) < FEWEST_SILENT and not store.was_last_cycle_an_outage():
        return False
    usual = timedelta(minutes=setup.aggregator.poll_minutes)
    with store.transaction():
        store.take_back_strikes(
            (row, plan_retry(row.strikes, now, usual=usual, chance=random.Random(row.id).random()))  # noqa: S311 - spreads load
            for row in polled
            if row.retired_at is None
        )
    return True


def make_jobs(
    store: Store, due: Iterable[ChannelRow], sources: dict[str, Source], now: datetime, *, crawl: CrawlSettings
) -> Iterable[CrawlJob]:
    """A job for each source with a due channel, with all that is remembered of it."""
    most = CYCLES_AHEAD * min(crawl.max_requests, crawl.max_new_items)
    by_source: defaultdict[str, list[ChannelRow]] = defaultdict(list)
    for row in due:
        by_source[row.source_id].append(row)
    robots = _robots_by_name(store.get_robots(now - ROBOTS_MAX_AGE))
    for source_id, rows in by_source.items():
        source = sources[source_id]
        channels = {row.url: row.stand_in for row in rows if row.stand_in is not None}
        channels |= {channel.url: channel for channel in source.channels}
        names = {get_host(channel.url) for channel in source.channels} | {source.domain, f"www.{source.domain}"}
        yield CrawlJob(
            source=source,
            channels=tuple(
                ChannelJob(channel_id=row.id, channel=channels[row.url], validators=row.validators)
                for row in rows
                if row.url in channels
            ),
            now=now,
            known=store.get_known_links(source_id, now),
            pending=store.get_pending_links(source_id, now, most=min(most, MOST_WAITING)),
            rechecks=store.get_rechecks(source_id, now, most=crawl.max_rechecks),
            robots=tuple(record for name in sorted(names) for record in robots.get(name, ())),
        )


def _robots_by_name(records: Iterable[RobotsRecord]) -> dict[str, list[RobotsRecord]]:
    by_name: defaultdict[str, list[RobotsRecord]] = defaultdict(list)
    for record in records:
        by_name[get_host(f"http://{record.host}/")].append(record)
    return by_name


def _crawl(
    batch: CrawlBatch,
    ingest: Ingest,
    rows: dict[int, ChannelRow],
    summary: CycleSummary,
    *,
    process: CrawlProcess | None,
    progress: Progress | None,
    meanwhile: Meanwhile,
) -> None:
    crawler = process or CrawlProcess()
    missing = dict(rows)
    try:
        with closing(crawler.crawl(batch, meanwhile.show_news)) as harvests:
            for done, harvest in enumerate(harvests, start=1):
                row = missing.pop(harvest.poll.channel_id)
                ingest_harvest(harvest, row, ingest, summary)
                meanwhile.heed_takedowns()
                meanwhile.show_news()
                if progress:
                    progress(done, len(rows), harvest.source_id)
    except CrawlProcessError as error:
        # whoever interrupts it says so and why
        logger.log(logging.INFO if isinstance(error, CrawlInterrupted) else logging.ERROR, "%s", error)
        summary.failed_sources += [
            {"source": row.source_id, "channel": row.url, "reason": str(error)} for row in missing.values()
        ]
    finally:
        if process is None:
            crawler.close()


def ingest_harvest(
    harvest: Harvest,
    row: ChannelRow,
    ingest: Ingest,
    summary: CycleSummary,
    *,
    harvest_id: str | None = None,
    was_asked: bool = True,
) -> None:
    """Writes a harvest, and counts what it came to; see `Ingest.write`. `was_asked`: whether the portal was, so that
    its silence tells of the network. Raises StoreError."""
    poll = harvest.poll
    counts = ingest.write(harvest, summary.cycle, row, harvest_id=harvest_id)
    summary.polls = dict(Counter(summary.polls) + Counter([poll.outcome.value]))
    summary.articles += counts.articles
    summary.revised += counts.revised
    summary.gone += counts.gone
    summary.off_topic += counts.off_topic
    summary.spam += counts.spam
    summary.failed_pages += counts.failed
    summary.scans_missed += counts.scans_missed
    summary.requests += poll.requests
    if was_asked and poll.outcome is PollOutcome.FAILED and poll.is_silent:
        summary._silent += 1  # noqa: SLF001 - its own module
    if poll.outcome in (PollOutcome.FAILED, PollOutcome.REFUSED):
        summary.failed_sources.append({"source": harvest.source_id, "channel": row.url, "reason": poll.reason})
