"""What the page of a story shows, worked out before any HTML is written. Pure.

Each piece of news of the story with its provenance: who published first, and for each copy from whom it was most likely
taken, how late, and what of it was kept: the same choice as in the view `provenance`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.cleaning import cut_text, safe_url, xml_safe
from aggregator.dedup import Edge
from aggregator.instants import from_text
from aggregator.publish.excerpt import make_excerpt
from aggregator.story_rows import StoryArticle, StoryRecord
from aggregator.web.texts import WIB, Texts

ARTICLES_MOST = 400  # of a story that its page reads
COPIES_OPEN = 5  # of a piece of news that are shown; the others fold away
TITLE_LIMIT = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownCopy:
    """An article that carries the text of another; every text is safe to encode, none is escaped yet."""

    portal: str
    url: str
    title: str  # "" where it has the headline of the one that it copies
    later: str  # how long after it, in words; "" where the order is not certain
    copied_from: str
    kept: int | None  # per cent of the original; None: not compared with it
    added: int | None  # per cent of the copy
    marks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownNews:
    """One text of the story, shown through its canonical article."""

    title: str
    url: str
    portal: str
    when: str
    iso: str
    excerpt: str
    language: str
    marks: tuple[str, ...]
    copies: tuple[ShownCopy, ...]
    more: tuple[ShownCopy, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryPage:
    id: int
    title: str
    why: tuple[str, ...]
    counts: str
    news: tuple[ShownNews, ...]
    unshown: int  # articles beyond ARTICLES_MOST


def build_story_page(story: StoryRecord, texts: Texts) -> StoryPage:
    """The page for a story with at least one article."""
    by_group: defaultdict[int, list[StoryArticle]] = defaultdict(list)
    for article in story.articles:
        by_group[article.group_id].append(article)
    portals = {article.source_name for article in story.articles}
    return StoryPage(
        id=story.id,
        title=cut_text(xml_safe(story.title), TITLE_LIMIT),
        why=tuple(map(xml_safe, story.why)),
        counts=texts["story_counts"].format(news=len(by_group), articles=story.count, portals=len(portals)),
        news=tuple(_show_news(members, story.edges, texts) for members in by_group.values()),
        unshown=story.count - len(story.articles),
    )


def _show_news(members: list[StoryArticle], edges: tuple[Edge, ...], texts: Texts) -> ShownNews:
    first = next((article for article in members if article.is_canonical), members[0])
    originals = find_originals(members, edges)
    copies = tuple(
        _show_copy(article, originals.get(article.id), first, texts) for article in members if article is not first
    )
    published = from_text(first.published_at).astimezone(WIB)
    return ShownNews(
        title=cut_text(xml_safe(first.title), TITLE_LIMIT),
        url=safe_url(first.url),
        portal=xml_safe(first.source_name),
        when=texts.format_moment(published) if first.has_hour else texts.format_day(published),
        iso=published.isoformat(),
        excerpt=make_excerpt(xml_safe(first.excerpt)),
        language=first.language,
        marks=_list_marks(first, texts),
        copies=copies[:COPIES_OPEN],
        more=copies[COPIES_OPEN:],
    )


def find_originals(
    members: list[StoryArticle], edges: tuple[Edge, ...]
) -> dict[int, tuple[StoryArticle, float, float]]:
    """copy → (the article that it most likely copies, share of that which it kept, share of its own that is new).

    Of those published before it, the one most like it; among equals the earliest.
    """
    by_id: Mapping[int | str, StoryArticle] = {article.id: article for article in members}
    found: dict[int, tuple[float, StoryArticle, float, float]] = {}
    for edge in edges:
        if edge.a not in by_id or edge.b not in by_id:
            continue
        a, b = by_id[edge.a], by_id[edge.b]
        of_a, of_b = edge.verdict.of_a, edge.verdict.of_b
        copy, original, kept, own = (a, b, of_b, of_a) if _order(b) < _order(a) else (b, a, of_a, of_b)
        known = found.get(copy.id)
        rank = (-edge.verdict.containment, _order(original))
        if known is None or rank < (-known[0], _order(known[1])):
            found[copy.id] = (edge.verdict.containment, original, kept, 1 - own)
    return {key: (original, kept, added) for key, (_, original, kept, added) in found.items()}


def _order(article: StoryArticle) -> tuple[str, int]:
    return article.published_at, article.id


def _show_copy(
    article: StoryArticle,
    source: tuple[StoryArticle, float, float] | None,
    first: StoryArticle,
    texts: Texts,
) -> ShownCopy:
    original, kept, added = source or (first, None, None)
    has_its_title = article.title.casefold() == original.title.casefold()
    later = ""
    if article.has_hour and original.has_hour:
        delay = from_text(article.published_at) - from_text(original.published_at)
        later = tell_delay(int(delay.total_seconds() // 60), texts)
    return ShownCopy(
        portal=xml_safe(article.source_name),
        url=safe_url(article.url),
        title="" if has_its_title else cut_text(xml_safe(article.title), TITLE_LIMIT),
        later=later,
        copied_from=xml_safe(original.source_name),
        kept=None if kept is None else round(kept * 100),
        added=None if added is None else round(added * 100),
        marks=_list_marks(article, texts),
    )


def tell_delay(minutes: int, texts: Texts) -> str:
    """E.g. "2 jam 5 menit kemudian"; "" for what came before."""
    if minutes < 0:
        return ""
    days, rest = divmod(minutes, 24 * 60)
    units = ((days, "days"), (rest // 60, "hours"), (rest % 60, "minutes"))
    told = [texts[unit].format(count=count) for count, unit in units if count][:2]
    return str(texts["later"].format(span=" ".join(told))) if told else str(texts["at_once"])


def _list_marks(article: StoryArticle, texts: Texts) -> tuple[str, ...]:
    marks = []
    if article.is_government:
        marks.append(texts["mark_government"])
    if article.revisions:
        marks.append(texts["mark_revised"].format(count=article.revisions))
    if article.gone_at:
        marks.append(texts["mark_gone"])
    return tuple(marks)
