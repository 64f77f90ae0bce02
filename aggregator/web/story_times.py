"""Times, spans and titles as the pages of stories show them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo

from aggregator.cleaning import cut_text, xml_safe
from aggregator.marked import TITLE_LIMIT
from aggregator.models import City, DatePrecision
from aggregator.story_page_rows import Published
from aggregator.web.texts import WIB, Texts, name_zone

_Shown = TypeVar("_Shown")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownTime:
    """A time of publication; where there is no hour, the day at its source."""

    iso: str
    words: str
    full: str  # the same with weekday and year


def choose_zone(cities: Collection[City]) -> tzinfo:
    """The zone in which times are told beside WIB: that of the cities, where it is one for all; else WIB."""
    zones = {city.timezone for city in cities}
    return ZoneInfo(zones.pop()) if len(zones) == 1 else WIB


def has_hour(published: Published) -> bool:
    return published.precision not in (DatePrecision.DAY, None)


def show_time(published: Published, texts: Texts, beside: tzinfo = WIB, *, zone: tzinfo = WIB) -> ShownTime:
    """A date without an hour stays on the source's day; the rest is shown in `zone`, and where it differs `beside`."""
    if published.precision is DatePrecision.DAY:
        day = published.at
        return ShownTime(iso=day.date().isoformat(), words=texts.format_short_day(day), full=texts.format_day(day))
    at, local = published.at.astimezone(zone), published.at.astimezone(beside)
    days = texts.format_short_day(at), texts.format_day(at)
    words, full = (texts["moment"].format(day=day, hour=texts.format_hour(at), zone=name_zone(at)) for day in days)
    if local.utcoffset() != at.utcoffset():
        told = _tell_beside(local, at, texts)
        words, full = f"{words} ({told})", f"{full} ({told})"
    if published.precision is None:
        words, full = (texts["seen_at"].format(moment=moment) for moment in (words, full))
    return ShownTime(iso=at.isoformat(), words=words, full=full)


def _tell_beside(local: datetime, at: datetime, texts: Texts) -> str:
    """E.g. "00.30 WITA", with its day where that is another."""
    day = f"{texts.format_short_day(local)}, " if local.date() != at.date() else ""
    return f"{day}{texts.format_hour(local)} {name_zone(local)}"


def tell_span(minutes: int, texts: Texts) -> str:
    """E.g. "2 jam 5 menit"; "" for less than a minute."""
    days, rest = divmod(max(minutes, 0), 24 * 60)
    units = ((days, "days"), (rest // 60, "hours"), (rest % 60, "minutes"))
    return " ".join([texts[unit].format(count=count) for count, unit in units if count][:2])


def tell_delay(minutes: int, texts: Texts) -> str:
    """E.g. "2 jam 5 menit kemudian"."""
    span = tell_span(minutes, texts)
    return str(texts["later"].format(span=span)) if span else str(texts["at_once"])


def show_title(title: str) -> str:
    return cut_text(xml_safe(title), TITLE_LIMIT)


def fold(shown: Sequence[_Shown], most: int) -> tuple[tuple[_Shown, ...], tuple[_Shown, ...]]:
    """What is shown, and what folds away. One more than fits is shown, too: a fold for it would take as much room."""
    most = most if len(shown) > most + 1 else len(shown)
    return tuple(shown[:most]), tuple(shown[most:])
