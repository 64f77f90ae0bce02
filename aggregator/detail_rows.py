"""All that is known of one article, and who carries a piece of news. A part of `Store`; reads only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.evidence_json import unpack_evidence
from aggregator.record_rows import ArticleRecord, RecordRows, SourceName
from aggregator.rule_rows import WHOLE_TEXT_MAY_BE_PASSED_ON

COPIES_MOST = 1_000  # of a piece of news that are told
REVISIONS_MOST = 50  # of an article, the newest
_PARAGRAPHS_READ = 30_000  # characters of what a revision removed or added

_FACTS = f"""
    SELECT a.modified_at, a.title_method, a.author_method, a.byline, a.profile, a.published_at, a.published_precision,
        a.published_method, a.published_raw, a.extraction_method, length(a.text) AS characters, a.text_dropped_at,
        lower(hex(a.page_hash)) AS page_hash, a.declared_url, a.snippet_limit,
        CASE WHEN {WHOLE_TEXT_MAY_BE_PASSED_ON} THEN a.text ELSE '' END AS full_text, g.guid, g.story_id
    FROM articles AS a JOIN sources AS s ON s.id = a.source_id LEFT JOIN duplicate_groups AS g ON g.id = a.group_id
    WHERE a.id = :id
"""  # noqa: S608 - our own words
_TOPICS = "SELECT * FROM article_topics WHERE article_id = :id ORDER BY score DESC, topic"
_REGIONS = """
    SELECT ar.role, ar.score, ar.evidence, r.kind, r.slug, r.code, r.name
    FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
    WHERE ar.article_id = :id ORDER BY ar.role <> 'event', ar.role <> 'participant', r.kind, ar.score DESC, r.code
"""
_REVISIONS = """
    SELECT replaced_at, title AS title_before, json_extract(difference, '$.title[1]') AS title_after,
        json_extract(difference, '$.removed') AS removed, json_extract(difference, '$.added') AS added
    FROM article_revisions WHERE article_id = :id ORDER BY replaced_at DESC, id DESC LIMIT :most
"""
_COPIES = """
    SELECT a.id, a.title, a.url, a.source_id, s.name AS source_name, s.kind AS source_kind, a.published_at,
        a.published_offset, a.published_precision, a.first_seen_at, a.gone_at
    FROM articles AS a CROSS JOIN sources AS s ON s.id = a.source_id
    WHERE a.group_id = :group ORDER BY a.id <> :canonical, a.published_at, a.id LIMIT :most
"""
_ORIGINS = """
    SELECT p.article_id, p.original_id, p.original_source_id, p.minutes_later, p.is_order_sure, p.has_its_title, p.rule,
        p.score, p.kept, p.added
    FROM provenance AS p WHERE p.article_id IN ({ids})
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The article that a copy was most likely taken from, and how alike they are."""

    article_id: int
    source_id: str
    minutes_later: int  # that the copy came
    is_order_sure: bool  # False: one of the two gives no hour
    has_its_title: bool
    rule: str
    score: float
    kept: float  # share of it that the copy has, too
    added: float  # share of the copy that it does not have


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldRecord:
    """Which way a field was found."""

    field: str
    value: str
    method: str
    detail: str
    raw: str  # as written


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionRecord:
    """A place that an article is about or names, and by which words."""

    role: str
    kind: str
    slug: str
    code: str
    name: str
    score: float
    evidence: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicRecord:
    """A topic, and by which words."""

    topic: str
    score: float
    table_version: str
    evidence: tuple[Mapping[str, Any], ...]  # term, place, offset, weight


@dataclass(frozen=True, kw_only=True, slots=True)
class RevisionRecord:
    """What a portal changed: paragraphs as they were, and as they became."""

    replaced_at: str
    title_before: str
    title_after: str | None  # None: the same
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleDetail:
    """An article with how all of it is known."""

    article: ArticleRecord
    guid: str | None  # of its piece of news; None before that is published
    story_id: int | None
    modified_at: str | None
    text_dropped_at: str | None
    full_text: str  # "" unless its source allows that it is given
    snippet_limit: int | None  # characters that its page lets be quoted; None: any
    fields: tuple[FieldRecord, ...]
    topics: tuple[TopicRecord, ...]
    regions: tuple[RegionRecord, ...]
    origin: Origin | None
    revisions: tuple[RevisionRecord, ...]  # the newest first


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyRecord:
    """An article that carries a piece of news."""

    id: int
    title: str
    url: str
    source: SourceName
    published_at: str
    published_offset: int
    published_precision: str
    first_seen_at: str
    gone_at: str | None
    origin: Origin | None  # None: it is the canonical one, or was held against none before it


class DetailRows(RecordRows):
    """Details of one article, and of one piece of news; belongs into a `snapshot`."""

    def get_article_detail(self, article_id: int) -> ArticleDetail | None:
        """None: there is no such article."""
        article = self.get_article_records([article_id]).get(article_id)
        if article is None:
            return None
        (row,) = self._rows(_FACTS, id=article_id)
        revisions = self._rows(_REVISIONS, id=article_id, most=REVISIONS_MOST)
        return ArticleDetail(
            article=article,
            **{name: row[name] for name in ("guid", "story_id", "modified_at", "text_dropped_at", "full_text")},
            snippet_limit=row["snippet_limit"],
            fields=tuple(_list_fields(article, row)),
            topics=tuple(
                TopicRecord(
                    topic=each["topic"],
                    score=each["score"],
                    table_version=each["table_version"],
                    evidence=tuple(unpack_evidence(each["evidence"])),
                )
                for each in self._rows(_TOPICS, id=article_id)
            ),
            regions=tuple(
                RegionRecord(
                    **{name: each[name] for name in ("role", "kind", "slug", "code", "name", "score")},
                    evidence=tuple(unpack_evidence(each["evidence"])),
                )
                for each in self._rows(_REGIONS, id=article_id)
            ),
            origin=self._get_origins([article_id]).get(article_id),
            revisions=tuple(_make_revision(each) for each in revisions),
        )

    def get_full_text(self, article_id: int) -> str:
        """The text of an article; "" unless its source allows that it is given."""
        rows = self._rows(_FACTS, id=article_id)
        return str(rows[0]["full_text"]) if rows else ""

    def list_copies(self, group_id: int, canonical_id: int) -> list[CopyRecord]:
        """The articles that carry a piece of news: the canonical one, then the first others."""
        rows = self._rows(_COPIES, group=group_id, canonical=canonical_id, most=COPIES_MOST)
        origins = self._get_origins([row["id"] for row in rows])
        return [
            CopyRecord(
                **{name: row[name] for name in ("id", "title", "url", "published_at", "published_offset", "gone_at")},
                source=SourceName(id=row["source_id"], name=row["source_name"], kind=row["source_kind"]),
                published_precision=row["published_precision"],
                first_seen_at=row["first_seen_at"],
                origin=origins.get(row["id"]),
            )
            for row in rows
        ]

    def _get_origins(self, ids: list[int]) -> dict[int, Origin]:
        """By copy."""
        written = ", ".join(str(int(each)) for each in ids)  # SQLite looks into a view for what is written out
        return {
            row["article_id"]: Origin(
                article_id=row["original_id"],
                source_id=row["original_source_id"],
                minutes_later=row["minutes_later"],
                is_order_sure=bool(row["is_order_sure"]),
                has_its_title=bool(row["has_its_title"]),
                **{name: row[name] for name in ("rule", "score", "kept", "added")},
            )
            for row in self._rows(_ORIGINS.format(ids=written))
        }


def _list_fields(article: ArticleRecord, row: sqlite3.Row) -> list[FieldRecord]:
    """As the view field_provenance has them, without the name of a file of ours."""
    return [
        FieldRecord(field="title", value=article.title, method=row["title_method"], detail=row["profile"], raw=""),
        FieldRecord(
            field="author",
            value=article.author,
            method=row["author_method"],
            detail=row["profile"],
            raw=row["byline"],
        ),
        FieldRecord(
            field="published",
            value=row["published_at"],
            method=row["published_method"],
            detail=row["published_precision"],
            raw=row["published_raw"],
        ),
        FieldRecord(
            field="body",
            value=f"{row['characters']} characters",
            method=row["extraction_method"],
            detail=row["profile"],
            raw="",
        ),
        FieldRecord(field="page", value=row["page_hash"] or "", method="sha256", detail="", raw=row["declared_url"]),
    ]


def _make_revision(row: sqlite3.Row) -> RevisionRecord:
    return RevisionRecord(
        replaced_at=row["replaced_at"],
        title_before=row["title_before"],
        title_after=row["title_after"],
        removed=_read_paragraphs(row["removed"]),
        added=_read_paragraphs(row["added"]),
    )


def _read_paragraphs(array: str | None) -> tuple[str, ...]:
    return tuple(str(each)[:_PARAGRAPHS_READ] for each in json.loads(array or "[]"))
