"""Snapshots: what strangers may have of the database, each night, in `public/data/`.

news-2026-11-23.db       a database of its own, by the day (WIB) on which it was made; the newest few are kept
news-2026-11-23.db.zst   the same, compressed
news.db                  the newest, under an address that stays
schema.json              what is in the newest, every table, view and column described
SHA256SUMS.txt           for `sha256sum -c`
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.publish.files import sync_folder
from aggregator.snapshot_rows import Say
from aggregator.store import Store, StoreError
from aggregator.takedowns import is_due as are_takedowns_due
from aggregator.web.downloads import FOLDER
from schedules.config import Setup
from schedules.errors import KabarKotaError, RunFailure
from schedules.lock import hold_snapshot_lock, hold_writer_lock
from schedules.snapshot_files import (
    MARK,
    NEWEST,
    SCHEMA,
    SUMS,
    Snapshot,
    SnapshotMaker,
    list_dated,
    make_mark,
    remove_leftovers,
)

logger = logging.getLogger(__name__)

JOB = "snapshot"
EVERY = timedelta(days=1)
LOCK_PATIENCE = 120.0  # seconds, for whoever is writing to end


def make_snapshot(setup: Setup, store: Store, now: datetime, *, say: Say = logger.debug) -> Snapshot:
    """Makes the day's snapshot, in place of one of the same day, and drops the oldest.

        copy of what is public ─▶ pack, check ─▶ compress, describe ─▶ fsync ─▶ rename ─▶ link ─▶ sums ─▶ drop

    Until the renames all that is served is whole and as it was; what goes wrong leaves it so. `store` may be a reader:
    nothing is written into the database. Raises RunFailure (takedowns wait, none are kept), WriterBusy (another one is
    being made), StoreError naming the file.
    """
    if setup.aggregator.snapshots_kept == 0:
        raise RunFailure("aggregator.snapshots_kept is 0: no snapshots are kept")
    if are_takedowns_due(store):
        raise RunFailure("takedowns wait to be carried out; `kabarkota publish`, or the running service, does it")
    folder = setup.public / FOLDER
    with hold_snapshot_lock(setup.data_folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder)  # of a killed process
            return SnapshotMaker(setup.aggregator, store, folder, now, say).make()
        except OSError as error:
            raise StoreError(f"{error.filename or folder}: {error.strerror or error}") from error
        except StoreError as error:
            if _is_disk_full(error, folder, setup.database):
                raise StoreError(
                    f"{error}; the disk may be full: a snapshot takes twice the size of the database"
                ) from error
            raise
        finally:
            remove_leftovers(folder)


def _is_disk_full(error: StoreError, folder: Path, database: Path) -> bool:
    """Whether it may be that: SQLite tells a full disk in more than one way."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    if code not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return False
    with suppress(OSError):
        return code == sqlite3.SQLITE_FULL or shutil.disk_usage(folder).free < 2 * database.stat().st_size
    return True


def is_snapshot_due(setup: Setup, store: Store, now: datetime) -> bool:
    """Whether the last one is a day old; where there is none, whether the database is."""
    if setup.aggregator.snapshots_kept == 0:
        return False
    is_there = (setup.public / FOLDER / NEWEST).exists()
    last = (store.get_last_job(JOB) if is_there else None) or store.get_first_cycle()
    return last is not None and not timedelta(0) <= now - last < EVERY  # a date ahead is of a clock that was wrong


def snapshot_after_cycle(setup: Setup, now: datetime) -> None:
    """A snapshot where one is due, for cron. The writer's lock is held for the record alone; raises nothing."""
    try:
        with Store.open_reader(setup.database) as store:
            if not is_snapshot_due(setup, store, now):
                return
            made = make_snapshot(setup, store, now)
        with hold_writer_lock(setup.data_folder, patience=LOCK_PATIENCE), Store.open_writer(setup.database) as store:
            store.write_job(JOB, now, made.to_json())
    except (KabarKotaError, StoreError) as error:
        logger.error("no snapshot was made: %s", error)


def make_and_record(setup: Setup, store: Store, now: datetime) -> None:
    """A snapshot at its hour; where none are kept, what is left of earlier ones goes. For the writer."""
    if setup.aggregator.snapshots_kept == 0:
        remove_snapshots(setup.public)
        return
    made = make_snapshot(setup, store, now)
    store.write_job(JOB, now, made.to_json())


def withdraw_snapshots(store: Store, public: Path) -> None:
    """Removes the snapshots where something was taken down since they were made. Raises StoreError."""
    folder = public / FOLDER
    try:
        known = (folder / MARK).read_text(encoding="ascii") if folder.is_dir() else None
    except (OSError, ValueError):
        known = ""
    if known is not None and known != make_mark(store) and remove_snapshots(public):
        logger.warning("the snapshots in %s are removed: something in them was taken down", folder)


def remove_snapshots(public: Path) -> bool:
    """Whether there were any. Raises StoreError."""
    folder = public / FOLDER
    if not folder.is_dir():
        return False
    names = [name for name in (NEWEST, SCHEMA, SUMS, *list_dated(folder)) if (folder / name).is_file()]
    try:
        for name in names:
            (folder / name).unlink(missing_ok=True)
        (folder / MARK).unlink(missing_ok=True)
        if names:
            sync_folder(folder)
    except OSError as error:
        raise StoreError(f"{error.filename or folder}: {error.strerror or error}") from error
    return bool(names)
