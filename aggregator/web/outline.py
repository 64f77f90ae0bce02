"""Our outline of Indonesia, and where cities lie on it. Pure.

A unit of the drawing is a hundredth of a degree, in both directions: at the equator a degree is as long eastwards as
northwards, and nowhere in Indonesia is the difference more than 2 %.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from aggregator.cleaning import cut_text, xml_safe
from aggregator.models import City

UNITS = 100  # of a degree
WEST, NORTH = 94.0, 7.0  # the corner at which the drawing begins
NAME_LIMIT = 40
SMALL_LEAST = 9.0  # degrees that a small map shows at least, so that the place is recognised
SMALL_SHAPE = 0.55  # of its width
SMALL_MARGIN = 0.2  # of its width, around the points
LETTERS = 0.037  # height of names, of a small map's width
LETTER = 0.021  # width of a letter, the same
LINE = 0.043  # from one name to the next below it
GAP = 0.02  # between a point and its name


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A part of the country, in degrees."""

    west: float
    south: float
    east: float
    north: float

    @property
    def view_box(self) -> str:
        x, y = project(self.west, self.north)
        return f"{x} {y} {self.width} {self.height}"

    @property
    def width(self) -> int:
        return round((self.east - self.west) * UNITS)

    @property
    def height(self) -> int:
        return round((self.north - self.south) * UNITS)


COUNTRY = Frame(west=94.6, south=-11.3, east=141.4, north=6.3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A city on a small map."""

    name: str
    slug: str
    x: int
    y: int
    label_x: int  # where the name begins, or ends
    is_left: bool  # of the point
    is_named: bool  # False where another name is in the way


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallMap:
    """The outline with a few points; `map.html` has the macro that shows it."""

    view_box: str
    path: str
    spots: tuple[Spot, ...]
    radius: int
    letters: int  # height of the names
    names: str  # of the cities, for those who do not see the map


class _Label(NamedTuple):
    """The room that a name takes."""

    start: float
    end: float
    y: int


def project(longitude: float, latitude: float) -> tuple[int, int]:
    """(x, y) in the drawing."""
    return round((longitude - WEST) * UNITS), round((NORTH - latitude) * UNITS)


@cache
def draw_outline() -> str:
    """The islands as the path of an SVG. Relative steps, for they are short."""
    text = files("aggregator.reference").joinpath("indonesia.geojson").read_text(encoding="utf-8")
    polygons = json.loads(text)["geometry"]["coordinates"]
    return "".join(_draw_ring([project(*point) for point in ring]) for polygon in polygons for ring in polygon)


def draw_small_map(cities: Iterable[City]) -> SmallMap | None:
    """Where the cities are, each with its name where there is room for it; None for no cities."""
    shown = sorted(set(cities), key=lambda city: (-city.latitude, city.longitude))
    if not shown:
        return None
    frame = _fit(shown)
    return SmallMap(
        view_box=frame.view_box,
        path=draw_outline(),
        spots=_place_names(shown, frame),
        radius=max(round(frame.width * 0.011), 1),
        letters=round(frame.width * LETTERS),
        names=", ".join(_name(city) for city in shown),
    )


def _draw_ring(points: Sequence[tuple[int, int]]) -> str:
    """The last point is the first one again: z leads there."""
    (x, y), *rest = points[:-1]
    steps = []
    at_x, at_y = x, y
    for to_x, to_y in rest:
        steps.append(f"{to_x - at_x} {to_y - at_y}")
        at_x, at_y = to_x, to_y
    return f"M{x} {y}l{' '.join(steps)}z".replace(" -", "-")


def _fit(cities: Sequence[City]) -> Frame:
    """The part of the country around the cities, in the shape of a small map; all of it where they lie far apart."""
    west, east = min(city.longitude for city in cities), max(city.longitude for city in cities)
    south, north = min(city.latitude for city in cities), max(city.latitude for city in cities)
    width = max(east - west, (north - south) / SMALL_SHAPE, SMALL_LEAST * (1 - 2 * SMALL_MARGIN))
    width /= 1 - 2 * SMALL_MARGIN
    if width > (COUNTRY.east - COUNTRY.west) * 0.8:
        return COUNTRY
    middle, centre = (west + east) / 2, (south + north) / 2
    return Frame(
        west=middle - width / 2,
        east=middle + width / 2,
        south=centre - width * SMALL_SHAPE / 2,
        north=centre + width * SMALL_SHAPE / 2,
    )


def _place_names(cities: Sequence[City], frame: Frame) -> tuple[Spot, ...]:
    """Names stand right of their points, else left; one that would cover another is left out."""
    taken: list[_Label] = []
    spots = []
    for city in cities:
        x, y = project(city.longitude, city.latitude)
        name = _name(city)
        label = _find_room(x, y, len(name) * LETTER * frame.width, frame, taken)
        taken += [label] if label else []
        is_left = label is not None and label.end < x
        label_x = round(label.end if is_left else label.start) if label else x
        spots.append(
            Spot(name=name, slug=city.slug, x=x, y=y, label_x=label_x, is_left=is_left, is_named=label is not None)
        )
    return tuple(spots)


def _find_room(x: int, y: int, length: float, frame: Frame, taken: Sequence[_Label]) -> _Label | None:
    gap, line = frame.width * GAP, frame.width * LINE
    for label in (_Label(x + gap, x + gap + length, y), _Label(x - gap - length, x - gap, y)):
        is_inside = label.start >= (frame.west - WEST) * UNITS and label.end <= (frame.east - WEST) * UNITS
        if is_inside and not any(
            abs(y - other.y) < line and label.start < other.end and label.end > other.start for other in taken
        ):
            return label
    return None


def _name(city: City) -> str:
    return cut_text(xml_safe(city.name), NAME_LIMIT)
