"""Copies of the database, and a database that came back from one. A part of `Store`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aggregator.alert_rows import State
from aggregator.change_rows import ChangeRows
from aggregator.store_base import Connection, StoreError, wrap_errors

PAGES = 2_000  # copied at a time, 8 MB: whoever waits to cut it short waits no longer
CACHE_KIB = 65_536  # for the check, which looks up every entry of every index
BEGUN_ANEW = "an older database came back; it may have been sent before"
Progress = Callable[[int, int], object]  # pages still to be copied, pages in all


class BackupRows(ChangeRows):
    """What copies are made with, and what a restored one has to forget."""

    def copy_to(self, path: Path, *, check: bool = False, progress: Progress | None = None) -> None:
        """A copy of the database as it stands, a file of its own that needs no WAL; `check` has SQLite look it through.

        Made piece by piece, between which `cut_short` and signals are heeded, and of one moment whoever writes
        meanwhile: the read transaction that is held sees to it, else another's write would begin the copy anew.
        Raises StoreError naming the copy.
        """
        with wrap_errors(path):
            target = sqlite3.connect(path, factory=Connection)
            self._copy = target
            try:
                with self.snapshot():
                    self._value("SELECT count(*) FROM sqlite_schema")  # from now on it stands still
                    self._connection.backup(
                        target, pages=PAGES, progress=lambda _, left, all_: self._go_on(left, all_, progress)
                    )
                target.execute("PRAGMA journal_mode = DELETE")
                if check:
                    _check_copy(target, path)
            finally:
                self._copy = None
                target.close()

    def _go_on(self, left: int, all_pages: int, progress: Progress | None) -> None:
        self._check_cut()
        if progress:
            progress(left, all_pages)

    def begin_anew(self, now: datetime) -> None:
        """For a database that came back: what was told and published since it was copied, it does not know.

        The published files are all written anew, copies of the API begin anew, and nothing is told twice to people:
        what waited to be sent is not sent, alerts take what they find for known, digests go on from now.
        """
        with self.transaction():
            self.begin_history()
            self._connection.execute("DELETE FROM publishing_state")
            self._connection.execute("DELETE FROM alert_looks")
            self._connection.execute("DELETE FROM digest_runs")
            self._connection.execute(
                "UPDATE deliveries SET state = ?, reason = ? WHERE state IN (?, ?)",
                (State.UNKNOWN, BEGUN_ANEW, State.WAITING, State.TRYING),
            )


def _check_copy(copy: sqlite3.Connection, path: Path) -> None:
    """Reads all of it. Raises StoreError where it is damaged, sqlite3.Error where it cannot even be read."""
    copy.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StoreError(f"{path}: the copy is damaged: {' '.join(found.split())}")
    strays = copy.execute('SELECT "table", parent FROM pragma_foreign_key_check LIMIT 1').fetchall()
    if strays:
        raise StoreError(
            f"{path}: the copy is damaged: rows point to rows that are not there: {' ─▶ '.join(strays[0])}"
        )
    copy.execute("SELECT count(*) FROM _sqlite_migrations").fetchone()
