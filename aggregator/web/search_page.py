"""What the page of searches shows, worked out before any HTML is written. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from aggregator.cleaning import xml_safe
from aggregator.feed_rows import FeedRow
from aggregator.finding import Found
from aggregator.publish.describing import name_question
from aggregator.search_rows import BEGIN_MARK, END_MARK, Passage
from aggregator.web.asking import Problem, list_form_choices, name_given, tell_problem
from aggregator.web.chips import Chip, list_chips
from aggregator.web.feeds_form import Asked, Form, build_form
from aggregator.web.finding import RefusalError
from aggregator.web.links import make_feeds_link, make_query_link
from aggregator.web.shown_item import TITLE_LIMIT, Day, Piece, ShownItem, build_days
from aggregator.web.texts import Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """What was found."""

    title: str
    count: str  # how many are shown, in words
    days: tuple[Day, ...]
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
        is_open=bool(asked.leave_out("q", "before")) and not (found and found.items),
        chips=chips,
        results=_build_results(found, passages, asked, texts) if found else None,
        problem=tell_problem(refusal, asked, feeds, texts, "/search") if refusal else None,
    )


def _build_results(found: Found, passages: Mapping[int, Passage], asked: Asked, texts: Texts) -> Results:
    question = asked.leave_out("before")
    newest = question or [("q", "")]
    older = [*question, ("before", found.next_before)]
    return Results(
        title=xml_safe(name_question(found.query, found.subjects)),
        count=texts["found_more" if found.next_before else "found"].format(count=len(found.items)),
        days=_build_days(found, passages, texts),
        is_first=not found.query.before,
        newest_url=make_query_link("/search", newest, texts.language),
        older_url=make_query_link("/search", older, texts.language) if found.next_before else "",
        feed_url=make_feeds_link(newest, texts.language),
        kliping_url=make_query_link("/kliping", question, texts.language),
        cards_url=make_query_link("/", question, texts.language),
    )


def _build_days(found: Found, passages: Mapping[int, Passage], texts: Texts) -> tuple[Day, ...]:
    """By day, with the words marked; the items of all days together are in the order of the groups."""
    groups = iter(found.groups)
    return tuple(
        replace(day, items=tuple(_mark(item, passages.get(next(groups))) for item in day.items))
        for day in build_days(found.items, texts)
    )


def _mark(item: ShownItem, passage: Passage | None) -> ShownItem:
    """A title that is shown cut is not marked, nor a passage shown that is longer than may be quoted."""
    if passage is None:
        return item
    title = split_marked(passage.title)
    text = split_marked(passage.text)
    length = sum(len(piece.text) for piece in text)
    may_quote = passage.limit is None or length <= passage.limit
    return replace(
        item,
        marked_title=title if sum(len(piece.text) for piece in title) <= TITLE_LIMIT else (),
        marked_excerpt=text if may_quote and any(piece.is_found for piece in text) else (),
    )


def split_marked(text: str) -> tuple[Piece, ...]:
    """The pieces of a text with marks, each safe to encode, none escaped yet. Marks that have no end run to the end."""
    return tuple(piece for piece in _split(" ".join(text.split())) if piece.text)


def _split(text: str) -> Iterator[Piece]:
    before, *marked = text.split(BEGIN_MARK)
    yield Piece(xml_safe(before), is_found=False)
    for each in marked:
        words, _, after = each.partition(END_MARK)
        yield Piece(xml_safe(words), is_found=True)
        yield Piece(xml_safe(after), is_found=False)
