"""Articles and pieces of news as the API tells them, many at a time. A part of `Store`; reads only.

Whatever is read here, the triggers of `article_changes` and `news_changes` look at, too: a copy that follows the
changes is to be equal to what is listed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from aggregator.cleaning import cut_quote
from aggregator.excerpt import EXCERPT_READ
from aggregator.rule_rows import LIVE
from aggregator.store_base import StoreBase

_ARTICLES = f"""
    SELECT a.id, a.url, a.title, a.author, a.source_id, s.name AS source_name, s.kind AS source_kind, a.published_at,
        a.published_offset, a.published_precision, a.first_seen_at, a.revised_at, a.gone_at, a.backfilled, a.language,
        substr(coalesce(nullif(a.text, ''), a.summary), 1, {EXCERPT_READ}) AS excerpt, a.snippet_limit, a.image, a.tags,
        a.group_id, g.canonical_id IS a.id AS is_canonical
    FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.id = k.value
    CROSS JOIN sources AS s ON s.id = a.source_id LEFT JOIN duplicate_groups AS g ON g.id = a.group_id
"""  # noqa: S608 - our own number
_TOPICS = """
    SELECT t.article_id, t.topic FROM json_each(:ids) AS k
    CROSS JOIN article_topics AS t ON t.article_id = k.value ORDER BY t.score DESC, t.topic
"""
_PLACES = """
    SELECT ar.article_id, r.kind, r.slug, r.code, r.name FROM json_each(:ids) AS k
    CROSS JOIN article_regions AS ar ON ar.article_id = k.value AND ar.role = 'event'
    CROSS JOIN regions AS r ON r.code = ar.code ORDER BY r.kind, ar.score DESC, r.code
"""
_NEWS = f"""
    SELECT g.id, g.guid, g.story_id, g.canonical_id, g.first_published_at, g.updated_at, g.archived,
        (SELECT count(*) FROM articles AS m WHERE m.group_id = g.id) AS articles
    FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
    WHERE g.guid IS NOT NULL AND {LIVE}
"""  # noqa: S608 - our own words
_GONE = """
    SELECT g.id, g.guid, m.id AS into_id, m.guid AS into_guid
    FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
    LEFT JOIN duplicate_groups AS m ON m.id = g.merged_into AND m.guid IS NOT NULL
    WHERE g.guid IS NOT NULL AND (g.merged_into IS NOT NULL OR g.withdrawn_at IS NOT NULL)
"""
_AT_ONCE = 500  # ids in a question


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceRecord:
    """A city or province where something happened."""

    kind: str
    slug: str
    code: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceName:
    """A source, as articles name it."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleRecord:
    """An article. Instants are UTC text, as in the database."""

    id: int
    url: str
    title: str
    author: str
    source: SourceName
    published_at: str
    published_offset: int  # minutes east of UTC
    published_precision: str
    first_seen_at: str
    revised_at: str | None
    gone_at: str | None
    is_backfilled: bool
    language: str
    excerpt: str  # of its beginning what its page lets be quoted, not yet cut to the length of an excerpt
    image: str
    tags: tuple[str, ...]
    topics: tuple[str, ...]
    places: tuple[PlaceRecord, ...]  # cities, then provinces
    group_id: int | None
    is_canonical: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NewsRecord:
    """A piece of news, shown through its canonical article."""

    id: int
    guid: str
    story_id: int | None
    first_published_at: str
    updated_at: str
    is_archived: bool
    articles: int  # that carry it, the canonical one included
    article: ArticleRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class GoneNews:
    """A piece of news that was published and is no more."""

    id: int
    guid: str
    merged_into: tuple[int, str] | None  # id, guid


class RecordRows(StoreBase):
    """Articles and news by their ids."""

    def get_article_records(self, ids: Collection[int]) -> dict[int, ArticleRecord]:
        """By id, without those that are not there."""
        found: dict[int, ArticleRecord] = {}
        rest = iter(dict.fromkeys(ids))
        while some := list(islice(rest, _AT_ONCE)):
            found |= self._get_articles(json.dumps(some))
        return found

    def get_news_records(self, group_ids: Sequence[int]) -> dict[int, NewsRecord]:
        """By id, without those that are not published (any more)."""
        rows = self._rows(_NEWS, ids=json.dumps(group_ids))
        articles = self.get_article_records([row["canonical_id"] for row in rows])
        return {
            row["id"]: NewsRecord(
                **{name: row[name] for name in ("id", "guid", "story_id", "first_published_at", "updated_at")},
                is_archived=bool(row["archived"]),
                articles=row["articles"],
                article=articles[row["canonical_id"]],
            )
            for row in rows
            if row["canonical_id"] in articles
        }

    def get_gone_news(self, group_ids: Sequence[int]) -> dict[int, GoneNews]:
        """Of these, those that were published and are no more, by id."""
        return {
            row["id"]: GoneNews(
                id=row["id"],
                guid=row["guid"],
                merged_into=(row["into_id"], row["into_guid"]) if row["into_guid"] else None,
            )
            for row in self._rows(_GONE, ids=json.dumps(group_ids))
        }

    def find_group_by_guid(self, guid: str) -> int | None:
        """The piece of news with that guid, whatever became of it."""
        found = self._value("SELECT id FROM duplicate_groups WHERE guid = :guid", guid=guid)
        return int(found) if found is not None else None

    def _get_articles(self, ids: str) -> dict[int, ArticleRecord]:
        topics: defaultdict[int, list[str]] = defaultdict(list)
        for article_id, topic in self._rows(_TOPICS, ids=ids):
            topics[article_id].append(topic)
        places: defaultdict[int, list[PlaceRecord]] = defaultdict(list)
        for article_id, kind, slug, code, name in self._rows(_PLACES, ids=ids):
            places[article_id].append(PlaceRecord(kind=kind, slug=slug, code=code, name=name))
        return {
            row["id"]: ArticleRecord(
                id=row["id"],
                url=row["url"],
                title=row["title"],
                author=row["author"],
                source=SourceName(id=row["source_id"], name=row["source_name"], kind=row["source_kind"]),
                published_at=row["published_at"],
                published_offset=row["published_offset"],
                published_precision=row["published_precision"],
                first_seen_at=row["first_seen_at"],
                revised_at=row["revised_at"],
                gone_at=row["gone_at"],
                is_backfilled=bool(row["backfilled"]),
                language=row["language"] or "id",
                excerpt=cut_quote(row["excerpt"], row["snippet_limit"]),
                image=row["image"],
                tags=tuple(json.loads(row["tags"])) if row["tags"] != "[]" else (),
                topics=tuple(topics[row["id"]]),
                places=tuple(places[row["id"]]),
                group_id=row["group_id"],
                is_canonical=bool(row["is_canonical"]),
            )
            for row in self._rows(_ARTICLES, ids=ids)
        }
