"""Writes a copy of the database for strangers. A part of `Store`; reads the database, writes another file.

What goes in is listed here; a table that is not listed stays out, so that a new one is nobody's business until
somebody says otherwise. The copy is filled from one read of the database and never holds more than it shall: what was
deleted from a file can still be found in it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.cleaning import cut_quote
from aggregator.excerpt import EXCERPT_READ, make_excerpt
from aggregator.rule_rows import MAY_BE_PASSED_ON, WHOLE_TEXT_MAY_BE_PASSED_ON
from aggregator.schema_rows import SchemaRows
from aggregator.store_base import Connection, StoreError, wrap_errors

Say = Callable[[str], object]  # what is being done

_OPENING = f"substr(a.text, 1, {EXCERPT_READ})"
_VALIDATORS = ("etag", "last_modified", "body_hash", "validator_parts", "rhythm", "definition")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What of a table goes in."""

    rows: str = ""  # FROM and WHERE; its columns are those of `t` or, where it says so, of another name
    of: str = "t"
    values: Mapping[str, str] = field(default_factory=dict)  # column → what stands in its place
    is_status: bool = False  # of how sources are doing, which the operator may keep to himself


PARTS: Mapping[str, Part] = {
    "articles": Part(
        rows="live.articles AS a CROSS JOIN live.sources AS s ON s.id = a.source_id",
        of="a",
        values={
            "text": f"CASE WHEN {WHOLE_TEXT_MAY_BE_PASSED_ON} THEN a.text"
            f" ELSE excerpt({_OPENING}, a.snippet_limit) END",
            "summary": f"CASE WHEN {MAY_BE_PASSED_ON} THEN a.summary ELSE excerpt(a.summary, a.snippet_limit) END",
            "text_dropped_at": f"CASE WHEN {MAY_BE_PASSED_ON} OR a.text = '' THEN a.text_dropped_at"
            " ELSE coalesce(a.text_dropped_at, :made_at) END",
            "page_file": "''",
        },
    ),
    "article_revisions": Part(
        rows="live.article_revisions AS t CROSS JOIN live.articles AS a ON a.id = t.article_id"
        " CROSS JOIN live.sources AS s ON s.id = a.source_id",
        values={
            "text": f"CASE WHEN {MAY_BE_PASSED_ON} THEN t.text ELSE '' END",
            "difference": f"CASE WHEN {MAY_BE_PASSED_ON} THEN t.difference ELSE without_texts(t.difference) END",
        },
    ),
    "article_regions": Part(),
    "article_topics": Part(),
    "coverage_days": Part(),
    "cycles": Part(values={"summary": "NULL"}),
    "database_info": Part(),
    "discovery_days": Part(),
    "duplicate_edges": Part(),
    "duplicate_groups": Part(),
    "labels": Part(),
    "regions": Part(),
    "regroupings": Part(),
    "source_coverage_days": Part(),
    "sources": Part(values={"definition": "''"}),
    "stories": Part(),
    "working_days": Part(),
    "alarms": Part(is_status=True),
    "channels": Part(
        values=dict.fromkeys(_VALIDATORS, "''") | {"stand_in": "CASE WHEN t.stand_in IS NOT NULL THEN '{}' END"},
        is_status=True,
    ),
    # The last of each channel: what all came to by day is in source_days.
    "polls": Part(
        rows="live.channels AS c JOIN live.polls AS t ON t.id = (SELECT id FROM live.polls WHERE channel_id = c.id"
        " ORDER BY started_at DESC, id DESC LIMIT 1)",
        is_status=True,
    ),
    # Spam is counted by source, without its addresses and words.
    "rejected_pages": Part(
        rows="live.rejected_pages AS t WHERE t.verdict = 'spam'",
        values={"key": "'spam-' || row_number() OVER ()", "url": "''", "title": "''", "text": "''"}
        | {"scores": "'{}'", "page_file": "''", "article": "'{}'"},
        is_status=True,
    ),
    "source_days": Part(is_status=True),
}
_PRIVATE_SOURCES = Part(  # those that readers see beside an article
    rows="live.sources AS t WHERE EXISTS (SELECT 1 FROM live.articles AS a WHERE a.source_id = t.id)",
    values={"definition": "''", "evidence": "'given'", "discovered_by": "NULL", "discovered_at": "NULL"}
    | {"hijacked_at": "NULL", "pages_read": "0", "enabled": "1"},
)
_SEARCH = "articles_fts"
_BESIDE = ("schema_docs", "_sqlite_migrations")  # as far as they tell of what goes in
_REFERENCE = re.compile(r"\s+REFERENCES (\w+) \(\w+\)(?: ON DELETE CASCADE)?")


class SnapshotRows(SchemaRows):
    """Copies for strangers."""

    def write_snapshot(
        self, work: Path, target: Path, facts: Mapping[str, str], *, made_at: str, private: bool, say: Say
    ) -> None:
        """Fills `work`, a new file, and packs it into `target`, another; `private`: nothing of how sources are doing.

        live ─▶ tables, rows and values as PARTS say, in one transaction ─▶ indexes, views, full-text index ─▶
        descriptions, `facts` ─▶ VACUUM INTO ─▶ check

        Sees the database as it is at the beginning, whoever is writing; heeds `cut_short`. Raises StoreError naming the
        file.
        """
        with wrap_errors(work):
            address = f"{work.absolute().as_uri()}?mode=rwc"
            copy = sqlite3.connect(address, uri=True, factory=Connection, isolation_level=None)
            self._copy = copy
            try:
                copy.create_function("excerpt", 2, _make_public, deterministic=True)
                copy.create_function("without_texts", 1, _drop_texts, deterministic=True)
                copy.execute("PRAGMA journal_mode = OFF")  # nobody else sees it before it is whole
                copy.execute("PRAGMA synchronous = OFF")
                copy.execute("ATTACH ? AS live", (f"{self.path.absolute().as_uri()}?mode=ro",))
                _fill(copy, facts, made_at=made_at, private=private, say=say)
                say("packing")
                copy.execute("VACUUM INTO ?", (str(target),))
            finally:
                self._copy = None
                copy.close()
        self._check_copy(target, say)

    def check_cut(self) -> None:
        """Raises StoreError after `cut_short`."""
        with wrap_errors(self.path):
            self._check_cut()

    def count_rows(self) -> dict[str, int]:
        """How many rows each table has, those of a library left out."""
        names = [relation.name for relation in self.list_relations() if relation.kind == "table"]
        return {name: int(self._value(f"SELECT count(*) FROM {name}")) for name in names}  # noqa: S608 - our own names

    def get_labels(self) -> dict[str, dict[str, dict[str, str]]]:
        """kind → value → language → name."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        for row in self._rows("SELECT * FROM labels ORDER BY kind, value"):
            found.setdefault(row["kind"], {})[row["value"]] = {"id": row["name_id"], "en": row["name_en"]}
        return found

    def _check_copy(self, path: Path, say: Say) -> None:
        say("checking")
        with wrap_errors(path):
            copy = sqlite3.connect(path, factory=Connection)
            self._copy = copy
            try:
                (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            finally:
                self._copy = None
                copy.close()
        if found != "ok":
            raise StoreError(f"{path}: the copy is damaged: {found}")


def _fill(copy: Connection, facts: Mapping[str, str], *, made_at: str, private: bool, say: Say) -> None:
    copy.execute("BEGIN")
    tables = {name: sql for name, sql in _list_schema(copy, "table") if name in PARTS or name in _BESIDE}
    for name, sql in tables.items():
        copy.execute(_REFERENCE.sub(lambda found: found[0] if found[1] in tables else "", sql))
        part = _PRIVATE_SOURCES if private and name == "sources" else PARTS.get(name, Part())
        if not (private and part.is_status):
            say(name)
            copy.execute(_make_insert(copy, name, part), {"made_at": made_at})
    say("indexes")
    for table, sql in _list_schema(copy, "index"):
        if table in tables:
            copy.execute(sql)
    for _, sql in _list_schema(copy, "view"):
        copy.execute(sql)
    say("full-text index")
    copy.execute(next(sql for name, sql in _list_schema(copy, "table") if name == _SEARCH))
    copy.execute(f"INSERT INTO {_SEARCH} ({_SEARCH}) VALUES ('rebuild')")  # noqa: S608 - our own names
    copy.execute(f"INSERT INTO {_SEARCH} ({_SEARCH}) VALUES ('optimize')")  # noqa: S608
    copy.execute("DELETE FROM schema_docs WHERE relation NOT IN (SELECT name FROM main.sqlite_schema)")
    copy.executemany("INSERT OR REPLACE INTO database_info VALUES (?, ?)", facts.items())
    copy.execute("COMMIT")
    copy.execute("DETACH live")
    copy.execute("PRAGMA analysis_limit = 1000")
    copy.execute("ANALYZE")


def _list_schema(copy: Connection, kind: str) -> list[tuple[str, str]]:
    """(name of the table or view, SQL) of all that the database has of a kind, but for what SQLite makes by itself."""
    rows = copy.execute("SELECT tbl_name, sql FROM live.sqlite_schema WHERE type = ? AND sql IS NOT NULL", (kind,))
    return rows.fetchall()


def _make_insert(copy: Connection, name: str, part: Part) -> str:
    columns = [row[0] for row in copy.execute("SELECT name FROM pragma_table_info(?, 'live') ORDER BY cid", (name,))]
    chosen = [part.values.get(column, f'{part.of}."{column}"') for column in columns]
    listed = ", ".join(f'"{column}"' for column in columns)
    rows = part.rows or f"live.{name} AS t"
    return f"INSERT INTO main.{name} ({listed}) SELECT {', '.join(chosen)} FROM {rows}"  # noqa: S608 - our own names


def _make_public(text: str, limit: int | None) -> str:
    """The few lines that a feed may show."""
    return make_excerpt(cut_quote(text, limit))


def _drop_texts(difference: str) -> str:
    """How many paragraphs changed, and how the title did; not what they said."""
    try:
        found = json.loads(difference)
        kept = {"title": found["title"], **{key: [""] * len(found[key]) for key in ("removed", "added")}}
    except (ValueError, TypeError, KeyError):
        return "{}"
    return json.dumps(kept, ensure_ascii=False)
