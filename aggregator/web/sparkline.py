"""A line of small bars, as numbers of an SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STEP = 5  # from one bar to the next; each leaves one free
HEIGHT = 24
FLOOR = 1  # of a bar that stands for nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    x: int
    y: int
    height: int


def draw_bars(counts: Sequence[int]) -> tuple[Bar, ...]:
    """A bar for each; the highest is as high as the picture, and none that counts is as low as nothing."""
    most = max(counts, default=0) or 1
    heights = [max(round(HEIGHT * count / most), 2 * FLOOR) if count else FLOOR for count in counts]
    return tuple(Bar(x=place * STEP, y=HEIGHT - height, height=height) for place, height in enumerate(heights))
