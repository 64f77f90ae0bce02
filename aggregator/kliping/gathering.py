"""Gathers a kliping from the store.

walk (groups that came in) ─▶ who carries each ─▶ `_rank`: stories by weight ─▶ items of those shown ─▶ Kliping
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from aggregator.cleaning import drop_invisible
from aggregator.excerpt import make_excerpt
from aggregator.feed_rows import FeedRow, make_place
from aggregator.feeds import FeedKind, split_name
from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.kliping.wording import get_day, get_words
from aggregator.kliping_rows import Carrier
from aggregator.models import DatePrecision, FeedItem, Language
from aggregator.publish.characters import fit_line, fit_name, fit_url
from aggregator.publish.describing import Publisher, locate_answer, name_question, name_subject, name_subjects
from aggregator.publish.feed_info import Format
from aggregator.publish.item_content import make_content
from aggregator.publish.page_links import make_story_link
from aggregator.publish.wording import get_wording
from aggregator.reference import load_cities
from aggregator.search import NewsQuery
from aggregator.search_rows import Search
from aggregator.store import Store
from aggregator.times import name_zone

NEWS_MOST = 200
LOOKED_AT_MOST = 3_000  # pieces of news, the newest; a week of all portals brings a few hundred
TITLE_LIMIT = 200  # characters
SUBJECT_LIMIT = 120
NAME_LIMIT = 80  # of a portal or office
EXTRACT_LIMIT = 160
COPIES_TOLD = 20

_NOT_IN_FILE_NAME = re.compile(r"[^a-z0-9]+")
_FILE_NAME_LIMIT = 60
_PLACES = frozenset({FeedKind.CITY, FeedKind.PROVINCE, FeedKind.KOMWIL})


@dataclass(slots=True)
class _Story:
    """Groups on one event, while they are gathered."""

    groups: list[int] = field(default_factory=list)  # in the order in which they came in
    sources: set[str] = field(default_factory=set)
    articles: int = 0


def gather_kliping(
    store: Store,
    query: NewsQuery,
    *,
    office: str,
    zone: tzinfo,
    since: datetime,
    until: datetime,
    language: Language,
    publisher: Publisher,
    most: int = NEWS_MOST,
) -> Kliping:
    """What entered the feeds after `since` and up to `until`, and answers the query's filter.

    By story, the most important first; belongs into a `snapshot`. Of the query its words, feeds, `since` (publication)
    and archive count; its order, place and language do not. The news of a publish under way has its hour before it can
    be read: a digest that shall miss nothing takes as `until` a moment after which none has begun, and as the next
    one's `since` the same. Raises UnknownFeedError, StoreError.
    """
    feeds = store.find_feeds(query.feeds)
    groups = _find_groups(store, query, feeds, since, until)
    carriers = store.list_carriers(groups)
    ranked = _rank(groups, carriers)
    chosen = _choose(ranked, most)
    asked = replace(query, language=language, by_story=False, before="")
    subject = _name_subject(asked, feeds)
    office = fit_office(office)
    words = get_words(language)
    return Kliping(
        title=words["title"].format(subject=subject) if subject else words["title_all"],
        office=office,
        subject=subject or get_wording(language)["everything"],
        zone=zone,
        since=since,
        until=until,
        language=language,
        stories=_read_stories(store, chosen, zone, language, publisher),
        events=len(ranked),
        news=len(groups),
        articles=sum(carrier.articles for carrier in carriers),
        portals=len({carrier.source_id for carrier in carriers}),
        left_out=len(groups) - sum(map(len, chosen)),
        page_url=publisher.locate(f"kliping?{_encode(asked, office, zone, since, until)}"),
        feed_url=locate_answer(replace(asked, since=None), publisher, Format.RSS),
        publisher=fit_line(publisher.name, NAME_LIMIT),
        file_name="-".join(filter(None, ("kliping", _make_slug(query, office), f"{get_day(until, zone):%Y-%m-%d}"))),
    )


def fit_office(name: str) -> str:
    """The name of an office as somebody wrote it, fit to be shown."""
    return _fit(name[: 10 * NAME_LIMIT], NAME_LIMIT)


# ── which news ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _find_groups(
    store: Store, query: NewsQuery, feeds: Sequence[Sequence[FeedRow]], since: datetime, until: datetime
) -> list[int]:
    """The newest first."""
    search = Search(
        feeds=tuple(tuple(feed.id for feed in either) for either in feeds),
        match=query.match,
        since=query.since,
        with_archive=query.with_archive,
        by_story=False,
        before=(make_place(until) + 1, 0),
        from_place=make_place(since) + 1,
    )
    return [group_id for _, group_id in store.walk(search, limit=LOOKED_AT_MOST)]


def _rank(groups: Sequence[int], carriers: Iterable[Carrier]) -> list[_Story]:
    """The stories of the groups (newest first), by portals, then articles, then who came in last."""
    order = {group_id: place for place, group_id in enumerate(groups)}
    stories: defaultdict[tuple[str, int], _Story] = defaultdict(_Story)
    for carrier in sorted(carriers, key=lambda carrier: -order[carrier.group_id]):
        alone = carrier.story_id is None
        story = stories[("group", carrier.group_id) if alone else ("story", carrier.story_id or 0)]
        if carrier.group_id not in story.groups[-1:]:
            story.groups.append(carrier.group_id)
        story.sources.add(carrier.source_id)
        story.articles += carrier.articles
    return sorted(stories.values(), key=lambda each: (-len(each.sources), -each.articles, order[each.groups[-1]]))


def _choose(stories: Iterable[_Story], most: int) -> list[list[int]]:
    """The groups of the first stories, `most` in all."""
    chosen = []
    for story in stories:
        if most <= 0:
            break
        chosen.append(story.groups[:most])
        most -= len(chosen[-1])
    return chosen


# ── what is told of it ─────────────────────────────────────────────────────────────────────────────────────────────


def _name_subject(asked: NewsQuery, feeds: Sequence[Sequence[FeedRow]]) -> str:
    """What is asked for, for people; "" for everything."""
    if not asked.words and not feeds:
        return ""
    subjects = name_subjects(feeds, asked.language)
    return _fit(name_question(replace(asked, since=None), subjects), SUBJECT_LIMIT)


def _read_stories(
    store: Store, stories: Sequence[Sequence[int]], zone: tzinfo, language: Language, publisher: Publisher
) -> tuple[KlipingStory, ...]:
    """The stories of these groups."""
    items = store.get_items([group_id for groups in stories for group_id in groups])
    kinds = store.get_source_kinds({item.source_id for item in items.values()})
    return _build_stories([[items[each] for each in groups] for groups in stories], kinds, zone, language, publisher)


def _build_stories(
    stories: Sequence[Sequence[FeedItem]],
    kinds: Mapping[str, str],
    zone: tzinfo,
    language: Language,
    publisher: Publisher,
) -> tuple[KlipingStory, ...]:
    built, number = [], 0
    for members in stories:
        ordered = sorted(members, key=lambda item: (item.published, item.guid))
        clippings = tuple(
            _build_clipping(item, place, kinds, zone, language) for place, item in enumerate(ordered, start=number + 1)
        )
        number += len(clippings)
        leading = max(clippings, key=lambda clipping: len(clipping.copies) + clipping.more_copies)
        link = make_story_link(ordered[0].story_id, language)
        built.append(
            KlipingStory(
                title=leading.title,
                url=publisher.locate(link.removeprefix("/")) if link else "",
                cities=_drop_own_provinces(_collect(item.regions for item in ordered)),
                topics=_collect((_name_topic(topic, language) for topic in item.topics) for item in ordered),
                clippings=clippings,
            )
        )
    return tuple(built)


def _build_clipping(
    item: FeedItem, number: int, kinds: Mapping[str, str], zone: tzinfo, language: Language
) -> Clipping:
    content = make_content(replace(item, also_at=(), full_text=""), language)
    day_only = item.published_precision is DatePrecision.DAY
    published = content.published
    return Clipping(
        number=number,
        title=_fit(content.title, TITLE_LIMIT),
        medium=_fit(content.source_name, NAME_LIMIT),
        kind=get_words(language).name_kind(kinds.get(item.source_id, "")),
        url=content.link,
        language=content.language,
        # A day without an hour is the source's day: no zone moves it to another one.
        published=datetime(*published.timetuple()[:3], tzinfo=zone) if day_only else published.astimezone(zone),
        has_hour=not day_only,
        is_first_seen=item.published_precision is None,
        extract=make_excerpt(drop_invisible(content.excerpt), EXTRACT_LIMIT),
        copies=tuple((_fit(fit_name(name), NAME_LIMIT), fit_url(url)) for name, url in item.also_at[:COPIES_TOLD]),
        more_copies=max(len(item.also_at) - COPIES_TOLD, 0),
    )


def _fit(text: str, limit: int) -> str:
    """A line of a few words, in which nothing is hidden."""
    return fit_line(drop_invisible(text), limit)


def _collect(names: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_fit(name, NAME_LIMIT) for each in names for name in each))


def _drop_own_provinces(places: tuple[str, ...]) -> tuple[str, ...]:
    """Without the provinces of cities that are named: "Kota Bengkulu, Bengkulu" says nothing more."""
    provinces = {city.province for city in load_cities() if city.full_name in places}
    return tuple(place for place in places if place not in provinces)


def _name_topic(topic: str, language: Language) -> str:
    return name_subject(f"{FeedKind.TOPIC}/{topic}", "", language)


# ── where it is ────────────────────────────────────────────────────────────────────────────────────────────────────


def _encode(query: NewsQuery, office: str, zone: tzinfo, since: datetime, until: datetime) -> str:
    """The query of the page that shows the same."""
    name = name_zone(until.astimezone(zone)).lower()
    pairs = [("office", office)] if office else []
    pairs += [("zone", name)] if name in {"wib", "wita", "wit"} else []
    pairs += [(key, at.astimezone(zone).isoformat()) for key, at in (("from", since), ("to", until))]
    return "&".join(filter(None, (query.encode(), urlencode(pairs))))


def _make_slug(query: NewsQuery, office: str) -> str:
    """Places, then topics and sources, then words; the office where all news is asked for."""
    named = [split_name(name) for names in query.feeds for name in names]
    parts = sorted(named, key=lambda name: name[0] not in _PLACES)
    texts = [slug if kind != FeedKind.KOMWIL else f"{kind}-{slug}" for kind, slug in parts]
    text = "-".join([*texts, query.words]) if named or query.words else office
    return _NOT_IN_FILE_NAME.sub("-", text.casefold())[:_FILE_NAME_LIMIT].strip("-")
