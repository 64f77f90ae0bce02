"""An older database comes back: a backup is put in the place of the present one.

look through the backup ─▶ copy beside ─▶ look through the copy, bring it up to date, carry out takedowns, have all
that was told since begin anew ─▶ the present one aside, the copy in its place (`aggregator.replacing`)
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aggregator.backup_rows import Progress
from aggregator.backups import Backup, check_room, list_backups, name_files
from aggregator.publish.files import sync_folder
from aggregator.replacing import MAKING, READY, remove_unfinished, replace_database
from aggregator.store import NewerDatabaseError, Store, StoreError
from aggregator.store_base import is_disk_full
from aggregator.takedowns import apply_takedowns
from schedules.backups import OWN_FILES, copy_file
from schedules.config import Setup
from schedules.errors import RunFailure, UsageFailure
from schedules.lock import hold_alone

JOB = "restore"


class DamagedBackup(RunFailure):
    """A backup that is not whole."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a backup is, read without looking it through."""

    path: Path
    bytes: int
    version: str  # of the program that wrote it; "" where it is not told
    state: str  # READABLE, or why it cannot be restored
    migrations: int = 0  # still to come
    articles: int = 0
    newest: datetime | None = None  # when something was last written to it


READABLE = ""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was done."""

    backup: Path
    articles: int
    migrated: int  # migrations
    taken_down: int  # addresses that were taken down since
    files: tuple[str, ...]  # of the operator's, put back where there was none
    kept: tuple[str, ...]  # of the operator's that say something else than in the backup
    aside: Path | None  # where the database before lies


def find_backup(setup: Setup, name: str | None, now: datetime) -> Path:
    """By its path, or its name in the folder; the newest without either. Raises UsageFailure, RunFailure."""
    if name is None:
        backups = list_backups(setup.backups, now)
        if not backups:
            raise RunFailure(
                f"{setup.backups}: there are no backups; `kabarkota restore FILE` takes one from elsewhere"
            )
        return backups[0].path
    path = next((each for each in (Path(name), setup.backups / name) if each.is_file()), None)
    if path is None:
        raise UsageFailure(f"restore {name}: there is no such file, nor in {setup.backups}")
    if setup.database.exists() and path.samefile(setup.database):
        raise UsageFailure(f"restore {name}: is the database itself")
    return path


def describe_backup(path: Path) -> Found:
    """Raises nothing: what is wrong is its state."""
    size = 0
    try:
        size = path.stat().st_size
        with Store.open_reader(path) as store:
            missing = _check_schema(store)
            info = store.get_info() if store.has_info() else {}
            return Found(
                path=path,
                bytes=size,
                version=info.get("schema_version", ""),
                state=READABLE,
                migrations=missing,
                articles=store.get_health().articles,
                newest=store.get_newest_instant(),
            )
    except (OSError, StoreError) as error:
        return Found(path=path, bytes=size, version="", state=str(error))


def check_backup(path: Path) -> None:
    """Reads all of it. Raises DamagedBackup, NewerDatabaseError naming it where it must not be restored."""
    try:
        with Store.open_reader(path) as store:
            _check_schema(store)
            faults = store.check_integrity(most=1, fully=True) or store.check_references(most=1)
    except NewerDatabaseError:
        raise
    except StoreError as error:
        raise DamagedBackup(str(error).partition("; `kabarkota doctor`")[0]) from error
    if faults:
        raise DamagedBackup(f"{path}: is damaged: {' '.join(faults[0].split())}")


def find_sound(setup: Setup, but: Path, now: datetime) -> Backup | None:
    """The newest of the others that is sound; None: there is none. Reads them through."""
    for backup in list_backups(setup.backups, now):
        if backup.path.resolve() != but.resolve():
            with suppress(StoreError, DamagedBackup):
                check_backup(backup.path)
                return backup
    return None


def restore(setup: Setup, backup: Path, now: datetime, *, progress: Progress | None = None) -> Restored:
    """Puts a backup in the place of the database. Nothing else may be at work on the data folder.

    Raises WriterBusy, UsageFailure, StoreError, DamagedBackup; then the database is as it was.
    """
    folder = setup.data_folder
    with hold_alone(folder), ExitStack() as undo:
        remove_unfinished(folder)
        making = folder / MAKING
        try:
            check_room(backup, folder)
            migrated = _copy(backup, making, progress)
            # before takedowns are carried out: their log may be among them
            files, kept = _put_back_files(backup, folder, undo)
            with Store.open_writer(making, keep_old=False) as store:
                taken_down = apply_takedowns(store, now)
                store.begin_anew(now)
                store.write_job(JOB, now, {"file": backup.name})
                articles = store.get_health().articles
            aside = replace_database(folder)
            undo.pop_all()
        except BaseException:
            if (folder / READY).exists():  # it takes its place when the lock is next taken, with these files
                undo.pop_all()
            with suppress(StoreError):
                remove_unfinished(folder)
            raise
    return Restored(
        backup=backup,
        articles=articles,
        migrated=migrated,
        taken_down=taken_down,
        files=files,
        kept=kept,
        aside=aside,
    )


def _copy(backup: Path, making: Path, progress: Progress | None) -> int:
    """Returns the migrations still to come. Raises StoreError naming the backup where it is damaged."""
    try:
        with Store.open_reader(backup) as store:
            missing = _check_schema(store)
            store.copy_to(making, check=True, progress=progress)
            return missing
    except StoreError as error:
        if is_disk_full(error) or isinstance(error, NewerDatabaseError):
            raise
        raise DamagedBackup(
            f"{backup}: {str(error).removeprefix(f'{making}: ').removeprefix(f'{backup}: ')}"
        ) from error


def _check_schema(store: Store) -> int:
    """How many migrations are still to come. Raises StoreError (NewerDatabaseError)."""
    if not store.has_schema():
        raise StoreError(f"{store.path}: is no database of Kabar Kota")
    newer, missing = store.compare_schema()
    if newer:
        raise NewerDatabaseError(f"{store.path}: written by a newer version of Kabar Kota ({', '.join(newer)})")
    return len(missing)


def _put_back_files(backup: Path, folder: Path, undo: ExitStack) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(those that were missing and are there again, those that differ and are left as they are).

    What the operator has written since is theirs, and of takedowns the present log is the truth. `undo` takes what
    was put there away again. Raises StoreError.
    """
    put, kept = [], []
    for name in OWN_FILES:
        copy, present = name_files(backup) / name, folder / name
        try:
            if not copy.is_file():
                continue
            if present.exists():
                kept += [] if present.is_file() and present.read_bytes() == copy.read_bytes() else [name]
                continue
            beside = folder / f".{name}.tmp"
            copy_file(copy, beside)
            beside.replace(present)
            undo.callback(present.unlink, missing_ok=True)
            put.append(name)
        except OSError as error:
            raise StoreError(f"{error.filename or present}: {error.strerror or error}") from error
    if put:
        sync_folder(folder)
    return tuple(put), tuple(kept)
