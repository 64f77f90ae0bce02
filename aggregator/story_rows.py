"""The rows of stories. A part of `Store`; writes belong into its transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.cleaning import cut_quote
from aggregator.instants import from_text, to_text
from aggregator.models import DatePrecision
from aggregator.store_base import StoreBase, read_precision

MERGES_FOLLOWED = 20  # from a story to the one that it leads to; a longer way is a circle
COPIES_MOST = 200  # of a piece of news that the page of its story is told of …
COPIES_LEAST = 10  # … and however many pieces of news share that page, so many of each
REVISIONS_MOST = 3  # of an article, the newest
EXCERPT_READ = 2_000  # characters of a text from which its excerpt is cut

_LIVE = "g.merged_into IS NULL AND g.withdrawn_at IS NULL"
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
    WHERE {_LIVE}
"""  # noqa: S608 - our own words; codes of provinces have two digits. CROSS JOIN: from the articles by date, not all groups


# What the page of a story tells, each by an index. CROSS JOIN: the tables in the order in which they are named.
_ARTICLES = f"duplicate_groups AS g CROSS JOIN articles AS a ON a.group_id = g.id WHERE g.story_id = :id AND {_LIVE}"
_TOTALS = f"""
    SELECT count(DISTINCT g.id) AS news, count(*) AS articles, count(DISTINCT a.source_id) AS portals FROM {_ARTICLES}
"""  # noqa: S608 - our own words
_END = f"""
    SELECT a.published_at, a.published_offset, a.published_precision FROM {_ARTICLES}
    ORDER BY a.published_at {{direction}}, a.id LIMIT 1
"""  # noqa: S608 - our own words
_CITIES = f"""
    SELECT r.name, r.slug FROM duplicate_groups AS g
    CROSS JOIN article_regions AS ar ON ar.article_id = g.canonical_id AND ar.role = 'event'
    CROSS JOIN regions AS r ON r.code = ar.code AND r.kind = 'city'
    WHERE g.story_id = :id AND {_LIVE} GROUP BY r.code ORDER BY count(*) DESC, r.name
"""  # noqa: S608 - our own words
_NEWS = f"""
    SELECT n.id, (SELECT count(*) FROM articles AS m WHERE m.group_id = n.id) AS articles,
        (SELECT count(DISTINCT m.source_id) FROM articles AS m WHERE m.group_id = n.id) AS portals,
        substr(coalesce(nullif(c.text, ''), c.summary), 1, {EXCERPT_READ}) AS excerpt, c.snippet_limit
    FROM (
        SELECT g.id, a.id AS article_id, a.published_at
        FROM duplicate_groups AS g CROSS JOIN articles AS a ON a.id = g.canonical_id AND a.group_id = g.id
        WHERE g.story_id = :id AND {_LIVE} ORDER BY a.published_at, g.id LIMIT :most
    ) AS n CROSS JOIN articles AS c ON c.id = n.article_id ORDER BY n.published_at, n.id
"""  # noqa: S608 - our own words; what is told of each is looked up after the limit
_MEMBERS = """
    WITH placed AS (
        SELECT a.id, row_number() OVER (
            PARTITION BY g.id ORDER BY a.id <> g.canonical_id, a.published_at, a.id) AS place
        FROM json_each(:groups) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
        CROSS JOIN articles AS a ON a.group_id = g.id
    )
    SELECT a.id, a.group_id, a.title, a.url, a.language, a.published_at, a.published_offset, a.published_precision,
        a.gone_at, s.name AS source_name, s.kind = 'city-government' AS is_government
    FROM placed AS p CROSS JOIN articles AS a ON a.id = p.id CROSS JOIN sources AS s ON s.id = a.source_id
    WHERE p.place <= :most ORDER BY a.group_id, p.place
"""
_CLOSEST = """
    SELECT l.b, max(l.likeness) AS likeness FROM json_each(:ids) AS k CROSS JOIN story_likeness AS l ON l.b = k.value
    WHERE l.a IN (SELECT value FROM json_each(:ids)) GROUP BY l.b
"""
_ORIGINS = """
    SELECT p.article_id, s.name AS source_name, p.minutes_later, p.is_order_sure, p.has_its_title, p.kept, p.added
    FROM provenance AS p CROSS JOIN sources AS s ON s.id = p.original_source_id WHERE p.article_id IN ({ids})
"""
_REVISIONS = """
    WITH placed AS (
        SELECT r.id, row_number() OVER (PARTITION BY r.article_id ORDER BY r.replaced_at DESC, r.id DESC) AS place,
            count(*) OVER (PARTITION BY r.article_id) AS revised
        FROM json_each(:ids) AS k CROSS JOIN article_revisions AS r ON r.article_id = k.value
    )
    SELECT r.article_id, r.replaced_at, p.revised, json_extract(r.difference, '$.title[0]') AS before,
        json_extract(r.difference, '$.title[1]') AS after, json_array_length(r.difference, '$.removed') AS removed,
        json_array_length(r.difference, '$.added') AS added
    FROM placed AS p CROSS JOIN article_revisions AS r ON r.id = p.id
    WHERE p.place <= :most ORDER BY r.article_id, p.place DESC
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """When an article came out, or was first seen."""

    at: datetime  # with the source's offset
    precision: DatePrecision | None  # None: its page does not say; first seen then


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The article that a copy was most likely taken from."""

    source_name: str
    minutes_later: int  # that the copy came
    is_order_sure: bool  # False: one of the two gives no hour
    has_its_title: bool
    kept: float  # share of it that the copy has, too
    added: float  # share of the copy that it does not have


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryRevision:
    """What a portal changed in an article after we had read it."""

    found_at: datetime
    title: tuple[str, str] | None  # before, after; None: the same
    removed: int  # paragraphs
    added: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryArticle:
    """An article of a story."""

    id: int
    title: str
    url: str
    language: str
    source_name: str
    is_government: bool  # a city's own
    published: Published
    gone_at: datetime | None
    origin: Origin | None  # None: it is the one shown, or was held against none before it
    revisions: tuple[StoryRevision, ...]  # the last REVISIONS_MOST, in their order
    revised: int  # times


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryNews:
    """A piece of news of a story: one text, and who carries it."""

    id: int  # of its group
    first: StoryArticle  # the canonical one: the first, as far as is known
    excerpt: str  # the beginning of its text
    copies: tuple[StoryArticle, ...]  # the first of the others, in the order of publication
    articles: int  # in all, told or not
    portals: int
    likeness: float | None  # to the news of the story before it that it is most like; None: nothing is kept of it


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryRecord:
    """A story as its page tells it."""

    id: int
    title: str
    why: tuple[str, ...]
    first_seen: Published
    last_seen: Published
    cities: tuple[str, ...]  # where it happened, most named first
    city_slugs: tuple[str, ...]  # the same
    news: tuple[StoryNews, ...]  # the first ones, in the order of publication
    news_count: int  # in all, told or not
    articles: int
    portals: int


class StoryRows(StoreBase):
    """Terms, likeness and stories of groups."""

    def find_untold_groups(self) -> list[dict[str, Any]]:
        """Groups that changed since a look saw them, by publication: group_id, published_at."""
        rows = self._rows(
            f"""
            SELECT g.id AS group_id, a.published_at
            FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id AND a.group_id = g.id
            WHERE {_LIVE} AND NOT g.is_told ORDER BY a.published_at, g.id
            """  # noqa: S608 - our own words
        )
        return [dict(row) for row in rows]

    def mark_told(self, group_ids: Iterable[int]) -> None:
        self._connection.executemany(
            "UPDATE duplicate_groups SET is_told = 1 WHERE id = ? AND NOT is_told", [(key,) for key in group_ids]
        )

    def get_window(self, since: datetime, until: datetime, *, most: int) -> list[dict[str, Any]]:
        """The groups published in that time, at most so many of the newest; `terms` is None until they are written."""
        rows = self._rows(
            f"{_WINDOW} AND a.published_at BETWEEN :since AND :until ORDER BY a.published_at DESC, g.id LIMIT :most",
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

    def get_story_page(self, story_id: int, *, news: int, articles: int) -> StoryRecord | None:
        """A story with its first `news` pieces of news, and about so many `articles`; None: all of it was withdrawn.

        Belongs into a `snapshot`: it asks more than once.
        """
        stories = self._rows("SELECT title, why FROM stories WHERE id = :id", id=story_id)
        groups = self._rows(_NEWS, id=story_id, most=news)
        if not stories or not groups:
            return None
        copies = max(COPIES_LEAST, min(COPIES_MOST, articles // len(groups)))
        members = self._get_members([row["id"] for row in groups], most=1 + copies)
        totals = self._rows(_TOTALS, id=story_id)[0]
        first, last = (self._rows(_END.format(direction=way), id=story_id)[0] for way in ("ASC", "DESC"))
        cities = self._rows(_CITIES, id=story_id)
        likeness = self._get_closest([row["id"] for row in groups])
        return StoryRecord(
            id=story_id,
            title=stories[0]["title"],
            why=tuple(json.loads(stories[0]["why"])),
            first_seen=read_story_date(first),
            last_seen=read_story_date(last),
            cities=tuple(row["name"] for row in cities),
            city_slugs=tuple(row["slug"] for row in cities),
            news=tuple(
                StoryNews(
                    id=row["id"],
                    first=members[row["id"]][0],
                    excerpt=cut_quote(row["excerpt"], row["snippet_limit"]),
                    copies=tuple(members[row["id"]][1:]),
                    articles=row["articles"],
                    portals=row["portals"],
                    likeness=likeness.get(row["id"]),
                )
                for row in groups
            ),
            news_count=totals["news"],
            articles=totals["articles"],
            portals=totals["portals"],
        )

    def get_story_cities(self, story_id: int) -> list[str]:
        """The slugs of the cities where it happened, most named first."""
        return [row["slug"] for row in self._rows(_CITIES, id=story_id)]

    def _get_closest(self, group_ids: Collection[int]) -> dict[int, float]:
        """group → its likeness to the one before it that it is most like, of these."""
        rows = self._rows(_CLOSEST, ids=json.dumps([*group_ids]))
        return {row["b"]: row["likeness"] for row in rows}

    def _get_members(self, group_ids: Collection[int], *, most: int) -> dict[int, list[StoryArticle]]:
        """group → its canonical article, then the first others; so many in all."""
        rows = self._rows(_MEMBERS, groups=json.dumps([*group_ids]), most=most)
        ids = json.dumps([row["id"] for row in rows])
        written = ", ".join(str(int(row["id"])) for row in rows)  # SQLite looks into a view for what is written out
        origins = {row["article_id"]: _make_origin(row) for row in self._rows(_ORIGINS.format(ids=written))}
        revisions: defaultdict[int, list[StoryRevision]] = defaultdict(list)
        revised: dict[int, int] = {}
        for row in self._rows(_REVISIONS, ids=ids, most=REVISIONS_MOST):
            revisions[row["article_id"]].append(_make_revision(row))
            revised[row["article_id"]] = row["revised"]
        members: defaultdict[int, list[StoryArticle]] = defaultdict(list)
        for row in rows:
            is_first = row["group_id"] not in members
            members[row["group_id"]].append(
                StoryArticle(
                    id=row["id"],
                    title=row["title"],
                    url=row["url"],
                    language=row["language"] or "id",
                    source_name=row["source_name"],
                    is_government=bool(row["is_government"]),
                    published=read_story_date(row),
                    gone_at=from_text(row["gone_at"]) if row["gone_at"] else None,
                    origin=None if is_first else origins.get(row["id"]),
                    revisions=tuple(revisions[row["id"]]),
                    revised=revised.get(row["id"], 0),
                )
            )
        return members

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
                  WHERE g.story_id = :id AND {_LIVE}) AS span
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
                AND NOT EXISTS (SELECT 1 FROM duplicate_groups AS g WHERE g.story_id = s.id AND {_LIVE})
            """  # noqa: S608 - our own words
        )
        for row in rows:
            self.merge_story(row["id"], row["into_id"], now)


def read_story_date(row: sqlite3.Row) -> Published:
    return Published(
        at=from_text(row["published_at"], row["published_offset"]),
        precision=read_precision(row["published_precision"]),
    )


def _make_origin(row: sqlite3.Row) -> Origin:
    return Origin(
        source_name=row["source_name"],
        minutes_later=row["minutes_later"],
        is_order_sure=bool(row["is_order_sure"]),
        has_its_title=bool(row["has_its_title"]),
        kept=row["kept"],
        added=row["added"],
    )


def _make_revision(row: sqlite3.Row) -> StoryRevision:
    return StoryRevision(
        found_at=from_text(row["replaced_at"]),
        title=(row["before"], row["after"]) if row["before"] is not None else None,
        removed=row["removed"] or 0,
        added=row["added"] or 0,
    )
