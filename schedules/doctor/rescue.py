"""What to do about a damaged database, as commands that can be copied: which backup is newest and sound, and how it is
put in place."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from aggregator.backups import DAMAGED, FOLDER, Backup, list_backups
from aggregator.store import Store, StoreError
from schedules.commands.figures import format_moment

STOP = "stop all kabarkota processes"
_UNREACHABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


class Rescue:
    """For one database. Backups are looked through when they are needed, the newest first, until one is sound."""

    def __init__(self, path: Path, now: datetime) -> None:
        self._path, self._now = path, now
        self._aside = path.parent / f"{DAMAGED}{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        self.damaged = 0  # backups that are newer than the one that is sound

    @property
    def move_away(self) -> str:
        """The command: the file, and what SQLite has beside it."""
        return self._move(self._path, *self._list_beside())

    @cached_property
    def newest(self) -> Backup | None:
        """The newest backup that is sound; None: there is none."""
        with suppress(OSError):
            for backup in list_backups(self._path.parent / FOLDER, self._now):
                if _is_sound(backup.path):
                    return backup
                self.damaged += 1
        return None

    def advise(self, error: StoreError | None = None) -> str:
        """What brings the database back. `error`: why it could not be read."""
        if error is not None and _get_code(error) in _UNREACHABLE:
            return (
                "whoever reads it must be able to write its folder and the files news.db-wal and news.db-shm in it:"
                " look at their owner and at the disk, and ask as the user who runs kabarkota"
            )
        if self._is_log_to_blame():
            return self._advise_log()
        if self.newest is None:
            damaged, rescued = _quote(self._aside / self._path.name), _quote(self._aside / "rescued.db")
            return (
                f"there is no sound backup; {STOP}, then: {self.move_away} && sqlite3 {damaged} .recover | sqlite3"
                f" {rescued}  (which saves what can be read: put it in place and ask again, or begin anew with"
                " `kabarkota run`)"
            )
        newer = f", {self.damaged} newer ones are damaged" if self.damaged else ""
        command = f"kabarkota --data {_quote(self._path.parent)} restore --yes {self.newest.path.name}"
        return (
            f"{STOP}, then: {command}  (the newest sound backup, of {format_moment(self.newest.made_at)}{newer}; the"
            " damaged file is set aside, and the next cycle brings in what portals still list)"
        )

    def advise_foreign(self) -> str:
        """What to do about a database of something else."""
        if self._is_log_to_blame():
            return self._advise_log()
        return f"set another `data`, or move it away: {self.move_away}"

    def advise_index(self) -> str:
        """What makes the index of the full-text search anew."""
        sql = "INSERT INTO articles_fts (articles_fts) VALUES ('rebuild')"
        return f"{STOP}, then: sqlite3 {_quote(self._path)} {shlex.quote(sql)}  (nothing else is touched)"

    def _advise_log(self) -> str:
        return (
            f"without {self._path.name}-wal the file is sound: what is in there is damaged, or of another database;"
            f" {STOP}, then: {self._move(*self._list_beside())}"
        )

    def _list_beside(self) -> list[Path]:
        beside = [self._path.with_name(f"{self._path.name}-{each}") for each in ("wal", "shm", "journal")]
        return [path for path in beside if path.exists()]

    def _move(self, *paths: Path) -> str:
        return f"mkdir -m 700 {_quote(self._aside)} && mv {' '.join(map(_quote, paths))} {_quote(self._aside)}"

    def _is_log_to_blame(self) -> bool:
        """Whether the file is sound as it is without its write-ahead log."""
        log = self._path.with_name(f"{self._path.name}-wal")
        if not log.exists() or not log.stat().st_size:
            return False
        with suppress(sqlite3.Error), closing(_open_alone(self._path)) as alone:
            return _has_our_tables(alone) and alone.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        return False


def _open_alone(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _has_our_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sources'").fetchone()[0])


def _is_sound(path: Path) -> bool:
    """Whether a backup is a whole database of this version or an earlier one."""
    with suppress(StoreError), Store.open_reader(path) as store:
        return not store.is_foreign() and not store.compare_schema()[0] and not store.check_integrity(most=1)
    return False


def _get_code(error: StoreError) -> int:
    return int(getattr(error.__cause__, "sqlite_errorcode", 0)) & 0xFF


def _quote(path: Path) -> str:
    return shlex.quote(str(path))
