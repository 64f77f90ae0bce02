"""Looks up the topics and sources that alerts.toml asks for: those that nobody has heard of are mistakes."""

from __future__ import annotations

from difflib import get_close_matches

from aggregator.store import Store
from schedules.alerts.configuration import Alerts, find_alerts_file
from schedules.config import Setup
from schedules.errors import UsageFailure

KINDS = ("topic", "source")  # of filters; the file's reader knows all others


def check_filters(setup: Setup, alerts: Alerts) -> None:
    """Raises UsageFailure, StoreError. Without a database, or with an empty one, nothing is known, and all is well."""
    if not setup.database.is_file():
        return
    with Store.open_reader(setup.database) as store:
        if any(store.compare_schema()):  # of another version
            return
        faults = find_unknown(store, alerts)
    if faults:
        raise UsageFailure(f"{find_alerts_file(setup)}: {'; '.join(faults)}")


def find_unknown(store: Store, alerts: Alerts) -> list[str]:
    """What is asked for and is not there, with its key. Raises StoreError."""
    feeds = [*store.get_feeds()]
    faults = []
    for section, entries in (("digests", alerts.digests), ("alerts", alerts.alerts)):
        for name, entry in entries.items():
            for kind, slugs in entry.asked.items():
                known = [feed.removeprefix(f"{kind}/") for feed in feeds if feed.startswith(f"{kind}/")]
                for slug in slugs if kind in KINDS and known else ():
                    if slug not in known and not (kind == "source" and store.describe_sources([slug])):
                        meant = get_close_matches(slug, known, n=1)
                        hint = f"; did you mean {meant[0]}?" if meant else ""
                        faults.append(f"{section}.{name}.{kind}: there is no {kind} {slug}{hint}")
    return faults
