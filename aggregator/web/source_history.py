"""The last ninety days of a source as a chart and as a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from aggregator.web.texts import WIB, Texts

DAYS = 90
_PITCH = 8  # of the bars
_BAR = 6
HEIGHT = 72  # of the tallest bar
STRIP = 10  # height of the strip below: whether it answered
GAP = 6  # between the two
_SUMS = ("polls", "answered", "posts", "articles")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A day in the chart."""

    x: int
    y: int
    height: int
    answers: str  # all, some, none, unasked: a class of the style sheet


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryDay:
    """A day in the table."""

    iso: str
    name: str
    polls: int
    answered: int
    posts: int
    articles: int


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    bars: tuple[Bar, ...]
    width: int
    height: int
    ground: float  # below the bars
    strip_y: int
    bar_width: int
    strip_height: int
    most: int  # posts of the tallest bar
    first: str
    last: str
    told: str  # the chart in a sentence
    days: tuple[HistoryDay, ...]  # on which it was asked, the newest first


def build_history(rows: Iterable[Mapping[str, Any]], today: datetime, texts: Texts) -> History | None:
    """The days (rows of source_days) until `today`; None when it was asked on none of them."""
    end = today.astimezone(WIB).date()
    begin = end - timedelta(days=DAYS - 1)
    by_day = {row["day_wib"]: row for row in rows if begin.isoformat() <= row["day_wib"] <= end.isoformat()}
    if not any(row["polls"] for row in by_day.values()):
        return None
    most = max(row["posts"] for row in by_day.values())
    ground = HEIGHT if most else 0
    all_days = [begin + timedelta(days=number) for number in range(DAYS)]
    sums = {name: sum(row[name] for row in by_day.values()) for name in _SUMS}
    return History(
        bars=tuple(_draw(number, by_day.get(day.isoformat()), most) for number, day in enumerate(all_days)),
        width=DAYS * _PITCH,
        height=ground + GAP + STRIP,
        ground=ground + 0.5,
        strip_y=ground + GAP,
        bar_width=_BAR,
        strip_height=STRIP,
        most=most,
        first=_name(begin, texts),
        last=_name(end, texts),
        told=texts["history_told"].format(days=len(by_day), **sums),
        days=tuple(
            HistoryDay(iso=day.isoformat(), name=_name(day, texts), **{name: row[name] for name in _SUMS})
            for day in reversed(all_days)
            if (row := by_day.get(day.isoformat())) is not None
        ),
    )


def _draw(number: int, row: Mapping[str, Any] | None, most: int) -> Bar:
    posts, polls, answered = (row["posts"], row["polls"], row["answered"]) if row else (0, 0, 0)
    height = max(round(HEIGHT * posts / most), 1) if posts else 0
    answers = "unasked" if not polls else "all" if answered == polls else "some" if answered else "none"
    return Bar(x=number * _PITCH, y=HEIGHT - height, height=height, answers=answers)


def _name(day: date, texts: Texts) -> str:
    return f"{texts.format_short_day(datetime.combine(day, time(), WIB))} {day.year}"
