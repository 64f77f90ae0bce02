"""Answers questions to the news: what the pages, the API and the command share.

    read_query (search.py) ─▶ NewsQuery ─▶ look_up: names become numbers of the database ─▶ walk ─▶ items

A question that has no answer is a FindingError; whoever asked puts it into words with `tell`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from aggregator.feed_rows import UnknownFeedError, make_place
from aggregator.feeds import ALL, split_name
from aggregator.models import FeedItem, Language
from aggregator.publish.describing import name_subjects
from aggregator.publish.wording import get_wording
from aggregator.ranking import CANDIDATES_MOST, LEAD_LENGTH, Candidate, list_words, rank
from aggregator.search import NewsQuery
from aggregator.search_rows import Search
from aggregator.store import Store

NAMES_SUGGESTED = 3
SLUG_SHOWN = 64  # characters of a name that there is not


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What answers a question."""

    query: NewsQuery
    subjects: tuple[str, ...]  # what it asks in, for people
    items: tuple[FeedItem, ...]
    groups: tuple[int, ...]  # of the items
    next_before: str  # the guid that the next page begins after; "" on the last one
    ranked: int = 0  # how many, the newest, were ranked; 0: the newest stand first
    is_capped: bool = False  # whether older ones answer, too, that were not ranked


class FindingError(LookupError, ABC):
    """A question that has no answer."""

    @abstractmethod
    def tell(self, language: Language) -> str:
        """Why, for people."""


class NoNewsYetError(FindingError):
    """Nothing was ever published."""

    def tell(self, language: Language) -> str:
        return str(get_wording(language)["not_yet"])


class NoSuchItemError(FindingError):
    """No item ever had the guid that was asked to go on after."""

    def tell(self, language: Language) -> str:
        return str(get_wording(language)["no_item"])


class NotRankedError(FindingError):
    """The item that was asked to go on after is not among those that are ranked."""

    def __init__(self, ranked: int) -> None:
        super().__init__()
        self.ranked = ranked

    def tell(self, language: Language) -> str:
        return str(get_wording(language)["not_ranked"]).format(count=self.ranked)


class NoSuchNameError(FindingError):
    """There is no such city, topic, source …; `slug` is cut to SLUG_SHOWN characters, `near` are the slugs that were
    most likely meant."""

    def __init__(self, kind: str, slug: str, near: Sequence[str]) -> None:
        super().__init__(f"{kind}/{slug}")
        self.kind = kind
        self.slug = slug
        self.near = tuple(near)

    def tell(self, language: Language) -> str:
        words = get_wording(language)
        said = [words["unknown"].format(key=words["nouns"].get(self.kind, self.kind), value=self.slug)]
        said += [words["did_you_mean"].format(names=", ".join(self.near))] if self.near else []
        return " ".join(said)


def find_news(store: Store, query: NewsQuery, *, limit: int, most: int = 0, recent: datetime | None = None) -> Found:
    """The newest items that answer a question: `limit`, and all that came in since `recent`, up to `most` in all.

    Where it asks for an order by relevance: the most fitting of the newest. Belongs into a `snapshot`. Raises
    FindingError.
    """
    search, subjects = look_up(store, query)
    if query.by_relevance and query.terms:
        return _rank_news(store, query, search, subjects, limit)
    since = make_place(recent) if recent else 0
    most = max(limit, most if recent else 0)
    found = store.walk(search, limit=limit + 1, recent=since, most=most + 1)
    shown = max(limit, min(most, sum(place >= since for place, _ in found)))
    ids = [group_id for _, group_id in found[:shown]]
    return _read_items(store, query, subjects, ids, has_more=len(found) > shown)


def _rank_news(store: Store, query: NewsQuery, search: Search, subjects: tuple[str, ...], limit: int) -> Found:
    """The page of the newest candidates, ranked, that begins after the item of `search.before`."""
    found = store.walk(replace(search, before=None), limit=CANDIDATES_MOST + 1)
    places = {group_id: place for place, group_id in found[:CANDIDATES_MOST]}
    leads = store.get_leads(list(places), LEAD_LENGTH)
    candidates = [
        Candidate(group=group_id, place=places[group_id], title=title, lead=lead)
        for group_id, (title, lead) in leads.items()
    ]
    ids = rank(candidates, query.terms, store.estimate_shares(list_words(query.terms)))
    first = 0
    if search.before:
        if search.before[1] not in places:
            raise NotRankedError(len(ids))
        first = ids.index(search.before[1]) + 1
    page = _read_items(store, query, subjects, ids[first : first + limit], has_more=len(ids) > first + limit)
    return replace(page, ranked=len(ids), is_capped=len(found) > CANDIDATES_MOST)


def _read_items(
    store: Store, query: NewsQuery, subjects: tuple[str, ...], ids: Sequence[int], *, has_more: bool
) -> Found:
    items = store.get_items(ids)
    told = store.get_story_items(ids) if query.by_story else items
    groups = tuple(group_id for group_id in ids if group_id in told)
    return Found(
        query=query,
        subjects=subjects,
        items=tuple(told[group_id] for group_id in groups),
        groups=groups,
        next_before=items[ids[-1]].guid if has_more and ids else "",
    )


def look_up(store: Store, query: NewsQuery) -> tuple[Search, tuple[str, ...]]:
    """A question in the numbers of the database, and what it asks in, for people. Raises FindingError."""
    try:
        feeds = store.find_feeds(query.feeds)
    except UnknownFeedError as error:
        raise explain_miss(store, error.name) from error
    before = store.find_place(query.before) if query.before else None
    if query.before and before is None:
        raise NoSuchItemError
    search = Search(
        feeds=tuple(tuple(feed.id for feed in either) for either in feeds),
        match=query.match,
        since=query.since,
        until=query.until,
        with_archive=query.with_archive,
        by_story=query.by_story,
        before=before,
    )
    return search, name_subjects(feeds, query.language)


def explain_miss(store: Store, name: str) -> FindingError:
    """What to say where there is no feed of that name ("city/kota-x"), with those that were most likely meant."""
    kind, slug = split_name(name)
    feeds = store.get_feeds()
    if kind == ALL or not feeds:
        return NoNewsYetError()
    of_kind = {split_name(name)[1]: split_name(name)[1] for name in feeds if split_name(name)[0] == kind}
    names = of_kind or {split_name(name)[1]: name for name in feeds if name != ALL}
    near = [names[each] for each in suggest(slug.rpartition("/")[2][:SLUG_SHOWN], list(names))]
    return NoSuchNameError(kind[:SLUG_SHOWN], slug[:SLUG_SHOWN], near)


def suggest(slug: str, slugs: Sequence[str]) -> list[str]:
    """The slugs that were most likely meant: "gorontalo" for kota-gorontalo, "apexi" for apeksi."""
    holding = [each for each in slugs if slug and slug in each]
    return (holding or get_close_matches(slug, slugs, n=NAMES_SUGGESTED, cutoff=0.7))[:NAMES_SUGGESTED]
