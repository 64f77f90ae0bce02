"""What the front page shows, worked out before any HTML is written. Pure.

query of the address ─▶ chips, and the form, filled again
what answers it      ─▶ cards by day; its feed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.card_rows import CardRecord
from aggregator.cleaning import xml_safe
from aggregator.feed_rows import FeedRow
from aggregator.feeds import FeedKind
from aggregator.publish.describing import Publisher, locate_answer, name_question
from aggregator.publish.feed_info import Format
from aggregator.search import KEYS, NewsQuery
from aggregator.web.asking import Problem, list_form_choices, name_given, tell_problem
from aggregator.web.chips import Chip, list_chips
from aggregator.web.feeds_form import Asked, Filter, Form, build_form
from aggregator.web.feeds_page import Address
from aggregator.web.finding import RefusalError
from aggregator.web.links import make_feeds_link, make_query_link
from aggregator.web.shown_item import tell_staleness
from aggregator.web.story_cards import CardDay, build_card_days
from aggregator.web.texts import WIB, Texts

NEW = "new"  # key of what came in after an instant: the moment of somebody's last visit
FRONT_KEYS = (*(key for key in KEYS if key not in {"lang", "order"}), NEW)  # others are not ours, and say nothing
PERIODS = ("today", "1d", "3d", "7d", "30d")
FIRST_FIELDS = (FeedKind.CITY,)
MORE_FIELDS = (FeedKind.TOPIC, FeedKind.PROVINCE, FeedKind.KOMWIL, FeedKind.KIND)
_KEPT = ("q", FeedKind.SOURCE.value, "archive", NEW)  # have no field


@dataclass(frozen=True, kw_only=True, slots=True)
class Cards:
    """What answers the question of a front page."""

    query: NewsQuery
    subjects: tuple[str, ...]  # what it asks in, for people
    records: Sequence[CardRecord]
    next_before: str  # the guid that the next page begins after; "" on the last one


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontPage:
    question: str  # for people; "" for everything
    is_first: bool
    has_news: bool  # False: there is none at all, whatever is asked for
    days: tuple[CardDay, ...]
    last_entry: str  # when the newest item came in; "" on older pages
    stale: str  # since when what is shown is stale, in a sentence; "" while it is fresh
    form: Form
    first_fields: tuple[Filter, ...]
    more_fields: tuple[Filter, ...]
    is_open: bool  # these: where they may be why nothing is shown
    kept: tuple[tuple[str, str], ...]  # what the form sends along
    chips: tuple[Chip, ...]
    problem: Problem | None
    addresses: tuple[Address, ...]  # of the feed of this selection
    feeds_url: str  # of the page that tells of it
    search_url: str
    kliping_url: str
    selection: str  # the question in one spelling
    new_url: str  # of the page of what came in since: the instant is yet to be filled in; "" where that is asked for
    newest_url: str  # of this page from its beginning
    older_url: str  # "" on the last one


def build_front_page(
    asked: Asked,
    feeds: Mapping[str, FeedRow],
    texts: Texts,
    publisher: Publisher,
    *,
    now: datetime,
    cards: Cards | None = None,
    refusal: RefusalError | None = None,
    entered: datetime | None = None,
    stale_since: datetime | None = None,
) -> FrontPage:
    """The page with what answers the question, or with why nothing does; with neither there is no news yet.

    entered: since when what is shown came in, where that is asked for.
    """
    names = name_given(asked, feeds, texts)
    choices = list_form_choices(feeds, texts, (*FIRST_FIELDS, *MORE_FIELDS))
    form = build_form(asked, choices, names, texts, periods=PERIODS)
    fields = {each.key: each for each in form.filters}
    more = tuple(fields[kind] for kind in MORE_FIELDS)
    query = cards.query if cards else NewsQuery(language=texts.language)
    newest, question = asked.leave_out("before"), asked.leave_out("before", NEW)
    chips = list_chips(asked, names, texts, "/", entered=entered)
    records = cards.records if cards else ()
    is_first = not asked.get_last("before")
    return FrontPage(
        question=xml_safe(name_question(query, cards.subjects)) if cards and question else "",
        is_first=is_first,
        has_news=bool(records or chips or refusal or not is_first),
        days=build_card_days(records, texts, now),
        last_entry=_tell_last_entry(records, texts) if is_first else "",
        stale=tell_staleness(stale_since, texts),
        form=form,
        first_fields=tuple(fields[kind] for kind in FIRST_FIELDS),
        more_fields=more,
        is_open=bool(form.since_date or any(each.chosen for each in more)) and not records,
        kept=tuple(dict.fromkeys(asked.take(*_KEPT))),
        chips=chips,
        problem=tell_problem(refusal, asked, feeds, texts, "/") if refusal else None,
        addresses=_list_addresses(query, publisher) if question and not refusal else (),
        feeds_url=make_feeds_link(question, texts.language),
        search_url=make_query_link("/search", question, texts.language),
        kliping_url=make_query_link("/kliping", question, texts.language),
        selection=query.encode(),
        new_url="" if entered or refusal or not is_first else make_query_link("/", question, texts.language),
        newest_url=make_query_link("/", newest, texts.language),
        older_url=_locate_older(cards, newest, texts) if cards else "",
    )


def _list_addresses(query: NewsQuery, publisher: Publisher) -> tuple[Address, ...]:
    return tuple(
        Address(ending=ending.value, media_type=ending.media_type, url=locate_answer(query, publisher, ending))
        for ending in Format
    )


def _locate_older(cards: Cards, newest: Sequence[tuple[str, str]], texts: Texts) -> str:
    if not cards.next_before:
        return ""
    return make_query_link("/", [*newest, ("before", cards.next_before)], texts.language)


def _tell_last_entry(records: Sequence[CardRecord], texts: Texts) -> str:
    return texts.format_moment(records[0].newest.first_published.astimezone(WIB)) if records else ""
