"""What pages show of pieces of news, worked out before any HTML is written. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby

from aggregator.cleaning import cut_text, safe_url, xml_safe
from aggregator.excerpt import make_excerpt
from aggregator.marked import TITLE_LIMIT, Piece
from aggregator.models import DatePrecision, FeedItem, Reason
from aggregator.web.links import make_story_link
from aggregator.web.texts import WIB, Texts, name_zone

NAMED_PORTALS = 4  # of those that carry the same text; the others fold away


@dataclass(frozen=True, kw_only=True, slots=True)
class Portal:
    """Another portal that carries the text."""

    name: str
    url: str  # "" when it is not a web address


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownTime:
    """A time of publication, in the words of the page."""

    iso: str  # with the source's offset
    hour: str  # in the zone of the page; "" when the source gave only a day
    zone: str  # its name
    day: str  # "" when it is the day of the heading above
    title: str  # the same moment on the source's own clock


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownItem:
    """One piece of news; every text is safe to encode, none is escaped yet."""

    title: str
    url: str
    excerpt: str
    language: str
    source_name: str
    source_url: str
    published: ShownTime
    regions: tuple[str, ...]
    topics: tuple[str, ...]
    reasons: tuple[str, ...]  # why it is here, a line for each topic
    also_at: tuple[Portal, ...]
    more_at: tuple[Portal, ...]
    story_url: str  # "" before a look at stories
    story_news: int  # others in that story
    marked_title: tuple[Piece, ...] = ()  # where words were looked for: the same with what was found
    marked_excerpt: tuple[Piece, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """The items that entered the feed on one day, in the zone of the page."""

    iso: str
    label: str
    items: tuple[ShownItem, ...]


def build_days(items: Sequence[FeedItem], texts: Texts, zone: tzinfo = WIB) -> tuple[Day, ...]:
    """The items by day, in their order; all times are those of `zone`.

    They come in the order in which they entered the feed, so the days are days of entry; a time of publication that
    falls on another day brings its date along.
    """
    days = groupby(items, key=lambda item: item.first_published.astimezone(zone).date())
    return tuple(_build_day(list(members), texts, zone) for _, members in days)


def tell_staleness(since: datetime | None, texts: Texts) -> str:
    """A sentence for readers; "" while all is fresh."""
    return texts["stale"].format(moment=texts.format_moment(since.astimezone(WIB))) if since else ""


def _build_day(items: Sequence[FeedItem], texts: Texts, zone: tzinfo) -> Day:
    entered = items[0].first_published.astimezone(zone)
    return Day(
        iso=entered.date().isoformat(),
        label=texts["day_entered"].format(day=texts.format_day(entered)),
        items=tuple(show_item(item, texts, heading=entered) for item in items),
    )


def show_item(item: FeedItem, texts: Texts, *, heading: datetime) -> ShownItem:
    """A piece of news below the heading of a day, of which `heading` is any moment."""
    portals = tuple(Portal(name=xml_safe(name), url=safe_url(url)) for name, url in item.also_at)
    # One portal more than fits is named, too: "and 1 other portal" would take as much room.
    named = NAMED_PORTALS if len(portals) > NAMED_PORTALS + 1 else len(portals)
    return ShownItem(
        title=cut_text(xml_safe(item.title), TITLE_LIMIT),
        url=safe_url(item.url),
        excerpt=make_excerpt(xml_safe(item.excerpt)),
        language=item.language,
        source_name=xml_safe(item.source_name),
        source_url=safe_url(item.source_url),
        published=_show_time(item, texts, heading=heading),
        regions=tuple(map(xml_safe, item.regions)),
        topics=tuple(xml_safe(texts.name_topic(topic)) for topic in item.topics),
        reasons=tuple(tell_reason(reason, texts) for reason in item.reasons if reason.terms),
        also_at=portals[:named],
        more_at=portals[named:],
        story_url=make_story_link(item.story_id, texts.language),
        story_news=item.story_news,
    )


def tell_reason(reason: Reason, texts: Texts) -> str:
    """E.g. "APEKSI: “Rakernas APEKSI” (judul), “Wali Kota” (isi)"."""
    terms = (f"“{xml_safe(term)}” ({texts['places'].get(place, place)})" for term, place in reason.terms)
    return f"{xml_safe(texts.name_topic(reason.topic))}: {', '.join(terms)}"


def _show_time(item: FeedItem, texts: Texts, *, heading: datetime) -> ShownTime:
    """A date without an hour stays on the source's day; the rest is shown in the zone of the page."""
    published = item.published
    is_day_only = item.published_precision is DatePrecision.DAY
    local = published if is_day_only else published.astimezone(heading.tzinfo)
    source_time = texts["no_hour"] if is_day_only else f"{texts.format_hour(published)} {name_zone(published)}"
    label = texts["source_time" if item.published_precision else "first_seen"]
    return ShownTime(
        iso=published.date().isoformat() if is_day_only else published.isoformat(),
        hour="" if is_day_only else texts.format_hour(local),
        zone=name_zone(local),
        day="" if local.date() == heading.date() and not is_day_only else texts.format_short_day(local),
        title=f"{label}: {texts.format_day(published)}, {source_time}",
    )
