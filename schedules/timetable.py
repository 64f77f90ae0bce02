"""The timetable: when each job of the service runs. The operator's file lies over the built-in one, job by job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from crawler.catalogue.entries import check_timezone
from crawler.catalogue.faults import describe_fault
from schedules.config import read_toml
from schedules.crontab import parse_crontab
from schedules.errors import UsageFailure

TRIGGERS = ("every_seconds", "cron", "at")
YEAR = 366 * 86_400
_AT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")

Seconds = Annotated[float, Field(le=YEAR, allow_inf_nan=False)]


def _check_at(text: str) -> str:
    if not _AT.fullmatch(text):
        raise ValueError('not an hour and a minute of the day, such as "02:20"')
    return text


class JobTimes(BaseModel):
    """When one job runs, and for how long at most. Exactly one of the three triggers is set."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    every_seconds: Annotated[Seconds, Field(ge=1)] | None = None
    cron: str | None = None
    at: Annotated[str, AfterValidator(_check_at)] | None = None
    zone: Annotated[str, AfterValidator(check_timezone)] = "Asia/Jakarta"
    jitter_seconds: Annotated[Seconds, Field(ge=0)] = 0
    deadline_seconds: Annotated[Seconds, Field(ge=1)] = 3_600
    enabled: bool = True

    @model_validator(mode="after")
    def _check_trigger(self) -> Self:
        named = [name for name in TRIGGERS if getattr(self, name) is not None]
        if len(named) != 1:
            found = f"not {' and '.join(named)}" if named else "and none is there"
            raise ValueError(f"needs one of every_seconds, cron and at, {found}")
        if self.cron is not None:
            try:
                trigger = self.make_trigger()
            except ValueError as error:
                raise ValueError(f"cron {self.cron!r}: {error}") from error
            if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
                raise ValueError(f"cron {self.cron!r}: that day never comes")
        return self

    def make_trigger(self) -> BaseTrigger:
        """APScheduler's trigger for these times. An interval counts from now."""
        if self.every_seconds is not None:
            return IntervalTrigger(seconds=self.every_seconds, timezone=UTC, jitter=self.jitter_seconds or None)
        zone = ZoneInfo(self.zone)
        if self.cron is not None:
            return parse_crontab(self.cron, zone, jitter=self.jitter_seconds)
        assert self.at is not None
        hour, minute = self.at.split(":")
        return CronTrigger(hour=int(hour), minute=int(minute), timezone=zone, jitter=self.jitter_seconds)

    def is_overdue(self, last: datetime, now: datetime) -> bool:
        """Whether a turn has come and gone since the job was last done."""
        if self.every_seconds is not None:
            return (now - last).total_seconds() >= self.every_seconds
        turn = self.make_trigger().get_next_fire_time(last, last)
        return turn is not None and turn <= now


Timetable = Mapping[str, JobTimes]  # job → its times


def load_timetable(overlay: Path | None = None) -> Timetable:
    """The built-in timetable with the operator's in `overlay` (which need not exist) laid over it.

    A job that names a trigger there loses its built-in one. Raises UsageFailure naming file and key.
    """
    with as_file(files("schedules") / "timetable.toml") as path:
        built_in = read_toml(path)
    timetable = {name: _read_times(name, table, path) for name, table in built_in.items()}
    if overlay is None or not overlay.exists():
        return timetable
    for name, table in read_toml(overlay).items():
        if name not in built_in:
            raise UsageFailure(f"{overlay}: {name}: {_describe_unknown_job(name, sorted(built_in))}")
        timetable[name] = _read_times(name, _lay_over(built_in[name], table), overlay)
    return timetable


def _lay_over(below: Mapping[str, Any], above: Any) -> Any:
    if not isinstance(above, Mapping):
        return above
    kept = {key: value for key, value in below.items() if key not in TRIGGERS or not above.keys() & set(TRIGGERS)}
    return {**kept, **above}


def _read_times(name: str, table: Any, path: Path) -> JobTimes:
    try:
        return JobTimes.model_validate(table)
    except ValidationError as error:
        key, problem = describe_fault(error, JobTimes.model_fields)
        raise UsageFailure(f"{path}: {name}{key}: {problem}") from error


def _describe_unknown_job(name: str, known: list[str]) -> str:
    meant = get_close_matches(name, known, n=1)
    return f"unknown job; did you mean {meant[0]}?" if meant else f"unknown job; there are {', '.join(known)}"
