"""`kabarkota prune`: what is no longer kept goes, or is told."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import typer

from aggregator.policy_rows import KEPT_FOR_EVER
from aggregator.pruning import Pruned
from aggregator.retention import FOR_EVER
from aggregator.store import Store
from schedules.commands.figures import format_bytes
from schedules.commands.opening import check_database
from schedules.commands.output import print_json, print_table
from schedules.config import Setup
from schedules.errors import RunFailure
from schedules.lock import hold_writer_lock
from schedules.tending import find_doubt, make_pruner, prune

VACUUM_ROOM = 2  # times the database: a copy, and the log through which it replaces the old one


def run_prune(setup: Setup, now: datetime, *, dry_run: bool, vacuum: bool, as_json: bool) -> None:
    """Lets go what is no longer kept, and says what that was; with `dry_run` says what would go, and changes nothing.

    Raises UsageFailure, WriterBusy, RunFailure (no database, a clock in doubt, no room to vacuum), StoreError.
    """
    check_database(setup.database)
    if dry_run:
        with Store.open_current_reader(setup.database) as store, store.snapshot():
            found, free = list(make_pruner(setup, store, now).measure()), store.count_free_bytes()
        _report(found, {"dry_run": True, "free_bytes": free}, as_json=as_json)
        return
    with hold_writer_lock(setup.data_folder), Store.open_writer(setup.database) as store:
        if doubt := find_doubt(store, now):
            raise RunFailure(f"prune: {doubt}. Nothing was changed")
        if vacuum:
            check_room(setup)
        found = prune(setup, store, now)
        told = {"dry_run": False, "free_bytes": store.count_free_bytes()}
        if vacuum:
            before = setup.database.stat().st_size
            store.vacuum()
            told |= {"free_bytes": store.count_free_bytes(), "vacuumed": max(0, before - setup.database.stat().st_size)}
    _report(found, told, as_json=as_json)


def check_room(setup: Setup) -> None:
    """Raises RunFailure where the disk has no room to write the database anew."""
    needed = VACUUM_ROOM * setup.database.stat().st_size
    room = shutil.disk_usage(setup.data_folder).free
    if room < needed:
        raise RunFailure(
            f"{setup.data_folder}: --vacuum writes the database anew, for which {format_bytes(needed)} must be free;"
            f" the disk has {format_bytes(room)}. Nothing was changed"
        )


def _report(found: Iterable[Pruned], told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({**told, "policies": [_tell(each) for each in found]})
        return
    oldest = ("oldest",) if told["dry_run"] else ()
    print_table(
        ("setting", "days", "of", "goes" if told["dry_run"] else "gone", *oldest, "about"), _make_rows(found, told)
    )
    for line in _conclude(told):
        typer.echo(line)


def _make_rows(found: Iterable[Pruned], told: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for policy, days, due in found:
        oldest = (due.oldest[:10],) if told["dry_run"] else ()
        kept = "for ever" if days == FOR_EVER else f"{days:,}"
        yield policy.setting, kept, policy.name, f"{due.rows:,}", *oldest, format_bytes(due.bytes) if due.bytes else ""


def _conclude(told: dict[str, Any]) -> Iterator[str]:
    free = format_bytes(told["free_bytes"])
    if told["dry_run"]:
        yield f"Kept for ever, whatever is set: {KEPT_FOR_EVER}."
        yield f"Nothing was changed (--dry-run). Inside the file {free} are free, which new rows use first."
    elif "vacuumed" in told:
        yield f"The file was written anew: {format_bytes(told['vacuumed'])} smaller."
    else:
        yield f"Inside the file {free} are free, which new rows use first; `--vacuum` gives the disk back what is free."


def _tell(each: Pruned) -> dict[str, Any]:
    policy, days, due = each
    told = {"setting": policy.setting, "days": days, "table": policy.table, "rows": due.rows}
    return {**told, "oldest": due.oldest or None, "bytes": due.bytes}
