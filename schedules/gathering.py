"""The timetable at work: APScheduler says when, the writer does it, and each turn is held to its deadline.

APScheduler's thread ──ask──▶ the writer's thread: one turn after the other ◀──what hubs said── the pinger's thread
                                        ▲ break off
the main thread: signals, deadlines ────┘
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler

from aggregator.store import Store, StoreError
from schedules.alerts.bureau import Bureau
from schedules.alerts.configuration import Alerts
from schedules.cluster.installed import require_dsn
from schedules.config import Setup
from schedules.errors import RunFailure
from schedules.jobs import JOBS, PINGED, RELOAD
from schedules.obstacles import Post
from schedules.pinging import Pinger
from schedules.timetable import Timetable
from schedules.writer import ALL_JOBS, Writer

if TYPE_CHECKING:  # it needs PostgreSQL's library
    from schedules.cluster.listener import Listener

logger = logging.getLogger(__name__)

GENTLE_SECONDS = 3.0  # in which a turn that was broken off may write and publish what has arrived
GRACE_SECONDS = 30.0  # after which one that still has not ended never will
END_SECONDS = 7.0  # the same, when the service is to end: in order, and within 10 s
RELOAD_SECONDS = 300.0  # the deadline of what is not in the timetable
AGAIN_SECONDS = 0.2  # between two attempts to break a turn off
BEAT_SECONDS = 5.0
SILENCE_SECONDS = 60.0  # without a beat the scheduler is dead, or the clock was set back


class TurnStuck(RunFailure):
    """A job can neither be brought to its end nor broken off; only the end of the process will."""


class Gatherer:
    """Scheduler and writer. All methods are for the main thread, none for a signal handler."""

    def __init__(
        self,
        setup: Setup,
        timetable: Timetable,
        on_change: Callable[[], object],
        alerts: Alerts | None = None,
        post: Post = lambda _: None,
    ) -> None:
        self._setup, self._timetable = setup, timetable
        self._on_change = on_change
        self._writer = Writer(setup, self._note_change, post)
        self._take_alerts(alerts or Alerts())
        self._pinger = Pinger(setup, self._writer.pinged, lambda: self._writer.ask(PINGED))
        self._listener: Listener | None = None
        self._last_beat: float | None = None
        # Its pool only hands names over to the writer, which cannot take long: no run of it is ever late or too many.
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 10},
            executors={"default": {"type": "threadpool", "max_workers": 1}},
        )

    def start(self) -> None:
        """Polls at once, makes up for turns missed while nothing ran, then goes by the timetable."""
        now = datetime.now(UTC)
        done = self._read_last_jobs()
        for name, times in self._timetable.items():
            self._schedule(name)
            last = done.get(name)
            if times.enabled and (name == "poll" or (last is not None and times.is_overdue(last, now))):
                self._writer.ask(name)
        self._scheduler.add_job(self._beat, "interval", seconds=BEAT_SECONDS, next_run_time=now, id="beat")
        self._writer.start()
        self._pinger.start()
        self._listen()
        self._scheduler.start()

    def _read_last_jobs(self) -> dict[str, datetime | None]:
        """When each was last done; nothing where the database cannot be read: what is wrong the first turn says."""
        try:
            with Store.open_writer(self._setup.database) as store:
                return {name: store.get_last_job(name) for name in self._timetable}
        except StoreError as error:
            logger.debug("%s", error)
            return {}

    def apply(self, setup: Setup, timetable: Timetable, alerts: Alerts) -> None:
        """Takes these. A turn under way keeps what it has; what is scheduled anew counts from now."""
        is_elsewhere = setup.cluster.dsn != self._setup.cluster.dsn
        before, self._timetable = self._timetable, timetable
        self._setup = self._writer.setup = self._pinger.setup = setup
        self._take_alerts(alerts)
        for name, times in timetable.items():
            if times != before[name]:  # others keep their clock: else a reload each hour would put off a daily job
                self._schedule(name)
        if is_elsewhere:
            self._listen()
        self._writer.ask(RELOAD)

    def _listen(self) -> None:
        """To the workers on other machines, where there are any."""
        if self._listener is not None:
            self._listener.end()
            self._listener = None
        if self._setup.cluster.dsn is not None:
            dsn = require_dsn(self._setup.cluster)
            from schedules.cluster.listener import Listener

            self._listener = Listener(dsn, lambda: self._writer.ask("poll"))

    def watch(self) -> float:
        """Holds the turn under way to its deadline. Returns the seconds until the next look. Raises TurnStuck."""
        turn = self._writer.turn
        if turn is None:
            return BEAT_SECONDS
        deadline = self._timetable[turn.name].deadline_seconds if turn.name in self._timetable else RELOAD_SECONDS
        over = turn.seconds - deadline
        if over < 0:
            return -over
        if over > GRACE_SECONDS:
            raise TurnStuck(f"{turn.name} did not end when it was cut short at its deadline; the service ends itself")
        if not turn.is_cut:
            logger.error(
                "%s has passed its deadline of %.12g s (deadline_seconds) and is cut short; its next turn tries again",
                turn.name,
                deadline,
            )
        turn.break_off(gently=over < GENTLE_SECONDS)
        return AGAIN_SECONDS

    @property
    def is_running(self) -> bool:
        """Whether the scheduler has begun to work."""
        return self._last_beat is not None

    @property
    def trouble(self) -> str:
        """What keeps it from working; "" when nothing does."""
        if not self._writer.is_alive:
            return "the thread that writes has died"
        if self._last_beat is not None and time.monotonic() - self._last_beat > SILENCE_SECONDS:
            return "the scheduler stands still; was the clock set back?"
        return ""

    def describe(self) -> str:
        """What it is doing, for `systemctl status`."""
        turn = self._writer.turn
        if turn is not None:
            return f"{ALL_JOBS[turn.name].doing} since {turn.started_at:%H:%M:%S} UTC"
        next_runs = [(job.next_run_time, job.id) for job in self._scheduler.get_jobs() if job.id in JOBS]
        if not next_runs:
            return "waiting; every job of the timetable is switched off"
        at, name = min(next_runs)
        return f"waiting; next is {name}, {at.astimezone(UTC):%H:%M:%S} UTC"

    def end(self) -> None:
        """Ends what is under way: gently at first, then not. Raises TurnStuck."""
        self._pinger.end()
        if self._listener is not None:
            self._listener.end()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if not self._writer.is_alive:
            return
        self._writer.end()
        started = time.monotonic()
        while not self._writer.join(AGAIN_SECONDS):
            passed = time.monotonic() - started
            turn = self._writer.turn
            if passed > END_SECONDS:
                name = turn.name if turn else "the writer"
                raise TurnStuck(f"{name} could not be broken off in time; what it had not written yet is not written")
            if turn is not None:
                turn.break_off(gently=passed < GENTLE_SECONDS)

    def _note_change(self) -> None:
        """A turn begins or has ended: in the writer's thread."""
        self._pinger.wake()
        self._on_change()

    def _take_alerts(self, alerts: Alerts) -> None:
        """The courier stays: it knows what is under way."""
        self._writer.bureau = Bureau(alerts, self._writer.bureau.courier)

    def _schedule(self, name: str) -> None:
        times = self._timetable[name]
        if times.enabled:
            self._scheduler.add_job(self._writer.ask, times.make_trigger(), args=[name], id=name, replace_existing=True)
        elif self._scheduler.get_job(name):
            self._scheduler.remove_job(name)

    def _beat(self) -> None:
        self._last_beat = time.monotonic()
