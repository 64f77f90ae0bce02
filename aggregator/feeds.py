"""Which feeds there are, where they are served, and which of them a piece of news is in. PURE.

A feed's name is its address without `/feeds/` and the ending: `topic/apeksi`, `city/kota-gorontalo`, `komwil/6`. The
feed of everything is called `all`, and served as `/feed.xml`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from aggregator.models import City, SourceKind
from aggregator.reference import get_province, load_cities, load_provinces

ALL = "all"
KOMWILS = {1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI"}
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class FeedKind(StrEnum):
    """What a feed is about; the first part of its name, and the key of a search."""

    TOPIC = "topic"
    CITY = "city"
    PROVINCE = "province"
    KOMWIL = "komwil"
    KIND = "kind"  # of source
    SOURCE = "source"


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupFacts:
    """What decides which feeds a duplicate group is in."""

    topics: Collection[str]  # of its canonical article
    regions: Collection[str]  # codes of the cities and provinces where it happened, of the same
    sources: Collection[tuple[str, str]]  # (id, kind) of all its members' sources


def list_feeds(topics: Mapping[str, str], sources: Mapping[str, str]) -> dict[str, str]:
    """name → what it is about by its own name ("" where our wording names it): all feeds that are published as files.

    `topics`: id → name; `sources`: id → name. What cannot stand in a file name is left out.
    """
    feeds = {ALL: ""}
    feeds |= {make_name(FeedKind.TOPIC, topic): name for topic, name in topics.items()}
    feeds |= {make_name(FeedKind.CITY, city.slug): city.full_name for city in load_cities()}
    feeds |= {make_name(FeedKind.PROVINCE, province.slug): province.name for province in load_provinces()}
    feeds |= {make_name(FeedKind.KOMWIL, str(number)): roman for number, roman in KOMWILS.items()}
    feeds |= {make_name(FeedKind.KIND, kind.value): "" for kind in SourceKind}
    feeds |= {make_name(FeedKind.SOURCE, source): name for source, name in sources.items()}
    return {name: title for name, title in feeds.items() if name == ALL or _SLUG.fullmatch(split_name(name)[1])}


def name_feeds(facts: GroupFacts) -> frozenset[str]:
    """The feeds that a group is in.

    Sources and their kinds are those of every copy: who follows a portal wants all that it carries. A city brings its
    province and its Komwil along.
    """
    names = {ALL, *(make_name(FeedKind.TOPIC, topic) for topic in facts.topics)}
    for source, kind in facts.sources:
        names |= {make_name(FeedKind.SOURCE, source), make_name(FeedKind.KIND, kind)}
    for code in facts.regions:
        names.update(_name_region(code))
    return frozenset(names)


def make_name(kind: FeedKind, slug: str) -> str:
    return f"{kind.value}/{slug}"


def split_name(name: str) -> tuple[str, str]:
    """(kind, slug); the slug of `all` is ""."""
    kind, _, slug = name.partition("/")
    return kind, slug


def make_feed_path(name: str, ending: str) -> str:
    """Where a feed's document is, below the site's address and the folder of published files."""
    return f"feed.{ending}" if name == ALL else f"feeds/{name}.{ending}"


def make_archive_path(name: str, label: str, ending: str) -> str:
    """Where a document of a feed's archive is."""
    return f"feeds/archive/{name}/{label}.{ending}"


def make_feed_id(name: str) -> str:
    """The feed's own identifier, for life: a tag URI (RFC 4151) as those of its items."""
    return f"tag:kabarkota,2026:feed/{name}"


def _name_region(code: str) -> Iterable[str]:
    province = get_province(code[:2])
    if province is not None:
        yield make_name(FeedKind.PROVINCE, province.slug)
    city = _load_cities_by_code().get(code)
    if city is not None:
        yield make_name(FeedKind.CITY, city.slug)
        yield make_name(FeedKind.KOMWIL, str(city.komwil))


@cache
def _load_cities_by_code() -> dict[str, City]:
    return {city.code: city for city in load_cities()}
