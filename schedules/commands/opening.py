"""What a command looks at before it reads the database: whether it is there, and of our version."""

from __future__ import annotations

from pathlib import Path

from aggregator.lost import check_not_lost
from aggregator.replacing import READY
from aggregator.store import NewerDatabaseError, Store
from schedules.errors import NO_DATABASE, RunFailure


def check_database(path: Path) -> None:
    """Raises RunFailure where there is none yet, StoreError where it was lost."""
    check_whereabouts(path)
    if not path.is_file():
        raise RunFailure(f"{path}: {NO_DATABASE}")


def check_whereabouts(path: Path) -> None:
    """The same where one that there never was is no failure."""
    if not path.exists() and path.with_name(READY).exists():
        raise RunFailure(f"{path}: a restore was broken off; `kabarkota run`, or `serve`, finishes it")
    check_not_lost(path)


def check_schema(store: Store) -> None:
    """Raises RunFailure when the database is older than this program, NewerDatabaseError when it is newer, StoreError
    when it is of something else."""
    store.check_ours()
    newer, missing = store.compare_schema()
    if newer:
        raise NewerDatabaseError(f"{store.path}: written by a newer version of Kabar Kota ({', '.join(newer)})")
    if missing:
        raise RunFailure(
            f"{store.path}: of an older version of Kabar Kota; the next `kabarkota run` or `serve` brings it up to date"
        )
