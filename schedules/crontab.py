"""Crontab's five fields as triggers of APScheduler, which counts the days of the week otherwise. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import tzinfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

FIELDS = ("minute", "hour", "day", "month", "day_of_week")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")  # crontab's 0 to 6; 7 is Sunday, too

_NUMBERS = re.compile(r"[0-9*/,-]+")
_MONTHS = re.compile(r"(?:[0-9*/,-]|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b)+", re.IGNORECASE)
_DAY_PART = re.compile(r"(?:(?P<star>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]+))?")


def parse_crontab(text: str, zone: tzinfo, *, jitter: float = 0) -> BaseTrigger:
    """The trigger that fires when cron would.

    Where a day of the month and a day of the week are both given, either is enough, as it is to cron. Raises ValueError
    saying which field is wrong.
    """
    values = text.split()
    if len(values) != len(FIELDS):
        raise ValueError("needs five fields: minute, hour, day of the month, month, day of the week")
    fields = dict(zip(FIELDS, values, strict=True))
    for name, value in fields.items():
        pattern = _MONTHS if name == "month" else _NUMBERS
        if name != "day_of_week" and not pattern.fullmatch(value):
            raise ValueError(f"{name} {value!r} is no field of crontab")
    days = ",".join(dict.fromkeys(_expand_days(fields["day_of_week"])))
    if fields["day"].startswith("*") or fields["day_of_week"].startswith("*"):
        return _make_trigger({**fields, "day_of_week": days}, zone, jitter)
    either = [{**fields, "day_of_week": "*"}, {**fields, "day": "*", "day_of_week": days}]
    return OrTrigger([_make_trigger(choice, zone, 0) for choice in either], jitter=jitter)


def _make_trigger(fields: dict[str, str], zone: tzinfo, jitter: float) -> CronTrigger:
    return CronTrigger(**fields, timezone=zone, jitter=jitter)


def _expand_days(field: str) -> Iterator[str]:
    """The names of the days that crontab's field means."""
    for part in field.split(","):
        match = _DAY_PART.fullmatch(part)
        if match is None:
            raise ValueError(f"day_of_week {part!r} is no field of crontab")
        step = int(match["step"] or 1)
        if match["star"]:
            first, last = 0, 6
        else:
            first = _read_day(match["first"])
            last = _read_day(match["last"], is_last=True) if match["last"] else (6 if match["step"] else first)
        if not step or first > last:
            raise ValueError(f"day_of_week {part!r} names no day")
        yield from (DAYS[day % 7] for day in range(first, last + 1, step))


def _read_day(text: str, *, is_last: bool = False) -> int:
    """0 to 7. A week that ends with "sun" ends with 7."""
    name = text.lower()
    if name in DAYS:
        return 7 if is_last and name == "sun" else DAYS.index(name)
    if not (text.isascii() and text.isdigit() and int(text) <= 7):
        raise ValueError(f"day_of_week {text!r} is neither 0 to 7 (0 and 7 are Sunday) nor {', '.join(DAYS)}")
    return int(text)
