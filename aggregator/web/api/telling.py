"""Articles and pieces of news as the API tells them. Pure.

Every text of a portal is made fit once more, as in feeds: rows may be older than a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from aggregator import detail_rows, record_rows
from aggregator.edits import QUOTED_MOST, find_edits
from aggregator.publish.characters import fit_line, fit_name, fit_text, fit_url
from aggregator.publish.item_content import TITLE_LIMIT, make_item_excerpt
from aggregator.search_rows import Passage
from aggregator.web.api.models import (
    Article,
    ArticleDetail,
    Copy,
    Edit,
    Evidence,
    FieldProvenance,
    FoundNews,
    GoneArticle,
    GoneNews,
    Highlight,
    News,
    NewsDetail,
    NewsName,
    Origin,
    Place,
    RegionEvidence,
    Revision,
    SourceName,
    TopicEvidence,
    TracedCopy,
)
from aggregator.web.search_page import split_marked
from aggregator.web.shown_item import Piece

TAGS_MOST = 50
_RAW_LIMIT = 2_000  # characters of what is told as it was written


def tell_article(record: record_rows.ArticleRecord) -> Article:
    return Article(**_describe_article(record))


def tell_news(record: record_rows.NewsRecord) -> News:
    return News(**_describe_news(record))


def tell_found_news(record: record_rows.NewsRecord, passage: Passage | None) -> FoundNews:
    return FoundNews(**_describe_news(record), highlight=_tell_passage(passage) if passage else None)


def tell_gone_article(article_id: int) -> GoneArticle:
    return GoneArticle(id=article_id, gone=True)


def tell_gone_news(gone: record_rows.GoneNews) -> GoneNews:
    merged = NewsName(id=gone.merged_into[0], guid=gone.merged_into[1]) if gone.merged_into else None
    return GoneNews(id=gone.id, guid=gone.guid, gone=True, merged_into=merged)


def tell_news_detail(
    record: record_rows.NewsRecord, copies: Iterable[detail_rows.CopyRecord], full_text: str
) -> NewsDetail:
    return NewsDetail(
        **_describe_news(record),
        carried_by=[
            TracedCopy(**_describe_copy(copy), origin=_tell_origin(copy.origin) if copy.origin else None)
            for copy in copies
        ],
        full_text=fit_text(full_text) or None,
    )


def tell_copy(record: detail_rows.CopyRecord) -> Copy:
    return Copy(**_describe_copy(record))


def tell_article_detail(detail: detail_rows.ArticleDetail) -> ArticleDetail:
    article = detail.article
    room = QUOTED_MOST if detail.snippet_limit is None else max(min(QUOTED_MOST, detail.snippet_limit), 0)
    return ArticleDetail(
        **_describe_article(article),
        modified_at=detail.modified_at,
        news=NewsName(id=article.group_id, guid=detail.guid) if article.group_id and detail.guid else None,
        story_id=detail.story_id,
        origin=_tell_origin(detail.origin) if detail.origin else None,
        full_text=fit_text(detail.full_text) or None,
        text_dropped_at=detail.text_dropped_at,
        provenance=[
            FieldProvenance(
                field=each.field,
                value=fit_line(each.value, _RAW_LIMIT),
                method=fit_line(each.method, TITLE_LIMIT),
                detail=fit_line(each.detail, TITLE_LIMIT),
                raw=fit_line(each.raw, _RAW_LIMIT),
            )
            for each in detail.fields
        ],
        topic_evidence=[
            TopicEvidence(
                topic=each.topic,
                score=each.score,
                table_version=each.table_version,
                evidence=_tell_evidence(each.evidence),
            )
            for each in detail.topics
        ],
        regions=[
            RegionEvidence(
                place=tell_place(each),
                role=each.role,
                score=each.score,
                evidence=_tell_evidence(each.evidence),
            )
            for each in detail.regions
        ],
        revisions=[_tell_revision(each, room) for each in detail.revisions],
    )


def _describe_article(record: record_rows.ArticleRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "url": fit_url(record.url) or None,
        "title": fit_line(record.title, TITLE_LIMIT),
        "author": fit_name(record.author, TITLE_LIMIT),
        "source": tell_source_name(record.source),
        "published_at": record.published_at,
        "published_offset_minutes": record.published_offset,
        "published_precision": record.published_precision,
        "first_seen_at": record.first_seen_at,
        "revised_at": record.revised_at,
        "gone_at": record.gone_at,
        "is_backfilled": record.is_backfilled,
        "language": fit_line(record.language, TITLE_LIMIT),
        "excerpt": make_item_excerpt(record.excerpt),
        "image": fit_url(record.image) or None,
        "tags": [fit_line(tag, TITLE_LIMIT) for tag in record.tags[:TAGS_MOST]],
        "topics": [*record.topics],
        "places": [tell_place(place) for place in record.places],
        "news_id": record.group_id,
        "is_canonical": record.is_canonical,
    }


def _describe_news(record: record_rows.NewsRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "guid": record.guid,
        "story_id": record.story_id,
        "first_published_at": record.first_published_at,
        "updated_at": record.updated_at,
        "is_archived": record.is_archived,
        "articles": record.articles,
        "article": tell_article(record.article),
    }


def _describe_copy(record: detail_rows.CopyRecord) -> dict[str, Any]:
    return {
        "article_id": record.id,
        "source": tell_source_name(record.source),
        "title": fit_line(record.title, TITLE_LIMIT),
        "url": fit_url(record.url) or None,
        "published_at": record.published_at,
        "published_offset_minutes": record.published_offset,
        "published_precision": record.published_precision,
        "first_seen_at": record.first_seen_at,
        "gone_at": record.gone_at,
    }


def tell_source_name(source: record_rows.SourceName) -> SourceName:
    return SourceName(id=source.id, name=fit_name(source.name, TITLE_LIMIT), kind=source.kind)


def tell_place(place: record_rows.PlaceRecord | detail_rows.RegionRecord) -> Place:
    return Place(kind=place.kind, slug=place.slug, code=place.code, name=fit_line(place.name))


def _tell_origin(origin: detail_rows.Origin) -> Origin:
    return Origin(
        article_id=origin.article_id,
        source_id=origin.source_id,
        rule=origin.rule,
        score=origin.score,
        kept=origin.kept,
        added=origin.added,
        has_its_title=origin.has_its_title,
        minutes_later=origin.minutes_later,
        is_order_sure=origin.is_order_sure,
    )


def _tell_evidence(evidence: Iterable[Mapping[str, Any]]) -> list[Evidence]:
    return [
        Evidence(
            term=fit_line(each["term"], TITLE_LIMIT),
            place=each["place"],
            offset=each["offset"],
            weight=each["weight"],
        )
        for each in evidence
    ]


def _tell_revision(record: detail_rows.RevisionRecord, room: int) -> Revision:
    edits = find_edits("\n".join(record.removed), "\n".join(record.added), room=room)
    return Revision(
        found_at=record.replaced_at,
        title_before=fit_line(record.title_before, TITLE_LIMIT),
        title_after=fit_line(record.title_after or record.title_before, TITLE_LIMIT),
        paragraphs_removed=len(record.removed),
        paragraphs_added=len(record.added),
        edits=[
            Edit(**{name: fit_line(getattr(each, name)) for name in ("before", "removed", "added", "after")})
            for each in edits.excerpts
        ],
    )


def _tell_passage(passage: Passage) -> Highlight:
    """A passage that is longer than may be quoted is not told."""
    title, text = split_marked(passage.title), split_marked(passage.text)
    may_quote = passage.limit is None or sum(len(piece.text) for piece in text) <= passage.limit
    return Highlight(title=_mark(title), text=_mark(text) if may_quote else "")


def _mark(pieces: Iterable[Piece]) -> str:
    escaped = ((escape(fit_text(piece.text), quote=False), piece.is_found) for piece in pieces)
    return "".join(f"<mark>{text}</mark>" if is_found else text for text, is_found in escaped)
