"""What forms that ask for news offer, and what is said to a question that cannot be answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from aggregator.cleaning import xml_safe
from aggregator.feed_rows import FeedRow, should_list, sort_feeds
from aggregator.feeds import FeedKind, split_name
from aggregator.publish.describing import name_subject
from aggregator.publish.wording import get_wording
from aggregator.reference import get_city
from aggregator.web.feeds_form import Asked, Choice
from aggregator.web.finding import BadQueryError, RefusalError, UnknownNameError
from aggregator.web.links import make_query_link
from aggregator.web.texts import Texts

SOURCES_MOST = 400  # that are named: those with most news


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why there is no answer, and what may have been meant."""

    text: str
    suggestions: tuple[tuple[str, str], ...] = ()  # (name, address)


def list_feeds(feeds: Iterable[FeedRow], texts: Texts) -> dict[str, list[FeedRow]]:
    """kind → its feeds, in the order in which they are looked for."""
    kinds = groupby(sort_feeds(filter(should_list, feeds)), key=lambda feed: split_name(feed.name)[0])
    listed = {kind: list(members) for kind, members in kinds}
    for kind in {FeedKind.TOPIC, FeedKind.CITY, FeedKind.SOURCE} & listed.keys():
        listed[kind].sort(key=lambda feed: (name_shortly(feed, texts).casefold(), feed.name))
    return listed


def pick_known(members: Sequence[FeedRow]) -> Sequence[FeedRow]:
    """Of feeds of a kind those that are named, where there are very many."""
    if len(members) <= SOURCES_MOST:
        return members
    most = {feed.name for feed in sorted(members, key=lambda feed: -feed.items)[:SOURCES_MOST]}
    return [feed for feed in members if feed.name in most]


def list_form_choices(
    feeds: Mapping[str, FeedRow], texts: Texts, kinds: Iterable[FeedKind] = FeedKind
) -> dict[str, list[Choice]]:
    """kind → what can be asked for."""
    listed = list_feeds((feed for feed in feeds.values() if split_name(feed.name)[0] in set(kinds)), texts)
    return {
        kind: [Choice(value=split_name(feed.name)[1], name=name_shortly(feed, texts)) for feed in pick_known(members)]
        for kind, members in listed.items()
    }


def name_shortly(feed: FeedRow, texts: Texts) -> str:
    """Its name in a list of feeds of its kind: that they are cities need not be said of each."""
    kind, slug = split_name(feed.name)
    city = get_city(slug) if kind == FeedKind.CITY else None
    name = city.name if city else feed.title if kind == FeedKind.PROVINCE else ""
    return xml_safe(name or name_subject(feed.name, feed.title, texts.language))


def name_given(asked: Asked, feeds: Mapping[str, FeedRow], texts: Texts) -> dict[str, dict[str, str]]:
    """key → value → name, of what was asked for and is there."""
    names: dict[str, dict[str, str]] = {kind: {} for kind in FeedKind}
    for key, value in asked.pairs:
        feed = feeds.get(f"{key}/{value.lower()}")
        if feed is not None and key in names:
            names[key][value.lower()] = name_shortly(feed, texts)
    return names


def tell_problem(refusal: RefusalError, asked: Asked, feeds: Mapping[str, FeedRow], texts: Texts, path: str) -> Problem:
    """Why a question to the page at `path` has no answer."""
    groups = get_wording(texts.language)["groups"]
    if isinstance(refusal, BadQueryError):
        label = groups.get(refusal.key) or texts["keys"].get(refusal.key) or xml_safe(refusal.key)
        return Problem(text=f"{label}: {xml_safe(refusal.problem)}.")
    if isinstance(refusal, UnknownNameError):
        titles = {near: feeds[f"{refusal.kind}/{near}"].title for near in refusal.near}
        return tell_unknown_name(refusal, asked, titles, texts, path)
    return Problem(text=xml_safe(str(refusal)))


def tell_unknown_name(
    refusal: UnknownNameError, asked: Asked, titles: Mapping[str, str], texts: Texts, path: str
) -> Problem:
    """That there is no such city, topic …, with addresses of the same question with the names that may have been meant;
    `titles` of their feeds, by slug."""
    group = get_wording(texts.language)["groups"][refusal.kind]
    suggestions = []
    for near in refusal.near:
        name = name_subject(f"{refusal.kind}/{near}", titles.get(near, ""), texts.language)
        pairs = asked.replace(refusal.kind, refusal.slug, near)
        suggestions.append((xml_safe(name), make_query_link(path, pairs, texts.language)))
    return Problem(
        text=texts["unknown_name"].format(group=group, value=xml_safe(refusal.slug)), suggestions=tuple(suggestions)
    )
