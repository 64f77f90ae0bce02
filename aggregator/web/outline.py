"""Our outline of Indonesia, and where cities lie on it. Pure.

A unit of the drawing is a hundredth of a degree, in both directions: at the equator a degree is as long eastwards as
northwards, and nowhere in Indonesia is the difference more than 2 %.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
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
LETTER = 0.024  # width of a letter, the same
LINE = 0.043  # from one name to the next below it
GAP = 0.009  # between a point and its name
RADIUS = 0.011  # of a point, the same


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

    def holds(self, start: float, end: float) -> bool:
        """Whether what reaches from x `start` to x `end` is on it."""
        return start >= (self.west - WEST) * UNITS and end <= (self.east - WEST) * UNITS

    @property
    def width(self) -> int:
        return round((self.east - self.west) * UNITS)

    @property
    def height(self) -> int:
        return round((self.north - self.south) * UNITS)


COUNTRY = Frame(west=94.2, south=-11.3, east=141.6, north=6.8)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A city on a small map."""

    name: str
    slug: str
    x: int
    y: int
    label_x: int  # where the name begins, or ends
    label_y: int
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """A point that wants a name: how far off its edge that stands, and how long it is."""

    x: int
    y: int
    radius: int
    gap: float
    length: float


class _Box(NamedTuple):
    """What a name or a point takes of the map."""

    start: float
    end: float
    y: int

    def covers(self, other: _Box, line: float) -> bool:
        return abs(self.y - other.y) < line and self.start < other.end and self.end > other.start


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """Where a name begins, or ends where it stands left of its point; `y` is its middle."""

    x: int
    y: int
    is_left: bool


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
    radius = max(round(frame.width * RADIUS), 1)
    return SmallMap(
        view_box=frame.view_box,
        path=draw_outline(),
        spots=_place_names(shown, frame, radius),
        radius=radius,
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


def _place_names(cities: Sequence[City], frame: Frame, radius: int) -> tuple[Spot, ...]:
    names = [_name(city) for city in cities]
    points = [project(city.longitude, city.latitude) for city in cities]
    labels = place_labels(
        [
            Labelled(x=x, y=y, radius=radius, gap=frame.width * GAP, length=len(name) * LETTER * frame.width)
            for name, (x, y) in zip(names, points, strict=True)
        ],
        frame,
        line=frame.width * LINE,
    )
    return tuple(
        Spot(
            name=name,
            slug=city.slug,
            x=x,
            y=y,
            label_x=label.x if label else x,
            label_y=label.y if label else y,
            is_left=label is not None and label.is_left,
            is_named=label is not None,
        )
        for city, name, (x, y), label in zip(cities, names, points, labels, strict=True)
    )


def place_labels(wanted: Sequence[Labelled], frame: Frame, *, line: float) -> list[Label | None]:
    """Where names can stand: right of their points, else left, above or below; None where they would cover others.

    The first ones choose first. `line`: the height of a name.
    """
    taken: list[_Box] = []
    labels: list[Label | None] = []
    for each in wanted:
        points = [_Box(other.x - other.radius, other.x + other.radius, other.y) for other in wanted if other != each]
        free = (
            (label, box)
            for label, box in _list_places(each, line)
            if frame.holds(box.start, box.end)
            and not any(box.covers(name, line) for name in taken)
            and not any(box.covers(point, line * 0.6) for point in points)
        )
        label, box = next(free, (None, None))
        taken += [box] if box else []
        labels.append(label)
    return labels


def _list_places(each: Labelled, line: float) -> Iterator[tuple[Label, _Box]]:
    """Beside the point, then a little above and below it; the best ones first."""
    for shift in (0, -0.8, 0.8):
        y = round(each.y + shift * line)
        off = each.radius + each.gap if shift == 0 else each.radius * 0.6
        yield Label(x=round(each.x + off), y=y, is_left=False), _Box(each.x + off, each.x + off + each.length, y)
        yield Label(x=round(each.x - off), y=y, is_left=True), _Box(each.x - off - each.length, each.x - off, y)


def _name(city: City) -> str:
    return cut_text(xml_safe(city.name), NAME_LIMIT)
