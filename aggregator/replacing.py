"""Puts another database in the place of the present one, which is set aside whole.

    .news.db.restoring    being made
    news.db.restored      whole, checked and on the disk: from here on it is the database
    before-restore-…/     the one before, with what SQLite had beside it; never deleted by us

    rename restoring ─▶ restored │ news.db, -wal, -shm, -journal aside │ rename restored ─▶ news.db

A process that dies left of the first bar leaves the old database as it was. One that dies after it leaves a restored
one that waits: whoever next gets the writer's lock goes on from where it stood. A log must never lie beside a database
that it is not of, so the old one's goes before the new one comes; in between, for readers, there is no database.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from aggregator.publish.files import sync_folder
from aggregator.store_base import wrap_errors

DATABASE, MAKING, READY = "news.db", ".news.db.restoring", "news.db.restored"
ASIDE = "before-restore-"
BESIDE = ("-wal", "-shm", "-journal")


def remove_unfinished(folder: Path) -> None:
    """Of a process that was killed while it made one. For the writer. Raises StoreError."""
    with wrap_errors(folder):
        for end in ("", *BESIDE):
            (folder / f"{MAKING}{end}").unlink(missing_ok=True)


def replace_database(folder: Path) -> Path | None:
    """Puts what was made as MAKING in the place of the database. For the writer. Raises StoreError.

    Returns the folder in which the one before lies; None: there was none.
    """
    making = folder / MAKING
    with wrap_errors(making):
        for end in BESIDE:  # it was closed in order, or else is not whole
            beside = folder / f"{MAKING}{end}"
            if beside.exists() and beside.stat().st_size:
                raise OSError(0, f"{beside.name} is left beside it; is the disk full?")
            beside.unlink(missing_ok=True)
        _sync(making)
        making.replace(folder / READY)
        sync_folder(folder)
    return finish_replacing(folder)


def finish_replacing(folder: Path) -> Path | None:
    """Goes on where a process died that had a database ready; does nothing where there is none. Otherwise as above."""
    ready = folder / READY
    if not ready.exists():
        return None
    with wrap_errors(ready):
        made = datetime.fromtimestamp(ready.stat().st_mtime, UTC)  # the same, however often it is begun again
        aside = folder / f"{ASIDE}{made:%Y%m%dT%H%M%SZ}"
        while os.path.lexists(aside / DATABASE) and os.path.lexists(folder / DATABASE):  # somebody put one there since
            aside = aside.with_name(f"{aside.name}-again")
        for name in (DATABASE, *(f"{DATABASE}{end}" for end in BESIDE)):
            if os.path.lexists(folder / name):
                aside.mkdir(mode=0o700, exist_ok=True)  # it holds what is taken down since
                (folder / name).rename(aside / name)
        if aside.exists():
            sync_folder(aside)
        ready.rename(folder / DATABASE)
        sync_folder(folder)
    return aside if aside.exists() else None


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
