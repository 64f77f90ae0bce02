"""What the page of feeds shows, worked out before any HTML is written. Pure.

query of the address ─▶ the form, filled again
what answers it      ─▶ addresses of the feed, its newest items
rows of feeds        ─▶ choices of the form, and the list of all feeds
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from aggregator.cleaning import xml_safe
from aggregator.feed_rows import FeedRow, should_list, sort_feeds
from aggregator.feeds import ALL, FeedKind, make_feed_path, split_name
from aggregator.publish.describing import Publisher, locate_answer, name_question, name_subject
from aggregator.publish.feed_info import Format
from aggregator.publish.wording import get_wording
from aggregator.reference import get_city
from aggregator.web.feeds_form import Asked, Choice, Form, build_form
from aggregator.web.finding import BadQueryError, Found, RefusalError, UnknownNameError
from aggregator.web.front_page import Day, build_days
from aggregator.web.links import make_feeds_link, make_link
from aggregator.web.texts import Texts

PREVIEW_ITEMS = 10
SOURCES_MOST = 400  # that are named: those with most news
FOLD_FROM = 4  # feeds in a group


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a feed is, in one format."""

    ending: str
    media_type: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was asked for: the feed that brings it, and its newest items."""

    title: str
    addresses: tuple[Address, ...]
    days: tuple[Day, ...]
    is_first: bool
    newest_url: str  # of this page from its beginning
    older_url: str  # "" on the last one


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why there is no answer, and what may have been meant."""

    text: str
    suggestions: tuple[tuple[str, str], ...] = ()  # (name, address)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyFeed:
    """A feed that is published as files."""

    name: str
    url: str  # of the page that shows what it holds
    path: str  # without the ending
    items: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedGroup:
    title: str
    feeds: tuple[ReadyFeed, ...]
    count: int  # of feeds, more than are shown where there are very many
    is_folded: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedsPage:
    form: Form
    answer: Answer | None
    problem: Problem | None
    groups: tuple[FeedGroup, ...]


def build_feeds_page(
    asked: Asked,
    feeds: Mapping[str, FeedRow],
    texts: Texts,
    publisher: Publisher,
    *,
    found: Found | None = None,
    refusal: RefusalError | None = None,
) -> FeedsPage:
    """The page for a question, with what was `found`, or why nothing was. `feeds`: all that are published, by name."""
    listed = _list_feeds(feeds.values(), texts)
    groups = {kind: _build_group(kind, members, texts) for kind, members in listed.items()}
    choices = {
        kind: [Choice(value=feed.path.rpartition("/")[2], name=feed.name) for feed in group.feeds]
        for kind, group in groups.items()
    }
    names = _name_given(asked, feeds, texts)
    return FeedsPage(
        form=build_form(asked, choices, names, texts),
        answer=_build_answer(found, asked, texts, publisher) if found else None,
        problem=_tell_problem(refusal, asked, feeds, texts) if refusal else None,
        groups=tuple(groups.values()),
    )


# ── which feeds there are ──────────────────────────────────────────────────────────────────────────────────────────


def _list_feeds(feeds: Iterable[FeedRow], texts: Texts) -> dict[str, list[FeedRow]]:
    """kind → its feeds, in the order in which they are looked for."""
    kinds = groupby(sort_feeds(filter(should_list, feeds)), key=lambda feed: split_name(feed.name)[0])
    listed = {kind: list(members) for kind, members in kinds}
    for kind in {FeedKind.TOPIC, FeedKind.CITY, FeedKind.SOURCE} & listed.keys():
        listed[kind].sort(key=lambda feed: (_name_shortly(feed, texts).casefold(), feed.name))
    return listed


def _build_group(kind: str, members: Sequence[FeedRow], texts: Texts) -> FeedGroup:
    shown = members
    if len(members) > SOURCES_MOST:
        most = {feed.name for feed in sorted(members, key=lambda feed: -feed.items)[:SOURCES_MOST]}
        shown = [feed for feed in members if feed.name in most]
    return FeedGroup(
        title=get_wording(texts.language)["groups"].get(kind, kind),
        feeds=tuple(_show_feed(feed, texts) for feed in shown),
        count=len(members),
        is_folded=len(members) >= FOLD_FROM,
    )


def _show_feed(feed: FeedRow, texts: Texts) -> ReadyFeed:
    pairs = [split_name(feed.name)]
    return ReadyFeed(
        name=_name_shortly(feed, texts),
        url=make_link("/", texts.language) if feed.name == ALL else make_feeds_link(pairs, texts.language),
        path="/" + make_feed_path(feed.name, "").removesuffix("."),
        items=feed.items,
    )


def _name_shortly(feed: FeedRow, texts: Texts) -> str:
    """Its name in a list of feeds of its kind: that they are cities need not be said of each."""
    kind, slug = split_name(feed.name)
    city = get_city(slug) if kind == FeedKind.CITY else None
    name = city.name if city else feed.title if kind == FeedKind.PROVINCE else ""
    return xml_safe(name or name_subject(feed.name, feed.title, texts.language))


def _name_given(asked: Asked, feeds: Mapping[str, FeedRow], texts: Texts) -> dict[str, dict[str, str]]:
    """key → value → name, of what was asked for and is there."""
    names: dict[str, dict[str, str]] = {kind: {} for kind in FeedKind}
    for key, value in asked.pairs:
        feed = feeds.get(f"{key}/{value.lower()}")
        if feed is not None and key in names:
            names[key][value.lower()] = _name_shortly(feed, texts)
    return names


# ── what answers the question ──────────────────────────────────────────────────────────────────────────────────────


def _build_answer(found: Found, asked: Asked, texts: Texts, publisher: Publisher) -> Answer:
    query = found.query
    newest = asked.leave_out("before")
    older = [*newest, ("before", found.next_before)]
    return Answer(
        title=xml_safe(name_question(query, found.subjects)),
        addresses=tuple(
            Address(ending=ending.value, media_type=ending.media_type, url=locate_answer(query, publisher, ending))
            for ending in Format
        ),
        days=build_days(found.items, texts),
        is_first=not query.before,
        newest_url=make_feeds_link(newest or [("q", "")], texts.language),
        older_url=make_feeds_link(older, texts.language) if found.next_before else "",
    )


def _tell_problem(refusal: RefusalError, asked: Asked, feeds: Mapping[str, FeedRow], texts: Texts) -> Problem:
    groups = get_wording(texts.language)["groups"]
    if isinstance(refusal, BadQueryError):
        label = groups.get(refusal.key) or texts["keys"].get(refusal.key) or xml_safe(refusal.key)
        return Problem(text=f"{label}: {xml_safe(refusal.problem)}.")
    if isinstance(refusal, UnknownNameError):
        return Problem(
            text=texts["unknown_name"].format(group=groups[refusal.kind], value=xml_safe(refusal.slug)),
            suggestions=tuple(
                _suggest(feeds[f"{refusal.kind}/{near}"], refusal, asked, texts) for near in refusal.near
            ),
        )
    return Problem(text=xml_safe(str(refusal)))


def _suggest(feed: FeedRow, refusal: UnknownNameError, asked: Asked, texts: Texts) -> tuple[str, str]:
    """(name, address of the same question with it)"""
    kind, slug = split_name(feed.name)
    name = xml_safe(name_subject(feed.name, feed.title, texts.language))
    return name, make_feeds_link(asked.replace(kind, refusal.slug, slug), texts.language)
