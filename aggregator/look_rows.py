"""The rows of instant alerts: how far each has looked, and what it has told. A part of `Store`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from aggregator.feeds import ALL
from aggregator.instants import from_text, to_text
from aggregator.store_base import StoreBase

FOLLOWED = timedelta(days=7)  # for so long a story that was told is known as one


class LookRows(StoreBase):
    """Instant alerts; writes belong into the caller's transaction where it says so."""

    def get_newest_place(self) -> int:
        """The place of the newest item in the feed of everything; 0 while there is none."""
        of_all = "(SELECT id FROM feeds WHERE name = :all)"
        sql = f"SELECT max(place) FROM feed_items WHERE feed_id = {of_all} AND archived = 0"  # noqa: S608 - our own words
        return int(self._value(sql, all=ALL) or 0)

    def get_look(self, alert: str) -> tuple[int, datetime] | None:
        """(place, when): how far an alert has looked; None: it never has."""
        rows = self._rows("SELECT place, looked_at FROM alert_looks WHERE alert = :alert", alert=alert)
        return (rows[0]["place"], from_text(rows[0]["looked_at"])) if rows else None

    def write_look(self, alert: str, place: int, now: datetime) -> None:
        """In the caller's transaction."""
        self._insert_or_replace("alert_looks", {"alert": alert, "place": place, "looked_at": to_text(now)})

    def get_told_stories(self, alert: str, now: datetime) -> dict[int, tuple[datetime, int]]:
        """story → (when it was last told, pieces of news that wait), of those told lately."""
        rows = self._rows(_TOLD_STORIES, alert=alert, since=to_text(now - FOLLOWED))
        return {row["story_id"]: (from_text(row["told_at"]), row["waiting"]) for row in rows}

    def write_told_stories(self, alert: str, stories: Mapping[int, tuple[datetime, int]], now: datetime) -> None:
        """Story by story, as `get_told_stories` gives them; in the caller's transaction."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO alert_stories VALUES (?, ?, ?, ?)",
            [(alert, story_id, to_text(told_at), waiting) for story_id, (told_at, waiting) in stories.items()],
        )
        self._connection.execute("DELETE FROM alert_stories WHERE told_at <= ?", (to_text(now - FOLLOWED),))

    def get_told_groups(self, alert: str) -> set[int]:
        """Pieces of news that were told lately, and those that they were found to be copies of."""
        rows = self._rows(_TOLD_GROUPS, alert=alert)
        return {row["group_id"] for row in rows}

    def write_told_groups(self, alert: str, group_ids: Iterable[int], now: datetime) -> None:
        """In the caller's transaction."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO alert_groups VALUES (?, ?, ?)", [(alert, each, to_text(now)) for each in group_ids]
        )
        self._connection.execute(
            "DELETE FROM alert_groups WHERE alert = ? AND told_at <= ?", (alert, to_text(now - FOLLOWED))
        )

    # ── silence ────────────────────────────────────────────────────────────────────────────────────────────────────

    def find_quiet_sources(self) -> dict[str, str]:
        """id → kind of the sources of which far less comes than usual, as the check of health has it."""
        rows = self._rows(
            "SELECT s.id, s.kind FROM alarms AS a CROSS JOIN sources AS s ON s.id = a.source_id"
            " WHERE a.until IS NULL AND a.code = 'quiet' AND s.enabled"
        )
        return {row["id"]: row["kind"] for row in rows}

    def find_silent_sources(self, since: datetime) -> dict[str, str]:
        """id → kind of the sources that gave nothing new since then, and were asked before and after it."""
        rows = self._rows(_SILENT, since=to_text(since))
        return {row["id"]: row["kind"] for row in rows}

    def get_told_silences(self, alert: str) -> set[str]:
        """Sources whose silence was told, and not yet its end."""
        rows = self._rows("SELECT source_id FROM alert_silences WHERE alert = :alert", alert=alert)
        return {row["source_id"] for row in rows}

    def write_silences(self, alert: str, began: Iterable[str], ended: Iterable[str], now: datetime) -> None:
        """In the caller's transaction."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO alert_silences VALUES (?, ?, ?)", [(alert, each, to_text(now)) for each in began]
        )
        self._connection.executemany(
            "DELETE FROM alert_silences WHERE alert = ? AND source_id = ?", [(alert, each) for each in ended]
        )

    def find_posting_sources(self, source_ids: Collection[str], since: datetime) -> set[str]:
        """Those of these sources that are on and gave anything new since then."""
        rows = self._rows(_POSTING, ids=json.dumps([*source_ids]), since=to_text(since))
        return {row["id"] for row in rows}

    def describe_sources(self, source_ids: Collection[str]) -> list[dict[str, Any]]:
        """id, name, and last_at (a day in WIB, "": never), on which anything new came, by name."""
        rows = self._rows(_DESCRIBE_SOURCES, ids=json.dumps([*source_ids]))
        return [dict(row) for row in rows]


_TOLD_STORIES = """
    SELECT story_id, max(told_at) AS told_at, max(waiting) AS waiting FROM (
        SELECT story_id, told_at, waiting FROM alert_stories WHERE alert = :alert
        UNION ALL
        SELECT coalesce(m.story_id, g.story_id), told_at, 0
        FROM alert_groups AS a CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
            LEFT JOIN duplicate_groups AS m ON m.id = g.merged_into
        WHERE alert = :alert
    ) WHERE story_id IS NOT NULL AND told_at > :since GROUP BY story_id
"""
_TOLD_GROUPS = """
    SELECT group_id FROM alert_groups WHERE alert = :alert
    UNION
    SELECT g.merged_into FROM alert_groups AS a CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
    WHERE alert = :alert AND g.merged_into IS NOT NULL
"""
_SILENT = """
    SELECT s.id, s.kind FROM sources AS s
    WHERE s.enabled
        AND NOT EXISTS (SELECT * FROM channels AS c CROSS JOIN polls AS p ON p.channel_id = c.id
            WHERE c.source_id = s.id AND p.started_at >= :since AND p.posts > 0)
        AND EXISTS (SELECT * FROM channels AS c CROSS JOIN polls AS p ON p.channel_id = c.id
            WHERE c.source_id = s.id AND p.started_at < :since)
        AND EXISTS (SELECT * FROM channels AS c CROSS JOIN polls AS p ON p.channel_id = c.id
            WHERE c.source_id = s.id AND p.started_at >= :since)
"""
_POSTING = """
    SELECT s.id FROM json_each(:ids) AS k CROSS JOIN sources AS s ON s.id = k.value
    WHERE s.enabled AND EXISTS (SELECT * FROM channels AS c CROSS JOIN polls AS p ON p.channel_id = c.id
        WHERE c.source_id = s.id AND p.started_at >= :since AND p.posts > 0)
"""
_DESCRIBE_SOURCES = """
    SELECT s.id, s.name, coalesce((SELECT max(day_wib) FROM source_days AS d WHERE d.source_id = s.id AND d.posts > 0),
        '') AS last_at
    FROM json_each(:ids) AS k CROSS JOIN sources AS s ON s.id = k.value ORDER BY s.name, s.id
"""
