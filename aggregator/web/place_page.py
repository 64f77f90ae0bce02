"""What the page of a city, a province or a Komwil shows, worked out before any HTML is written. Pure.

Days of charts and lists are WIB, as in coverage; times are those of the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from statistics import median

from aggregator.cleaning import safe_url, xml_safe
from aggregator.coverage_rows import CoverageDay
from aggregator.feeds import FeedKind, make_feed_path
from aggregator.models import FeedItem
from aggregator.periods import Step, sum_by_step
from aggregator.place_rows import Pickup, Release, Writer
from aggregator.publish.describing import Publisher
from aggregator.publish.feed_info import Format
from aggregator.spikes import find_spikes
from aggregator.web.charts import Chart, Series, draw_chart, name_start, tell_number
from aggregator.web.cities_page import Line, PlaceFigures, ProvinceLines, show_line, show_provinces
from aggregator.web.feeds_page import Address
from aggregator.web.links import make_feeds_link
from aggregator.web.outline import SmallMap, draw_small_map
from aggregator.web.places import Place, get_komwil_of, get_province_of
from aggregator.web.shown_item import Day, build_days
from aggregator.web.story_times import ShownTime, fold, show_time, show_title, tell_delay, tell_span
from aggregator.web.texts import Texts, name_zone

NEWS = 10  # that are shown
CHART_DAYS = 90
COVERAGE_DAYS = 366  # from which chart and months are made
MONTHS = 12
RELEASE_DAYS = 90
RELEASES_OPEN = 5
OUTLETS_OPEN = 6
WRITERS = 10
PERCENT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceNews:
    """What was read of a place."""

    figures: PlaceFigures  # of it, and of the cities in it
    coverage: Sequence[CoverageDay] = ()  # of the last year, today included
    items: Sequence[FeedItem] = ()  # the newest; one more than is shown says that there are others
    in_feed: int = 0  # all that its feed ever held
    releases: Sequence[Release] = ()
    writers: Sequence[Writer] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    iso: str
    name: str
    news: str
    articles: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownPickup:
    outlet: str
    url: str  # "" when it is not a web address
    when: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRelease:
    """Every text is safe to encode, none is escaped yet."""

    title: str
    url: str
    language: str
    time: ShownTime
    pickups: tuple[ShownPickup, ...]
    more: int  # outlets that are not named


@dataclass(frozen=True, kw_only=True, slots=True)
class Releases:
    """What a city's government published, and what became of it."""

    summary: str
    shown: tuple[ShownRelease, ...]
    more: tuple[ShownRelease, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownWriter:
    name: str
    url: str
    is_government: bool
    articles: str
    firsts: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacePage:
    kind: str  # city, province, komwil
    name: str
    line: Line  # its figures
    in_feed: str
    parents: tuple[tuple[str, str], ...]  # (name, address) of what it lies in
    zone: str  # e.g. "WITA (UTC+8)"; "" for a Komwil in several
    addresses: tuple[Address, ...]
    feed_url: str  # the page that changes or combines its feed
    map: SmallMap | None
    chart: Chart | None  # None: nothing ever came
    days: tuple[Day, ...]
    has_more: bool
    provinces: tuple[ProvinceLines, ...]  # the cities in it; of a city none
    city_count: int
    releases: Releases | None  # None: its government's site is not read, or published nothing
    writers: tuple[ShownWriter, ...]
    months: tuple[Month, ...]


def build_place_page(place: Place, news: PlaceNews, texts: Texts, publisher: Publisher, *, now: datetime) -> PlacePage:
    """The page of a place. `now`: in WIB, for its day ends the chart."""
    today, is_city = now.date(), place.kind == FeedKind.CITY
    has_news = place.feed in news.figures.last_days
    return PlacePage(
        kind=place.kind.value,
        name=place.name_for(texts.language),
        line=show_line(place, news.figures, texts, today=today),
        in_feed=tell_number(news.in_feed, texts),
        parents=_list_parents(place, texts),
        zone=_tell_zone(place, now),
        addresses=list_addresses(place.feed, publisher),
        feed_url=make_feeds_link([(place.kind.value, place.slug)], texts.language),
        map=draw_small_map(place.cities),
        chart=_draw(news.coverage, texts) if has_news else None,
        days=build_days(news.items[:NEWS], texts, place.zone),
        has_more=len(news.items) > NEWS,
        provinces=() if is_city else show_provinces(place.cities, news.figures, texts, today=today),
        city_count=len(place.cities),
        releases=_show_releases(news.releases, texts, place.zone),
        writers=tuple(_show_writer(writer, texts) for writer in news.writers),
        months=tuple(_list_months(news.coverage, texts)) if has_news else (),
    )


def list_addresses(feed: str, publisher: Publisher) -> tuple[Address, ...]:
    """Where a feed that is published as files is."""
    return tuple(
        Address(
            ending=ending.value,
            media_type=ending.media_type,
            url=publisher.locate(make_feed_path(feed, ending)),
        )
        for ending in Format
    )


def _list_parents(place: Place, texts: Texts) -> tuple[tuple[str, str], ...]:
    """What a city lies in; of a province the Komwil that it belongs to."""
    if place.kind == FeedKind.KOMWIL or not place.cities:
        return ()
    parents = [get_komwil_of(place.cities[0])]
    parents += [get_province_of(place.cities[0])] if place.kind == FeedKind.CITY else []
    return tuple((parent.name_for(texts.language), parent.link_for(texts.language)) for parent in reversed(parents))


def _tell_zone(place: Place, now: datetime) -> str:
    if len({city.timezone for city in place.cities}) > 1:
        return ""
    local = now.astimezone(place.zone)
    offset = local.utcoffset()
    assert offset is not None
    return f"{name_zone(local)} (UTC+{int(offset.total_seconds() // 3600)})"


def _draw(coverage: Sequence[CoverageDay], texts: Texts) -> Chart:
    counted = [day.news if day.working is not None or day.news else None for day in coverage]
    first = max(len(coverage) - CHART_DAYS, 0)
    spikes = frozenset(spike.index - first for spike in find_spikes(counted) if spike.index >= first)
    return draw_chart(
        [Series(name=texts["place_news"], values=tuple(counted[first:]), spikes=spikes)],
        [day.day for day in coverage[first:]],
        texts,
        step=Step.DAY,
        title=texts["place_chart"].format(days=CHART_DAYS),
        unit=texts["place_unit"],
    )


def _list_months(coverage: Sequence[CoverageDay], texts: Texts) -> list[Month]:
    """The newest first, down to the first one with any news."""
    news = sum_by_step([(day.day, day.news, day.working) for day in coverage], Step.MONTH)[-MONTHS:]
    articles = sum_by_step([(day.day, day.articles, day.working) for day in coverage], Step.MONTH)[-MONTHS:]
    months = [
        Month(
            iso=f"{one.start:%Y-%m}",
            name=name_start(one.start, texts, Step.MONTH),
            news=texts["chart_no_data"] if one.value is None else tell_number(one.value, texts),
            articles=texts["chart_no_data"] if other.value is None else tell_number(other.value, texts),
        )
        for one, other in zip(news, articles, strict=True)
    ]
    first = next((index for index, month in enumerate(articles) if month.count), len(months))
    return months[first:][::-1]


def _show_releases(releases: Sequence[Release], texts: Texts, zone: tzinfo) -> Releases | None:
    if not releases:
        return None
    shown, more = fold([_show_release(each, texts, zone) for each in releases[: RELEASES_OPEN * 4]], RELEASES_OPEN)
    return Releases(summary=_summarise(releases, texts), shown=shown, more=more)


def _summarise(releases: Sequence[Release], texts: Texts) -> str:
    """E.g. "12 rilis dalam 90 hari terakhir, 9 dimuat portal lain (75%). Paruhnya dimuat dalam 3 jam."."""
    carried = [release.pickups for release in releases if release.pickups]
    share = round(PERCENT * len(carried) / len(releases))
    told = [texts["releases_count"].format(count=len(releases), days=RELEASE_DAYS, carried=len(carried), share=share)]
    firsts = [min(sure) for each in carried if (sure := [one.minutes_later for one in each if one.is_sure])]
    if firsts:
        span = tell_span(round(median(firsts)), texts) or texts["at_once"]
        told.append(texts["releases_speed"].format(span=span))
    return " ".join(told)


def _show_release(release: Release, texts: Texts, zone: tzinfo) -> ShownRelease:
    named, others = fold(release.pickups, OUTLETS_OPEN)
    return ShownRelease(
        title=show_title(release.title),
        url=safe_url(release.url),
        language=release.language,
        time=show_time(release.published, texts, zone, zone=zone),
        pickups=tuple(_show_pickup(each, texts) for each in named),
        more=len(others),
    )


def _show_pickup(pickup: Pickup, texts: Texts) -> ShownPickup:
    if not pickup.is_sure:
        when = texts["order_unsure"]
    elif pickup.minutes_later < 0:
        when = texts["pickup_before"].format(span=tell_span(-pickup.minutes_later, texts))
    else:
        when = tell_delay(pickup.minutes_later, texts)
    return ShownPickup(outlet=xml_safe(pickup.outlet), url=safe_url(pickup.url), when=when)


def _show_writer(writer: Writer, texts: Texts) -> ShownWriter:
    return ShownWriter(
        name=xml_safe(writer.name),
        url=make_feeds_link([(FeedKind.SOURCE.value, writer.source_id)], texts.language),
        is_government=writer.is_government,
        articles=tell_number(writer.articles, texts),
        firsts=tell_number(writer.firsts, texts),
    )
