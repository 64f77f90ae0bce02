"""What the map shows, worked out before any HTML is written. Pure.

The country as a whole, then panels of its parts, on which each city is once, as a link; and a table with all of them.
Areas of circles grow with the counts; their colour says the same again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from aggregator.cleaning import xml_safe
from aggregator.coverage_rows import CoverageSum
from aggregator.feeds import KOMWILS, FeedKind, make_name
from aggregator.models import City
from aggregator.periods import Period
from aggregator.reference import load_cities
from aggregator.web.charts import tell_number
from aggregator.web.feeds_form import Choice
from aggregator.web.links import make_link, make_query_link
from aggregator.web.outline import COUNTRY, Frame, Label, Labelled, draw_outline, place_labels, project
from aggregator.web.selection import Count, PeriodForm, tell_period
from aggregator.web.texts import Texts

LEVELS = 4
RADIUS_LEAST, RADIUS_MOST = 0.011, 0.042  # of a panel's width
ALL_RADIUS_LEAST, ALL_RADIUS_MOST = 0.0035, 0.015  # of the country's
REACH = 0.035  # of a panel's width: the circle that a finger hits
LETTERS, LETTER, LINE = 0.036, 0.0235, 0.04  # of a panel's width: height and width of letters, a line

# Each city is on the last panel of its Komwil that it lies in.
_PANELS = (
    (1, "map_sumatra_north", Frame(west=94.2, south=-1.4, east=106.2, north=6.6)),
    (1, "map_west_sumatra", Frame(west=99.65, south=-1.1, east=101.35, north=0.0)),
    (2, "", Frame(west=100.0, south=-6.0, east=107.8, north=-1.0)),
    (3, "map_java_west", Frame(west=105.2, south=-8.9, east=111.4, north=-5.0)),
    (3, "map_greater_jakarta", Frame(west=106.3, south=-6.67, east=107.3, north=-6.03)),
    (4, "map_bali_nusa", Frame(west=112.6, south=-11.6, east=124.4, north=-4.6)),
    (4, "map_java_east", Frame(west=111.0, south=-8.65, east=114.0, north=-6.75)),
    (5, "", Frame(west=106.5, south=-4.4, east=120.0, north=4.2)),
    (6, "", Frame(west=117.8, south=-9.4, east=141.6, north=4.6)),
    (6, "map_minahasa", Frame(west=122.4, south=-1.0, east=128.4, north=2.8)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownCity:
    """A city with its figures."""

    name: str
    url: str
    province: str
    komwil: str  # Roman
    news: str
    articles: str
    value: int  # of what is counted
    told: str  # "12 berita"
    level: int  # 0 to 4
    x: int
    y: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A city on a panel. `label` is None where its name has no room."""

    city: ShownCity
    radius: int
    reach: int
    label: Label | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    title: str
    view_box: str
    letters: float
    points: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """What a circle stands for: its size in px on a panel of usual width, and from what to what it reaches."""

    number: int
    radius: float
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MapForm:
    period: PeriodForm
    topic: str
    topics: tuple[Choice, ...]
    count: str
    counts: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """The map for a selection that could be read."""

    title: str
    summary: str
    outline: str
    whole: Panel
    panels: tuple[Panel, ...]
    levels: tuple[Level, ...]
    cities: tuple[ShownCity, ...]  # the most covered first
    trends_url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MapPage:
    form: MapForm
    problem: str  # why there is no picture; "" for none
    picture: Picture | None


def build_picture(
    sums: Mapping[str, CoverageSum],
    texts: Texts,
    *,
    period: Period,
    topic: str,
    count: Count,
    query: Sequence[tuple[str, str]] = (),
) -> Picture:
    """`sums`: region → what was published in the period; `topic`: its name; `query`: the selection, for the chart."""
    cities = _show_cities(sums, texts, count)
    told = tell_period(period, texts)
    silent = sum(city.value == 0 for city in cities)
    everything = sums.get("", CoverageSum(news=0, articles=0))
    key = "map_summary_articles" if count is Count.ARTICLES else "map_summary_news"
    return Picture(
        title=f"{topic}, {told}" if topic else told,
        summary=texts[key].format(
            count=tell_number(everything.articles if count is Count.ARTICLES else everything.news, texts),
            cities=len(cities) - silent,
            silent=silent,
        ),
        outline=draw_outline(),
        whole=_draw_whole(cities, texts),
        panels=tuple(_draw_panels(cities, texts)),
        levels=_list_levels(max((city.value for city in cities), default=0), texts),
        cities=cities,
        trends_url=make_query_link("/trends", query, texts.language),
    )


def _show_cities(sums: Mapping[str, CoverageSum], texts: Texts, count: Count) -> tuple[ShownCity, ...]:
    counted = [(city, sums.get(make_name(FeedKind.CITY, city.slug))) for city in load_cities()]
    most = max(_count(found, count) for _, found in counted)
    shown = [_show_city(city, found, texts, count=count, most=most) for city, found in counted]
    return tuple(sorted(shown, key=lambda city: (-city.value, city.name)))


def _show_city(city: City, found: CoverageSum | None, texts: Texts, *, count: Count, most: int) -> ShownCity:
    value = _count(found, count)
    x, y = project(city.longitude, city.latitude)
    return ShownCity(
        name=xml_safe(city.name),
        url=make_link(f"/city/{city.slug}", texts.language),
        province=xml_safe(city.province),
        komwil=KOMWILS[city.komwil],
        news=tell_number(found.news if found else 0, texts),
        articles=tell_number(found.articles if found else 0, texts),
        value=value,
        told=texts["told_articles" if count is Count.ARTICLES else "told_news"].format(count=tell_number(value, texts)),
        level=ceil(LEVELS * sqrt(value / most)) if value else 0,
        x=x,
        y=y,
    )


def _count(found: CoverageSum | None, count: Count) -> int:
    if found is None:
        return 0
    return found.articles if count is Count.ARTICLES else found.news


# ── panels ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _draw_whole(cities: Sequence[ShownCity], texts: Texts) -> Panel:
    """The largest circles lie lowest, so that none hides another."""
    points = (
        Point(city=city, radius=_size(city, cities, COUNTRY, ALL_RADIUS_LEAST, ALL_RADIUS_MOST), reach=0)
        for city in cities
    )
    return Panel(title=texts["map_whole"], view_box=COUNTRY.view_box, letters=0, points=tuple(points))


def _draw_panels(cities: Sequence[ShownCity], texts: Texts) -> list[Panel]:
    left = {city.name: city for city in cities}
    panels = []
    for komwil, key, frame in reversed(_PANELS):
        members = [city for city in left.values() if city.komwil == KOMWILS[komwil] and _lies_in(city, frame)]
        for city in members:
            del left[city.name]
        title = texts["map_komwil"].format(number=KOMWILS[komwil])
        panels.append(_draw_panel(f"{title}: {texts[key]}" if key else title, members, cities, frame))
    assert not left, left
    return panels[::-1]


def _draw_panel(title: str, members: Sequence[ShownCity], cities: Sequence[ShownCity], frame: Frame) -> Panel:
    sizes = [_size(city, cities, frame, RADIUS_LEAST, RADIUS_MOST) for city in members]
    labels = place_labels(
        [
            Labelled(
                x=city.x,
                y=city.y,
                radius=size,
                gap=0.008 * frame.width,
                length=len(city.name) * LETTER * frame.width,
            )
            for city, size in zip(members, sizes, strict=True)
        ],
        frame,
        line=LINE * frame.width,
    )
    points = [
        Point(
            city=city,
            radius=size,
            reach=_reach(city, size, members, frame),
            label=label,
        )
        for city, size, label in zip(members, sizes, labels, strict=True)
    ]
    return Panel(title=title, view_box=frame.view_box, letters=round(LETTERS * frame.width, 1), points=tuple(points))


def _lies_in(city: ShownCity, frame: Frame) -> bool:
    (west, north), (east, south) = project(frame.west, frame.north), project(frame.east, frame.south)
    return west < city.x < east and north < city.y < south


def _size(city: ShownCity, cities: Sequence[ShownCity], frame: Frame, least: float, most: float) -> int:
    """`cities` begin with the most covered."""
    share = sqrt(city.value / cities[0].value) if city.value else 0
    return max(round((least + (most - least) * share) * frame.width), 1)


def _reach(city: ShownCity, size: int, members: Sequence[ShownCity], frame: Frame) -> int:
    """As large as a finger, but no nearer to another city."""
    others = [sqrt((city.x - each.x) ** 2 + (city.y - each.y) ** 2) for each in members if each is not city]
    return max(size, round(min([REACH * frame.width, *(distance / 2 for distance in others)])))


def _list_levels(most: int, texts: Texts) -> tuple[Level, ...]:
    """From none to the most; those that hold no number are left out."""
    levels = [Level(number=0, radius=RADIUS_LEAST * 350, words="0")]
    below = 0
    for number in range(1, LEVELS + 1):
        upto = int(most * (number / LEVELS) ** 2)
        if upto > below:
            words = tell_number(upto, texts)
            words = words if upto == below + 1 else f"{tell_number(below + 1, texts)}–{words}"
            share = sqrt(upto / most)
            radius = (RADIUS_LEAST + (RADIUS_MOST - RADIUS_LEAST) * share) * 350
            levels.append(Level(number=number, radius=round(radius, 1), words=words))
            below = upto
    return tuple(levels)
