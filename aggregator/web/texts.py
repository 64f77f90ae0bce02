"""The words of the pages, in both languages, and how they tell the time. Pure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Any

from aggregator.models import Language

__all__ = ["WIB", "Language", "Texts", "get_texts", "name_zone"]

WIB = timezone(timedelta(hours=7), "WIB")
# Indonesia has no summer time: the offset names the zone.
_ZONE_NAMES = {timedelta(hours=7): "WIB", timedelta(hours=8): "WITA", timedelta(hours=9): "WIT"}


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language: `texts["about"]`, and the forms that take a value."""

    language: Language
    table: dict[str, Any]  # see words/

    def __getitem__(self, key: str) -> Any:
        return self.table[key]

    def name_topic(self, topic: str) -> str:
        """The topic's name for people; a topic added by the operator is read from its slug."""
        return str(self.table["topics"].get(topic) or topic.replace("-", " ").capitalize())

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

    def format_size(self, count: int) -> str:
        """Bytes in their unit: "12 MB", "1,5 kB"."""
        for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
            if count >= size:
                number = f"{count / size:.0f}" if count >= 10 * size else f"{count / size:.1f}"
                return f"{number.replace('.', self.table['decimal_mark'])} {unit}"
        return f"{count} B"


@cache
def get_texts(language: Language) -> Texts:
    """The texts of `language`, read once: those of all files in words/ together."""
    table: dict[str, Any] = {}
    for file in files("aggregator.web").joinpath("words").iterdir():
        if file.name.endswith(".toml"):
            table |= tomllib.loads(file.read_text(encoding="utf-8"))[language.value]
    return Texts(language, table)


def name_zone(at: datetime) -> str:
    """WIB, WITA, WIT or, for an aware time of elsewhere, "UTC+05:30"."""
    offset = at.utcoffset() or timedelta()
    return _ZONE_NAMES.get(offset) or str(timezone(offset))
