"""Who published when: the articles of a story in the order of time, worked out before any HTML is written. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from aggregator.cleaning import safe_url, xml_safe
from aggregator.story_page_rows import StoryArticle, StoryRecord
from aggregator.web.story_times import ShownTime, fold, has_hour, show_time, show_title, tell_delay
from aggregator.web.texts import Texts

OPEN = 12  # articles that are shown; the others fold away …
MOST = 80  # … up to so many; what the trace below tells needs not be told twice


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """An article on the line."""

    time: ShownTime
    since: str  # the first; "" for the first itself, and where the order is not certain
    portal: str
    url: str  # "" when it is not a web address
    title: str  # "" for a copy
    language: str
    kind: str  # in words
    is_news: bool  # not a copy


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    marks: tuple[Mark, ...]
    more: tuple[Mark, ...]
    unshown: int


def build_timeline(story: StoryRecord, texts: Texts, zone: tzinfo) -> Timeline | None:
    """The line of a story; None for one article alone."""
    if story.articles < 2:
        return None
    placed = [(article, article is news.first) for news in story.news for article in (news.first, *news.copies)]
    placed.sort(key=lambda each: (each[0].published.at, not each[1], each[0].id))
    first = placed[0][0]
    marks = [_make_mark(*each, first, texts, zone) for each in placed[:MOST]]
    shown, more = fold(marks, OPEN)
    return Timeline(marks=shown, more=more, unshown=story.articles - len(marks))


def _make_mark(article: StoryArticle, is_news: bool, first: StoryArticle, texts: Texts, zone: tzinfo) -> Mark:
    is_sure = article is not first and has_hour(article.published) and has_hour(first.published)
    minutes = int((article.published.at - first.published.at).total_seconds() // 60)
    kind = "line_release" if is_news and article.is_government else "line_news" if is_news else "line_copy"
    return Mark(
        time=show_time(article.published, texts, zone),
        since=tell_delay(minutes, texts) if is_sure else "",
        portal=xml_safe(article.source_name),
        url=safe_url(article.url),
        title=show_title(article.title) if is_news else "",
        language=article.language,
        kind=texts[kind],
        is_news=is_news,
    )
