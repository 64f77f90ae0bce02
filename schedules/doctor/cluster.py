"""The PostgreSQL between store node and workers, where there is one."""

from __future__ import annotations

from collections.abc import Iterator

from schedules.cluster.installed import require_dsn
from schedules.cluster.settings import ClusterSettings
from schedules.doctor.check import Check, fault, ok, warn
from schedules.errors import KabarKotaError

NAME = "cluster"
SLOW_SECONDS = 3600.0  # that a poll waits for a worker


def check_cluster(settings: ClusterSettings) -> Iterator[Check]:
    """Nothing where this machine crawls itself."""
    if settings.dsn is None:
        return
    try:
        dsn = require_dsn(settings)
        from schedules.cluster.postgres import connect
        from schedules.cluster.status import read_status

        with connect(dsn) as connection:
            status = read_status(connection, stalled_seconds=settings.stalled_seconds)
    except KabarKotaError as error:
        yield fault(
            NAME, str(error), "nothing is polled until it can be reached; docs/when-one-machine-is-not-enough.md"
        )
        return
    found = f"{status.alive} workers, {status.waiting} polls wait, {status.harvests} harvests wait"
    if status.aside:
        found += f", {status.aside} set aside"
    if not status.alive:
        yield warn(NAME, found, "start `kabarkota worker`, here or on another machine")
    elif status.lag_seconds > SLOW_SECONDS:
        yield warn(NAME, f"{found}, the oldest poll for {status.lag_seconds / 3600:.1f} h", "start more workers")
    elif status.aside:
        yield warn(NAME, found, "`kabarkota cluster status` says why they could not be taken in")
    else:
        yield ok(NAME, found)
