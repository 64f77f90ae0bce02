"""`kabarkota publish`: writes what changed into the published files."""

from __future__ import annotations

import json
from datetime import datetime

import typer

from aggregator.chronicle import Chronicle
from aggregator.store import Store
from schedules.commands.opening import check_database
from schedules.config import Setup
from schedules.lock import hold_writer_lock
from schedules.pinging import ping_and_record
from schedules.publishing import publish as publish_feeds


def publish(setup: Setup, now: datetime, *, everything: bool, as_json: bool) -> None:
    """Publishes what changed, or writes every file anew, tells hubs, and says what is new.

    Raises RunFailure, WriterBusy, StoreError, PublishError.
    """
    check_database(setup.database)
    with hold_writer_lock(setup.data_folder), Store.open_writer(setup.database) as store:
        with store.transaction():
            Chronicle(store, now).look()
        done = publish_feeds(setup, store, now, everything=everything)
    ping_and_record(setup, now)
    if as_json:
        told = {"new_items": done.new_items, "feed_items": done.feed_items, "files": done.files}
        typer.echo(json.dumps(told | {"changed": done.changed}))
    else:
        typer.echo(f"{done.new_items} new items, {done.feed_items} in the main feed; {done.files} files written")
