"""The rows of stories. A part of `Store`; writes belong into its transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from aggregator.instants import to_text
from aggregator.rule_rows import LIVE
from aggregator.store_base import StoreBase

MERGES_FOLLOWED = 20  # from a story to the one that it leads to; a longer way is a circle

_WINDOW = f"""
    SELECT g.id AS group_id, g.story_id, g.is_told, a.id AS article_id, a.source_id, a.published_at,
        coalesce(a.revised_at, a.first_seen_at) AS version, t.terms,
        (SELECT group_concat(r.code) FROM article_regions AS r
            WHERE r.article_id = a.id AND r.role = 'event' AND length(r.code) > 2) AS cities,
        (SELECT group_concat(r.code) FROM article_regions AS r
            WHERE r.article_id = a.id AND length(r.code) > 2) AS named
    FROM articles AS a CROSS JOIN duplicate_groups AS g ON g.id = a.group_id AND g.canonical_id = a.id
    LEFT JOIN story_terms AS t
        ON t.group_id = g.id AND t.article_id = a.id AND t.version = coalesce(a.revised_at, a.first_seen_at)
    WHERE {LIVE}
"""  # noqa: S608 - our own words; codes of provinces have two digits. CROSS JOIN: from the articles by date, not all groups


class StoryRows(StoreBase):
    """Terms, likeness and stories of groups."""

    def find_untold_groups(self) -> list[dict[str, Any]]:
        """Groups that changed since a look saw them, by publication: group_id, story_id, published_at, and is_settled
        where they stay in their story because their text was let go."""
        rows = self._rows(
            f"""
            SELECT g.id AS group_id, g.story_id, a.published_at,
                g.story_id IS NOT NULL AND a.text_dropped_at IS NOT NULL AS is_settled
            FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id AND a.group_id = g.id
            WHERE {LIVE} AND NOT g.is_told ORDER BY a.published_at, g.id
            """  # noqa: S608 - our own words
        )
        return [dict(row) for row in rows]

    def mark_told(self, group_ids: Iterable[int]) -> None:
        self._connection.executemany(
            "UPDATE duplicate_groups SET is_told = 1 WHERE id = ? AND NOT is_told", [(key,) for key in group_ids]
        )

    def get_window(self, since: datetime, until: datetime, *, most: int) -> list[dict[str, Any]]:
        """The groups published in that time, at most so many of the newest; `terms` is None until they are written.

        Without those whose text was let go and of which no terms are kept: they stay in the stories that they are in.
        """
        rows = self._rows(
            f"{_WINDOW} AND (a.text_dropped_at IS NULL OR t.terms IS NOT NULL)"
            " AND a.published_at BETWEEN :since AND :until ORDER BY a.published_at DESC, g.id LIMIT :most",
            since=to_text(since),
            until=to_text(until),
            most=most,
        )
        return [{**row, "terms": json.loads(row["terms"]) if row["terms"] else None} for row in rows]

    def get_group_title(self, group_id: int) -> str:
        """The title that a group is shown under."""
        sql = "SELECT a.title FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id WHERE g.id = :id"
        return str(self._value(sql, id=group_id))

    def get_title_and_text(self, article_id: int) -> tuple[str, str]:
        row = self._rows("SELECT title, text FROM articles WHERE id = :id", id=article_id)[0]
        return row["title"], row["text"]

    def write_terms(self, group_id: int, article_id: int, version: str, terms: Mapping[str, float]) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO story_terms VALUES (?, ?, ?, ?)",
            (group_id, article_id, version, json.dumps(terms, ensure_ascii=False, separators=(",", ":"))),
        )

    def get_likeness(self, group_ids: Collection[int]) -> dict[tuple[int, int], float]:
        """(earlier, later) → likeness, among these groups."""
        rows = self._rows(
            "SELECT a, b, likeness FROM story_likeness"
            " WHERE a IN (SELECT value FROM json_each(:ids)) AND b IN (SELECT value FROM json_each(:ids))",
            ids=json.dumps(list(group_ids)),
        )
        return {(row["a"], row["b"]): row["likeness"] for row in rows}

    def replace_likeness(self, group_ids: Collection[int], likeness: Mapping[tuple[int, int], float]) -> None:
        """Makes this the likeness of these groups with all others."""
        for column in ("a", "b"):
            self._connection.execute(
                f"DELETE FROM story_likeness WHERE {column} IN (SELECT value FROM json_each(?))",  # noqa: S608 - our own
                (json.dumps(list(group_ids)),),
            )
        self._connection.executemany(
            "INSERT OR REPLACE INTO story_likeness VALUES (?, ?, ?)",
            [(a, b, round(value, 4)) for (a, b), value in likeness.items()],
        )

    def prune_stories(self, before: datetime) -> None:
        """Forgets terms and likeness of groups published before; no look compares them again. The stories stay."""
        self._connection.execute(
            "DELETE FROM story_likeness WHERE b IN (SELECT g.id FROM duplicate_groups AS g"
            " JOIN articles AS a ON a.id = g.canonical_id WHERE a.published_at < ?)",
            (to_text(before),),
        )
        self._connection.execute(
            "DELETE FROM story_terms WHERE article_id IN (SELECT id FROM articles WHERE published_at < ?)",
            (to_text(before),),
        )

    def find_story(self, story_id: int) -> int | None:
        """The story that a number stands for by now: its own, or the one that it leads to; None: there is none."""
        for _ in range(MERGES_FOLLOWED):
            rows = self._rows("SELECT merged_into FROM stories WHERE id = :id", id=story_id)
            if not rows:
                return None
            if rows[0]["merged_into"] is None:
                return story_id
            story_id = rows[0]["merged_into"]
        return None

    def get_suspects(self, group_id: int) -> dict[str, Any]:
        """Where to look when a group seems too large: its story_id, and as `suspects` the two of its articles that hold
        together least, or its canonical article where no decision joins any two."""
        group = self._rows("SELECT story_id, canonical_id FROM duplicate_groups WHERE id = :id", id=group_id)[0]
        weakest = self._rows(
            """
            SELECT e.a, e.b FROM articles AS m CROSS JOIN duplicate_edges AS e ON e.a = m.id
            CROSS JOIN articles AS o ON o.id = e.b AND o.group_id = m.group_id
            WHERE m.group_id = :id AND e.accepted ORDER BY e.score, e.alignment, e.a, e.b LIMIT 1
            """,
            id=group_id,
        )
        suspects = tuple(weakest[0]) if weakest else (group["canonical_id"],)
        return {"story_id": group["story_id"], "suspects": suspects}

    def get_stories(self, story_ids: Collection[int]) -> list[dict[str, Any]]:
        """These stories, oldest first."""
        rows = self._rows(
            "SELECT * FROM stories WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY first_seen_at, id",
            ids=json.dumps(list(story_ids)),
        )
        return [dict(row) for row in rows]

    def get_stories_of_groups(self, group_ids: Collection[int | None]) -> list[dict[str, Any]]:
        """group_id and story_id of these groups."""
        rows = self._rows(
            "SELECT id AS group_id, story_id FROM duplicate_groups WHERE id IN (SELECT value FROM json_each(:ids))",
            ids=json.dumps([key for key in group_ids if key is not None]),
        )
        return [dict(row) for row in rows]

    def add_story(self, now: datetime) -> int:
        """An empty story, to be described."""
        cursor = self._connection.execute(
            "INSERT INTO stories (title, first_seen_at, last_seen_at, why, updated_at) VALUES ('', '', '', '[]', ?)",
            (to_text(now),),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def move_groups(self, group_ids: Iterable[int], story_id: int) -> None:
        self._connection.executemany(
            "UPDATE duplicate_groups SET story_id = ? WHERE id = ?", [(story_id, group_id) for group_id in group_ids]
        )

    def merge_story(self, story_id: int, into: int, now: datetime) -> None:
        """Leads a story, and all that led to it, to another; its groups go along."""
        self._connection.execute("UPDATE duplicate_groups SET story_id = ? WHERE story_id = ?", (into, story_id))
        self._connection.execute(
            "UPDATE stories SET merged_into = :into, updated_at = :now WHERE id = :id OR merged_into = :id",
            {"into": into, "now": to_text(now), "id": story_id},
        )

    def describe_story(self, story_id: int, title: str, why: Collection[str], now: datetime) -> bool:
        """Writes what a story is; False where nothing has changed."""
        cursor = self._connection.execute(
            f"""
            UPDATE stories SET title = :title, why = :why, first_seen_at = span.first, last_seen_at = span.last,
                merged_into = NULL, updated_at = :now
            FROM (SELECT min(a.published_at) AS first, max(a.published_at) AS last
                  FROM duplicate_groups AS g JOIN articles AS a ON a.group_id = g.id
                  WHERE g.story_id = :id AND {LIVE}) AS span
            WHERE id = :id AND span.first IS NOT NULL
                AND (title, why, first_seen_at, last_seen_at) IS NOT (:title, :why, span.first, span.last)
            """,  # noqa: S608 - our own words
            {"id": story_id, "title": title, "why": json.dumps(list(why), ensure_ascii=False), "now": to_text(now)},
        )
        return bool(cursor.rowcount)

    def settle_empty_stories(self, now: datetime) -> None:
        """Leads stories whose groups were all merged into others to the stories of those."""
        rows = self._rows(
            f"""
            SELECT DISTINCT s.id, heir.story_id AS into_id
            FROM stories AS s JOIN duplicate_groups AS gone ON gone.story_id = s.id AND gone.merged_into IS NOT NULL
            JOIN duplicate_groups AS heir ON heir.id = gone.merged_into
            WHERE s.merged_into IS NULL AND heir.story_id IS NOT NULL AND heir.story_id <> s.id
                AND NOT EXISTS (SELECT 1 FROM duplicate_groups AS g WHERE g.story_id = s.id AND {LIVE})
            """  # noqa: S608 - our own words
        )
        for row in rows:
            self.merge_story(row["id"], row["into_id"], now)
