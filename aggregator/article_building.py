"""From a page that was found to the row of an article, and what it is judged to be. PURE.

page ─▶ clean ─▶ date, title ─▶ mask ─▶ row ─▶ topics, spam
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from aggregator.cleaning import clean_paragraphs, clean_text, safe_url
from aggregator.dedup import compare, fingerprint
from aggregator.instants import get_offset_minutes, to_text
from aggregator.masking import mask_columns
from aggregator.models import ArticleLink, DatePrecision, ExtractedArticle, FetchedPage, Source, SpamVerdict, TopicMatch
from aggregator.polling import LONGEST_CYCLE
from aggregator.spam import is_house, judge_spam
from aggregator.topic_tables import TopicTable
from aggregator.topics import match_topics
from aggregator.urls import canonicalize

TITLE_LIMIT = 500
TITLE_OF_TEXT = 80  # characters of a text that stand in for its title
TEXT_LIMIT = 200_000
SUMMARY_LIMIT = 2_000
TAG_LIMIT = 100
REVISED_SHARE = 0.5  # of its runs of words a revised text keeps; else it is another one, that was not there before
AHEAD_SLIGHTLY, AHEAD_MOST = timedelta(minutes=10), timedelta(hours=1)  # by which a portal's clock may be ahead of ours


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An article that was read and is now judged."""

    source: Source
    page: FetchedPage
    tags: tuple[str, ...]
    row: dict[str, Any]  # its columns; the address may still change
    page_file: str


class Verdict(NamedTuple):
    """What an article is judged to be."""

    topics: tuple[TopicMatch, ...]
    nearly: tuple[TopicMatch, ...]  # every topic, also below its threshold
    spam: SpamVerdict


def build_row(page: FetchedPage, source: Source, now: datetime) -> dict[str, Any]:
    """The columns of `articles` for a page, cleaned: the one place where a portal's text is made safe.

    Persons' numbers and addresses are masked here, too, so that whatever is made of a row (feeds, pages, the index of
    words, exports, a copy) cannot tell them; judging and comparing see what is kept.
    """
    article = page.article or ExtractedArticle()
    text = clean_paragraphs(article.text, limit=TEXT_LIMIT)
    title, title_method = _choose_title(article, page.link, text)
    author, byline = _drop_houses(", ".join(article.authors)), _drop_houses(article.byline)
    summary = clean_text(article.summary or page.link.summary, limit=SUMMARY_LIMIT)
    published, is_told = _choose_date(article, page, source, now)
    row = {
        "url": canonicalize(page.url) or canonicalize(page.link.url),
        "source_id": source.id,
        "title": title,
        "title_method": title_method,
        "author": author,
        "byline": byline,
        "author_method": article.author_method if author or byline else "",
        "published_at": to_text(published.astimezone(UTC)),
        "published_offset": get_offset_minutes(published) if is_told else 0,
        "published_precision": article.published_precision.value if is_told and article.published_precision else "none",
        "published_raw": clean_text(article.published_raw, limit=200),
        "published_method": article.published_method if is_told else "first-seen",
        "modified_at": to_text(article.modified) if article.modified else None,
        "text": text,
        "summary": summary,
        "image": safe_url(article.image),
        "snippet_limit": article.snippet_limit,
        "language": clean_text(article.language, limit=20) or source.language,
        "tags": _tags_to_json(article.tags),
        "declared_url": canonicalize(article.canonical_url, base=page.url) if article.canonical_url else "",
        "extraction_method": article.method,
        "profile": article.profile,
        "page_hash": page.page_hash or None,
        "first_seen_at": to_text(now),
    }
    return row | mask_columns(row)


def _drop_houses(names: str) -> str:
    """Names with commas between them, cleaned, without those of gambling houses: hacked pages have such authors."""
    return ", ".join(name for name in clean_text(names, limit=200).split(", ") if not is_house(name))


def _choose_date(article: ExtractedArticle, page: FetchedPage, source: Source, now: datetime) -> tuple[datetime, bool]:
    """When it was published, and whether the portal told so: `now` where it told nothing, or what has not come yet.

    A portal's clock may be a little ahead of ours: an instant is then ours, a day without an hour stays the day that it
    tells. An instant of UTC that has not come, and has where the source is, is of a portal that labels its own clock
    so.
    """
    latest = page.fetched_at if abs(page.fetched_at - now) <= LONGEST_CYCLE else now  # the clock may have been set
    if (told := article.published) is None:
        return now, False
    if told - latest > AHEAD_SLIGHTLY and not told.utcoffset():
        local = told.replace(tzinfo=ZoneInfo(source.timezone))
        told = local if local <= latest else told
    if told - latest > AHEAD_MOST:
        return now, False
    is_day = article.published_precision is DatePrecision.DAY
    return told if is_day else min(told, latest.astimezone(told.tzinfo)), True


def _choose_title(article: ExtractedArticle, link: ArticleLink, text: str) -> tuple[str, str]:
    """The title, and which way it was found: the page's, the channel's, else the first words of the text."""
    ways = (
        (article.title_method, article.title, TITLE_LIMIT),
        ("channel", link.title, TITLE_LIMIT),
        ("text", text, TITLE_OF_TEXT),
    )
    found = ((clean_text(said, limit=limit), way) for way, said, limit in ways)
    return next(((title, way) for title, way in found if title), ("", ""))


def _tags_to_json(tags: Iterable[str]) -> str:
    cleaned = (clean_text(tag, limit=TAG_LIMIT) for tag in list(tags)[:30])
    return json.dumps([tag for tag in cleaned if tag], ensure_ascii=False)


def judge(row: Mapping[str, Any], tags: Sequence[str], table: TopicTable, *, html: bytes = b"") -> Verdict:
    """Topics and spam of an article's row, and of the page it was read from where that is at hand."""
    nearly = match_topics(row["title"], row["text"], summary=row["summary"], tags=tags, table=table)
    thresholds = {topic.id: topic.threshold for topic in table.topics}
    return Verdict(
        topics=tuple(match for match in nearly if match.score >= thresholds[match.topic]),
        nearly=nearly,
        spam=judge_spam(row["title"], row["text"], url=row["url"], html=html),
    )


def is_same_news(known: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a page still says what it said, changed here and there, and not something else."""
    if not known["text"]:
        return False
    before, after = fingerprint(known["title"], known["text"]), fingerprint(row["title"], row["text"])
    return compare(before, after, same_source=False).containment >= REVISED_SHARE


def is_revision(known: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether an article says something else now. A channel's text and a page's are not held against each other."""
    if (known["extraction_method"] == "channel") != (row["extraction_method"] == "channel"):
        return False
    if known["text"] and not row["text"]:  # a page that was emptied
        return False
    return bool((known["title"], known["text"]) != (row["title"], row["text"]))
