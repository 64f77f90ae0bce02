"""The database: whether it opens, is sound and of our version, whether cycles run, and who writes.

What to do about a damaged one is told as commands: `doctor.rescue`.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from aggregator.alert_rows import State
from aggregator.lost import find_loss
from aggregator.processes import LOCK_FILE, find_writer, read_command
from aggregator.quarantine import describe
from aggregator.store import Store, StoreError
from aggregator.web.health import judge_pulse
from schedules.commands.figures import format_bytes, format_moment, format_span
from schedules.doctor.check import Check, fault, ok, warn
from schedules.doctor.rescue import Rescue

WAL_LARGE = 256_000_000  # bytes; it is emptied every few megabytes, unless somebody reads for very long
LOST_DAYS = timedelta(days=7)
CLOCK_SLACK = timedelta(minutes=2)


def check_database(path: Path, now: datetime, late_after: timedelta) -> Iterator[Check]:
    """All about the file; nothing is written."""
    rescue = Rescue(path, now)
    if (first := _check_file(path, rescue)) is not None:
        yield first
        return
    try:
        with Store.open_reader(path) as store:
            yield check_schema(store, rescue)
            if not store.is_foreign():
                for name, look in _list_looks(store, now, late_after, rescue):
                    yield _look(name, look, rescue)
    except StoreError as error:
        yield fault("database", _tell(error), rescue.advise(error))


def _check_file(path: Path, rescue: Rescue) -> Check | None:
    """What is to be said before it is opened; None: it is to be opened."""
    if (loss := find_loss(path)) is not None:
        if rescue.newest is not None:
            return fault("database", f"{path}: {loss.found}", rescue.advise())
        none_sound = ", none of them sound" if rescue.damaged else ""
        return fault("database", f"{path}: {loss.found}{none_sound}", loss.last_resort)
    if not path.exists():
        return ok("database", f"{path}: there is none yet", "`kabarkota run` makes it")
    if not path.is_file():
        return fault("database", f"{path}: is not a file", f"move it away: {rescue.move_away}")
    if path.stat().st_size == 0:
        return warn("database", f"{path}: is an empty file", "the next cycle makes a database of it")
    return None


def _look(name: str, look: Callable[[], Check], rescue: Rescue) -> Check:
    """One look; that it cannot be made is what it finds."""
    try:
        return look()
    except StoreError as error:
        return fault(name, _tell(error), rescue.advise(error))


def _tell(error: StoreError) -> str:
    """Without the advice to ask us."""
    return str(error).partition("; `kabarkota doctor`")[0]


def check_schema(store: Store, rescue: Rescue) -> Check:
    if store.is_foreign():
        found = f"{store.path}: is a database of something else"
        return fault("database", found, rescue.advise_foreign())
    newer, missing = store.compare_schema()
    if newer:
        found = f"written by a newer version ({', '.join(newer)})"
        return fault("database", found, f"install that version; or {rescue.advise()}")
    if missing:
        return warn(
            "database", f"of an older version ({len(missing)} migrations to come)", "the next cycle brings it up"
        )
    return ok("database", f"{store.path}, {format_bytes(store.path.stat().st_size)}, schema up to date")


def check_integrity(store: Store, rescue: Rescue) -> Check:
    started = time.monotonic()
    faults = store.check_integrity()
    if faults:
        return fault("integrity", "; ".join(" ".join(each.split()) for each in faults), rescue.advise())
    return ok("integrity", f"sound (read through in {time.monotonic() - started:.1f} s)")


def check_references(store: Store, rescue: Rescue) -> Check:
    faults = store.check_references()
    if faults:
        return fault("references", f"rows point to rows that are not there: {'; '.join(faults)}", rescue.advise())
    return ok("references", "every row that another one points to is there")


def check_search(store: Store, rescue: Rescue) -> Check:
    """The index of the full-text search, which can be made anew from the articles."""
    started = time.monotonic()
    try:
        faults = store.check_search()
    except StoreError as error:
        if store.check_integrity(most=1) or "no such table" in str(error):
            raise
        faults = [_tell(error)]  # the rest of the file is sound
    if faults:
        return fault("search index", "; ".join(faults), rescue.advise_index())
    return ok("search index", f"holds the words of the articles (read through in {time.monotonic() - started:.1f} s)")


def check_log(store: Store) -> Check:
    """The write-ahead log."""
    mode = store.get_journal_mode()
    if mode != "wal":
        return warn(
            "write-ahead log", f"off (journal mode {mode})", "the next cycle switches it on; is the disk a local one?"
        )
    log = store.path.with_name(f"{store.path.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > WAL_LARGE:
        advice = "end whatever keeps the database open for long (sqlite3, notebooks), then let a cycle run"
        return warn("write-ahead log", format_bytes(size), advice)
    return ok("write-ahead log", format_bytes(size))


def check_cycles(store: Store, now: datetime, late_after: timedelta) -> Check:
    pulse = store.get_pulse(now)
    last = pulse.last_cycle_finished_at
    found = f"the last one {format_moment(last)}, {format_span(now - last)} ago" if last else "none was finished yet"
    problem = judge_pulse(pulse, now, late_after)
    if problem:
        waits = f", and a channel waits since {format_moment(pulse.due_since)}" if pulse.due_since else ""
        advice = "is `serve` running, or cron? `kabarkota status` lists who waits; for a rarer cron raise `late_hours`"
        return warn("cycles", f"{problem}: {found}{waits}", advice)
    return ok("cycles", found, "" if last else "`kabarkota run`")


def check_newest(store: Store, now: datetime) -> Check:
    """A clock that shows less than the database was turned back: what is due then waits."""
    newest = store.get_newest_instant()
    if newest and newest > now + CLOCK_SLACK:
        found = f"shows {format_moment(now)}, but the database was written to at {format_moment(newest)}"
        return fault(
            "clock and database",
            found,
            "set the clock; if it ran ahead before, channels wait until then: `kabarkota run` polls them now",
        )
    return ok("clock and database", "the clock is not behind what is stored")


def check_deliveries(store: Store, now: datetime) -> Check:
    """Digests and alerts that reached nobody."""
    lost = [each for each in store.get_troubled_targets(now - LOST_DAYS, now) if each.state is not State.WAITING]
    if not lost:
        return ok("messages", "all that was to be sent in the last days arrived, or is tried again")
    found = "; ".join(f"{each.target}: {each.deliveries} {each.state}: {each.reason}" for each in lost)
    return warn("messages", found, "`kabarkota alerts test NAME` tries a target; then look at its address")


def check_quarantines(store: Store, now: datetime) -> Check:
    """Sources that are left alone because our parsers died of their pages."""
    held = store.list_quarantined(now)
    if not held:
        return ok("quarantine", "no source is in it")
    found = "; ".join(f"{each.source_id}: {describe(each)}" for each in held)
    return warn(
        "quarantine", found, "nothing: each is tried again by itself; `kabarkota sources enable ID` does it now"
    )


def check_writer(folder: Path) -> Check:
    """Who holds the writer's lock: `serve` as long as it runs, `run` for a cycle, as it should be."""
    writer = find_writer(folder)
    if writer is not None:
        return ok("writer", f"process {writer} holds the lock: {read_command(writer) or 'its command cannot be seen'}")
    if _is_locked(folder / LOCK_FILE):
        return ok("writer", "a process that you cannot see holds the lock", "ask as the user who runs it, or as root")
    return ok("writer", "nobody is writing just now")


def _list_looks(
    store: Store, now: datetime, late_after: timedelta, rescue: Rescue
) -> list[tuple[str, Callable[[], Check]]]:
    looks: list[tuple[str, Callable[[], Check]]] = [
        ("integrity", partial(check_integrity, store, rescue)),
        ("references", partial(check_references, store, rescue)),
        ("write-ahead log", partial(check_log, store)),
    ]
    if any(store.compare_schema()):  # of another version: its tables may be others
        return looks
    return [
        *looks,
        ("search index", partial(check_search, store, rescue)),
        ("cycles", partial(check_cycles, store, now, late_after)),
        ("clock and database", partial(check_newest, store, now)),
        ("quarantine", partial(check_quarantines, store, now)),
        ("messages", partial(check_deliveries, store, now)),
    ]


def _is_locked(lock: Path) -> bool:
    """Asks for a shared lock and gives it back at once."""
    with contextlib.suppress(OSError), lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
