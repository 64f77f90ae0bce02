"""The list of the 98 cities, and lists of cities for other pages, worked out before any HTML is written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from aggregator.cleaning import cut_text, xml_safe
from aggregator.coverage_rows import CoverageSum
from aggregator.feeds import FeedKind
from aggregator.models import City
from aggregator.reference import load_cities
from aggregator.web.links import make_link
from aggregator.web.places import Place, find_place, fold_name, get_komwil_of, get_province_of, suggest_places
from aggregator.web.texts import Texts

ASKED_LIMIT = 100  # characters of what is looked for
SHORT = 2  # letters
DAYS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceFigures:
    """What the lists tell of places, by region as in coverage."""

    sums: Mapping[str, CoverageSum]  # of the last days
    last_days: Mapping[str, date]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A place in a list."""

    name: str
    url: str
    news: int  # of the last days
    last_iso: str  # day of its last news, WIB; "" where there never was any
    last: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvinceLines:
    name: str
    url: str
    cities: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KomwilLines:
    slug: str
    komwil: Line
    count: int  # cities that are listed
    provinces: tuple[ProvinceLines, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CitiesPage:
    asked: str  # "" for all
    count: int
    komwils: tuple[KomwilLines, ...]
    suggestions: tuple[tuple[str, str], ...]  # (name, address), where none is called so
    has_news: bool
    all_url: str


def build_cities_page(asked: str, figures: PlaceFigures, texts: Texts, *, today: date) -> CitiesPage:
    """The cities whose name, province or Komwil has all words of `asked`."""
    asked = cut_text(xml_safe(asked).strip(), ASKED_LIMIT)
    words = [word for word in fold_name(asked).split("-") if word]
    found = [city for city in load_cities() if _is_called(city, words)] if words or not asked else []
    found.sort(key=lambda city: (city.komwil, city.province_code, city.name))
    near = [] if found else suggest_places(FeedKind.CITY, asked)
    return CitiesPage(
        asked=asked,
        count=len(found),
        komwils=tuple(_show_komwil(list(cities), figures, texts, today) for _, cities in groupby(found, _get_komwil)),
        suggestions=tuple((place.name_for(texts.language), place.link_for(texts.language)) for place in near),
        has_news=bool(figures.last_days),
        all_url=make_link("/cities", texts.language),
    )


def show_provinces(
    cities: Iterable[City], figures: PlaceFigures, texts: Texts, *, today: date
) -> tuple[ProvinceLines, ...]:
    """The cities by province, in the order in which they come."""
    return tuple(
        _show_province(get_province_of(city), [city, *others], figures, texts, today)
        for _, (city, *others) in groupby(cities, lambda each: each.province_code)
    )


def show_line(place: Place, figures: PlaceFigures, texts: Texts, *, today: date) -> Line:
    total, last = figures.sums.get(place.feed), figures.last_days.get(place.feed)
    return Line(
        name=place.name_for(texts.language),
        url=place.link_for(texts.language),
        news=total.news if total else 0,
        last_iso=last.isoformat() if last else "",
        last=tell_day(last, texts, today=today) if last else "",
    )


def tell_day(day: date, texts: Texts, *, today: date) -> str:
    """E.g. "hari ini", "5 Okt", "5 Okt 2025"."""
    if day == today:
        return str(texts["today"])
    short = texts["short_day"].format(day=day.day, short_month=texts["short_months"][day.month - 1])
    return str(short) if day.year == today.year else f"{short} {day.year}"


def _get_komwil(city: City) -> int:
    return city.komwil


def _is_called(city: City, words: Sequence[str]) -> bool:
    """Short words must be there as they are: "VI" is no part of a name."""
    komwil = get_komwil_of(city)
    names = (city.full_name, *city.aliases, city.province, "komwil", "komisariat wilayah", komwil.slug, komwil.own_name)
    name = fold_name(" ".join(names))
    return all(word in name if len(word) > SHORT else word in name.split("-") for word in words)


def _show_komwil(cities: Sequence[City], figures: PlaceFigures, texts: Texts, today: date) -> KomwilLines:
    place = get_komwil_of(cities[0])
    return KomwilLines(
        slug=place.slug,
        komwil=show_line(place, figures, texts, today=today),
        count=len(cities),
        provinces=show_provinces(cities, figures, texts, today=today),
    )


def _show_province(
    province: Place, cities: Sequence[City], figures: PlaceFigures, texts: Texts, today: date
) -> ProvinceLines:
    places = [find_place(FeedKind.CITY, city.slug) for city in cities]
    return ProvinceLines(
        name=province.own_name,
        url=province.link_for(texts.language),
        cities=tuple(show_line(place, figures, texts, today=today) for place in places if place is not None),
    )
