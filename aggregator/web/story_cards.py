"""Stories as cards, worked out before any HTML is written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from aggregator.card_rows import CardRecord, CardSubject
from aggregator.cleaning import xml_safe
from aggregator.feeds import FeedKind
from aggregator.instants import to_text_exactly
from aggregator.web.links import make_query_link
from aggregator.web.shown_item import ShownItem, show_item
from aggregator.web.sparkline import Bar, draw_bars
from aggregator.web.texts import WIB, Texts

CITIES_NAMED = 3
RECENT_HOURS = 3  # of the growth that is told of in words


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What a card is about, with the page of all that is about it."""

    kind: str
    name: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """How many articles joined in the last hours."""

    count: str
    words: str
    recent: str  # "" where the last hours brought none
    bars: tuple[Bar, ...]
    peak: str  # what the bars show, for who does not see them


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A story; every text is safe to encode, none is escaped yet."""

    lead: ShownItem
    url: str  # of its page; "" before a look at stories
    labels: tuple[Label, ...]
    more_cities: int
    first: ShownItem
    newest: ShownItem | None  # None: it is the one that the card shows
    other_portals: int
    news: int
    entered: str  # when its newest piece of news came in: an instant in UTC, all in one form
    growth: Growth | None  # None: it is one article, or none joined


@dataclass(frozen=True, kw_only=True, slots=True)
class CardDay:
    """The stories whose newest piece of news came in on one day, WIB."""

    iso: str
    label: str
    cards: tuple[Card, ...]


def build_card_days(records: Sequence[CardRecord], texts: Texts, now: datetime) -> tuple[CardDay, ...]:
    """The cards by day, in their order."""
    days = groupby(records, key=lambda record: record.newest.first_published.astimezone(WIB).date())
    return tuple(_build_day(list(members), texts, now) for _, members in days)


def _build_day(records: Sequence[CardRecord], texts: Texts, now: datetime) -> CardDay:
    heading = records[0].newest.first_published.astimezone(WIB)
    label = texts.format_day(heading)
    ago = (now.astimezone(WIB).date() - heading.date()).days
    return CardDay(
        iso=heading.date().isoformat(),
        label=texts["day_relative"].format(relative=texts["days_ago"][ago], day=label) if ago in (0, 1) else label,
        cards=tuple(_build_card(record, texts, now, heading) for record in records),
    )


def _build_card(record: CardRecord, texts: Texts, now: datetime, heading: datetime) -> Card:
    lead = show_item(record.lead, texts, heading=heading)
    labels, more_cities = _list_labels(record.subjects, texts)
    is_lead = record.newest.guid == record.lead.guid
    return Card(
        lead=lead,
        url=lead.story_url,
        labels=labels,
        more_cities=more_cities,
        first=show_item(record.first, texts, heading=heading),
        newest=None if is_lead else show_item(record.newest, texts, heading=heading),
        other_portals=record.portals - 1,
        news=record.news,
        entered=to_text_exactly(record.newest.first_published),
        growth=_tell_growth(record.growth, texts, now) if record.articles > 1 and any(record.growth) else None,
    )


def _list_labels(subjects: Iterable[CardSubject], texts: Texts) -> tuple[tuple[Label, ...], int]:
    """Cities, or provinces where there is no city, then topics; and how many cities are not named."""
    of_kind = {kind: [each for each in subjects if each.kind == kind] for kind in FeedKind}
    places = of_kind[FeedKind.CITY] or of_kind[FeedKind.PROVINCE]
    named = len(places) if len(places) == CITIES_NAMED + 1 else CITIES_NAMED  # "and 1 more" takes as much room
    shown = [*places[:named], *of_kind[FeedKind.TOPIC]]
    return tuple(_make_label(each, texts) for each in shown), max(len(places) - named, 0)


def _make_label(subject: CardSubject, texts: Texts) -> Label:
    return Label(
        kind=subject.kind,
        name=xml_safe(subject.name or texts.name_topic(subject.slug)),
        url=make_query_link("/", [(subject.kind, xml_safe(subject.slug))], texts.language),
    )


def _tell_growth(hours: Sequence[int], texts: Texts, now: datetime) -> Growth:
    recent = sum(hours[-RECENT_HOURS:])
    most = max(hours)
    ends = now.astimezone(WIB) - timedelta(hours=len(hours) - 1 - hours.index(most))
    begins = ends - timedelta(hours=1)
    return Growth(
        count=f"+{sum(hours)}",
        words=texts["growth"].format(hours=len(hours)),
        recent=texts["growth_recent"].format(count=recent, hours=RECENT_HOURS) if recent else "",
        bars=draw_bars(hours),
        peak=texts["growth_peak"].format(
            hours=len(hours), count=most, begin=texts.format_hour(begins), end=texts.format_hour(ends)
        ),
    )
