"""How the sources are doing: alarms begin and end, and dead channels get others to stand in for them.

    figures of the sources ─▶ aggregator.health ─▶ alarms          (check_health: hourly)
    a channel that stays dead ─▶ probe: feed, WordPress, sitemap, listing ─▶ stand-ins, until it works again   (mend)

`serve` does both by the timetable, `run` after a cycle when the last check is an hour old.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aggregator.health import Alarm, Coverage, SourceFacts, find_alarms
from aggregator.polling import Rhythm
from aggregator.store import Store
from crawler.clock import system_clock
from crawler.politeness import ROBOTS_MAX_AGE
from crawler.probing.conclusion import choose_channels
from crawler.process import CrawlProcess
from schedules.config import Setup
from schedules.probing import group_robots, make_job, record_probe, run_probes

logger = logging.getLogger(__name__)

JOB = "health"
EVERY = timedelta(hours=1)
DAY = timedelta(days=1)
RHYTHM_HOURS = 48.0  # a channel watched for less has no habits that are known


def check_health(store: Store, now: datetime) -> dict[str, int]:
    """Opens and closes alarms by what is known now, and lets stand-ins go that are needed no longer.

    Returns what is recorded. Raises StoreError.
    """
    alarms = find_all_alarms(store, now)
    with store.transaction():
        began, ended = store.write_alarms(alarms, now)
        relieved = store.end_stand_ins()
    done = {"alarms": sum(map(len, alarms.values())), "began": began, "ended": ended, "stand_ins_ended": relieved}
    store.write_job(JOB, now, done)
    for source_id, found in alarms.items():
        for alarm in found:
            logger.info("%s: %s: %s", source_id, alarm.code, alarm.detail)
    return done


def find_all_alarms(store: Store, now: datetime) -> dict[str, list[Alarm]]:
    """All that is wrong, by source."""
    channels = store.get_troubled_channels()
    coverage = store.get_field_coverage(now)
    hijacked = store.get_hijacked(now - timedelta(days=365))
    quarantines = {held.source_id: held.reason for held in store.list_quarantined(now)}
    posts: defaultdict[str, int] = defaultdict(int)
    expected: defaultdict[str, float] = defaultdict(float)
    for channel in store.get_posts(now - DAY):
        rhythm = Rhythm.from_json(channel.rhythm)
        if rhythm.hours < RHYTHM_HOURS:
            continue
        posts[channel.source_id] += channel.posts
        expected[channel.source_id] += rhythm.expect(now - DAY, now, ZoneInfo(channel.timezone))
    alarms: dict[str, list[Alarm]] = {}
    for source_id in sorted({*channels, *coverage, *hijacked, *quarantines, *posts}):
        recent, usual = coverage.get(source_id, (Coverage(), Coverage()))
        facts = SourceFacts(
            channels=channels.get(source_id, ()),
            recent=recent,
            usual=usual,
            posts=posts[source_id],
            expected_posts=expected[source_id],
            hijacked_at=hijacked.get(source_id),
            quarantine=quarantines.get(source_id, ""),
        )
        if found := find_alarms(facts, now):
            alarms[source_id] = found
    return alarms


def mend(setup: Setup, store: Store, now: datetime, get_process: Callable[[], CrawlProcess] | None = None) -> int:
    """Looks for other ways into a few sources of which a channel stays dead. Returns how many were found.

    `get_process` gives a warm crawl process; without it, one is started where it is needed, and ended.
    Raises StoreError, CrawlProcessError.
    """
    sources = store.get_sources(store.find_dead_sources(now, most=setup.crawl.probes_at_once))
    if not sources:
        return 0
    robots = group_robots(store.get_robots(now - ROBOTS_MAX_AGE))
    jobs = [make_job(source, now, robots=robots.get(source.domain, ())) for source in sources.values()]
    found = 0
    process = get_process() if get_process else None
    held = store.get_held_hosts(system_clock())
    for report in run_probes(jobs, setup, process, held=held):
        failure = record_probe(store, report, now)
        own = {channel.url for channel in sources[report.source_id].channels}
        live = [] if failure else choose_channels(report)
        others = [channel for channel in live if channel.url not in own]
        with store.transaction():
            store.revive(own & {channel.url for channel in live})
            found += store.write_stand_ins(report.source_id, others)
        for channel in others:
            logger.warning("%s: %s stands in for a channel that is dead", report.source_id, channel.url)
    return found


def look_after_sources(setup: Setup, store: Store, now: datetime, process: CrawlProcess | None = None) -> None:
    """What `run` does after a cycle, when the last check is an hour old. Raises StoreError, CrawlProcessError."""
    last = store.get_last_job(JOB)
    if last is None or not timedelta(0) <= now - last < EVERY:  # a date ahead is of a clock that was wrong
        check_health(store, now)
        mend(setup, store, now, (lambda: process) if process else None)
