"""What the page of feeds shows, worked out before any HTML is written. Pure.

query of the address ─▶ the form, filled again
what answers it      ─▶ addresses of the feed, its newest items
rows of feeds        ─▶ choices of the form, and the list of all feeds
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aggregator.cleaning import xml_safe
from aggregator.feed_rows import FeedRow
from aggregator.feeds import ALL, make_feed_path, split_name
from aggregator.finding import Found
from aggregator.publish.describing import Publisher, locate_answer, name_question
from aggregator.publish.feed_info import Format
from aggregator.publish.wording import get_wording
from aggregator.web.asking import (
    Problem,
    list_feeds,
    list_form_choices,
    name_given,
    name_shortly,
    pick_known,
    tell_problem,
)
from aggregator.web.feeds_form import Asked, Form, build_form
from aggregator.web.finding import RefusalError
from aggregator.web.links import make_feeds_link, make_link
from aggregator.web.shown_item import Day, build_days
from aggregator.web.texts import Texts

PREVIEW_ITEMS = 10
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
    listed = list_feeds(feeds.values(), texts)
    groups = {kind: _build_group(kind, members, texts) for kind, members in listed.items()}
    choices = list_form_choices(feeds, texts)
    names = name_given(asked, feeds, texts)
    return FeedsPage(
        form=build_form(asked, choices, names, texts),
        answer=_build_answer(found, asked, texts, publisher) if found else None,
        problem=tell_problem(refusal, asked, feeds, texts, "/feeds") if refusal else None,
        groups=tuple(groups.values()),
    )


# ── which feeds there are ──────────────────────────────────────────────────────────────────────────────────────────


def _build_group(kind: str, members: Sequence[FeedRow], texts: Texts) -> FeedGroup:
    return FeedGroup(
        title=get_wording(texts.language)["groups"].get(kind, kind),
        feeds=tuple(_show_feed(feed, texts) for feed in pick_known(members)),
        count=len(members),
        is_folded=len(members) >= FOLD_FROM,
    )


def _show_feed(feed: FeedRow, texts: Texts) -> ReadyFeed:
    pairs = [split_name(feed.name)]
    return ReadyFeed(
        name=name_shortly(feed, texts),
        url=make_link("/", texts.language) if feed.name == ALL else make_feeds_link(pairs, texts.language),
        path="/" + make_feed_path(feed.name, "").removesuffix("."),
        items=feed.items,
    )


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
