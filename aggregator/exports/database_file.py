"""SQLite: a database of one table, described in itself as ours is. Another file than the one that `Store` speaks to."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, ClassVar

from aggregator.exports.table import Column, Kind, Layout
from aggregator.exports.values import (
    Convert,
    Values,
    convert_columns,
    read_instant,
    read_integer,
    read_list,
    read_real,
    read_text,
)

_TYPES = {Kind.INTEGER: "INTEGER", Kind.BOOLEAN: "INTEGER", Kind.REAL: "REAL"}
_DOCS = """
CREATE TABLE schema_docs (
    -- What the table and its columns mean.
    relation TEXT NOT NULL, -- name of the table
    place INTEGER NOT NULL, -- of the column in it, from 1; 0: the table itself
    name TEXT NOT NULL, -- of the column
    type TEXT NOT NULL, -- what it holds
    description TEXT NOT NULL,
    PRIMARY KEY (relation, place)
) STRICT, WITHOUT ROWID
"""
_INFO = """
CREATE TABLE database_info (
    -- What this file is.
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""


def _make_array(value: Any) -> str:
    return json.dumps(read_list(value), ensure_ascii=False)


class DatabaseFile:
    """A new database; whole after `close`, of no use before."""

    _CONVERT: ClassVar[dict[Kind, Convert]] = {
        Kind.TEXT: read_text,
        Kind.INTEGER: read_integer,
        Kind.REAL: read_real,
        Kind.INSTANT: read_instant,
        Kind.LIST: _make_array,
    }

    def __init__(self, path: Path, layout: Layout) -> None:
        """`path` is an empty file. Raises sqlite3.Error."""
        self._layout = layout
        self._table = layout.export.name.replace("-", "_")
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._ask("PRAGMA journal_mode = OFF")  # nobody else sees the file before it is whole
        self._ask("PRAGMA synchronous = OFF")
        self._ask("BEGIN")
        self._ask(_make_ddl(layout, self._table))
        self._insert = f"INSERT INTO {self._table} VALUES ({', '.join('?' * len(layout.columns))})"  # noqa: S608

    def write(self, values: Values) -> None:
        rows = zip(*convert_columns(values, self._layout.columns, self._CONVERT), strict=True)
        self._connection.executemany(self._insert, rows)

    def close(self) -> None:
        layout = self._layout
        for column in layout.export.index:
            self._ask(f"CREATE INDEX {self._table}_by_{column} ON {self._table} ({column})")
        self._ask(_DOCS)
        self._ask(_INFO)
        docs = [(self._table, 0, "", "table", layout.about)]
        docs += [
            (self._table, at, each.name, each.kind.value, _tell(each)) for at, each in enumerate(layout.columns, 1)
        ]
        self._connection.executemany("INSERT INTO schema_docs VALUES (?, ?, ?, ?, ?)", docs)
        self._connection.executemany("INSERT INTO database_info VALUES (?, ?)", layout.facts.items())
        self._ask("COMMIT")
        self._ask("ANALYZE")
        self._connection.close()

    def abandon(self) -> None:
        """What is there is of no use."""
        self._connection.close()

    def _ask(self, sql: str) -> None:
        self._connection.execute(sql)


def _make_ddl(layout: Layout, table: str) -> str:
    """With what every column means as a comment."""
    key = layout.export.key if layout.export.keyed else ()
    rows = [_describe(each, is_key=(each.name,) == key) for each in layout.columns]
    if len(key) > 1:
        rows.append((f"PRIMARY KEY ({', '.join(key)})", ""))
    commas = [","] * (len(rows) - 1) + [""]
    lines = [
        f"    {line}{comma}{f' -- {about}' if about else ''}" for (line, about), comma in zip(rows, commas, strict=True)
    ]
    about = _make_line(layout.about)
    return "\n".join([f"CREATE TABLE {table} (", f"    -- {about}", *lines, ") STRICT"])


def _describe(column: Column, *, is_key: bool) -> tuple[str, str]:
    key = " PRIMARY KEY" if is_key else ""
    return f"{column.name} {_TYPES.get(column.kind, 'TEXT')}{key}", _tell(column)


def _tell(column: Column) -> str:
    return _make_line(f"JSON array: {column.about}" if column.kind is Kind.LIST else column.about)


def _make_line(text: str) -> str:
    return " ".join(text.split())
