"""What a statement of a stranger may do in a database: read, but not everything. Pure, for SQLite's authorizer.

SQLite asks it about each thing that a statement does, when the statement is prepared. The connection is read-only
besides; what that does not hinder is opening other files (ATTACH), settings, and reading on. A time limit ends no
single call of a function: hence what makes long texts of nothing is refused, and LENGTH_MOST bounds all values.
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
_REACHING = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})
_SWELLING = frozenset({"printf", "format", "randomblob", "zeroblob"})
_FUNCTIONS = _REACHING | _SWELLING
_RAW = frozenset({"sqlite_dbpage", "sqlite_stmt", "dbstat"})
# What SQLite has besides tables of ours: it reads some of it by itself, and the pragmas are judged as such.
_SQLITES_OWN = frozenset({"sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"}) | frozenset(
    {"sqlite_stat1", "sqlite_stat4", "sqlite_sequence", "_sqlite_migrations", "json_each", "json_tree"}
)
LENGTH_MOST = 200_000  # bytes of a value
LENGTH_MOST_WHOLE = 2_000_000  # where whole texts are read
PATTERN_MOST = 1_000  # bytes of a pattern of LIKE
_WHERE_IT_LIES = ("pragma_database_list", "file")
# Views that only count what they read in a withheld column, or cut it. SQLite tells a view by its name, and calls a
# table of a WITH clause that is named so the same: hence none may be, and no comment may stand where that could hide
# it.
_TRUSTED = frozenset({("revisions", "difference"), ("article_overview", "summary")})
_IMPOSTOR = re.compile(
    rf"""\b(?:{"|".join(sorted(view for view, _ in _TRUSTED))})\b["'`\]]?\s*+"""
    r"(?:\(|/\*|--|as\s*+(?:\(|/\*|--|not\b|materialized\b))",
    re.IGNORECASE,
)

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
    """Whether a statement might pass off a table of its own as a view that may read more."""
    return _IMPOSTOR.search(sql) is not None


def _judge_reading(withheld: Withheld, table: str, column: str, source: str | None) -> int:
    is_sqlites_own = table in _SQLITES_OWN or table.startswith("pragma_")
    if table in _RAW or (withheld.has_table(table) and not is_sqlites_own):
        return sqlite3.SQLITE_DENY
    is_trusted = (source, column) in _TRUSTED
    if (table, column) == _WHERE_IT_LIES or ((table, column) in withheld.columns and not is_trusted):
        return sqlite3.SQLITE_IGNORE
    return sqlite3.SQLITE_OK


def _allow(is_allowed: bool) -> int:
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY
