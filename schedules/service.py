"""The service of `kabarkota serve` once its web server has started: the timetable, one writer, and the watch over all.

The main thread sleeps until a signal, a deadline or its next look at the others; signals only wake it. What a signal
asks for is done here, never in its handler, where a lock that is held already would be waited for in vain.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aggregator.obstacles import Notice, classify_obstacle
from aggregator.store import NewerDatabaseError, Store, StoreError
from aggregator.topics import load_topics
from crawler.catalogue import load_catalogue
from crawler.extraction.profiles import load_profiles
from schedules.alerts.configuration import Alerts, find_alerts_file, load_alerts
from schedules.cluster.installed import require_dsn
from schedules.config import Setup
from schedules.cycle import refresh_catalogue
from schedules.errors import RunFailure, UsageFailure
from schedules.gathering import Gatherer, TurnStuck
from schedules.jobs import FAILURES
from schedules.lock import WriterLock
from schedules.notify import Notifier
from schedules.orphans import Orphans
from schedules.signals import SignalPipe
from schedules.timetable import Timetable, load_timetable
from schedules.web_server import WebServer, check_protection

logger = logging.getLogger(__name__)

LONGEST_SLEEP = 5.0


class Service:
    """Watches over the web server and, where there is one, the gatherer, until it is told to stop."""

    def __init__(
        self,
        signals: SignalPipe,
        web: WebServer,
        *,
        setup: Setup,
        gathering: Gathering | None,
        reload: Callable[[], Setup],
    ) -> None:
        """`gathering`: what is still to begin; None: nothing is gathered."""
        self._signals, self._web, self._gathering = signals, web, gathering
        self._gatherer: Gatherer | None = None
        self._setup, self._read_setup = setup, reload
        self._notifier = Notifier(os.environ)
        self._orphans = Orphans()
        self._is_ready = False
        self._trouble = ""
        self._was_refused = False  # by the data folder

    def run(self) -> None:
        """Until SIGINT or SIGTERM. A job that cannot be brought to its end ends the process."""
        try:
            self._watch()
        except TurnStuck as error:
            self._abandon(error, error.exit_code)
        finally:
            self._end()

    def _watch(self) -> None:
        pause = 0.0
        while True:
            came = self._signals.wait(pause)
            if came & {signal.SIGINT, signal.SIGTERM}:
                return
            if signal.SIGHUP in came:
                self._reload()
            pause = min(LONGEST_SLEEP, self._web.watch(), self._notifier.ping_seconds or LONGEST_SLEEP)
            if self._gathering is not None:
                self._try_to_begin(self._gathering)
            if self._gatherer is not None:
                pause = min(pause, self._gatherer.watch())
            self._orphans.watch()
            self._tell()

    def _try_to_begin(self, gathering: Gathering) -> None:
        """Gathers, as soon as the data folder can be written."""
        try:
            gathering.lock.take()
        except FAILURES as error:
            logger.debug("%s", error)
            self._was_refused = True
            return
        if self._was_refused:
            logger.warning("%s can be written again: gathering begins", self._setup.data_folder)
        self._gathering = None
        self._gatherer = Gatherer(
            self._setup, gathering.timetable, self._signals.wake, gathering.alerts, self._web.bulletin.write
        )
        self._gatherer.start()

    def _tell(self) -> None:
        """Tells systemd, and the log where something is wrong."""
        is_running = self._web.has_answered and (self._gatherer is None or self._gatherer.is_running)
        if is_running and not self._is_ready:
            self._is_ready = True
            self._notifier.send("READY=1")
        trouble = self._find_trouble()
        if trouble and trouble != self._trouble:
            logger.error("%s", trouble)
        self._trouble = trouble
        if not trouble:
            self._notifier.ping()
        doing = self._gatherer.describe() if self._gatherer is not None else "serving what is there"
        self._notifier.send_status(trouble or doing)

    def _find_trouble(self) -> str:
        if not self._web.is_sound:
            return "the web server does not answer"
        return self._gatherer.trouble if self._gatherer is not None else ""

    def _reload(self) -> None:
        """Reads the operator's files again. Where one is wrong, all stays as it was."""
        self._notifier.send_reloading()
        try:
            setup = self._read_setup()
            if setup.data_folder.absolute() != self._setup.data_folder.absolute():
                raise UsageFailure(f"{setup.data_folder}: another data folder takes a restart")
            load_catalogue(setup.catalogue_path, overlay=setup.data_folder / "sources.toml")
            timetable, alerts = check_tables(setup), load_alerts(find_alerts_file(setup))
            check_protection(setup)
        except FAILURES as error:
            logger.error("nothing was reloaded: %s", error)
        else:
            self._setup = setup
            if self._gatherer is not None:
                self._gatherer.apply(setup, timetable, alerts)
            elif self._gathering is not None:  # for when it begins
                self._gathering = replace(self._gathering, timetable=timetable, alerts=alerts)
            self._web.apply(setup)
            print("kabarkota: configuration, catalogue, timetable and alerts are read again", file=sys.stderr)
        self._notifier.send("READY=1")

    def _end(self) -> None:
        self._notifier.send("STOPPING=1", "STATUS=stopping")
        self._web.ask_to_end()
        if self._gatherer is not None:
            try:
                self._gatherer.end()
            except TurnStuck as error:
                self._abandon(error, 0)

    def _abandon(self, error: TurnStuck, code: int) -> None:
        """Ends the process at once, lock and all: a thread that is stuck must never write beside another process.

        The database bears it: a transaction that was not committed is rolled back by whoever opens it next.
        """
        logger.error("%s", error)
        self._notifier.send("STOPPING=1", f"STATUS={error}")
        self._web.close()
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)


@dataclass(frozen=True, kw_only=True)
class Gathering:
    """What is needed for it to begin."""

    lock: WriterLock  # need not be held yet
    timetable: Timetable
    alerts: Alerts
    notices: tuple[Notice, ...] = ()  # what keeps it from beginning


def open_all(setup: Setup, lock: WriterLock, *, keep_old: bool, may_wait: bool) -> Gathering:
    """Reads the operator's files, brings the database up to date, and the catalogue into it.

    What is wrong with the operator's files is said at once, and ends it. So is what is wrong with database and folder,
    unless it `may_wait`, for feeds are published: they stay served, and gathering begins when it can. Raises
    UsageFailure, RunFailure, StoreError, CatalogueError, TableError, ProfileError.
    """
    timetable, alerts = check_tables(setup), load_alerts(find_alerts_file(setup))
    try:
        lock.take()
        with Store.open_writer(setup.database, keep_old=keep_old) as store:
            refresh_catalogue(setup, store)
    except (RunFailure, UsageFailure, StoreError) as error:
        if isinstance(error, NewerDatabaseError) or not may_wait:
            raise
        logger.error("%s; the feeds stay served as they were, and gathering is tried again", error)
        notice = Notice(job="start", obstacle=classify_obstacle(error), since=datetime.now(UTC))
        return Gathering(lock=lock, timetable=timetable, alerts=alerts, notices=(notice,))
    return Gathering(lock=lock, timetable=timetable, alerts=alerts)


def check_tables(setup: Setup) -> Timetable:
    """Reads the tables that the operator may have written, but for the catalogue, which is read when it has changed.

    Also whether there is what a cluster needs. Raises UsageFailure, TableError, ProfileError.
    """
    if setup.cluster.dsn is not None:
        require_dsn(setup.cluster)
    load_topics(setup.topics_overlay)
    load_profiles(setup.profiles_overlay)
    return load_timetable(setup.timetable_overlay)
