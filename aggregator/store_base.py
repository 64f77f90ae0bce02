"""What every part of the store stands on: the connection, transactions, errors in our own words."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from aggregator.lean_sqlite_utils import Database
from aggregator.models import DatePrecision


class StoreError(Exception):
    """The database cannot be opened, read or written: the file and SQLite's reason."""


class NewerDatabaseError(StoreError):
    """The database was written by a newer version of Kabar Kota."""


class OlderDatabaseError(StoreError):
    """The database was written by an older version of Kabar Kota, or is just being made: the writer mends that."""


class LostDatabaseError(StoreError):
    """The database is not there, or empty, though there was one."""


class ClosedDatabaseError(StoreError):
    """The database is there, and cannot be opened: even who reads it has to write files beside it."""


class Connection(sqlite3.Connection):
    """A connection that another thread can have refuse everything but the end of what was begun."""

    is_cut = False

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        self.check()
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        self.check()
        return super().executemany(sql, parameters)

    def cut(self) -> None:
        self.is_cut = True
        with suppress(sqlite3.ProgrammingError):  # closed meanwhile
            self.interrupt()

    def check(self) -> None:
        """Raises sqlite3.OperationalError once it is cut."""
        if self.is_cut:
            raise sqlite3.OperationalError("interrupted")


class StoreBase:
    """A connection to `news.db`."""

    is_sealed = False  # opened as a file that does not change: not to be kept open for long
    _is_writer = False

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        connection.row_factory = sqlite3.Row
        self._connection = connection
        self._copy: sqlite3.Connection | None = None  # while one is being made
        self._db = Database(connection, execute_plugins=False)  # nobody's but ours, nor looked for among all packages

    def cut_short(self) -> None:
        """Makes the statement under way and all later ones fail, so that a transaction is rolled back.

        For other threads than the one at work. A statement may begin just as this returns: call it until that thread
        is done. There is no way back; open another store.
        """
        for connection in self._list_connections():
            connection.cut()

    def _check_cut(self) -> None:
        """For what SQLite does not interrupt by itself. Raises sqlite3.OperationalError after `cut_short`."""
        for connection in self._list_connections():
            connection.check()

    def _list_connections(self) -> list[Connection]:
        return [each for each in (self._connection, self._copy) if isinstance(each, Connection)]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and durable when it ends. BEGIN IMMEDIATE: a lock missing at once beats one missing later."""
        with wrap_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads that belong together: all see the database as it is at the first, whoever is writing meanwhile."""
        with wrap_errors(self.path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.rollback()

    def _rows(self, sql: str, **parameters: Any) -> list[sqlite3.Row]:
        with wrap_errors(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def _value(self, sql: str, **parameters: Any) -> Any:
        rows = self._rows(sql, **parameters)
        return rows[0][0] if rows else None

    def _insert_or_replace(self, table: str, row: Mapping[str, Any]) -> None:
        values = ", ".join(f":{name}" for name in row)
        self._connection.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({values})", dict(row))  # noqa: S608 - our own names


def read_precision(text: str) -> DatePrecision | None:
    """How far a stored date counts; None: the page gave none, first seen stands in."""
    return None if text == "none" else DatePrecision(text)


@contextmanager
def wrap_errors(path: Path) -> Iterator[None]:
    """Errors of SQLite and the file system as StoreError, their cause kept."""
    try:
        yield
    except sqlite3.Error as error:
        hint = "; `kabarkota doctor` says what to do" if _is_of_the_file(error) else ""
        is_closed = _get_code(error) == sqlite3.SQLITE_CANTOPEN and path.is_file()
        raise (ClosedDatabaseError if is_closed else StoreError)(f"{path}: {error}{hint}") from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


def is_disk_full(error: StoreError) -> bool:
    """Whether it is that: SQLite and the file system each have a word for it."""
    cause = error.__cause__
    if isinstance(cause, OSError):
        return cause.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(cause, sqlite3.Error) and _get_code(cause) == sqlite3.SQLITE_FULL


def is_on_sealed_disk(database: Path) -> bool:
    """Whether its disk is read-only, and nothing waits beside it that is not in the file itself. Raises OSError."""
    if not database.is_file() or not os.statvfs(database).f_flag & os.ST_RDONLY:
        return False
    beside = (database.with_name(f"{database.name}{end}") for end in ("-wal", "-journal"))
    return not any(path.exists() and path.stat().st_size for path in beside)


def _is_of_the_file(error: sqlite3.Error) -> bool:
    """Whether the file itself is the trouble: damaged, no database, or out of reach."""
    codes = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
    return _get_code(error) in codes


def _get_code(error: sqlite3.Error) -> int:
    """Without what extended codes add."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
