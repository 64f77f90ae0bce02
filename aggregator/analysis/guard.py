"""What a statement of a stranger may do in a database: read, but not everything. Pure, for SQLite's authorizer.

SQLite asks it about each thing that a statement does, when the statement is prepared. The connection is read-only
besides; what that does not hinder is opening other files (ATTACH), settings, and reading on.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

from aggregator.analysis.metadata import Withheld

_HARMLESS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE})
# Those that tell of the schema; data_version is what full-text search asks by itself.
_PRAGMAS = frozenset(
    {"database_list", "foreign_key_list", "function_list", "index_info", "index_list", "index_xinfo", "page_count"}
    | {"page_size", "schema_version", "table_info", "table_xinfo", "table_list", "data_version"}
)
# By which a program of SQLite's own reaches files and the raw pages, where it was built with them.
_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})
_RAW = frozenset({"sqlite_dbpage", "sqlite_stmt", "dbstat"})
_WHERE_IT_LIES = ("pragma_database_list", "file")
# A view that only counts what it reads in a withheld column. SQLite tells a view by its name, and calls a table of a
# WITH clause that is named so the same: hence the two may not stand in one statement.
_COUNTING_VIEW = "revisions"
_IMPOSTOR = re.compile(rf"\bwith\b.*\b{_COUNTING_VIEW}\b|\b{_COUNTING_VIEW}\b.*\bwith\b", re.IGNORECASE | re.DOTALL)

Authorize = Callable[[int, str | None, str | None, str | None, str | None], int]


def make_authorizer(withheld: Withheld) -> Authorize:
    """For `Connection.set_authorizer`. What is withheld is refused if it is a table, and NULL if it is a column."""

    def authorize(action: int, first: str | None, second: str | None, _database: str | None, source: str | None) -> int:
        if action == sqlite3.SQLITE_READ:
            return _judge_reading(withheld, first or "", second or "", source)
        if action == sqlite3.SQLITE_FUNCTION:
            return _allow(second not in _FUNCTIONS)
        if action == sqlite3.SQLITE_PRAGMA:
            return _allow(first in _PRAGMAS)
        if (
            action == sqlite3.SQLITE_UPDATE
        ):  # a virtual table that is opened tells its columns so, and nothing is written
            return _allow(first == "sqlite_master")
        return _allow(action in _HARMLESS)

    return authorize


def is_impostor(sql: str) -> bool:
    """Whether a statement might pass off a table of its own as the view that may read more."""
    return _IMPOSTOR.search(sql) is not None


def _judge_reading(withheld: Withheld, table: str, column: str, source: str | None) -> int:
    if table in _RAW or table in withheld.tables:
        return sqlite3.SQLITE_DENY
    is_counted = (source, column) == (_COUNTING_VIEW, "difference")
    if (table, column) == _WHERE_IT_LIES or ((table, column) in withheld.columns and not is_counted):
        return sqlite3.SQLITE_IGNORE
    return sqlite3.SQLITE_OK


def _allow(is_allowed: bool) -> int:
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY
