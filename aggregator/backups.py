"""Copies of the database in the folder `backups` beside it: how they are named, made, found and dropped.

news-20261127T201000Z.db          made each night or by hand; the newest `backups_kept` stay
news-20261127T201000Z.files/      the operator's own files as they were then
news-before-m017_x-20261127T201000Z.db   made before the migration m017_x, the first of those that were to come
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.publish.files import sync_folder
from aggregator.replacing import ASIDE
from aggregator.store_base import OlderDatabaseError, StoreError

if TYPE_CHECKING:
    from aggregator.backup_rows import Progress
    from aggregator.store import Store

logger = logging.getLogger(__name__)

FOLDER = "backups"
OLD_VERSIONS_KEPT = 2
SPARE = 50_000_000  # bytes that a copy leaves free on the disk
FILE_MODE, FOLDER_MODE = 0o600, 0o700  # they hold what was since taken down or masked
DAMAGED = "damaged-"  # begins the name of a folder beside the database in which a damaged one was set aside
_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"news-(?:before-(?P<level>m\d{3}_\w+)-)?(?P<time>\d{8}T\d{6}Z)\.db")


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """A copy in the folder, by its name; what is in it was not looked at."""

    path: Path
    made_at: datetime
    level: str  # the migration that it was made before; "": made each night or by hand

    @property
    def files(self) -> Path:
        """The folder of the operator's files that were copied with it; need not exist."""
        return name_files(self.path)


def name_backup(folder: Path, now: datetime, level: str = "") -> Path:
    return folder / f"news-{f'before-{level}-' if level else ''}{now.astimezone(UTC):{_TIME}}.db"


def name_files(backup: Path) -> Path:
    return backup.with_suffix(".files")


def list_backups(folder: Path, now: datetime) -> list[Backup]:
    """All files of a folder that are named so, the newest first; none where it cannot be read. A pipe is no file.

    Those of a time that is still to come are of a clock that was wrong, and stand last.
    """
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            match = _NAME.fullmatch(path.name)
            with suppress(ValueError):  # such as a 31st of February
                if match is not None and path.is_file():
                    made_at = datetime.strptime(match["time"], _TIME).replace(tzinfo=UTC)
                    found.append(Backup(path=path, made_at=made_at, level=match["level"] or ""))
    return sorted(found, key=lambda each: (each.made_at <= now, each.made_at, each.path.name), reverse=True)


def list_older_copies(data_folder: Path, now: datetime) -> list[Path]:
    """All that holds the database as it once was, with what was since taken down: backups, and what a restore, or
    whoever followed the doctor, has set aside."""
    backups = [each.path for each in list_backups(data_folder / FOLDER, now)]
    aside = (path for name in (ASIDE, DAMAGED) for path in data_folder.glob(f"{name}*") if path.is_dir())
    return [*backups, *sorted(aside)]


def find_newest(folder: Path, now: datetime) -> tuple[datetime, int] | None:
    """When the newest was made, and its size; None: there is none."""
    for backup in list_backups(folder, now):
        with suppress(OSError):
            return backup.made_at, backup.path.stat().st_size
    return None


def make_folder(folder: Path) -> None:
    """One that only its owner may enter; one that is there stays as the operator has it. Raises OSError."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def make_backup(store: Store, target: Path, *, progress: Progress | None = None) -> None:
    """A whole, checked copy: beside, then renamed. What stood there before is there until then. Raises StoreError.

    `store` may be a reader, beside whoever writes. One at a time in a folder; the caller sees to it.
    """
    beside = target.with_name(f".{target.name}.tmp")
    try:
        make_folder(target.parent)
        check_room(store.path, target.parent)
        _remove(beside)  # of a killed process
        beside.touch(mode=FILE_MODE, exist_ok=False)  # SQLite gives what it makes beside it the same
        store.copy_to(beside, check=True, progress=progress)
        beside.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise StoreError(f"{error.filename or target}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            _remove(beside)


def sweep(folder: Path, *, before_migration: bool) -> None:
    """Removes what killed processes left half made. Raises OSError."""
    for path in folder.glob(".news-before-*.db.tmp*" if before_migration else ".news-[0-9]*.tmp*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if not before_migration:  # files are copied before their database, and dropped after it
        for files in folder.glob("news-[0-9]*.files"):
            backup = files.with_suffix(".db")
            if _NAME.fullmatch(backup.name) and not backup.exists():
                shutil.rmtree(files)


def drop_oldest(backups: Iterable[Backup], *, kept: int, but: Path) -> list[Path]:
    """Removes all but the first `kept`, and `but` in any case: the one just made. Returns them. Raises OSError."""
    others = [each for each in backups if each.path != but]
    dropped = others[max(kept - 1, 0) :]
    for each in dropped:
        each.path.unlink(missing_ok=True)
        shutil.rmtree(each.files, ignore_errors=True)
    return [each.path for each in dropped]


def check_room(database: Path, folder: Path, *, times: int = 1) -> None:
    """Raises StoreError where the disk of `folder` has no room for `times` copies of the database. Raises OSError."""
    beside = database.with_name(f"{database.name}-wal")
    size = sum(path.stat().st_size for path in (database, beside) if path.exists())
    room, needed = shutil.disk_usage(folder).free, times * size + min(size, SPARE)
    if room < needed:
        raise StoreError(
            f"{folder}: a copy of the database needs {needed / 1e6:,.0f} MB, and the disk has {room / 1e6:,.0f} MB free"
        )


def keep_old_version(store: Store, level: str) -> None:
    """A copy of a database of an older version, before its schema is brought up to date. Raises OlderDatabaseError.

    One that was made before, when bringing it up to date failed, does as well as long as nothing was written since.
    """
    now, folder = datetime.now(UTC), store.path.parent / FOLDER  # the clock is for the name alone
    with suppress(OSError):  # what cannot be removed, or written there, is said below
        sweep(folder, before_migration=True)
    known = [each for each in list_backups(folder, now) if each.level == level]
    if any(_is_as_new(each.path, store) for each in known):
        return
    target = name_backup(folder, now, level)
    _announce(store.path, folder)
    try:
        make_backup(store, target)
        older = [each for each in list_backups(folder, now) if each.level]
        drop_oldest(older, kept=OLD_VERSIONS_KEPT, but=target)
    except (OSError, StoreError) as error:
        raise OlderDatabaseError(
            f"{store.path}: of an older version, and left so: no copy of it could be made first ({error}); mend that,"
            " or do without a copy: `kabarkota run --no-backup`"
        ) from error


@cache  # said once, however often it is tried
def _announce(database: Path, folder: Path) -> None:
    logger.warning("%s: of an older version; before it is brought up to date a copy is made in %s", database, folder)


def _is_as_new(backup: Path, store: Store) -> bool:
    with suppress(StoreError), type(store).open_reader(backup) as copy:
        return copy.get_newest_instant() == store.get_newest_instant()
    return False


def _remove(path: Path) -> None:
    """With what SQLite may have had beside it."""
    for end in ("", "-journal", "-wal", "-shm"):
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
