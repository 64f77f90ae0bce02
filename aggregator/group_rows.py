"""The rows of duplicates: sketches, decisions, groups. A part of `Store`; writes belong into its transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from aggregator.dedup import (
    CANDIDATES,
    EXACT_COPIES,
    GROUP_ALARM,
    MIN_SHARED,
    POSTINGS_READ,
    SKETCH_SHARED,
    Edge,
    Verdict,
)
from aggregator.instants import to_text
from aggregator.store_base import StoreBase

# Postings keep 47 bits of a shingle: SQLite stores such integers in six bytes, not eight. A prime, so that all count.
_POSTING_MODULUS = 140_737_488_355_213

HASH_BYTES = 6
DROPPED_LENGTH = 1_000_000  # characters; more than any text has
# Of two that came out at once the fuller one stands for both: one whose text was let go stays where it was.
_LENGTH = f"""iif(a.text_dropped_at IS NULL, length(a.text), {DROPPED_LENGTH} + EXISTS (
    SELECT 1 FROM duplicate_groups AS c WHERE c.id = a.group_id AND c.canonical_id = a.id)) AS length"""  # noqa: S608
# Where its page had another text when it was first seen, it is seen since that was replaced.
_SIGHTING = """a.unseen_at, CASE WHEN a.unseen_at < a.first_seen_at OR a.unseen_at IS NULL THEN a.first_seen_at
    ELSE coalesce(a.revised_at, a.first_seen_at) END AS seen_at"""
_LIGHT = f"""a.id, a.source_id, a.group_id, a.url, a.published_at, a.published_precision, {_SIGHTING}, {_LENGTH},
    a.text_dropped_at IS NOT NULL AS is_dropped"""
_DELETE_UNSEEN = "DELETE FROM duplicate_groups WHERE id = ? AND guid IS NULL AND story_id IS NULL"
_WHOLE = f"{_LIGHT}, a.title, a.text"

_JOINING = """
    SELECT e.rule, e.score, e.alignment, e.decided_at, m.id AS other, m.url
    FROM articles AS x JOIN duplicate_groups AS g ON g.id = x.group_id AND g.canonical_id <> x.id
    JOIN duplicate_edges AS e ON (e.a = x.id OR e.b = x.id) AND e.accepted
    JOIN articles AS m ON m.id = e.a + e.b - x.id AND m.group_id = x.group_id
    WHERE x.id = :id ORDER BY m.id = g.canonical_id DESC, e.score DESC, e.alignment DESC, m.id LIMIT 1
"""


_TWINS = """
    SELECT article_id FROM sketches WHERE text_hash = (
        SELECT text_hash FROM sketches WHERE article_id = :{0} AND text_hash <> x'')
    UNION SELECT :{0}
"""
_RECALL = f"""
    WITH ones (id) AS ({_TWINS.format("one")}), others (id) AS ({_TWINS.format("other")})
    SELECT e.accepted, e.rule, e.score, e.alignment, e.of_a, e.of_b
    FROM ones CROSS JOIN duplicate_edges AS e ON e.a = ones.id WHERE e.b IN (SELECT id FROM others)
    UNION ALL
    SELECT e.accepted, e.rule, e.score, e.alignment, e.of_b, e.of_a
    FROM ones CROSS JOIN duplicate_edges AS e ON e.b = ones.id WHERE e.a IN (SELECT id FROM others)
    ORDER BY 1 DESC, 3 DESC LIMIT 1
"""  # noqa: S608 - our own words


class GroupRows(StoreBase):
    """Sketches, edges and groups."""

    # ── sketches ───────────────────────────────────────────────────────────────────────────────────────────────────

    def write_sketch(self, article_id: int, text_hash: str, sketch: Collection[int]) -> None:
        """Makes the article a candidate for those that come after it; without a sketch only for its very own text."""
        self.erase_sketch(article_id)
        packed = pack_sketch(sketch)
        self._connection.execute(
            "INSERT OR REPLACE INTO sketches VALUES (?, ?, ?)", (article_id, bytes.fromhex(text_hash), packed)
        )
        self._connection.executemany(
            "INSERT INTO postings VALUES (?, ?)", [(value, article_id) for value in unpack_sketch(packed)]
        )

    def has_sketch(self, article_id: int, text_hash: str, sketch: Collection[int]) -> bool:
        """Whether that is what the article was compared by."""
        rows = self._rows("SELECT text_hash, hashes FROM sketches WHERE article_id = :id", id=article_id)
        if not rows or rows[0]["text_hash"] != bytes.fromhex(text_hash):
            return False
        return rows[0]["hashes"] in (b"", pack_sketch(sketch))

    def erase_sketch(self, article_id: int) -> None:
        """Takes the article from among the candidates; its very own text is still known."""
        hashes = self._value("SELECT hashes FROM sketches WHERE article_id = :id", id=article_id)
        if hashes:
            self._connection.executemany(
                "DELETE FROM postings WHERE hash = ? AND article_id = ?",
                [(value, article_id) for value in unpack_sketch(hashes)],
            )
            self._connection.execute("UPDATE sketches SET hashes = x'' WHERE article_id = ?", (article_id,))

    def prune_sketches(self, before: datetime, *, most: int = 5_000) -> int:
        """Takes articles first seen before from among the candidates, at most so many at a time. Returns how many.

        Their very own texts are known for ever.
        """
        rows = self._rows(
            "SELECT s.article_id FROM articles AS a JOIN sketches AS s ON s.article_id = a.id"
            " WHERE a.first_seen_at < :before AND s.hashes <> x'' LIMIT :most",
            before=to_text(before),
            most=most,
        )
        for row in rows:
            self.erase_sketch(row["article_id"])
        return len(rows)

    def find_exact(self, text_hash: str, *, but: int) -> list[dict[str, Any]]:
        """The first articles with the very same text, of whatever age; not the article `but`."""
        if not text_hash:
            return []
        return self._members(
            _WHOLE,
            "JOIN sketches AS s ON s.article_id = a.id WHERE s.text_hash = :hash AND a.id <> :but"
            " ORDER BY a.id LIMIT :most",
            hash=bytes.fromhex(text_hash),
            but=but,
            most=EXACT_COPIES,
        )

    def find_candidates(self, sketch: Collection[int], *, but: int) -> list[dict[str, Any]]:
        """Articles that share a few of the sketch's hashes, the most alike first; not the article `but`."""
        hashes = [value % _POSTING_MODULUS for value in sketch]
        shared = self._count_shared(hashes)
        shared.pop(but, None)
        if not shared:
            return []
        sizes = self._rows(
            f"SELECT article_id AS id, length(hashes) / {HASH_BYTES} AS size FROM sketches"  # noqa: S608 - our own number
            " WHERE article_id IN (SELECT value FROM json_each(:ids))",
            ids=json.dumps(list(shared)),
        )
        alike = [row["id"] for row in sizes if shared[row["id"]] >= SKETCH_SHARED * min(len(hashes), row["size"])]
        return sorted(self.get_articles(alike), key=lambda row: (-shared[row["id"]], row["id"]))

    def _count_shared(self, hashes: Collection[int]) -> dict[int, int]:
        """article → hashes that it shares, of those that share the most; of each hash the newest articles count."""
        ids = self._value(
            """
            SELECT group_concat(ids) FROM (
                SELECT (SELECT group_concat(article_id) FROM (
                    SELECT article_id FROM postings WHERE hash = h.value ORDER BY article_id DESC LIMIT :most)) AS ids
                FROM json_each(:hashes) AS h)
            """,
            hashes=json.dumps(hashes),
            most=POSTINGS_READ,
        )
        counts = Counter(ids.split(",")) if ids else {}
        shared = [(int(key), count) for key, count in counts.items() if count >= MIN_SHARED]
        return dict(sorted(shared, key=lambda item: (-item[1], item[0]))[: CANDIDATES + 1])

    def find_recent_articles(self, since: datetime) -> list[dict[str, Any]]:
        """What grouping needs of the articles first seen since then that have their text, in order."""
        where = "WHERE a.first_seen_at >= :since AND a.text_dropped_at IS NULL ORDER BY a.id"
        return self._members(_WHOLE, where, since=to_text(since))

    def find_sketched_articles(self, since: datetime, *, after: int, most: int = 1_000) -> list[dict[str, Any]]:
        """What grouping needs of the candidates first seen since then, and of articles that have no sketch at all: in
        order, after that id."""
        return self._members(
            _WHOLE,
            "LEFT JOIN sketches AS s ON s.article_id = a.id"
            " WHERE a.id > :after AND a.first_seen_at >= :since AND s.hashes IS NOT x'' AND a.text_dropped_at IS NULL"
            " ORDER BY a.id LIMIT :most",
            after=after,
            since=to_text(since),
            most=most,
        )

    # ── decisions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def get_edges(self, article_ids: Collection[int]) -> list[Edge]:
        """The decisions that two of these articles carry the same text."""
        rows = self._rows(
            """
            SELECT * FROM duplicate_edges
            WHERE accepted AND a IN (SELECT value FROM json_each(:ids)) AND b IN (SELECT value FROM json_each(:ids))
            """,
            ids=json.dumps(list(article_ids)),
        )
        return [make_edge(row) for row in rows]

    def get_decision(self, article_id: int, other_id: int) -> dict[str, Any] | None:
        """The decision on two articles, `a` and `b` as stored."""
        rows = self._rows(
            "SELECT * FROM duplicate_edges WHERE (a = :one AND b = :other) OR (a = :other AND b = :one)",
            one=article_id,
            other=other_id,
        )
        return dict(rows[0]) if rows else None

    def recall_decision(self, article_id: int, other_id: int) -> Edge | None:
        """The decision on two articles, or on two with their very texts, the one in favour first; None: there is none.

        For articles whose texts were let go.
        """
        rows = self._rows(_RECALL, one=article_id, other=other_id)
        return make_edge({**rows[0], "a": article_id, "b": other_id}) if rows else None

    def find_joining(self, article_id: int) -> dict[str, Any] | None:
        """The decision that an article is in its group by: rule, score, alignment, decided_at, `other` and its `url`.

        Members of a group are connected by accepted decisions, so one that is not canonical has one at least with
        another member: that with the canonical article, else that with whom it is most alike. None: it is canonical, or
        alone.
        """
        rows = self._rows(_JOINING, id=article_id)
        return dict(rows[0]) if rows else None

    def get_compared(self, article_id: int) -> set[int]:
        """The articles that a decision names together with this one."""
        rows = self._rows(
            "SELECT b AS id FROM duplicate_edges WHERE a = :id UNION SELECT a FROM duplicate_edges WHERE b = :id",
            id=article_id,
        )
        return {row["id"] for row in rows}

    def replace_edges(self, article_id: int, edges: Iterable[Edge], now: datetime) -> None:
        """Makes these the decisions on an article."""
        self._connection.execute("DELETE FROM duplicate_edges WHERE a = ?", (article_id,))
        self._connection.execute("DELETE FROM duplicate_edges WHERE b = ?", (article_id,))
        self.add_edges(edges, now)

    def add_edges(self, edges: Iterable[Edge], now: datetime) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO duplicate_edges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    edge.a,
                    edge.b,
                    edge.verdict.is_duplicate,
                    edge.verdict.rule,
                    round(edge.verdict.containment, 4),
                    round(edge.verdict.alignment, 4),
                    round(edge.verdict.of_a, 4),
                    round(edge.verdict.of_b, 4),
                    to_text(now),
                )
                for edge in edges
            ],
        )

    # ── groups ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def get_group_members(self, group_ids: Collection[int]) -> list[dict[str, Any]]:
        """The articles of these groups, without their texts."""
        return self._members(
            _LIGHT, "WHERE a.group_id IN (SELECT value FROM json_each(:groups))", groups=json.dumps(list(group_ids))
        )

    def get_articles(self, article_ids: Collection[int]) -> list[dict[str, Any]]:
        """What grouping needs of these articles, texts included."""
        return self._members(
            _WHOLE, "WHERE a.id IN (SELECT value FROM json_each(:ids))", ids=json.dumps([*article_ids])
        )

    def get_canonical(self, group_id: int) -> dict[str, Any] | None:
        """The article that stands for a group, without its text."""
        rows = self._members(
            _LIGHT, "JOIN duplicate_groups AS g ON g.canonical_id = a.id WHERE g.id = :group", group=group_id
        )
        return rows[0] if rows and rows[0]["group_id"] == group_id else None

    def get_sighting(self, article_id: int) -> dict[str, Any]:
        """unseen_at: when its source was last read without the article, None if that is not known; seen_at: when it was
        first seen with the text that it has."""
        return self._members(_SIGHTING, "WHERE a.id = :id", id=article_id)[0]

    def count_members(self, group_id: int) -> int:
        return int(self._value("SELECT count(*) FROM articles WHERE group_id = :group", group=group_id))

    def get_groups(self, group_ids: Collection[int]) -> list[dict[str, Any]]:
        """These groups, the one published first first, unpublished ones last."""
        rows = self._rows(
            """
            SELECT * FROM duplicate_groups WHERE id IN (SELECT value FROM json_each(:ids))
            ORDER BY first_published_at IS NULL, first_published_at, id
            """,
            ids=json.dumps(list(group_ids)),
        )
        return [dict(row) for row in rows]

    def get_absorbed_groups(self, group_ids: Collection[int]) -> list[dict[str, Any]]:
        """The published groups that were merged into these, the one published first first."""
        rows = self._rows(
            """
            SELECT * FROM duplicate_groups
            WHERE merged_into IN (SELECT value FROM json_each(:ids)) AND guid IS NOT NULL
            ORDER BY first_published_at, id
            """,
            ids=json.dumps(list(group_ids)),
        )
        return [dict(row) for row in rows]

    def add_group(self, canonical_id: int, now: datetime) -> int:
        cursor = self._connection.execute(
            "INSERT INTO duplicate_groups (canonical_id, updated_at) VALUES (?, ?)", (canonical_id, to_text(now))
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def set_group(self, group_id: int, canonical_id: int, member_ids: Collection[int], now: datetime) -> None:
        """Makes the group these members, shown through `canonical_id`; it is in the feeds (again)."""
        self._connection.execute(
            "UPDATE duplicate_groups SET canonical_id = ?, updated_at = ?, merged_into = NULL, is_told = 0"
            " WHERE id = ?",
            (canonical_id, to_text(now), group_id),
        )
        self._connection.executemany(
            "UPDATE articles SET group_id = ? WHERE id = ?", [(group_id, member) for member in member_ids]
        )

    def join_group(self, article_id: int, group_id: int, now: datetime) -> None:
        """Adds a copy to a group that stays what it was."""
        self._connection.execute("UPDATE articles SET group_id = ? WHERE id = ?", (group_id, article_id))
        self._connection.execute(
            "UPDATE duplicate_groups SET updated_at = ?, is_told = 0 WHERE id = ?", (to_text(now), group_id)
        )

    def leave_group(self, article_id: int) -> None:
        self._connection.execute("UPDATE articles SET group_id = NULL WHERE id = ?", (article_id,))

    def withdraw_group(self, group_id: int, now: datetime) -> None:
        """Takes a group without articles out of the feeds. One that nobody was shown just goes."""
        self._connection.execute(_DELETE_UNSEEN, (group_id,))
        self._connection.execute(
            "UPDATE duplicate_groups SET withdrawn_at = ?, updated_at = ? WHERE id = ?",
            (to_text(now), to_text(now), group_id),
        )

    def find_withdrawn_group(self, url_key: str) -> int | None:
        """The withdrawn group that was first published with the article of that URL key."""
        return self._value(  # type: ignore[no-any-return]
            "SELECT id FROM duplicate_groups WHERE guid = :guid AND withdrawn_at IS NOT NULL AND merged_into IS NULL",
            guid=make_guid(url_key),
        )

    def find_free_guid(self, url_key: str, group_id: int) -> str:
        """The guid for a group published with the article of that URL key.

        Another group has the plain one where the article left it and came back with another text.
        """
        guid = make_guid(url_key)
        is_taken = self._value("SELECT count(*) FROM duplicate_groups WHERE guid = :guid", guid=guid)
        return f"{guid}-{group_id}" if is_taken else guid

    def restore_group(self, group_id: int, canonical_id: int, now: datetime) -> bool:
        """Puts a withdrawn group back into the feeds, in its old place; False where there is none."""
        cursor = self._connection.execute(
            "UPDATE duplicate_groups SET withdrawn_at = NULL, canonical_id = ?, updated_at = ?"
            " WHERE id = ? AND withdrawn_at IS NOT NULL AND merged_into IS NULL",
            (canonical_id, to_text(now), group_id),
        )
        if cursor.rowcount:
            self._connection.execute("UPDATE articles SET group_id = ? WHERE id = ?", (group_id, canonical_id))
        return bool(cursor.rowcount)

    def merge_group(self, group_id: int, into: int, now: datetime) -> None:
        """Withdraws a group in favour of another. One that nobody was shown just goes."""
        self._connection.execute("UPDATE articles SET group_id = ? WHERE group_id = ?", (into, group_id))
        self._connection.execute(_DELETE_UNSEEN, (group_id,))
        self._connection.execute(
            "UPDATE duplicate_groups SET merged_into = ?, updated_at = ? WHERE id = ?", (into, to_text(now), group_id)
        )
        self._connection.execute("UPDATE duplicate_groups SET merged_into = ? WHERE merged_into = ?", (into, group_id))

    def add_regrouping(self, article_id: int, before: int | None, after: int | None, why: str, now: datetime) -> None:
        """Records that a later look put an article into another group."""
        self._connection.execute(
            "INSERT INTO regroupings (at, article_id, from_group, to_group, why) VALUES (?, ?, ?, ?, ?)",
            (to_text(now), article_id, before, after, why),
        )

    def find_large_groups(self) -> list[dict[str, Any]]:
        """Groups that are suspiciously large: id, title, members."""
        rows = self._rows(
            """
            SELECT m.group_id AS id, c.title, m.members
            FROM (
                SELECT group_id, count(*) AS members FROM articles WHERE group_id IS NOT NULL
                GROUP BY group_id HAVING members >= :alarm ORDER BY members DESC LIMIT 100
            ) AS m
            JOIN duplicate_groups AS g ON g.id = m.group_id JOIN articles AS c ON c.id = g.canonical_id
            ORDER BY m.members DESC, m.group_id
            """,
            alarm=GROUP_ALARM,
        )
        return [dict(row) for row in rows]

    def _members(self, columns: str, clause: str, **parameters: Any) -> list[dict[str, Any]]:
        sql = f"SELECT {columns} FROM articles AS a {clause}"  # noqa: S608 - both are our own words
        return [dict(row) for row in self._rows(sql, **parameters)]


def make_guid(url_key: str) -> str:
    """The guid of a group that is first published with the article of that URL key."""
    return f"tag:kabarkota,2026:{url_key}"


def make_edge(row: Any) -> Edge:
    """A decision as stored."""
    verdict = Verdict(
        is_duplicate=bool(row["accepted"]),
        rule=row["rule"],
        containment=row["score"],
        alignment=row["alignment"],
        of_a=row["of_a"],
        of_b=row["of_b"],
    )
    return Edge(a=row["a"], b=row["b"], verdict=verdict)


def pack_sketch(sketch: Collection[int]) -> bytes:
    """A sketch as the database keeps it."""
    hashes = sorted({value % _POSTING_MODULUS for value in sketch})
    return b"".join(value.to_bytes(HASH_BYTES, "little") for value in hashes)


def unpack_sketch(packed: bytes) -> Iterator[int]:
    return (int.from_bytes(packed[at : at + HASH_BYTES], "little") for at in range(0, len(packed), HASH_BYTES))
