"""`kabarkota backup`: a checked copy of the database, beside whoever writes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer

from aggregator.store import Store
from schedules.backups import record_alone, take_backup
from schedules.commands.figures import format_bytes
from schedules.commands.interruptible import do_interruptibly
from schedules.commands.opening import check_database
from schedules.commands.output import print_json
from schedules.commands.progress import show_copying
from schedules.config import Setup


def run_backup(setup: Setup, now: datetime, *, to: Path | None, as_json: bool) -> None:
    """Makes it, and says what it is. The database is only read, so it may be of an older version.

    Raises RunFailure (no database), UsageFailure, WriterBusy (another backup is being made), StoreError.
    """
    check_database(setup.database)
    with Store.open_reader(setup.database) as store, show_copying(quiet=as_json) as show:
        store.check_ours()
        made = do_interruptibly(store, lambda: take_backup(setup, store, now, to=to, progress=show))
        is_current = not store.compare_schema()[1]
    if to is None and is_current:  # else recording it would bring the database up to date
        record_alone(setup, made, now)
    if as_json:
        print_json(made.to_json())
        return
    files = f", with {', '.join(made.files)}" if made.files else ""
    typer.echo(f"{made.path}: {format_bytes(made.bytes)}, {made.articles:,} articles, sound{files}; {made.seconds} s")
    for name in made.dropped:
        typer.echo(f"dropped: {name}")
