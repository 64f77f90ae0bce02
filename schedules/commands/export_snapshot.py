"""`kabarkota export snapshot`: the snapshot for everybody, by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime

import typer

from aggregator.snapshot_rows import Say
from aggregator.store import Store
from schedules.commands.figures import format_bytes
from schedules.commands.opening import check_database, check_schema
from schedules.commands.output import print_json
from schedules.config import Setup
from schedules.signals import heed_end
from schedules.snapshots import make_snapshot

INTERRUPTED = 130


def export_snapshot(setup: Setup, now: datetime, *, as_json: bool) -> int:
    """Makes it, in a thread, since SQLite heeds no signals; returns the exit code.

    Raises UsageFailure, RunFailure, WriterBusy, StoreError.
    """
    check_database(setup.database)
    with heed_end(), Store.open_reader(setup.database) as store, _show_steps() as say, ThreadPoolExecutor(1) as pool:
        check_schema(store)
        made = pool.submit(make_snapshot, setup, store, now, say=say)
        try:
            snapshot = made.result()
        except (KeyboardInterrupt, SystemExit) as end:
            while not made.done():
                store.cut_short()
                wait([made], timeout=0.1)
            if isinstance(end, SystemExit):
                raise
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
