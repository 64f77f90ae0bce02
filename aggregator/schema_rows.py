"""Keeps views, descriptions and names of values in the database as this version has them. A part of `Store`."""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.migrations import MIGRATIONS
from aggregator.schema import VERSION
from aggregator.schema.describing import DescribedColumn, DescribedRelation, Relation, describe_schema
from aggregator.schema.labels import list_labels
from aggregator.schema.views import load_views, make_digest
from aggregator.store_base import StoreBase

_DIGEST = "schema_digest"
_RELATIONS = """
    SELECT m.name AS relation, m.type AS kind, m.sql, p.name, p.type
    FROM sqlite_schema AS m CROSS JOIN pragma_table_info(m.name) AS p
    WHERE m.type IN ('table', 'view') AND m.name NOT GLOB 'sqlite[_]*' AND m.name NOT GLOB '[_]*'
        AND m.name NOT GLOB 'articles_fts[_]*'
    ORDER BY m.name, p.cid
"""
_COUNT_RELATIONS = """
    SELECT count(*) FROM sqlite_schema AS m
    WHERE m.type IN ('table', 'view') AND m.name NOT GLOB 'sqlite[_]*' AND m.name NOT GLOB '[_]*'
        AND m.name NOT GLOB 'articles_fts[_]*'
"""
_WRITE_INFO = "INSERT INTO database_info (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class SchemaRows(StoreBase):
    """What the database says of itself."""

    def get_info(self) -> dict[str, str]:
        """What this file is: see the table `database_info`."""
        return {row["key"]: row["value"] for row in self._rows("SELECT key, value FROM database_info ORDER BY key")}

    def get_schema_docs(self) -> tuple[DescribedRelation, ...]:
        """Every table and view with its columns: views first, then tables, then working memory; by name."""
        found: dict[str, list[DescribedColumn]] = {}
        about: dict[str, tuple[str, str]] = {}
        for row in self._rows("SELECT * FROM schema_docs ORDER BY kind = 'working', kind = 'table', relation, place"):
            if row["place"] == 0:
                about[row["relation"]] = (row["kind"], row["description"])
            else:
                column = DescribedColumn(name=row["name"], type=row["type"], comment=row["description"])
                found.setdefault(row["relation"], []).append(column)
        return tuple(
            DescribedRelation(name=name, kind=kind, comment=comment, columns=tuple(found.get(name, ())))
            for name, (kind, comment) in about.items()
        )

    def list_labels(self, kind: str = "") -> list[dict[str, str]]:
        """kind, value, name_id and name_en of each value that has a name; of one kind where it is named."""
        sql = "SELECT * FROM labels WHERE :kind = '' OR kind = :kind ORDER BY kind, value"
        return [dict(row) for row in self._rows(sql, kind=kind)]

    def list_relations(self) -> list[Relation]:
        """All tables and views that are not a library's own, as they are in the file."""
        found: dict[str, tuple[str, str, list[tuple[str, str]]]] = {}
        for row in self._rows(_RELATIONS):
            _, _, columns = found.setdefault(row["relation"], (row["kind"], row["sql"], []))
            columns.append((row["name"], row["type"]))
        return [Relation(name, kind, sql, tuple(columns)) for name, (kind, sql, columns) in found.items()]

    def write_schema(self) -> None:
        """Puts our views, descriptions and names in place of those in the file, where they differ. For the writer."""
        migrations = [migration.name for migration in MIGRATIONS.applied(self._db)]
        digest = make_digest(migrations)
        if self._is_written(digest):
            return
        with self.transaction():
            self._replace_views()
            self._write_docs()
            self._connection.execute("DELETE FROM labels")
            self._connection.executemany("INSERT INTO labels VALUES (?, ?, ?, ?)", list_labels())
            self._connection.executemany(_WRITE_INFO, [("schema_version", VERSION), (_DIGEST, digest)])

    def _is_written(self, digest: str) -> bool:
        """Whether all of it is there as this version writes it, and nobody changed a view since."""
        info = self.get_info()
        views = {
            row["name"]: row["sql"] for row in self._rows("SELECT name, sql FROM sqlite_schema WHERE type = 'view'")
        }
        is_told = self._value("SELECT count(*) FROM schema_docs WHERE place = 0") or 0
        return (
            (info.get(_DIGEST), info.get("schema_version")) == (digest, VERSION)
            and views == load_views()
            and is_told == self._value(_COUNT_RELATIONS)
            and self._value("SELECT count(*) FROM labels") >= len(list_labels())
        )

    def name_topics(self, names: Mapping[str, str]) -> None:
        """Gives the topics (id → name) of an operator's own table the only name they have, in the open transaction."""
        ours = {value for kind, value, *_ in list_labels() if kind == "topic"}
        self._connection.executemany(
            "INSERT OR REPLACE INTO labels VALUES ('topic', ?, ?, ?)",
            [(topic, name, name) for topic, name in names.items() if topic not in ours],
        )

    def _replace_views(self) -> None:
        for row in self._rows("SELECT name FROM sqlite_schema WHERE type = 'view'"):
            self._connection.execute(f'DROP VIEW "{row["name"]}"')
        for sql in load_views().values():
            self._connection.execute(sql)

    def _write_docs(self) -> None:
        self._connection.execute("DELETE FROM schema_docs")
        for relation in describe_schema(self.list_relations()):
            rows = [(relation.name, 0, "", relation.kind, "", relation.comment)]
            rows += [
                (relation.name, place, column.name, relation.kind, column.type, column.comment)
                for place, column in enumerate(relation.columns, start=1)
            ]
            self._connection.executemany("INSERT INTO schema_docs VALUES (?, ?, ?, ?, ?, ?)", rows)
