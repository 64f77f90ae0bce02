"""Our own words in alerts. PURE."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.models import Language

_ZONES = {7: "WIB", 8: "WITA", 9: "WIT"}


@cache
def get_words(language: Language) -> dict[str, Any]:
    """The words of wording.toml in `language`."""
    text = files("aggregator.alerts").joinpath("wording.toml").read_text(encoding="utf-8")
    words: dict[str, Any] = tomllib.loads(text)[language.value]
    return words


def format_day(day: date, language: Language) -> str:
    """27 November 2026"""
    return f"{day.day} {get_words(language)['months'][day.month - 1]} {day.year}"


def format_moment(moment: datetime, zone: ZoneInfo, language: Language) -> str:
    """27 November 2026 14.05 WITA"""
    local = moment.astimezone(zone)
    offset = local.utcoffset()
    hours = offset.total_seconds() / 3600 if offset is not None else 0
    name = _ZONES.get(int(hours), local.tzname() or "") if hours == int(hours) else local.tzname() or ""
    return f"{format_day(local.date(), language)} {local:%H.%M} {name}".rstrip()
