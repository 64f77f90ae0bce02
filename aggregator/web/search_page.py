"""What the page of searches shows, worked out before any HTML is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from aggregator.bounds import EARLIEST
from aggregator.cleaning import xml_safe
from aggregator.feed_rows import FeedRow
from aggregator.finding import Found
from aggregator.marked import mark_passage
from aggregator.passage_rows import Passage
from aggregator.publish.describing import name_question
from aggregator.web.asking import Problem, list_form_choices, name_given, tell_problem
from aggregator.web.chips import Chip, list_chips
from aggregator.web.feeds_form import Asked, Form, build_form
from aggregator.web.finding import RefusalError
from aggregator.web.links import make_feeds_link, make_query_link
from aggregator.web.shown_item import Day, ShownItem, build_days, show_item
from aggregator.web.texts import WIB, Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """What was found."""

    title: str
    count: str  # how many are shown, in words
    days: tuple[Day, ...]  # newest first …
    ranked: tuple[ShownItem, ...]  # … or by relevance
    is_first: bool
    newest_url: str  # of this page from its beginning
    older_url: str  # "" on the last one
    feed_url: str  # of the page that makes a feed of the question
    kliping_url: str
    cards_url: str  # of the front page, asked the same


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchPage:
    form: Form
    is_open: bool  # the filters: where they may be why nothing was found
    chips: tuple[Chip, ...]
    results: Results | None
    problem: Problem | None


def build_search_page(
    asked: Asked,
    feeds: Mapping[str, FeedRow],
    texts: Texts,
    *,
    found: Found | None,
    passages: Mapping[int, Passage],
    refusal: RefusalError | None,
) -> SearchPage:
    """The page for a question, with what was `found`, or why nothing was.

    feeds: all that are published, by name; passages: by group, where the words stand in what was found.
    """
    names = name_given(asked, feeds, texts)
    chips = list_chips(asked, names, texts, "/search")
    return SearchPage(
        form=build_form(asked, list_form_choices(feeds, texts), names, texts),
        is_open=bool(asked.leave_out("q", "order", "before")) and not (found and found.items),
        chips=chips,
        results=_build_results(found, passages, asked, texts) if found else None,
        problem=tell_problem(refusal, asked, feeds, texts, "/search") if refusal else None,
    )


def _build_results(found: Found, passages: Mapping[int, Passage], asked: Asked, texts: Texts) -> Results:
    same, question = asked.leave_out("before"), asked.leave_out("before", "order")
    newest = same or [("q", "")]
    older = [*newest, ("before", found.next_before)]
    is_ranked = bool(found.ranked)
    return Results(
        title=xml_safe(name_question(found.query, found.subjects)),
        count=_tell_count(found, texts),
        days=() if is_ranked else _build_days(found, passages, texts),
        ranked=_build_ranked(found, passages, texts) if is_ranked else (),
        is_first=not found.query.before,
        newest_url=make_query_link("/search", newest, texts.language),
        older_url=make_query_link("/search", older, texts.language) if found.next_before else "",
        feed_url=make_feeds_link(question or [("q", "")], texts.language),
        kliping_url=make_query_link("/kliping", question, texts.language),
        cards_url=make_query_link("/", question, texts.language),
    )


def _tell_count(found: Found, texts: Texts) -> str:
    if found.ranked:
        key = "found_ranked_newest" if found.is_capped else "found_ranked"
    else:
        key = "found_more" if found.next_before else "found"
    return str(texts[key].format(count=len(found.items), ranked=found.ranked))


def _build_days(found: Found, passages: Mapping[int, Passage], texts: Texts) -> tuple[Day, ...]:
    """By day, with the words marked; the items of all days together are in the order of the groups."""
    groups = iter(found.groups)
    return tuple(
        replace(day, items=tuple(_mark(item, passages.get(next(groups))) for item in day.items))
        for day in build_days(found.items, texts)
    )


def _build_ranked(found: Found, passages: Mapping[int, Passage], texts: Texts) -> tuple[ShownItem, ...]:
    """Each with the day of its publication, for no heading tells it."""
    heading = EARLIEST.astimezone(WIB)
    shown = zip(found.items, found.groups, strict=True)
    return tuple(_mark(show_item(item, texts, heading=heading), passages.get(group)) for item, group in shown)


def _mark(item: ShownItem, passage: Passage | None) -> ShownItem:
    marked = mark_passage(passage)
    return replace(item, marked_title=marked.title, marked_excerpt=marked.text)
