"""What the page of a story shows, worked out before any HTML is written. Pure.

Each piece of news of the story with its provenance: who published first, and for each copy from whom it was most likely
taken, how late, and what of it was kept. Oldest first, for the page answers where the news came from; what is long
folds away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from aggregator.cleaning import cut_text, safe_url, xml_safe
from aggregator.models import DatePrecision
from aggregator.publish.excerpt import make_excerpt
from aggregator.story_rows import Published, StoryArticle, StoryNews, StoryRecord, StoryRevision
from aggregator.web.front_page import TITLE_LIMIT
from aggregator.web.texts import WIB, Texts

NEWS_MOST = 150  # pieces of news that a page is told of …
ARTICLES_MOST = 1_000  # … and about so many articles
NEWS_OPEN = 10  # pieces of news that are shown; the others fold away
COPIES_OPEN = 5  # of a piece of news
CITIES_OPEN = 12
TERM_LIMIT = 60

_Shown = TypeVar("_Shown")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownTime:
    """A time of publication, WIB; where there is no hour, the day at its source."""

    iso: str
    words: str
    full: str  # the same with weekday and year


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


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownNews:
    """One text of the story, shown through the article that was first with it, as far as is known."""

    first: ShownArticle
    is_first_sure: bool  # False: it gives no hour, so that a copy may have come before
    excerpt: str
    copy_count: int  # in all
    outlets: int  # other portals that carry a city government's release; 0: it is none, or nobody else does
    copies: tuple[ShownCopy, ...]
    more: tuple[ShownCopy, ...]
    unshown: int


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
    cities: tuple[str, ...]
    more_cities: int
    why: tuple[str, ...]
    news: tuple[ShownNews, ...]
    more: tuple[ShownNews, ...]
    unshown: int


def build_story_page(story: StoryRecord, texts: Texts) -> StoryPage:
    """The page of a story."""
    first = story.news[0].first
    is_alone = story.news_count == 1 and story.title in ("", first.title)
    news = _fold([_show_news(each, texts) for each in story.news], NEWS_OPEN)
    cities = _fold([*map(xml_safe, story.cities)], CITIES_OPEN)
    return StoryPage(
        id=story.id,
        title=_show_title(story.title or first.title),
        url=safe_url(first.url) if is_alone else "",
        language=first.language,
        news_count=story.news_count,
        articles=story.articles,
        portals=story.portals,
        first_seen=_show_time(story.first_seen, texts),
        last_seen=_show_time(story.last_seen, texts),
        cities=cities[0],
        more_cities=len(cities[1]),
        why=tuple(cut_text(xml_safe(term), TERM_LIMIT) for term in story.why),
        news=news[0],
        more=news[1],
        unshown=story.news_count - len(story.news),
    )


def _fold(shown: Sequence[_Shown], most: int) -> tuple[tuple[_Shown, ...], tuple[_Shown, ...]]:
    """What is shown, and what folds away. One more than fits is shown, too: a fold for it would take as much room."""
    most = most if len(shown) > most + 1 else len(shown)
    return tuple(shown[:most]), tuple(shown[most:])


def _show_news(news: StoryNews, texts: Texts) -> ShownNews:
    copies = _fold([_show_copy(article, news.first, texts) for article in news.copies], COPIES_OPEN)
    governments = {each.source_name for each in (news.first, *news.copies) if each.is_government}
    return ShownNews(
        first=_show_article(news.first, texts),
        is_first_sure=_has_hour(news.first.published),
        excerpt=make_excerpt(xml_safe(news.excerpt)),
        copy_count=news.articles - 1,
        outlets=news.portals - len(governments) if governments else 0,
        copies=copies[0],
        more=copies[1],
        unshown=news.articles - 1 - len(news.copies),
    )


def _show_article(article: StoryArticle, texts: Texts) -> ShownArticle:
    gone = texts.format_short_day(article.gone_at.astimezone(WIB)) if article.gone_at else ""
    return ShownArticle(
        portal=xml_safe(article.source_name),
        url=safe_url(article.url),
        title=_show_title(article.title),
        language=article.language,
        time=_show_time(article.published, texts),
        is_government=article.is_government,
        gone=texts["mark_gone"].format(day=gone) if gone else "",
        revisions=tuple(_show_revision(each, texts) for each in article.revisions),
        more_revisions=article.revised - len(article.revisions),
    )


def _show_copy(article: StoryArticle, first: StoryArticle, texts: Texts) -> ShownCopy:
    shown, origin = _show_article(article, texts), article.origin
    if origin is None:
        return ShownCopy(
            article=shown,
            own_title="" if article.title.casefold() == first.title.casefold() else shown.title,
            when=texts["order_unsure"],
            relation=texts["origin_unknown"],
            origin="",
            shares="",
        )
    is_later = origin.is_order_sure and origin.minutes_later > 0
    return ShownCopy(
        article=shown,
        own_title="" if origin.has_its_title else shown.title,
        when=tell_delay(origin.minutes_later, texts) if origin.is_order_sure else texts["order_unsure"],
        relation=texts["copied_from"] if is_later else texts["most_like"],
        origin=xml_safe(origin.source_name),
        shares=texts["shares"].format(kept=round(origin.kept * 100), added=round(origin.added * 100)),
    )


def _show_revision(revision: StoryRevision, texts: Texts) -> ShownRevision:
    before, after = map(_show_title, revision.title or ("", ""))
    is_text_changed = revision.removed or revision.added
    return ShownRevision(
        found=texts.format_moment(revision.found_at.astimezone(WIB)),
        before=before,
        after=after,
        paragraphs=texts["paragraphs"].format(removed=revision.removed, added=revision.added)
        if is_text_changed
        else "",
    )


def _show_title(title: str) -> str:
    return cut_text(xml_safe(title), TITLE_LIMIT)


def _has_hour(published: Published) -> bool:
    return published.precision not in (DatePrecision.DAY, None)


def _show_time(published: Published, texts: Texts) -> ShownTime:
    """A date without an hour stays on the source's day; the rest is shown in WIB."""
    if published.precision is DatePrecision.DAY:
        day = published.at
        return ShownTime(iso=day.date().isoformat(), words=texts.format_short_day(day), full=texts.format_day(day))
    at = published.at.astimezone(WIB)
    words = texts["moment"].format(day=texts.format_short_day(at), hour=texts.format_hour(at), zone="WIB")
    full = texts.format_moment(at)
    if published.precision is None:
        words, full = (texts["seen_at"].format(moment=moment) for moment in (words, full))
    return ShownTime(iso=at.isoformat(), words=words, full=full)


def tell_delay(minutes: int, texts: Texts) -> str:
    """E.g. "2 jam 5 menit kemudian"."""
    days, rest = divmod(max(minutes, 0), 24 * 60)
    units = ((days, "days"), (rest // 60, "hours"), (rest % 60, "minutes"))
    told = [texts[unit].format(count=count) for count, unit in units if count][:2]
    return str(texts["later"].format(span=" ".join(told))) if told else str(texts["at_once"])
