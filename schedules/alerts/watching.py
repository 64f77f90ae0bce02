"""Instant alerts: looks at what is new, at spikes, and at sources that fell silent; queues what there is to tell.

An alert that keeps quiet does not look: when its quiet ends, one look has all of it, and one message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

from aggregator.alert_rows import Message
from aggregator.alerts.planning import Piece, plan_news
from aggregator.bounds import begin_day, end_day
from aggregator.coverage_rows import CoverageDay
from aggregator.instants import to_text
from aggregator.models import FeedItem
from aggregator.search import NewsQuery
from aggregator.search_rows import Search
from aggregator.spikes import FACTOR, WINDOW, Spike, find_spikes
from aggregator.times import WIB
from schedules.alerts.context import FilterFault, Work
from schedules.alerts.models import AlertEntry

NEWS_MOST = 500  # looked at at once; of what is older, nothing is told
SILENCE_EVERY = timedelta(minutes=5)
QUIET_HOURS = 24.0  # the check of health judges a day
DAY = timedelta(days=1)


def look_around(work: Work) -> list[FilterFault]:
    """Queues what every alert has to tell now. Returns what is wrong with some. Raises StoreError."""
    faults = []
    for name, entry in work.alerts.alerts.items():
        quiet = entry.make_quiet()
        if quiet is not None and quiet.find_end(work.now) is not None:
            continue
        try:
            _LOOKS[entry.kind](work, name, entry)
        except FilterFault as fault:
            faults.append(fault)
    return faults


# ── news ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def look_for_news(work: Work, name: str, entry: AlertEntry) -> None:
    """What came into the feeds since the last look, and what followed. Raises FilterFault, StoreError."""
    store, newest = work.store, work.store.get_newest_place()
    look = store.get_look(name)
    if look is None:  # what is there already is no news
        with store.transaction():
            store.write_look(name, newest, work.now)
        return
    items = find_items(work, name, entry.make_query(), place=look[0]) if newest > look[0] else {}
    told, told_groups = store.get_told_stories(name, work.now), store.get_told_groups(name) if items else set()
    pieces = [
        Piece(group_id=group_id, story_id=item.story_id, carriers=1 + len(item.also_at))
        for group_id, item in items.items()
        if group_id not in told_groups
    ]
    plan = plan_news(pieces, told, work.now)
    if newest == look[0] and plan.is_empty:
        return
    with store.transaction():
        store.write_look(name, max(newest, look[0]), work.now)
        store.write_told_stories(name, plan.told, work.now)
        store.write_told_groups(name, [piece.group_id for piece in pieces], work.now)
        if not plan.is_empty:
            content = {"groups": plan.groups, "follow_ups": plan.follow_ups, "more": plan.more}
            _queue(work, name, entry, f"{newest} {to_text(work.now)}", content)


def find_items(work: Work, name: str, query: NewsQuery, *, place: int) -> dict[int, FeedItem]:
    """By group, newest first: what answers the query and came into the feeds after that place. Raises FilterFault."""
    search = replace(make_search(work, name, query), from_place=place + 1)
    ids = work.store.search(search, limit=NEWS_MOST)
    items = work.store.get_items(ids)
    return {group_id: items[group_id] for group_id in ids if group_id in items}


def make_search(work: Work, name: str, query: NewsQuery) -> Search:
    """The query in the numbers of the database. Raises FilterFault."""
    return Search(
        feeds=tuple(tuple(_find_feed(work, name, feed) for feed in either) for either in query.feeds),
        match=query.match,
        since=None,
        with_archive=False,
        by_story=False,
        before=None,
    )


def _find_feed(work: Work, name: str, feed: str) -> int:
    found = work.store.find_feed(feed)
    if found is None:
        raise work.refuse_filter("alerts", name, feed)
    return found.id


# ── spikes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def look_for_spikes(work: Work, name: str, entry: AlertEntry) -> None:
    """Today and the days since the last look, for each topic and place of the filter. Raises StoreError."""
    today = work.now.astimezone(WIB).date()
    look = work.store.get_look(name)
    first = max(look[1].astimezone(WIB).date(), today - DAY) if look is not None else today
    with work.store.transaction():
        if look is None or look[1].astimezone(WIB).date() != today:
            work.store.write_look(name, 0, work.now)
        for topic, region in list_subjects(entry):
            days = work.store.get_coverage(topic, region, since=first - WINDOW * DAY, until=today)
            for day, spike in _find_recent(days, first, entry.factor or FACTOR):
                facts = {"day": day.isoformat(), "topic": topic, "region": region}
                content = {**facts, "found": spike.found, "usual": spike.usual}
                _queue(work, name, entry, f"{day} {topic} {region}", content)


def list_subjects(entry: AlertEntry) -> Iterator[tuple[str, str]]:
    """(topic, region) that are looked at; "" is any."""
    regions = [f"{kind}/{slug}" for kind in ("city", "province", "komwil") for slug in getattr(entry, kind)]
    yield from product(entry.topic or ("",), regions or ("",))


def _find_recent(days: Sequence[CoverageDay], first: date, factor: float) -> Iterator[tuple[date, Spike]]:
    for spike in find_spikes([_count(day) for day in days], factor=factor):
        day = days[spike.index].day
        if day >= first:
            yield day, spike


def _count(day: CoverageDay) -> int | None:
    return None if day.working is None and not day.news else day.news


def find_biggest_story(work: Work, name: str, query: NewsQuery, day: date) -> FeedItem | None:
    """The piece of news that stands for the story that most portals carried on a day (WIB). Raises FilterFault."""
    search = replace(make_search(work, name, query), since=begin_day(day), until=end_day(day))
    items = [*work.store.get_items(work.store.search(search, limit=NEWS_MOST)).values()]
    carried: dict[object, int] = {}
    for item in items:
        key = item.story_id or item.guid
        carried[key] = carried.get(key, 0) + 1 + len(item.also_at)
    return max(items, key=lambda item: (carried[item.story_id or item.guid], len(item.also_at)), default=None)


# ── silence ────────────────────────────────────────────────────────────────────────────────────────────────────────


def look_for_silence(work: Work, name: str, entry: AlertEntry) -> None:
    """Sources that fell silent since the last look, and those that are back. Raises StoreError."""
    store, look = work.store, work.store.get_look(name)
    if look is not None and timedelta(0) <= work.now - look[1] < SILENCE_EVERY:
        return
    since = work.now - timedelta(hours=entry.hours or QUIET_HOURS)
    silent = store.find_quiet_sources() if entry.hours is None else store.find_silent_sources(since)
    chosen = {
        source
        for source, kind in silent.items()
        if (not entry.source or source in entry.source) and (not entry.source_kind or kind in entry.source_kind)
    }
    told = store.get_told_silences(name)
    began, ended = chosen - told, store.find_posting_sources(told - chosen, since)
    with store.transaction():
        store.write_look(name, 0, work.now)
        store.write_silences(name, began, ended, work.now)
        if began or ended:
            content = {"began": sorted(began), "ended": sorted(ended), "hours": entry.hours}
            _queue(work, name, entry, to_text(work.now), content)


def _queue(work: Work, name: str, entry: AlertEntry, key: str, content: Mapping[str, object]) -> None:
    message = Message(kind=entry.kind, name=name, key=key, content=content)
    work.store.add_deliveries(message, work.list_addresses(entry.to), work.now)


_LOOKS: dict[str, Callable[[Work, str, AlertEntry], None]] = {
    "news": look_for_news,
    "spike": look_for_spikes,
    "silence": look_for_silence,
}
