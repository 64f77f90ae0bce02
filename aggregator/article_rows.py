"""Finds articles, duplicates included, and tells what is known of each. A part of `Store`; reads only.

`search_rows` finds pieces of news, each by its canonical article; this finds every article that has the words.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.feeds import FeedKind, split_name
from aggregator.instants import from_text, to_text
from aggregator.models import DatePrecision
from aggregator.store_base import StoreBase, read_precision

_IN = "IN (SELECT value FROM json_each(:{key}))"
_IN_REGION = """
    EXISTS (SELECT * FROM article_regions AS ar CROSS JOIN regions AS r ON r.code = ar.code
    WHERE ar.article_id = a.id AND ar.role = 'event' AND {condition})
"""
_CONDITIONS: Mapping[str, str] = {
    FeedKind.TOPIC: "EXISTS (SELECT * FROM article_topics AS t WHERE t.article_id = a.id AND t.topic {among})",
    FeedKind.CITY: _IN_REGION.format(condition="r.kind = 'city' AND r.slug {among}"),
    # a city brings its province along, whose code hers begins with
    FeedKind.PROVINCE: _IN_REGION.format(
        condition="EXISTS (SELECT * FROM regions AS p WHERE p.code = substr(r.code, 1, 2) AND p.slug {among})"
    ),
    FeedKind.KOMWIL: _IN_REGION.format(condition="CAST(r.komwil AS TEXT) {among}"),
    FeedKind.KIND: "EXISTS (SELECT * FROM sources AS s WHERE s.id = a.source_id AND s.kind {among})",
    FeedKind.SOURCE: "a.source_id {among}",
}
_FIND = """
    SELECT a.id FROM articles_fts AS f CROSS JOIN articles AS a ON a.id = f.rowid
    CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
    WHERE articles_fts MATCH :match AND f.rowid < :before AND g.guid IS NOT NULL AND g.withdrawn_at IS NULL
    AND a.published_at >= :since AND a.published_at < :until {conditions}
    ORDER BY f.rowid DESC LIMIT :most
"""
_FACTS = """
    SELECT a.id, a.url, a.title, a.author, a.language, a.published_at, a.published_offset, a.published_precision,
        a.first_seen_at, a.source_id, s.name AS source_name, g.guid, g.canonical_id = a.id AS is_canonical
    FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.id = k.value
    CROSS JOIN duplicate_groups AS g ON g.id = a.group_id CROSS JOIN sources AS s ON s.id = a.source_id
"""
_TOPICS = """
    SELECT t.article_id, t.topic FROM json_each(:ids) AS k
    CROSS JOIN article_topics AS t ON t.article_id = k.value ORDER BY t.score DESC, t.topic
"""
_PLACES = """
    SELECT ar.article_id, r.kind, r.slug, r.name FROM json_each(:ids) AS k
    CROSS JOIN article_regions AS ar ON ar.article_id = k.value AND ar.role = 'event'
    CROSS JOIN regions AS r ON r.code = ar.code ORDER BY ar.score DESC, r.code
"""
_LAST_ID = 2**62


@dataclass(frozen=True, slots=True)
class PlaceFact:
    """Where news happened."""

    slug: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleFacts:
    """An article as lists tell of it."""

    id: int
    url: str
    title: str
    author: str
    language: str
    source_id: str
    source_name: str
    published: datetime  # with the source's offset
    published_precision: DatePrecision | None  # None: first seen then, its date is not known
    first_seen: datetime  # UTC
    guid: str  # of the piece of news that it carries
    is_canonical: bool  # whether that is shown through it; else it is a copy
    topics: tuple[str, ...]
    cities: tuple[PlaceFact, ...]
    provinces: tuple[PlaceFact, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleSearch:
    """A question for articles."""

    match: str
    names: tuple[tuple[str, ...], ...] = ()  # of feeds, as in a NewsQuery; of the article itself, not of its group
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None  # id


class ArticleRows(StoreBase):
    """Articles."""

    def find_articles(self, search: ArticleSearch, *, limit: int) -> list[int]:
        """Those that have the words and are part of published news: ids, the last found first."""
        among: dict[str, str] = {}
        conditions = ""
        for number, names in enumerate(search.names):
            kind = split_name(names[0])[0]
            key = f"among_{number}"
            among[key] = json.dumps([split_name(name)[1] for name in names])
            conditions += f" AND {_CONDITIONS[kind].format(among=_IN.format(key=key))}"
        rows = self._rows(
            _FIND.format(conditions=conditions),
            match=search.match,
            before=_LAST_ID if search.before is None else search.before,
            since=to_text(search.since) if search.since else "",
            until=to_text(search.until) if search.until else "9999",
            most=limit,
            **among,
        )
        return [row["id"] for row in rows]

    def get_article_facts(self, article_ids: Sequence[int]) -> dict[int, ArticleFacts]:
        """By id, of those that are there."""
        ids = json.dumps(article_ids)
        topics: defaultdict[int, list[str]] = defaultdict(list)
        for row in self._rows(_TOPICS, ids=ids):
            topics[row["article_id"]].append(row["topic"])
        places: defaultdict[tuple[int, str], list[PlaceFact]] = defaultdict(list)
        for row in self._rows(_PLACES, ids=ids):
            places[row["article_id"], row["kind"]].append(PlaceFact(row["slug"], row["name"]))
        return {
            row["id"]: _make_facts(
                row,
                topics=tuple(topics[row["id"]]),
                cities=tuple(places[row["id"], "city"]),
                provinces=tuple(places[row["id"], "province"]),
            )
            for row in self._rows(_FACTS, ids=ids)
        }


def _make_facts(
    row: sqlite3.Row, *, topics: tuple[str, ...], cities: tuple[PlaceFact, ...], provinces: tuple[PlaceFact, ...]
) -> ArticleFacts:
    return ArticleFacts(
        id=row["id"],
        url=row["url"],
        title=row["title"],
        author=row["author"],
        language=row["language"],
        source_id=row["source_id"],
        source_name=row["source_name"],
        published=from_text(row["published_at"], row["published_offset"]),
        published_precision=read_precision(row["published_precision"]),
        first_seen=from_text(row["first_seen_at"]),
        guid=row["guid"] or "",
        is_canonical=bool(row["is_canonical"]),
        topics=topics,
        cities=cities,
        provinces=provinces,
    )
