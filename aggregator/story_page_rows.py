"""What the page of a story tells of it, read. A part of `Store`."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from aggregator.cleaning import cut_quote
from aggregator.excerpt import EXCERPT_READ
from aggregator.instants import from_text
from aggregator.models import DatePrecision
from aggregator.rule_rows import LIVE
from aggregator.store_base import StoreBase, read_precision

COPIES_MOST = 200  # of a piece of news that the page of its story is told of …
COPIES_LEAST = 10  # … and however many pieces of news share that page, so many of each
REVISIONS_MOST = 3  # of an article, the newest

# Each by an index. CROSS JOIN: the tables in the order in which they are named.
_ARTICLES = f"duplicate_groups AS g CROSS JOIN articles AS a ON a.group_id = g.id WHERE g.story_id = :id AND {LIVE}"
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
    WHERE g.story_id = :id AND {LIVE} GROUP BY r.code ORDER BY count(*) DESC, r.name
"""  # noqa: S608 - our own words
_NEWS = f"""
    SELECT n.id, (SELECT count(*) FROM articles AS m WHERE m.group_id = n.id) AS articles,
        (SELECT count(DISTINCT m.source_id) FROM articles AS m WHERE m.group_id = n.id) AS portals,
        substr(coalesce(nullif(c.text, ''), c.summary), 1, {EXCERPT_READ}) AS excerpt, c.snippet_limit
    FROM (
        SELECT g.id, a.id AS article_id, a.published_at
        FROM duplicate_groups AS g CROSS JOIN articles AS a ON a.id = g.canonical_id AND a.group_id = g.id
        WHERE g.story_id = :id AND {LIVE} ORDER BY a.published_at, g.id LIMIT :most
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
        a.gone_at, a.text_dropped_at IS NOT NULL AS is_dropped, s.name AS source_name,
        s.kind = 'city-government' AS is_government
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
    is_dropped: bool  # its full text is no longer kept
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


class StoryPageRows(StoreBase):
    """A story with its news, its copies and their revisions."""

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
                    is_dropped=bool(row["is_dropped"]),
                    origin=None if is_first else origins.get(row["id"]),
                    revisions=tuple(revisions[row["id"]]),
                    revised=revised.get(row["id"], 0),
                )
            )
        return members


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
