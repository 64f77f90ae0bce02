"""Backups: whether they are made, and whether one can be before a newer version changes the database."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from aggregator.backups import check_room, list_backups
from aggregator.store import Store, StoreError
from schedules.backups import JOB
from schedules.commands.figures import format_bytes, format_moment, format_span
from schedules.config import Setup
from schedules.doctor.check import Check, fault, ok, warn
from schedules.errors import UsageFailure
from schedules.timetable import load_timetable

OLDEST = timedelta(days=2)  # a night may fail
_ADVICE = "`kabarkota backup` makes one, and says why where it cannot; `serve` does each night, `run` once a day"


def check_backups(setup: Setup, now: datetime) -> Check:
    """What is wrong with the database, or with the folder, other checks say. Raises OSError."""
    name = "backups"
    if not setup.database.is_file() or not setup.database.stat().st_size:
        return ok(name, "none are needed before there is a database")
    try:
        with Store.open_reader(setup.database) as store:
            if store.is_foreign():
                return ok(name, "none are made of a database of something else")
            is_older = bool(store.compare_schema()[1])
            first = store.get_first_cycle()
    except StoreError:
        return ok(name, "the database cannot be read, and none are made of it")
    if is_older and (problem := _find_lack_of_room(setup)):
        advice = "make room: it is not brought up to date before; `kabarkota run --no-backup` goes without a copy"
        return fault(name, f"of the older version none can be made: {problem}", advice)
    made = [each for each in list_backups(setup.backups, now) if not each.level]
    newest = next((each for each in made if each.made_at <= now), None)
    if newest is not None:
        size = ""
        with suppress(OSError):
            size = f", {format_bytes(newest.path.stat().st_size)}"
        found = f"the newest of {len(made)}: {format_moment(newest.made_at)}{size}"
        if now - newest.made_at <= OLDEST:
            return ok(name, found)
        return _judge(setup, f"{found}, {format_span(now - newest.made_at)} ago")
    if first is None or now - first <= OLDEST:
        return ok(name, "none yet; the first is made when the installation is a day old")
    wrong = f", but {len(made)} of a time that is still to come: was the clock wrong?" if made else ""
    return _judge(setup, f"none, though the installation is {format_span(now - first)} old{wrong}")


def _judge(setup: Setup, found: str) -> Check:
    with suppress(UsageFailure):  # the check of the timetable tells of it
        if not load_timetable(setup.timetable_overlay)[JOB].enabled:
            return ok("backups", f"{found}; {setup.timetable_overlay} has them switched off")
    return warn("backups", found, _ADVICE)


def _find_lack_of_room(setup: Setup) -> str:
    folder = next(place for place in (setup.backups, setup.data_folder) if place.is_dir())
    try:
        check_room(setup.database, folder)
    except StoreError as error:
        return str(error)
    return ""
