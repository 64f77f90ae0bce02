"""The rows of backfills: requests, steps, links that wait. A part of `Store`; writes belong into its transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import date, datetime

from aggregator.adapters import get_adapter
from aggregator.archives import Backfill, Position, Step, StepState, WaitingLink, Way
from aggregator.instants import from_text, to_text
from aggregator.models import ArticleLink
from aggregator.store_base import StoreBase
from aggregator.urls import make_url_key

_COUNTS = ("requests", "pages_read", "kept", "outside", "failed")


class BackfillRows(StoreBase):
    """Backfills, their steps, and the links that they have still to read."""

    # ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────

    def find_backfill(self, source_id: str, since: date, until: date | None) -> Backfill | None:
        rows = self._rows(
            "SELECT * FROM backfills WHERE source_id = :source AND since = :since AND until IS :until",
            source=source_id,
            since=since.isoformat(),
            until=until.isoformat() if until else None,
        )
        return _make_backfill(rows[0]) if rows else None

    def add_backfill(self, source_id: str, since: date, until: date | None, now: datetime) -> int:
        cursor = self._connection.execute(
            "INSERT INTO backfills (source_id, since, until, started_at) VALUES (?, ?, ?, ?)",
            (source_id, since.isoformat(), until.isoformat() if until else None, to_text(now)),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def count_backfill(self, backfill_id: int, **counts: int) -> None:
        """Adds to what it has come to."""
        changes = ", ".join(f"{name} = {name} + :{name}" for name in _COUNTS)
        self._connection.execute(
            f"UPDATE backfills SET {changes} WHERE id = :id",  # noqa: S608 - our own column names
            {**dict.fromkeys(_COUNTS, 0), **counts, "id": backfill_id},
        )

    def hold_backfill(self, backfill_id: int, free_at: datetime) -> None:
        """Records that the portal wants to be left alone until then."""
        self._connection.execute("UPDATE backfills SET free_at = ? WHERE id = ?", (to_text(free_at), backfill_id))

    def finish_backfill(self, backfill_id: int, now: datetime) -> None:
        self._connection.execute("UPDATE backfills SET finished_at = ? WHERE id = ?", (to_text(now), backfill_id))

    # ── steps ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def get_steps(self, backfill_id: int) -> list[Step]:
        """In the order in which they are to be gone."""
        rows = self._rows("SELECT * FROM backfill_steps WHERE backfill_id = :id ORDER BY place, id", id=backfill_id)
        return [_make_step(row) for row in rows]

    def add_steps(self, backfill_id: int, steps: Iterable[Step], *, after: Step | None = None) -> None:
        """Plans steps: at the end, or right after a step."""
        place = self._value("SELECT place FROM backfill_steps WHERE id = :id", id=after.id) if after else None
        if place is None:
            place = self._value(
                "SELECT coalesce(max(place), 0) + 1 FROM backfill_steps WHERE backfill_id = :id", id=backfill_id
            )
        self._connection.executemany(
            "INSERT INTO backfill_steps (backfill_id, place, way, term, url, state, position)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (backfill_id, place + (0 if after else number), step.way, step.term, step.url, step.state, _pack(step))
                for number, step in enumerate(steps)
            ],
        )

    def write_step(self, step: Step) -> None:
        self._connection.execute(
            "UPDATE backfill_steps SET state = :state, reason = :reason, attempts = :attempts, links = :links,"
            " wanted = :wanted, position = :position WHERE id = :id",
            {
                "state": step.state,
                "reason": step.reason,
                "attempts": step.attempts,
                "links": step.links,
                "wanted": step.wanted,
                "position": _pack(step),
                "id": step.id,
            },
        )

    # ── links that wait ────────────────────────────────────────────────────────────────────────────────────────────

    def find_known(self, keys: Collection[str], source_id: str) -> set[str]:
        """Which of these URL keys were ever seen, on a channel or by a backfill of that source, or taken down.

        What others led to is to be heard from itself, too.
        """
        rows = self._rows(
            "SELECT k.value AS key FROM json_each(:keys) AS k WHERE EXISTS (SELECT 1 FROM links WHERE key = k.value"
            " AND coalesce(found_by, :source) = :source AND (source_id = :source OR read_at IS NOT NULL))"
            " OR EXISTS (SELECT 1 FROM foreign_links WHERE key = k.value AND source_id = :source)"
            " OR EXISTS (SELECT 1 FROM takedowns WHERE key = k.value)",
            keys=json.dumps(list(keys)),
            source=source_id,
        )
        return {row["key"] for row in rows}

    def queue_links(self, backfill_id: int, links: Iterable[ArticleLink]) -> int:
        """Has these links read, but for those that wait already; returns how many were added."""
        rows = [
            (
                backfill_id,
                make_url_key(link.url),
                get_adapter(ArticleLink).dump_json(link).decode(),
                not link.content_html,
            )
            for link in links
        ]
        before = self._connection.total_changes
        self._connection.executemany(
            "INSERT OR IGNORE INTO backfill_links (backfill_id, key, link, has_page) VALUES (?, ?, ?, ?)", rows
        )
        return self._connection.total_changes - before

    def take_links(self, backfill_id: int, run_started: datetime, *, pages: int, texts: int) -> list[WaitingLink]:
        """The links whose turn it is, at most so many whose page must be asked for, and so many with their full text.

        What has failed since the run started waits for the next one.
        """
        taken: list[WaitingLink] = []
        for has_page, most in ((0, texts), (1, pages)):
            rows = self._rows(
                "SELECT id, link, attempts FROM backfill_links WHERE backfill_id = :id AND has_page = :has_page"
                " AND (tried_at IS NULL OR tried_at < :started) ORDER BY id LIMIT :most",
                id=backfill_id,
                has_page=has_page,
                started=to_text(run_started),
                most=most,
            )
            taken += (
                WaitingLink(
                    id=row["id"], link=get_adapter(ArticleLink).validate_json(row["link"]), attempts=row["attempts"]
                )
                for row in rows
            )
        return taken

    def drop_links(self, ids: Iterable[int]) -> None:
        """Takes links out of those that wait: what became of them stands elsewhere."""
        self._connection.executemany("DELETE FROM backfill_links WHERE id = ?", [(found,) for found in ids])

    def delay_links(self, ids: Iterable[int], now: datetime) -> None:
        """Leaves links that failed for now to the next run."""
        self._connection.executemany(
            "UPDATE backfill_links SET attempts = attempts + 1, tried_at = ? WHERE id = ?",
            [(to_text(now), found) for found in ids],
        )

    def count_waiting(self, backfill_id: int) -> tuple[int, int]:
        """(links that wait, those of them whose page must be asked for)"""
        row = self._rows(
            "SELECT count(*) AS links, coalesce(sum(has_page), 0) AS pages FROM backfill_links WHERE backfill_id = :id",
            id=backfill_id,
        )[0]
        return row["links"], row["pages"]


def _pack(step: Step) -> str:
    return json.dumps(asdict(step.position), ensure_ascii=False, separators=(",", ":"))


def _make_step(row: sqlite3.Row) -> Step:
    return Step(
        id=row["id"],
        way=Way(row["way"]),
        url=row["url"],
        term=row["term"],
        state=StepState(row["state"]),
        reason=row["reason"],
        attempts=row["attempts"],
        links=row["links"],
        wanted=row["wanted"],
        position=get_adapter(Position).validate_json(row["position"]),
    )


def _make_backfill(row: sqlite3.Row) -> Backfill:
    return Backfill(
        id=row["id"],
        source_id=row["source_id"],
        since=date.fromisoformat(row["since"]),
        until=date.fromisoformat(row["until"]) if row["until"] else None,
        started_at=from_text(row["started_at"]),
        finished_at=from_text(row["finished_at"]) if row["finished_at"] else None,
        free_at=from_text(row["free_at"]) if row["free_at"] else None,
        **{name: row[name] for name in _COUNTS},
    )
