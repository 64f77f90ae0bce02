"""Backups: checked copies of the database, the newest kept."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from aggregator.publish.files import sync_folder
from aggregator.store import Store, StoreError
from schedules.config import Setup

JOB = "backup"
PAGES = 2_000  # copied at a time, 8 MB: whoever waits to cut it short waits no longer
_FORMAT = "news-%Y%m%dT%H%M%SZ.db"
_NAME = re.compile(r"news-\d{8}T\d{6}Z\.db")
_LEFTOVERS = (".news.db.tmp", ".news.db.tmp-journal", ".news.db.tmp-wal", ".news.db.tmp-shm")


def back_up(setup: Setup, store: Store, now: datetime) -> Path:
    """Copies the database into the folder of backups, looks the copy through, and drops the oldest copies.

        copy beside ─▶ check ─▶ rename ─▶ drop what is more than `backups_kept`

    Returns the copy. Raises StoreError naming the file; the copies made before are then all still there.
    """
    folder = setup.backups
    target = folder / now.astimezone(UTC).strftime(_FORMAT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)  # of a killed process
        store.copy_to(folder / _LEFTOVERS[0], pages=PAGES, check=True)
        (folder / _LEFTOVERS[0]).replace(target)
        sync_folder(folder)
        for path in list_backups(folder)[setup.aggregator.backups_kept :]:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{error.filename or folder}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            _remove_leftovers(folder)
    store.write_job(JOB, now, {"file": target.name, "bytes": target.stat().st_size})
    return target


def list_backups(folder: Path) -> list[Path]:
    """The backups in a folder, newest first; nothing else that lies there."""
    return sorted((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def read_time(backup: Path) -> datetime:
    """When a backup was made, by its name."""
    return datetime.strptime(backup.name, _FORMAT).replace(tzinfo=UTC)


def _remove_leftovers(folder: Path) -> None:
    for name in _LEFTOVERS:
        (folder / name).unlink(missing_ok=True)
