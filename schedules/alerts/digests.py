"""Digests: what is due, and its kliping.

a set hour has come ─▶ gather ─▶ nothing new: recorded, and not sent
                            └──▶ a run and its deliveries, in one transaction ─▶ posting
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from aggregator.alert_rows import Message
from aggregator.alerts.hours import DueRun, find_due, find_since
from aggregator.feed_rows import UnknownFeedError
from aggregator.instants import from_text, to_text_exactly
from aggregator.kliping.gathering import gather_kliping
from aggregator.kliping.model import Kliping
from aggregator.publish.press import make_publisher
from schedules.alerts.context import FilterFault, Work
from schedules.alerts.models import DigestEntry

TURN_SECONDS = 10.0  # of gathering in the service; the rest is for its next turn


def list_due(work: Work, *, at_once: bool = False) -> Iterator[tuple[str, DueRun]]:
    """The digests whose hour has come. One that was never seen waits for its next hour, unless `at_once`."""
    for name, entry in work.alerts.digests.items():
        last = work.store.get_last_run(name, work.now)
        due = find_due(entry.make_hours(), last, work.now)
        if due is not None and (last is not None or at_once):
            yield name, due


def begin_digests(work: Work) -> None:
    """Notes the digests that are new: their first hour is the next one. Raises StoreError."""
    fresh = [name for name in work.alerts.digests if work.store.get_last_run(name, work.now) is None]
    if not fresh:
        return
    with work.store.transaction():
        for name in fresh:
            work.store.write_run(name, slot=work.now, since=work.now, until=work.now, state="begun")


def queue_due_digests(work: Work, *, at_once: bool = False) -> tuple[list[str], list[FilterFault]]:
    """Has sent what is due. Returns the digests, and what is wrong with others. Raises StoreError."""
    if not at_once:
        begin_digests(work)
    queued, faults = [], []
    ends = time.monotonic() + TURN_SECONDS
    for name, due in list_due(work, at_once=at_once):
        if not at_once and time.monotonic() > ends:
            break
        try:
            if queue_digest(work, name, due):
                queued.append(name)
        except FilterFault as fault:
            faults.append(fault)
    return queued, faults


def queue_digest(work: Work, name: str, due: DueRun) -> bool:
    """Has one sent now; says whether there is anything in it. Raises FilterFault, StoreError.

    One that begins later than it should is not the last run: the next one has what it leaves out.
    """
    entry, until = work.alerts.digests[name], work.now
    kliping = gather(work, name, entry, since=due.since, until=until)
    is_sent = bool(kliping.news) or entry.empty
    is_whole = due.since <= _find_begin(work, name, due.slot)
    with work.store.transaction():
        state = "queued" if is_sent else "nothing"
        if is_whole:
            work.store.write_run(name, slot=due.slot, since=due.since, until=until, state=state)
        if is_sent:
            content = {"since": to_text_exactly(due.since), "until": to_text_exactly(until)}
            message = Message(kind="digest", name=name, key=content["until"], content=content)
            work.store.add_deliveries(message, work.list_addresses(entry.to), work.now)
    return is_sent


def plan_run(work: Work, name: str, since: datetime | None = None) -> DueRun:
    """A run now, whatever the hour: since then, or since the last one."""
    return DueRun(slot=work.now, since=since or _find_begin(work, name, work.now))


def _find_begin(work: Work, name: str, slot: datetime) -> datetime:
    hours = work.alerts.digests[name].make_hours()
    return find_since(hours, work.store.get_last_run(name, work.now), slot)


def gather(work: Work, name: str, entry: DigestEntry, *, since: datetime, until: datetime) -> Kliping:
    """The kliping of a digest, gathered once. Raises FilterFault, StoreError."""
    period = (name, since, until)
    if period not in work.klipings:
        work.klipings[period] = _gather(work, name, entry, since, until)
    return work.klipings[period]


def _gather(work: Work, name: str, entry: DigestEntry, since: datetime, until: datetime) -> Kliping:
    publisher = make_publisher(work.setup.aggregator)
    try:
        return gather_kliping(
            work.store,
            entry.make_query(),
            office=entry.office or publisher.name,
            zone=ZoneInfo(entry.zone),
            since=since,
            until=until,
            language=entry.spoken,
            publisher=publisher,
        )
    except UnknownFeedError as error:
        raise work.refuse_filter("digests", name, error.name) from error


def read_period(message: Message) -> tuple[datetime, datetime]:
    """(since, until) of a digest that is to be sent."""
    return from_text(message.content["since"]), from_text(message.content["until"])
