"""How times are told to people: zones of Indonesia, days and hours in both languages. Pure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Any

from aggregator.models import Language

WIB = timezone(timedelta(hours=7), "WIB")
# Indonesia has no summer time: the offset names the zone.
_ZONE_NAMES = {timedelta(hours=7): "WIB", timedelta(hours=8): "WITA", timedelta(hours=9): "WIT"}


@dataclass(frozen=True, slots=True)
class TimeWords:
    """The words for times in one language."""

    language: Language
    table: dict[str, Any]  # see times.toml

    def format_day(self, at: datetime) -> str:
        """E.g. "Senin, 5 Oktober 2026", the day `at` falls on in its own offset."""
        weekday, month = self.table["weekdays"][at.weekday()], self.table["months"][at.month - 1]
        return str(self.table["day"]).format(weekday=weekday, day=at.day, month=month, year=at.year)

    def format_short_day(self, at: datetime) -> str:
        """E.g. "5 Okt"."""
        return str(self.table["short_day"]).format(day=at.day, short_month=self.table["short_months"][at.month - 1])

    def format_hour(self, at: datetime) -> str:
        """E.g. "14.05"."""
        return at.strftime(self.table["hour"])

    def format_moment(self, at: datetime) -> str:
        """E.g. "Senin, 5 Oktober 2026, 14.05 WITA"."""
        return str(self.table["moment"]).format(day=self.format_day(at), hour=self.format_hour(at), zone=name_zone(at))


@cache
def get_time_words(language: Language) -> TimeWords:
    """The words of times.toml in `language`."""
    table = tomllib.loads(files("aggregator").joinpath("times.toml").read_text(encoding="utf-8"))
    return TimeWords(language, table[language.value])


def name_zone(at: datetime) -> str:
    """WIB, WITA, WIT or, for an aware time of elsewhere, "UTC+05:30"."""
    offset = at.utcoffset() or timedelta()
    return _ZONE_NAMES.get(offset) or str(timezone(offset))
