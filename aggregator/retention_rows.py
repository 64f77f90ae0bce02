"""Lets go what is no longer kept. A part of `Store`.

Each step is a transaction of its own, so that nobody who writes or waits is kept for long. Rows are walked by their
primary key.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from aggregator.instants import to_text
from aggregator.policy_rows import MAY_BE_REPUBLISHED, Policy, Way
from aggregator.retention import OPENING, cut_opening
from aggregator.store_base import StoreBase, wrap_errors

SAMPLE = 200  # rows by which the size of what would go is estimated
TEXTS_AT_ONCE = 250  # a quarter of a second


class Due(NamedTuple):
    """What goes by a policy."""

    rows: int = 0
    oldest: str = ""  # `age` of the oldest; "" where nothing goes
    bytes: int = 0  # about


class TextDue(NamedTuple):
    """An article whose full text goes."""

    id: int
    key: str
    page_file: str
    seen_at: str


_TEXTS_DUE = f"""
    FROM articles AS a WHERE a.first_seen_at < :before AND (a.first_seen_at, a.id) > (:at, :id)
        AND a.text_dropped_at IS NULL AND length(a.text) > {OPENING} AND NOT ({MAY_BE_REPUBLISHED})
"""


class RetentionRows(StoreBase):
    """What is let go."""

    # ── what would go ──────────────────────────────────────────────────────────────────────────────────────────────

    def measure(self, policy: Policy, before: datetime) -> Due:
        """What goes by a policy of rows or texts; reads only."""
        if policy.way is Way.TEXTS:
            values = {"before": to_text(before), "at": "", "id": 0}
            row = self._rows(f"SELECT count(*) AS n, min(a.first_seen_at) AS oldest {_TEXTS_DUE}", **values)[0]
            size = self._value(
                f"SELECT avg(size) FROM (SELECT length(CAST(a.text AS BLOB)) - {OPENING} AS size {_TEXTS_DUE}"  # noqa: S608 - our own words
                f" LIMIT {SAMPLE})",
                **values,
            )
            return Due(row["n"], row["oldest"] or "", round(row["n"] * (size or 0)))
        due = f"FROM {policy.table} AS t WHERE {policy.age} < :before AND {policy.only}"
        at = _write_age(policy, before)
        row = self._rows(f"SELECT count(*) AS n, min({policy.age}) AS oldest {due}", before=at)[0]
        size = self._value(
            f"SELECT avg(size) FROM (SELECT {self._sum_columns(policy)} AS size {due} LIMIT {SAMPLE})",  # noqa: S608 - our own words
            before=at,
        )
        return Due(row["n"], row["oldest"] or "", round(row["n"] * (size or 0)))

    def _sum_columns(self, policy: Policy) -> str:
        names = ["text", "difference"] if policy.way is Way.CHANGE else self._list_columns(policy.table)
        return " + ".join(f"coalesce(length(CAST(t.{name} AS BLOB)), 0)" for name in names)

    def _list_columns(self, table: str) -> list[str]:
        return [row["name"] for row in self._rows("SELECT name FROM pragma_table_info(:table)", table=table)]

    def count_free_bytes(self) -> int:
        """Room inside the file that new rows use before it grows."""
        return int(self._value("PRAGMA freelist_count")) * int(self._value("PRAGMA page_size"))

    # ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def prune_rows(self, policy: Policy, before: datetime) -> Iterator[int]:
        """Lets go what is due, in steps that are a transaction each; yields how many rows those were."""
        after: tuple[Any, ...] | None = None
        with self._trusting(policy):
            while True:
                last = self._find_end(policy, after)
                yield self._prune_between(policy, _write_age(policy, before), after, last)
                if last is None or (policy.is_rising and last[-1] >= _write_age(policy, before)):
                    return
                after = last[:-1]

    def _find_end(self, policy: Policy, after: Sequence[Any] | None) -> tuple[Any, ...] | None:
        """The key, and the age, of the last row of the next step; None: what follows is the last step."""
        keys = ", ".join(f"t.{name}" for name in policy.key)
        begin, values = _bound(policy, ">", after)
        rows = self._rows(
            f"SELECT {keys}, coalesce({policy.age}, '') FROM {policy.table} AS t WHERE {begin}"  # noqa: S608 - our own words
            f" ORDER BY {keys} LIMIT 1 OFFSET {policy.at_once - 1}",
            **values,
        )
        return tuple(rows[0]) if rows else None

    def _prune_between(
        self, policy: Policy, before: str, after: Sequence[Any] | None, last: Sequence[Any] | None
    ) -> int:
        begin, values = _bound(policy, ">", after)
        end, more = _bound(policy, "<=", last[:-1] if last else None)
        do = f"UPDATE {policy.table} AS t SET {policy.change}" if policy.change else f"DELETE FROM {policy.table} AS t"  # noqa: S608 - our own words
        sql = f"{do} WHERE {begin} AND {end} AND {policy.age} < :before AND {policy.only}"
        with self.transaction():
            return self._connection.execute(sql, {**values, **more, "before": before}).rowcount

    @contextmanager
    def _trusting(self, policy: Policy) -> Iterator[None]:
        if not policy.trusts_itself:
            yield
            return
        with wrap_errors(self.path):
            self._connection.execute("PRAGMA foreign_keys = OFF")
            try:
                yield
            finally:
                self._connection.execute("PRAGMA foreign_keys = ON")

    # ── texts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def list_texts_due(self, before: datetime, *, after: TextDue | None, most: int) -> list[TextDue]:
        """The next articles whose full text goes, the oldest first."""
        rows = self._rows(
            f"SELECT a.id, a.url_key, a.page_file, a.first_seen_at {_TEXTS_DUE}"
            " ORDER BY a.first_seen_at, a.id LIMIT :most",
            before=to_text(before),
            at=after.seen_at if after else "",
            id=after.id if after else 0,
            most=most,
        )
        return [TextDue(*row) for row in rows]

    def drop_texts(self, article_ids: Collection[int], now: datetime) -> int:
        """Lets go all of these texts but their openings, in the caller's transaction; returns the bytes.

        What is published of them is made from the openings, so nothing needs to be published again.
        """
        ids, dropped = json.dumps([*article_ids]), 0
        waiting = [row["group_id"] for row in self._rows(_WAITING, ids=ids)]
        for row in self._rows("SELECT id, text FROM articles WHERE id IN (SELECT value FROM json_each(:ids))", ids=ids):
            opening = cut_opening(row["text"])
            dropped += len(row["text"].encode()) - len(opening.encode())
            self._connection.execute(
                "UPDATE articles SET text = ?, text_dropped_at = ? WHERE id = ?", (opening, to_text(now), row["id"])
            )
        self._connection.execute(_SETTLE, {"ids": ids, "waiting": json.dumps(waiting)})
        return dropped

    # ── the file ───────────────────────────────────────────────────────────────────────────────────────────────────

    def vacuum(self) -> None:
        """Writes the whole file anew without what is free in it; needs twice its size on the disk meanwhile."""
        with wrap_errors(self.path):
            with self.transaction():
                self._connection.execute("INSERT INTO articles_fts (articles_fts) VALUES ('optimize')")
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


_WAITING = """
    SELECT c.group_id FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.id = k.value
    CROSS JOIN changed_groups AS c ON c.group_id = a.group_id
"""
_SETTLE = """
    DELETE FROM changed_groups WHERE group_id NOT IN (SELECT value FROM json_each(:waiting)) AND group_id IN (
        SELECT a.group_id FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.id = k.value)
"""


def _write_age(policy: Policy, before: datetime) -> str:
    return to_text(before)[:10] if policy.by_day else to_text(before)


def _bound(policy: Policy, sign: str, key: Sequence[Any] | None) -> tuple[str, dict[str, Any]]:
    """(a condition on the key, its values); without a key all rows."""
    if key is None:
        return "1", {}
    side = "begin" if sign == ">" else "end"
    names = [f"{side}_{place}" for place in range(len(key))]
    columns, marks = ", ".join(f"t.{name}" for name in policy.key), ", ".join(f":{name}" for name in names)
    return f"({columns}) {sign} ({marks})", dict(zip(names, key, strict=True))
