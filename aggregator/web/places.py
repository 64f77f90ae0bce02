"""The places with pages: the 98 cities, the six Komwil, the provinces; and which one a misspelt address means. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo

from aggregator.feeds import KOMWILS, FeedKind, make_name
from aggregator.models import City, Language
from aggregator.publish.describing import name_subject
from aggregator.reference import Province, load_cities, load_provinces
from aggregator.web.links import make_link
from aggregator.web.story_times import choose_zone

KINDS = (FeedKind.CITY, FeedKind.PROVINCE, FeedKind.KOMWIL)
NEAR_MOST = 5
NEAR_ENOUGH = 0.7  # "gorontlo" is .94 like "gorontalo", "malag" .91 like "malang"
SLUG_READ = 64  # characters of an address that nothing is called

_OTHER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A place with a page."""

    kind: FeedKind
    slug: str
    own_name: str  # without its kind: "Kota Gorontalo", "Bali", "VI"
    cities: tuple[City, ...]  # itself, or those in it
    zone: tzinfo

    @property
    def feed(self) -> str:
        """The name of its feed, and of its coverage."""
        return make_name(self.kind, self.slug)

    @property
    def path(self) -> str:
        return f"/{self.kind}/{self.slug}"

    def name_for(self, language: Language) -> str:
        return name_subject(self.feed, self.own_name, language)

    def link_for(self, language: Language) -> str:
        return make_link(self.path, language)


@cache
def load_places() -> Mapping[str, Place]:
    """All of them, by path."""
    return {place.path: place for place in (*map(_make_city, load_cities()), *_list_provinces(), *_list_komwils())}


def find_place(kind: FeedKind, slug: str) -> Place | None:
    return load_places().get(f"/{kind}/{slug}")


def correct_slug(kind: FeedKind, slug: str) -> str | None:
    """The slug that is surely meant: "gorontalo" for kota-gorontalo, "VI" for 6; None: there is no such."""
    if slug.startswith("-"):  # "-1" is no other way to write 1
        return None
    return _load_spellings(kind).get(fold_name(slug[:SLUG_READ]))


def suggest_places(kind: FeedKind, slug: str) -> list[Place]:
    """Those that may have been meant, the likeliest first."""
    # What all of them are called tells nothing: "kota-xyz" is like each.
    spellings = {name.removeprefix("kota-"): meant for name, meant in _load_spellings(kind).items()}
    asked = fold_name(slug[:SLUG_READ]).removeprefix("kota-")
    holding = [each for each in spellings if len(asked) > 2 and asked in each]
    near = holding or get_close_matches(asked, spellings, n=2 * NEAR_MOST, cutoff=NEAR_ENOUGH)
    slugs = list(dict.fromkeys(spellings[each] for each in near))[:NEAR_MOST]
    return [place for each in slugs if (place := find_place(kind, each)) is not None]


def get_province_of(city: City) -> Place:
    return next(place for place in _list_provinces() if place.own_name == city.province)


def get_komwil_of(city: City) -> Place:
    return load_places()[f"/{FeedKind.KOMWIL}/{city.komwil}"]


@cache
def _list_provinces() -> tuple[Place, ...]:
    return tuple(_make_province(province) for province in load_provinces())


def _make_city(city: City) -> Place:
    return Place(
        kind=FeedKind.CITY, slug=city.slug, own_name=city.full_name, cities=(city,), zone=ZoneInfo(city.timezone)
    )


def _make_province(province: Province) -> Place:
    return Place(
        kind=FeedKind.PROVINCE,
        slug=province.slug,
        own_name=province.name,
        cities=tuple(city for city in load_cities() if city.province_code == province.code),
        zone=ZoneInfo(province.timezone),
    )


def _list_komwils() -> Iterable[Place]:
    for number, roman in KOMWILS.items():
        cities = tuple(city for city in load_cities() if city.komwil == number)
        yield Place(kind=FeedKind.KOMWIL, slug=str(number), own_name=roman, cities=cities, zone=choose_zone(cities))


@cache
def _load_spellings(kind: FeedKind) -> Mapping[str, str]:
    """What the places of a kind are called in addresses → slug; names that mean two of them are left out."""
    pairs = {
        (fold_name(name), place.slug)
        for place in load_places().values()
        if place.kind == kind
        for name in _list_names(place)
    }
    meanings = Counter(name for name, _ in pairs)
    return {name: slug for name, slug in sorted(pairs) if meanings[name] == 1}


def _list_names(place: Place) -> Iterable[str]:
    yield from (place.slug, place.own_name)
    if place.kind == FeedKind.CITY:
        (city,) = place.cities
        yield from (city.name, *city.aliases, *(f"kota {alias}" for alias in city.aliases))
    elif place.kind == FeedKind.PROVINCE:
        yield from next(province.aliases for province in load_provinces() if province.slug == place.slug)
    else:
        yield from (f"komwil {place.own_name}", f"komwil {place.slug}")


def fold_name(name: str) -> str:
    """The name in lower case and plain letters, its words joined as in addresses."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", errors="ignore").decode()
    return _OTHER.sub("-", plain).strip("-")
