"""The jobs of the timetable: one table, one line each.

A job gets a Desk and works to its end; what it raises of `FAILURES` is logged in one line, and its next turn tries
again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue

from aggregator.ping_rows import PingOutcome
from aggregator.publish.files import PublishError
from aggregator.reference import TableError
from aggregator.store import Store, StoreError
from crawler.catalogue import CatalogueError
from crawler.extraction.profiles import ProfileError
from crawler.process import CrawlProcess, CrawlProcessError
from schedules.alerts.bureau import Bureau
from schedules.alerts.configuration import Alerts
from schedules.alerts.courier import Courier
from schedules.backups import back_up
from schedules.cluster.installed import require_dsn
from schedules.config import Setup
from schedules.cycle import publish_takedowns, refresh_catalogue, run_cycle
from schedules.errors import KabarKotaError
from schedules.health import check_health, mend
from schedules.pinging import record_pinged
from schedules.probing import probe_unprobed
from schedules.publishing import publish
from schedules.quarantines import lift_quarantines
from schedules.snapshots import make_and_record
from schedules.tending import prune, tend

logger = logging.getLogger(__name__)

FAILURES = (
    *(StoreError, PublishError, TableError, CatalogueError, ProfileError),
    *(CrawlProcessError, KabarKotaError, OSError),
)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a job works with."""

    setup: Setup
    store: Store  # the writer's, closed after the job
    now: datetime
    get_crawler: Callable[[], CrawlProcess]  # the warm crawl process, started when it is asked for
    pinged: SimpleQueue[PingOutcome] = field(default_factory=SimpleQueue)  # what hubs said, to be recorded
    bureau: Bureau = field(default_factory=lambda: Bureau(Alerts(), Courier()))  # digests and alerts


@dataclass(frozen=True)
class Job:
    doing: str  # what the service says that it is doing
    work: Callable[[Desk], object]


def poll(desk: Desk) -> None:
    """One cycle over what is due; and what was taken down is gone within a minute also where nothing is.

    So is a quarantine that the operator has lifted. The catalogue is looked at also where nothing is due: a backup that
    was put back knows an older one.
    """
    refresh_catalogue(desk.setup, desk.store)
    lift_quarantines(desk.setup, desk.store, desk.now)
    if desk.setup.cluster.dsn is not None:
        require_dsn(desk.setup.cluster)
        from schedules.cluster.cycle import poll_store_node

        if not poll_store_node(desk.setup, desk.store, now=desk.now):
            publish_takedowns(desk.setup, desk.store, desk.now)
    elif desk.store.get_due_channels(desk.now) or desk.store.get_health().last_cycle_finished_at is None:
        run_cycle(desk.setup, desk.store, now=desk.now, due_only=True, process=desk.get_crawler())
    else:
        publish_takedowns(desk.setup, desk.store, desk.now)


def probe(desk: Desk) -> None:
    """A look at a few sources that nobody looked at yet."""
    reports = probe_unprobed(desk.setup, desk.store, desk.now, desk.get_crawler())
    for report in reports:
        logger.info("probed %s", report.source_id)
    desk.store.write_job("probe", desk.now, {"probed": len(reports)})


def snapshot(desk: Desk) -> None:
    """A copy for everybody, without what is taken down."""
    publish_takedowns(desk.setup, desk.store, desk.now)
    make_and_record(desk.setup, desk.store, desk.now)


def write_catalogue(desk: Desk) -> None:
    """The catalogue as it is in the files, into the database: what a SIGHUP asks for."""
    refresh_catalogue(desk.setup, desk.store)


JOBS = {
    "poll": Job("polling", poll),
    "publish": Job("publishing", lambda desk: publish(desk.setup, desk.store, desk.now)),
    "digest": Job("sending digests", lambda desk: desk.bureau.send_digests(desk.setup, desk.store, desk.now)),
    "alerts": Job("telling alerts", lambda desk: desk.bureau.tell(desk.setup, desk.store, desk.now)),
    "probe": Job("probing", probe),
    "health": Job("judging the health of sources", lambda desk: check_health(desk.store, desk.now)),
    "mend": Job(
        "looking for other ways into dead sources",
        lambda desk: mend(desk.setup, desk.store, desk.now, desk.get_crawler),
    ),
    "tend": Job("looking back", lambda desk: tend(desk.setup, desk.store, desk.now)),
    "prune": Job("pruning", lambda desk: prune(desk.setup, desk.store, desk.now)),
    "snapshot": Job("making a snapshot", snapshot),
    "backup": Job("making a backup", lambda desk: back_up(desk.setup, desk.store, desk.now)),
}
RELOAD, PINGED, DELIVERED = "reload", "pinged", "delivered"  # no jobs of the timetable
ON_DEMAND = {
    RELOAD: Job("taking over the catalogue", write_catalogue),
    PINGED: Job("recording what hubs said", lambda desk: record_pinged(desk.store, desk.pinged, desk.now)),
    DELIVERED: Job(
        "recording what became of messages", lambda desk: desk.bureau.go_on(desk.setup, desk.store, desk.now)
    ),
}
