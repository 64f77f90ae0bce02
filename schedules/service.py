"""`kabarkota serve`: the timetable, one writer, and the web server as a process of its own.

The main thread sleeps until a signal, a deadline or its next look at the others; signals only wake it. What a signal
asks for is done here, never in its handler, where a lock that is held already would be waited for in vain.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime

from aggregator.feeds import ALL, make_feed_path
from aggregator.obstacles import Notice, classify_obstacle
from aggregator.publish.feed_info import Format
from aggregator.store import NewerDatabaseError, Store, StoreError
from aggregator.topics import load_topics
from crawler.catalogue import load_catalogue
from crawler.extraction import load_profiles
from schedules.alerts.configuration import find_alerts_file, load_alerts
from schedules.config import Setup
from schedules.cycle import refresh_catalogue
from schedules.errors import UsageFailure
from schedules.gathering import Gatherer, TurnStuck
from schedules.jobs import FAILURES
from schedules.lock import hold_writer_lock
from schedules.notify import Notifier
from schedules.orphans import Orphans
from schedules.signals import SignalPipe
from schedules.timetable import Timetable, load_timetable
from schedules.web_server import WebServer, check_protection

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_SLEEP = 5.0


class Service:
    """Watches over the web server and, where there is one, the gatherer, until it is told to stop."""

    def __init__(
        self,
        signals: SignalPipe,
        web: WebServer,
        gatherer: Gatherer | None,
        *,
        setup: Setup,
        reload: Callable[[], Setup],
        admit: Callable[[], Gatherer] | None = None,
    ) -> None:
        """`admit` makes the gatherer later, where the data folder cannot be written yet; it raises till then."""
        self._signals, self._web, self._gatherer, self._admit = signals, web, gatherer, admit
        self._setup, self._read_setup = setup, reload
        self._notifier = Notifier(os.environ)
        self._orphans = Orphans()
        self._is_ready = False
        self._trouble = ""

    def run(self) -> None:
        """Until SIGINT or SIGTERM. A job that cannot be brought to its end ends the process."""
        try:
            if self._gatherer is not None:
                self._gatherer.start()
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
            if self._admit is not None:
                self._try_to_begin(self._admit)
            if self._gatherer is not None:
                pause = min(pause, self._gatherer.watch())
            self._orphans.watch()
            self._tell()

    def _try_to_begin(self, admit: Callable[[], Gatherer]) -> None:
        """Gathers, as soon as the data folder can be written."""
        try:
            gatherer = admit()
        except FAILURES as error:
            logger.debug("%s", error)
        else:
            logger.warning("%s can be written again: gathering begins", self._setup.data_folder)
            self._gatherer, self._admit = gatherer, None
            gatherer.start()

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


def serve_forever(setup: Setup, *, host: str, port: int, crawl: bool, reload: Callable[[], Setup]) -> None:
    """Serves until SIGINT or SIGTERM; SIGHUP has `reload` give the setup anew.

    Raises UsageFailure (port taken, a faulty timetable), WriterBusy, StoreError (where nothing is published yet),
    CatalogueError, TableError, ProfileError.
    """
    if not logger.isEnabledFor(logging.DEBUG):
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # what a late turn means is the writer's matter
    with ExitStack() as stack:
        opened = _Opening(setup, stack) if crawl else None
        if opened is None and setup.database.exists() and not has_feeds(setup):
            with Store.open_reader(setup.database) as store:
                store.check_ours()
        signals = SignalPipe(SIGNALS)
        stack.enter_context(signals)
        web = stack.enter_context(WebServer(setup, host=host, port=port))
        if opened is None:
            Service(signals, web, None, setup=setup, reload=reload).run()
            return

        def gather() -> Gatherer:
            opened.take_lock()
            return Gatherer(setup, opened.timetable, signals.wake, opened.alerts, web.bulletin.write)

        web.bulletin.write(opened.notices)
        gatherer, admit = (gather(), None) if opened.has_lock else (None, gather)
        Service(signals, web, gatherer, setup=setup, reload=reload, admit=admit).run()


class _Opening:
    """What is looked at, and locked, before anything is served.

    What is wrong with the operator's files, and that another process writes, is said at once, and ends it. So is what
    is wrong with database and folder, unless feeds are published: they stay served, and gathering begins when it can.
    Raises as `serve_forever`.
    """

    def __init__(self, setup: Setup, stack: ExitStack) -> None:
        self._setup, self._stack = setup, stack
        self.timetable, self.alerts = check_tables(setup), load_alerts(find_alerts_file(setup))
        self.has_lock = False
        self.notices: tuple[Notice, ...] = ()
        try:
            self.take_lock()
            with Store.open_writer(setup.database) as store:
                refresh_catalogue(setup, store)
        except (UsageFailure, StoreError) as error:
            if isinstance(error, NewerDatabaseError) or not has_feeds(setup):
                raise
            logger.error("%s; the feeds stay served as they were, and gathering is tried again", error)
            self.notices = (Notice(job="start", obstacle=classify_obstacle(error), since=datetime.now(UTC)),)

    def take_lock(self) -> None:
        if not self.has_lock:
            self._stack.enter_context(hold_writer_lock(self._setup.data_folder))
            self.has_lock = True


def has_feeds(setup: Setup) -> bool:
    """Whether there is anything to serve without a database."""
    return (setup.public / make_feed_path(ALL, Format.RSS)).is_file()


def serve_pages_until_stopped(setup: Setup, *, host: str, port: int) -> None:
    """The web server alone, until SIGINT or SIGTERM. Raises UsageFailure."""
    serve_forever(setup, host=host, port=port, crawl=False, reload=lambda: setup)


def check_tables(setup: Setup) -> Timetable:
    """Reads the tables that the operator may have written, but for the catalogue, which is read when it has changed.

    Raises UsageFailure, TableError, ProfileError.
    """
    load_topics(setup.topics_overlay)
    load_profiles(setup.profiles_overlay)
    return load_timetable(setup.timetable_overlay)
