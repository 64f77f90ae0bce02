"""Backups: checked copies of the database with the operator's own files, the newest kept."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.backup_rows import Progress
from aggregator.backups import (
    FOLDER_MODE,
    drop_oldest,
    list_backups,
    make_backup,
    make_folder,
    name_backup,
    name_files,
    sweep,
)
from aggregator.publish.files import sync_folder
from aggregator.store import Store, StoreError
from aggregator.takedown_log import LOG_FILE
from schedules.config import Setup
from schedules.errors import KabarKotaError, UsageFailure, WriterBusy
from schedules.lock import hold_backup_lock, hold_writer_lock

JOB = "backup"
EVERY = timedelta(days=1)
# Beside the database in the data folder; small, and the operator's own work. Not the configuration, which may lie
# elsewhere, nor `pages` (what can be fetched no more only makes a replay poorer) and `public` (made from the database).
OWN_FILES = (LOG_FILE, "sources.toml", "topics.toml", "profiles.toml", "timetable.toml", "alerts.toml")


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was made."""

    path: Path
    bytes: int
    articles: int
    files: tuple[str, ...]  # of the operator's, copied beside it
    dropped: tuple[str, ...]  # older ones, by name
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path)}


def back_up(setup: Setup, store: Store, now: datetime) -> Path:
    """The job of every night, which is recorded. Returns the copy. Raises as `take_backup`."""
    made = take_backup(setup, store, now)
    record(store, made, now)
    return made.path


def record(store: Store, made: Made, now: datetime) -> None:
    """For the writer. Raises StoreError."""
    store.write_job(JOB, now, {"file": made.path.name, "bytes": made.bytes})


def take_backup(
    setup: Setup, store: Store, now: datetime, *, to: Path | None = None, progress: Progress | None = None
) -> Made:
    """Copies the database, looks the copy through, and drops the oldest copies; or copies it to `to` and drops none.

        the operator's files ─▶ copy beside ─▶ check ─▶ rename ─▶ drop what is more than `backups_kept`

    `store` may be a reader: nothing is written into the database, whoever writes goes on. Raises StoreError naming the
    file, and the copies made before are then all still there; WriterBusy when another backup is being made;
    UsageFailure for a `to` that is something else.
    """
    started = time.monotonic()
    with hold_backup_lock(setup.data_folder):
        folder = setup.backups
        target = _choose_target(setup, to, now) if to else name_backup(folder, now)
        try:
            if to is None:
                make_folder(folder)
                sweep(folder, before_migration=False)
            files = _copy_own_files(setup, name_files(target))
            try:
                make_backup(store, target, progress=progress)
            except BaseException:
                if not target.exists():
                    shutil.rmtree(name_files(target), ignore_errors=True)
                raise
            dropped: list[Path] = []
            if to is None:
                nightly = [each for each in list_backups(folder, now) if not each.level]
                dropped = drop_oldest(nightly, kept=setup.aggregator.backups_kept, but=target)
        except OSError as error:
            raise StoreError(f"{error.filename or target.parent}: {error.strerror or error}") from error
    return Made(
        path=target,
        bytes=target.stat().st_size,
        articles=store.get_health().articles,
        files=files,
        dropped=tuple(path.name for path in dropped),
        seconds=round(time.monotonic() - started, 1),
    )


def back_up_after_cycle(setup: Setup, now: datetime) -> str:
    """A backup where the newest is a day old, for cron; recorded where nobody is writing just then.

    None is made where the timetable has the job switched off. Raises nothing: returns what went wrong, or "".
    """
    from schedules.timetable import load_timetable  # which loads much, and most cycles do not want it

    try:
        with Store.open_reader(setup.database) as store:
            if not is_backup_due(setup, store, now) or not load_timetable(setup.timetable_overlay)[JOB].enabled:
                return ""
            made = take_backup(setup, store, now)
        record_alone(setup, made, now)
    except WriterBusy:  # an earlier call is still making one
        return ""
    except (KabarKotaError, StoreError) as error:
        return f"no backup was made: {error}"
    return ""


def is_backup_due(setup: Setup, store: Store, now: datetime) -> bool:
    """Whether the newest is a day old; where there is none, whether the database is."""
    nightly = (each.made_at for each in list_backups(setup.backups, now) if not each.level)
    last = next(nightly, None) or store.get_first_cycle()
    return last is not None and not timedelta(0) <= now - last < EVERY  # a date ahead is of a clock that was wrong


def record_alone(setup: Setup, made: Made, now: datetime) -> None:
    """In the table of jobs, where nobody is writing just now; the folder tells of it in any case. Raises StoreError."""
    with suppress(WriterBusy), hold_writer_lock(setup.data_folder), Store.open_writer(setup.database) as store:
        record(store, made, now)


def _choose_target(setup: Setup, to: Path, now: datetime) -> Path:
    """Raises UsageFailure for what must not be replaced."""
    target = name_backup(to, now) if to.is_dir() else to
    if target.exists() and not (_is_backup(target) and not target.samefile(setup.database)):
        raise UsageFailure(f"--to {target}: is there already, and is no backup")
    if target.parent.resolve() == setup.data_folder.resolve():
        raise UsageFailure(f"--to {target}: not in the data folder itself; without --to it goes into {setup.backups}")
    if not target.parent.is_dir():
        raise UsageFailure(f"--to {target}: {target.parent} is no folder")
    return target


def _is_backup(path: Path) -> bool:
    with suppress(StoreError), Store.open_reader(path) as store:
        return store.has_schema()
    return False


def _copy_own_files(setup: Setup, folder: Path) -> tuple[str, ...]:
    """The names of those that there are. Beside first, so that the folder is there whole or not. Raises OSError."""
    present = tuple(name for name in OWN_FILES if (setup.data_folder / name).is_file())
    beside = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    if not present:
        return ()
    try:
        beside.mkdir(mode=FOLDER_MODE)
        for name in present:
            copy_file(setup.data_folder / name, beside / name)
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
        sync_folder(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return present


def copy_file(source: Path, target: Path) -> None:
    """With its time and mode; nothing of it is left where it fails. Raises OSError naming the file that is to blame."""
    body = source.read_bytes()
    try:
        target.write_bytes(body)
        shutil.copystat(source, target)
    except BaseException as error:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        if isinstance(error, OSError):  # of a full disk Python names no file
            error.filename = str(target)
        raise
