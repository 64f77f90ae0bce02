"""What the page of a story shows, worked out before any HTML is written. Pure.

    timeline   who published when (`timeline`)
    trace      each piece of news with its provenance: who published first, and for each copy from whom it was most
               likely taken, how late, and what of it was kept; which news is a follow-up; why it is here

Oldest first, for the page answers where the news came from; what is long folds away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from types import MappingProxyType

from aggregator.cleaning import cut_text, safe_url, xml_safe
from aggregator.excerpt import make_excerpt
from aggregator.models import Reason
from aggregator.reference import get_city
from aggregator.stories import is_telling
from aggregator.story_page_rows import StoryArticle, StoryNews, StoryRecord, StoryRevision
from aggregator.web.links import make_link
from aggregator.web.outline import SmallMap, draw_small_map
from aggregator.web.shown_item import tell_reason
from aggregator.web.story_times import (
    ShownTime,
    choose_zone,
    fold,
    has_hour,
    show_time,
    show_title,
    tell_delay,
    tell_span,
)
from aggregator.web.texts import WIB, Texts
from aggregator.web.timeline import Timeline, build_timeline

NEWS_MOST = 150  # pieces of news that a page is told of …
ARTICLES_MOST = 1_000  # … and about so many articles
NEWS_OPEN = 10  # pieces of news that are shown; the others fold away
COPIES_OPEN = 5  # of a piece of news
CITIES_OPEN = 12
TERM_LIMIT = 60
FOLLOW_UP_AFTER = timedelta(days=1)  # of the first news; before that it is another report of the same day
NO_REASONS: Mapping[int, tuple[Reason, ...]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRevision:
    """What a portal changed; "" where it did not."""

    found: str
    before: str
    after: str
    paragraphs: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownArticle:
    """An article at its portal; every text is safe to encode, none is escaped yet."""

    portal: str
    url: str  # "" when it is not a web address
    title: str
    language: str
    time: ShownTime
    is_government: bool
    gone: str  # that its portal has deleted it; "" while it is there
    revisions: tuple[ShownRevision, ...]
    more_revisions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownCopy:
    """An article that carries the text of another, and what is known of where it was taken from."""

    article: ShownArticle
    own_title: str  # "" where it has the headline of the one that it copies
    when: str  # how long after it
    relation: str  # that it copies it, or is like it where it may have been there before
    origin: str  # portal of that one; "": not known
    shares: str  # what was kept and added; "" without an origin
    edits_url: str  # what it changed; "" where it changed nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownNews:
    """One text of the story, shown through the article that was first with it, as far as is known."""

    kind: str  # the first news, another report, or a follow-up, and how late; "" where there is no other
    likeness: str  # to what was there before; "" where that is not known
    reasons: tuple[str, ...]  # why it is here, a line for each topic
    first: ShownArticle
    is_first_sure: bool  # False: it gives no hour, so that a copy may have come before
    excerpt: str
    copy_count: int  # in all
    outlets: int  # other portals that carry a city government's release; 0: it is none, or nobody else does
    copies: tuple[ShownCopy, ...]
    more: tuple[ShownCopy, ...]
    unshown: int


@dataclass(frozen=True, kw_only=True, slots=True)
class City:
    """Where it happened."""

    name: str
    url: str  # "" where it has no page


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryPage:
    id: int
    title: str
    url: str  # of a story that is one piece of news under its own title; "" otherwise
    language: str
    news_count: int
    articles: int
    portals: int
    first_seen: ShownTime
    last_seen: ShownTime
    cities: tuple[City, ...]
    more_cities: int
    map: SmallMap | None
    why: tuple[str, ...]
    span: str  # how long from the first news to the last; "" where there is one
    timeline: Timeline | None  # None: one article makes none
    news: tuple[ShownNews, ...]
    more: tuple[ShownNews, ...]
    unshown: int
    note: str  # that full texts are no longer kept; "" where they are


def build_story_page(
    story: StoryRecord, texts: Texts, reasons: Mapping[int, tuple[Reason, ...]] = NO_REASONS
) -> StoryPage:
    """The page of a story; `reasons`: why articles are here."""
    first = story.news[0].first
    is_alone = story.news_count == 1 and story.title in ("", first.title)
    known = [city for slug in story.city_slugs if (city := get_city(slug)) is not None]
    zone = choose_zone(known)
    news = fold([_show_news(each, story, texts, zone, reasons) for each in story.news], NEWS_OPEN)
    cities = fold([_show_city(*each, texts) for each in zip(story.cities, story.city_slugs, strict=True)], CITIES_OPEN)
    return StoryPage(
        id=story.id,
        title=show_title(story.title or first.title),
        url=safe_url(first.url) if is_alone else "",
        language=first.language,
        news_count=story.news_count,
        articles=story.articles,
        portals=story.portals,
        first_seen=show_time(story.first_seen, texts, zone),
        last_seen=show_time(story.last_seen, texts, zone),
        cities=cities[0],
        more_cities=len(cities[1]),
        map=draw_small_map(known),
        why=tuple(cut_text(xml_safe(term), TERM_LIMIT) for term in story.why if is_telling(term)),  # of old looks, too
        span=_tell_story_span(story, texts),
        timeline=build_timeline(story, texts, zone),
        news=news[0],
        more=news[1],
        unshown=story.news_count - len(story.news),
        note=texts["text_dropped"] if any(_is_dropped(each) for each in story.news) else "",
    )


def _is_dropped(news: StoryNews) -> bool:
    return any(article.is_dropped for article in (news.first, *news.copies))


def _show_city(name: str, slug: str, texts: Texts) -> City:
    return City(name=xml_safe(name), url=make_link(f"/city/{slug}", texts.language) if get_city(slug) else "")


def _tell_story_span(story: StoryRecord, texts: Texts) -> str:
    minutes = _count_minutes(story.last_seen.at - story.first_seen.at)
    return tell_span(minutes, texts) if story.news_count > 1 else ""


def _tell_kind(news: StoryNews, story: StoryRecord, texts: Texts) -> str:
    if story.news_count == 1:
        return ""
    first = story.news[0]
    if news is first:
        return str(texts["news_first"])
    if not (has_hour(news.first.published) and has_hour(first.first.published)):
        return str(texts["news_other"])
    later = news.first.published.at - first.first.published.at
    kind = texts["news_follow_up" if later > FOLLOW_UP_AFTER else "news_other"]
    return f"{kind} · {tell_delay(_count_minutes(later), texts)}"


def _count_minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _show_news(
    news: StoryNews,
    story: StoryRecord,
    texts: Texts,
    zone: tzinfo,
    reasons: Mapping[int, tuple[Reason, ...]],
) -> ShownNews:
    shown = [_show_copy(article, news.first, story, texts, zone) for article in news.copies]
    copies = fold(shown, COPIES_OPEN)
    governments = {each.source_name for each in (news.first, *news.copies) if each.is_government}
    return ShownNews(
        kind=_tell_kind(news, story, texts),
        likeness=texts["news_likeness"].format(share=round(news.likeness * 100)) if news.likeness else "",
        reasons=tuple(tell_reason(reason, texts) for reason in reasons.get(news.first.id, ()) if reason.terms),
        first=_show_article(news.first, texts, zone),
        is_first_sure=has_hour(news.first.published),
        excerpt=make_excerpt(xml_safe(news.excerpt)),
        copy_count=news.articles - 1,
        outlets=news.portals - len(governments) if governments else 0,
        copies=copies[0],
        more=copies[1],
        unshown=news.articles - 1 - len(news.copies),
    )


def _show_article(article: StoryArticle, texts: Texts, zone: tzinfo) -> ShownArticle:
    gone = texts.format_short_day(article.gone_at.astimezone(WIB)) if article.gone_at else ""
    return ShownArticle(
        portal=xml_safe(article.source_name),
        url=safe_url(article.url),
        title=show_title(article.title),
        language=article.language,
        time=show_time(article.published, texts, zone),
        is_government=article.is_government,
        gone=texts["mark_gone"].format(day=gone) if gone else "",
        revisions=tuple(_show_revision(each, texts) for each in article.revisions),
        more_revisions=article.revised - len(article.revisions),
    )


def _show_copy(article: StoryArticle, first: StoryArticle, story: StoryRecord, texts: Texts, zone: tzinfo) -> ShownCopy:
    shown, origin = _show_article(article, texts, zone), article.origin
    edits_url = "" if article.is_dropped else make_link(f"/story/{story.id}/diff/{article.id}", texts.language)
    if origin is None:
        return ShownCopy(
            article=shown,
            own_title="" if article.title.casefold() == first.title.casefold() else shown.title,
            when=texts["order_unsure"],
            relation=texts["origin_unknown"],
            origin="",
            shares="",
            edits_url=edits_url,
        )
    is_later = origin.is_order_sure and origin.minutes_later > 0
    return ShownCopy(
        article=shown,
        own_title="" if origin.has_its_title else shown.title,
        when=tell_delay(origin.minutes_later, texts) if origin.is_order_sure else texts["order_unsure"],
        relation=texts["copied_from"] if is_later else texts["most_like"],
        origin=xml_safe(origin.source_name),
        shares=texts["shares"].format(kept=round(origin.kept * 100), added=round(origin.added * 100)),
        edits_url="" if origin.has_its_title and (origin.kept, origin.added) == (1, 0) else edits_url,
    )


def _show_revision(revision: StoryRevision, texts: Texts) -> ShownRevision:
    before, after = map(show_title, revision.title or ("", ""))
    is_text_changed = revision.removed or revision.added
    return ShownRevision(
        found=texts.format_moment(revision.found_at.astimezone(WIB)),
        before=before,
        after=after,
        paragraphs=texts["paragraphs"].format(removed=revision.removed, added=revision.added)
        if is_text_changed
        else "",
    )
