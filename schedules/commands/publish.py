"""`kabarkota publish`: writes what changed into the published files."""

from __future__ import annotations

import json
from datetime import datetime

import typer

from aggregator.chronicle import Chronicle
from aggregator.publish.publishing import publish_feed
from aggregator.store import Store
from schedules.commands.replay import check_database
from schedules.config import Setup
from schedules.lock import hold_writer_lock
from schedules.pinging import ping_and_record


def publish(setup: Setup, now: datetime, *, everything: bool, as_json: bool) -> None:
    """Publishes what changed, or writes every file anew, tells hubs, and says what is new.

    Raises UsageFailure, WriterBusy, StoreError, PublishError.
    """
    check_database(setup)
    with hold_writer_lock(setup.data_folder), Store.open_writer(setup.database) as store:
        with store.transaction():
            Chronicle(store, now).look()
        new, items = publish_feed(store, setup.public, setup.aggregator, now, everything=everything)
    ping_and_record(setup, now)
    if as_json:
        typer.echo(json.dumps({"new_items": new, "feed_items": items}))
    else:
        typer.echo(f"{new} new items, {items} in the feed")
