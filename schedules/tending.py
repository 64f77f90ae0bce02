"""The nightly look back: late evidence on duplicates and stories, and what no later look needs.

`serve` does it at the hour in the timetable, `run` when the last one is a day old. What it did is a row of `jobs`.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta

from aggregator.chronicle import Chronicle
from aggregator.dedup import SKETCH_VERSION
from aggregator.grouping import Grouper
from aggregator.pages import PageFolder
from aggregator.pruning import Pruned, Pruner
from aggregator.store import Store
from schedules.config import Setup
from schedules.publishing import publish

logger = logging.getLogger(__name__)

JOB = "tend"
PRUNE_JOB = "prune"
EVERY = timedelta(days=1)


def tend(setup: Setup, store: Store, now: datetime) -> dict[str, int]:
    """Verifies the decisions of the last days, looks at the stories of the last weeks again, prunes, and publishes.

    Each is a transaction of its own. Returns what is recorded. Raises StoreError, PublishError.
    """
    with store.transaction():
        moved = Grouper(store, now).verify()
    with store.transaction():
        stories = Chronicle(store, now).look_again()
    pruned = 0 if find_doubt(store, now) else _prune_sketches(setup, store, now)
    publish(setup, store, now)
    done = {"articles_moved": moved, "stories": stories, "sketches_pruned": pruned}
    store.write_job(JOB, now, done)
    if moved:
        logger.info("%s articles are in another group than before", moved)
    return done


def prune(setup: Setup, store: Store, now: datetime) -> list[Pruned]:
    """Lets go what [aggregator.retention] no longer keeps, a little at a time; nothing while the clock is in doubt.

    Returns what went. Raises StoreError.
    """
    if doubt := find_doubt(store, now):
        logger.warning("nothing is pruned: %s", doubt)
        return []
    done = list(make_pruner(setup, store, now).run())
    rows = Counter[str]()
    for each in done:
        rows[each.policy.name] += each.due.rows
    store.write_job(PRUNE_JOB, now, {**+rows, "bytes": sum(each.due.bytes for each in done)})
    return done


def find_doubt(store: Store, now: datetime) -> str:
    """Why the clock may be ahead, so that what it calls old may be new; "" where nothing speaks for it."""
    last = store.find_pause(now)
    if last is None:
        return ""
    return (
        f"the last cycle before this week was on {last:%Y-%m-%d}, {(now - last).days} days before {now:%Y-%m-%d};"
        " if the clock is right, it is done by itself when cycles have run for a week"
    )


def _prune_sketches(setup: Setup, store: Store, now: datetime) -> int:
    pruned, part = 0, 1
    while part:
        with store.transaction():
            part = store.prune_sketches(_get_window(setup, now))
        pruned += part
    return pruned


def make_pruner(setup: Setup, store: Store, now: datetime) -> Pruner:
    return Pruner(store, PageFolder(setup.data_folder / "pages"), setup.aggregator, now)


def tend_if_due(setup: Setup, store: Store, now: datetime) -> None:
    """The look back, and pruning, unless there was one in the last day. Raises StoreError, PublishError."""
    last = store.get_last_job(JOB)
    if last is None or not timedelta(0) <= now - last < EVERY:  # a date ahead is of a clock that was wrong
        tend(setup, store, now)
        prune(setup, store, now)


def renew_sketches(setup: Setup, store: Store, now: datetime) -> None:
    """Makes the candidates' sketches anew where another version of the rules made them, before anything is compared.

    Raises StoreError.
    """
    job = f"sketches-{SKETCH_VERSION}"
    if store.get_last_job(job) is not None:
        return
    grouper = Grouper(store, now)
    last: int | None = 0
    while last is not None:
        with store.transaction():
            last = grouper.renew_sketches(_get_window(setup, now), after=last)
    store.write_job(job, now, {})


def _get_window(setup: Setup, now: datetime) -> datetime:
    return now - timedelta(days=setup.aggregator.candidate_days)
