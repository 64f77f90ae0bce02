"""`kabarkota export snapshot`: the snapshot for everybody, by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import typer

from aggregator.snapshot_rows import Say
from aggregator.store import Store
from schedules.commands.figures import format_bytes
from schedules.commands.interruptible import do_interruptibly
from schedules.commands.opening import check_database, check_schema
from schedules.commands.output import print_json
from schedules.config import Setup
from schedules.snapshots import make_snapshot

INTERRUPTED = 130


def export_snapshot(setup: Setup, now: datetime, *, as_json: bool) -> int:
    """Makes it; returns the exit code.

    Raises UsageFailure, RunFailure, WriterBusy, StoreError.
    """
    check_database(setup.database)
    with Store.open_reader(setup.database) as store, _show_steps() as say:
        check_schema(store)
        try:
            snapshot = do_interruptibly(store, lambda: make_snapshot(setup, store, now, say=say))
        except KeyboardInterrupt:
            typer.echo("kabarkota: interrupted; the snapshots made before are as they were", err=True)
            return INTERRUPTED
    if as_json:
        print_json(snapshot.to_json())
    else:
        sizes = f"{format_bytes(snapshot.bytes)}, compressed {format_bytes(snapshot.compressed_bytes)}"
        typer.echo(f"{snapshot.path}: {snapshot.articles:,} articles, {sizes}")
    return 0


@contextmanager
def _show_steps() -> Iterator[Say]:
    """What is being done, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console

    with Console(stderr=True).status("snapshot") as status:
        yield lambda step: status.update(f"snapshot: {step}")
