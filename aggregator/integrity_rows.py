"""Whether the database itself is sound. A part of `Store`; it only reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from aggregator.instants import from_text
from aggregator.migrations import MIGRATIONS
from aggregator.store_base import StoreBase, StoreError, wrap_errors

_LIBRARY_TABLES = {"_sqlite_migrations", "sqlite_sequence", "sqlite_stat1"}
SEARCHED = 100  # articles whose words are looked up in the index
_TAIL = 60  # characters of a text


class IntegrityRows(StoreBase):
    """What `doctor` asks the database about itself."""

    def has_info(self) -> bool:
        """Whether it tells what it is: those of the first versions do not."""
        return bool(self._value("SELECT count(*) FROM sqlite_master WHERE name = 'database_info'"))

    def get_newest_instant(self) -> datetime | None:
        """The latest moment at which this database was written to: a clock that shows less was turned back."""
        found = [
            self._value("SELECT max(started_at, coalesce(finished_at, '')) FROM cycles ORDER BY id DESC LIMIT 1"),
            self._value("SELECT finished_at FROM polls ORDER BY id DESC LIMIT 1"),
        ]
        return max((from_text(text) for text in found if text), default=None)

    def check_integrity(self, *, most: int = 5, fully: bool = False) -> list[str]:
        """What SQLite finds wrong with the file; reads all of it. Empty: nothing.

        `fully`: looks up every entry of every index, too, which takes twice as long.
        """
        rows = self._rows(f"PRAGMA {'integrity_check' if fully else 'quick_check'}({most:d})")
        return [str(row[0]) for row in rows if row[0] != "ok"]

    def check_references(self, *, most: int = 5) -> list[str]:
        """Rows that point to rows which are not there: table ─▶ the table they point to. Empty: none."""
        rows = self._rows('SELECT "table", parent FROM pragma_foreign_key_check LIMIT :most', most=most)
        return [f"{row[0]} ─▶ {row[1]}" for row in rows]

    def check_search(self) -> list[str]:
        """What is wrong with the full-text index, read through and held against the articles. Empty: nothing.

        SQLite's own check would take the writer's lock. For a reader that is at nothing else.
        """
        without = self._value("SELECT count(*) FROM articles WHERE id NOT IN (SELECT id FROM articles_fts_docsize)")
        strange = self._value("SELECT count(*) FROM articles_fts_docsize WHERE id NOT IN (SELECT id FROM articles)")
        unfound = [row["id"] for row in self._choose_articles() if not self._is_indexed(row)]
        faults = [f"{without:,} articles are not in it"] if without else []
        faults += [f"{strange:,} articles in it are not there"] if strange else []
        faults += [f"articles are not found by their own words: {', '.join(map(str, unfound[:5]))}"] if unfound else []
        with self._listing_words() as words:
            (found,) = self._rows(f"SELECT coalesce(sum(cnt), 0) AS n FROM {words}")  # noqa: S608 - our own name
        expected = _sum_totals(self._value("SELECT block FROM articles_fts_data WHERE id = 1") or b"")
        if found["n"] != expected:
            faults.append(f"it holds {found['n']:,} words, and counts {expected:,}")
        return faults

    def _choose_articles(self) -> Iterator[sqlite3.Row]:
        """Some of all ages."""
        first, last = self._rows("SELECT min(id), max(id) FROM articles")[0]
        if first is None:
            return
        step = max(1, (last - first) // SEARCHED)
        for number in range(first, last + 1, step):
            yield from self._rows("SELECT id, title, text FROM articles WHERE id >= :id ORDER BY id LIMIT 1", id=number)

    def _is_indexed(self, row: sqlite3.Row) -> bool:
        """Whether an article is found by its title and by the end of its text."""
        tail = row["text"][-_TAIL:].partition(" ")[2]
        for column, words in (("title", row["title"]), ("text", tail)):
            if not any(each.isalnum() for each in words):
                continue
            phrase = words.replace('"', " ")
            sql = "SELECT EXISTS (SELECT 1 FROM articles_fts WHERE articles_fts MATCH :match AND rowid = :id)"
            if not self._value(sql, match=f'{column} : "{phrase}"', id=row["id"]):
                return False
        return True

    @contextmanager
    def _listing_words(self) -> Iterator[str]:
        """The name of a table with a row for each word of the index; it is no part of the file."""
        with wrap_errors(self.path):
            self._connection.execute("PRAGMA query_only = OFF")  # the file is open for reading only
            try:
                self._connection.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab (main, articles_fts, row)")
                yield "temp.words"
            finally:
                self._connection.execute("DROP TABLE IF EXISTS temp.words")
                self._connection.execute("PRAGMA query_only = ON")

    def is_foreign(self) -> bool:
        """Whether this is a database of something else: it has tables, and none of ours."""
        tables = {row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return bool(tables - _LIBRARY_TABLES) and "sources" not in tables

    def has_schema(self) -> bool:
        """Whether there is anything of ours in it: a new file has nothing."""
        return bool(self._value("SELECT count(*) FROM sqlite_master WHERE name = 'sources'"))

    def check_ours(self) -> None:
        """Raises StoreError where this is a database of something else."""
        if self.is_foreign():
            raise StoreError(f"{self.path}: is a database of something else; `kabarkota doctor` says what to do")

    def compare_schema(self) -> tuple[list[str], list[str]]:
        """(migrations of a newer version than ours, migrations still to come), by name."""
        known = [migration.name for migration in MIGRATIONS._migrations]  # noqa: SLF001 - no public list of names
        with wrap_errors(self.path):
            had = {migration.name for migration in MIGRATIONS.applied(self._db)}
        return sorted(had - set(known)), [name for name in known if name not in had]

    def get_journal_mode(self) -> str:
        return str(self._value("PRAGMA journal_mode"))


def _sum_totals(block: bytes) -> int:
    """The words of all columns, as FTS5 keeps count of them: varints, the first of which is the number of rows."""
    values, value, size = [], 0, 0
    for byte in block:
        size += 1
        value = (value << 8 | byte) if size == 9 else (value << 7 | byte & 0x7F)
        if size == 9 or byte < 0x80:
            values.append(value)
            value = size = 0
    return sum(values[1:])


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
