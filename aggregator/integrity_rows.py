"""Whether the database itself is sound. A part of `Store`; it only reads."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from aggregator.instants import from_text
from aggregator.migrations import MIGRATIONS
from aggregator.store_base import StoreBase, wrap_errors


class IntegrityRows(StoreBase):
    """What `doctor` asks the database about itself."""

    def get_newest_instant(self) -> datetime | None:
        """The latest moment at which this database was written to: a clock that shows less was turned back."""
        found = [
            self._value("SELECT max(started_at, coalesce(finished_at, '')) FROM cycles ORDER BY id DESC LIMIT 1"),
            self._value("SELECT finished_at FROM polls ORDER BY id DESC LIMIT 1"),
        ]
        return max((from_text(text) for text in found if text), default=None)

    def check_integrity(self, *, most: int = 5) -> list[str]:
        """What SQLite finds wrong with the file; reads all of it. Empty: nothing."""
        rows = self._rows(f"PRAGMA quick_check({most:d})")
        return [str(row[0]) for row in rows if row[0] != "ok"]

    def check_references(self, *, most: int = 5) -> list[str]:
        """Rows that point to rows which are not there: table ─▶ the table they point to. Empty: none."""
        rows = self._rows('SELECT "table", parent FROM pragma_foreign_key_check LIMIT :most', most=most)
        return [f"{row[0]} ─▶ {row[1]}" for row in rows]

    def is_foreign(self) -> bool:
        """Whether this is a database of something else: it has tables, and none of ours."""
        tables = {row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return bool(tables) and "sources" not in tables

    def compare_schema(self) -> tuple[list[str], list[str]]:
        """(migrations of a newer version than ours, migrations still to come), by name."""
        known = [migration.name for migration in MIGRATIONS._migrations]  # noqa: SLF001 - no public list of names
        with wrap_errors(self.path):
            had = {migration.name for migration in MIGRATIONS.applied(self._db)}
        return sorted(had - set(known)), [name for name in known if name not in had]

    def get_journal_mode(self) -> str:
        return str(self._value("PRAGMA journal_mode"))


def examine_sqlite() -> tuple[tuple[int, int, int], bool]:
    """(version of SQLite, whether it was built with FTS5)."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE search USING fts5 (text)")
    except sqlite3.OperationalError:
        has_search = False
    else:
        has_search = True
    finally:
        connection.close()
    major, minor, patch = sqlite3.sqlite_version_info
    return (major, minor, patch), has_search
