"""The rows of exports. A part of `Store`; reads only.

Every export is read from its view in the order of its key, and filtered by what SQLite looks up in an index, so that
rows come as they are read: what is held in memory is the same for a thousand rows and for a million.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from aggregator.code_rows import CodeRows
from aggregator.export_list_rows import ListRows, find_lists
from aggregator.exports.choices import Basis
from aggregator.exports.question import Question
from aggregator.exports.table import TEXT_COLUMN, Export
from aggregator.exports.values import Values
from aggregator.instants import to_text
from aggregator.rule_rows import EARLIEST_TEXT, IN_TIME, LATEST_TEXT, LIVE, make_time
from aggregator.store_base import wrap_errors

ROWS_AT_ONCE = 2_000
Row = tuple[Any, ...]

_OF_TIME = "article_id IN (SELECT a.id FROM articles AS a WHERE {})"
_IN = "IN (SELECT value FROM json_each(:{}))"
_PLACES = ("city", "province", "komwil")
_CODES = {name: f"code {_IN.format(f'{name}_codes')}" for name in _PLACES}  # of all that is in one
_IN_REGION = "SELECT article_id FROM article_regions WHERE role = 'event' AND {}"
_OF_STORY = f"""
    story_id IN (SELECT g.story_id FROM articles AS a CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
        WHERE g.canonical_id = a.id AND {LIVE} AND a.id IN ({{}}))
"""  # noqa: S608 - our own words
_WITH_TOPIC = f"SELECT article_id FROM article_topics WHERE topic {_IN.format('topic')}"  # noqa: S608
_DAYS = {Basis.PUBLISHED.value: "day_wib >= :first_day AND day_wib <= :last_day"}
_PLACED = {  # an article
    "topic": f"article_id IN ({_WITH_TOPIC})",
    **{name: f"article_id IN ({_IN_REGION.format(codes)})" for name, codes in _CODES.items()},
    "source": f"article_id IN (SELECT id FROM articles WHERE source_id {_IN.format('source')})",  # noqa: S608
}
# scope → filter → condition on the columns of the view. `published` and `found` stand for since and until.
CONDITIONS: Mapping[str, Mapping[str, str]] = {
    "article": {
        Basis.PUBLISHED: _OF_TIME.format(IN_TIME),
        Basis.FOUND: _OF_TIME.format("a.first_seen_at >= :since_at AND a.first_seen_at < :until_at"),
        **_PLACED,
    },
    "revision": {Basis.PUBLISHED: "replaced_at >= :since_at AND replaced_at < :until_at", **_PLACED},
    "story": {
        Basis.PUBLISHED: "ends_at >= :since_at AND begins_at < :until_at",
        "topic": _OF_STORY.format(_WITH_TOPIC),
        **{name: _OF_STORY.format(_IN_REGION.format(codes)) for name, codes in _CODES.items()},
    },
    "coverage": {
        **_DAYS,
        "topic": f"topic {_IN.format('topic')}",
        **{name: f"place_kind = '{name}' AND place {_IN.format(name)}" for name in _PLACES},
    },
    "day": _DAYS,
    "day-topic": {**_DAYS, "topic": f"topic {_IN.format('topic')}"},
    "day-city": {**_DAYS, **_CODES},
    "day-province": {**_DAYS, "province": f"province {_IN.format('province')}"},
    "day-komwil": {**_DAYS, "komwil": f"komwil {_IN.format('komwil')}"},
    "day-source": {**_DAYS, "source": f"source_id {_IN.format('source')}"},
    "source": {"source": f"source_id {_IN.format('source')}"},
    "source-table": {"source": f"id {_IN.format('source')}"},
    "region": _CODES,
    "none": {},
}
_KNOWN = {
    "topic": "SELECT value FROM labels WHERE kind = 'topic' UNION SELECT topic FROM article_topics",
    "city": "SELECT slug FROM regions WHERE kind = 'city'",
    "province": "SELECT slug FROM regions WHERE kind = 'province'",
    "komwil": "SELECT DISTINCT CAST(komwil AS TEXT) FROM regions WHERE komwil IS NOT NULL",
    "source": "SELECT id FROM sources",
}


def list_filters(export: Export) -> frozenset[str]:
    """The filters that apply to it: since, until, found, topic, city, province, komwil, source."""
    found = set(CONDITIONS[export.scope])
    return frozenset(found - {Basis.PUBLISHED} | ({"since", "until"} if Basis.PUBLISHED in found else set()))


def is_by_day(export: Export) -> bool:
    """Whether its rows are of days, not of instants."""
    return CONDITIONS[export.scope].get(Basis.PUBLISHED) == _DAYS[Basis.PUBLISHED]


class ExportRows(ListRows, CodeRows):
    """Rows by the thousand. What belongs together is read within `snapshot()`."""

    def list_known(self, name: str) -> frozenset[str]:
        """What a filter can be asked for."""
        return frozenset(row[0] for row in self._rows(_KNOWN[name]))

    def count_export(self, export: Export, question: Question) -> int:
        """How many rows there will be."""
        where, values = self._make_where(export, question)
        return int(self._value(f"SELECT count(*) FROM {export.relation} {where}", **values))  # noqa: S608 - our own names

    def iterate_export(self, export: Export, columns: Sequence[str], question: Question) -> Iterator[Values]:
        """The values of each column, of some rows at a time.

        Lists of topics and places are looked up for many articles at a time: the view, which asks for each article and
        list, takes twice as long. Texts that are no UTF-8 are repaired. Raises StoreError.
        """
        where, values = self._make_where(export, question)
        looked_up = find_lists(export.relation, columns)
        chosen = ", ".join(_choose(name, export, looked_up) for name in columns)
        sql = f"SELECT {chosen} FROM {export.relation} {where} ORDER BY {', '.join(export.key)}"  # noqa: S608
        names = self.get_list_names() if looked_up else None
        for rows in self._iterate_whole_rows(sql, values):
            found: list[Sequence[Any]] = list(zip(*rows, strict=True))
            if names is not None:
                lists = self.look_up_lists(found[columns.index("article_id")], names)
                for at, name in enumerate(columns):
                    if name in looked_up:
                        found[at] = [each[looked_up[name]] for each in lists]
            yield found

    def _make_where(self, export: Export, question: Question) -> tuple[str, dict[str, Any]]:
        """(the WHERE clause, its values)."""
        since, until = question.since, question.until
        values: dict[str, Any] = {
            **make_time(since, until),
            "since_at": to_text(since.at) if since else EARLIEST_TEXT,
            "until_at": to_text(until.at) if until else LATEST_TEXT,
            "first_day": str(since.day) if since else EARLIEST_TEXT,
            "last_day": str(until.day) if until else LATEST_TEXT,
            **{name: json.dumps(_number(name, names)) for name, names in question.names.items()},
        }
        for name in (each for each in _PLACES if each in question.names):
            codes = [code for slug in question.names[name] for code in self.list_codes(name, slug)]
            values[f"{name}_codes"] = json.dumps(codes)
        return _make_where(export, question), values

    def _iterate_whole_rows(self, sql: str, values: Mapping[str, Any]) -> Iterator[list[Row]]:
        """Rows, some at a time; from the first one on that is no UTF-8, with a look at each text."""
        with wrap_errors(self.path):
            given = 0
            try:
                for rows in self._fetch_some_rows(sql, values):
                    yield rows
                    given += len(rows)
            except sqlite3.OperationalError as error:
                if "decode" not in str(error):
                    raise
                yield from self._repair_rows(sql, values, after=given)

    def _fetch_some_rows(self, sql: str, values: Mapping[str, Any]) -> Iterator[list[Row]]:
        cursor = self._connection.cursor()
        cursor.row_factory = None
        cursor.execute(sql, values)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows

    def _repair_rows(self, sql: str, values: Mapping[str, Any], *, after: int) -> Iterator[list[Row]]:
        """The same rows in the same order, from the one on that could not be read: a look at each text costs time."""
        usual = self._connection.text_factory
        self._connection.text_factory = lambda read: read.decode("utf-8", "replace")
        try:
            for rows in self._fetch_some_rows(sql, values):
                if rows[after:]:
                    yield rows[after:]
                after = max(after - len(rows), 0)
        finally:
            self._connection.text_factory = usual


def _choose(name: str, export: Export, looked_up: Container[str]) -> str:
    if name in looked_up:
        return f"NULL AS {name}"
    if name == TEXT_COLUMN and export.full_text:
        return f"(SELECT a.text FROM articles AS a WHERE a.id = {export.relation}.article_id) AS {name}"  # noqa: S608
    return name


def _make_where(export: Export, question: Question) -> str:
    conditions = CONDITIONS[export.scope]
    chosen: list[str] = []
    if question.since or question.until:
        chosen.append(conditions[question.basis])
    places = [conditions[name] for name in _PLACES if name in question.names]
    if export.scope == "coverage" and places:  # each of its rows is of one place
        places = [" OR ".join(f"({place})" for place in places)]
    chosen += [*places, *(conditions[name] for name in question.names if name not in _PLACES)]
    return f"WHERE {' AND '.join(f'({each})' for each in chosen)}" if chosen else ""


def _number(name: str, values: Sequence[str]) -> list[Any]:
    return [int(value) for value in values] if name == "komwil" else list(values)
