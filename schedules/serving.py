"""`kabarkota serve`: checks, the lock, the web server, and only then all that takes its time.

port, password ─▶ lock ─▶ web server: last good feeds ─▶ load the rest ─▶ tables, database, catalogue ─▶ service

What is published is served while the database is copied, looked through and brought up to date. So nothing large is
imported at the top.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress

from aggregator.feeds import ALL, make_feed_path
from aggregator.heap import end_loading
from aggregator.publish.feed_info import Format
from aggregator.store_base import StoreError
from schedules.config import Setup
from schedules.errors import RunFailure, UsageFailure
from schedules.lock import WriterLock
from schedules.notify import Notifier
from schedules.signals import SignalPipe
from schedules.web_server import WebServer

logger = logging.getLogger(__name__)

_ENDING = (signal.SIGINT, signal.SIGTERM)


def serve_forever(
    setup: Setup, *, host: str, port: int, crawl: bool, reload: Callable[[], Setup], keep_old: bool = True
) -> None:
    """Serves until SIGINT or SIGTERM; SIGHUP has `reload` give the setup anew.

    `keep_old`: of a database of an older version a copy is kept. Raises UsageFailure (port taken, a faulty timetable),
    WriterBusy, StoreError (where nothing is published yet), CatalogueError, TableError, ProfileError.
    """
    if not logger.isEnabledFor(logging.DEBUG):
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # what a late turn means is the writer's matter
    with ExitStack() as stack:
        web = WebServer(setup, host=host, port=port)
        is_published = has_feeds(setup)
        lock = stack.enter_context(WriterLock(setup.data_folder))
        if crawl:
            _take_lock(lock, may_wait=is_published)
        elif not is_published:
            _check_database(setup)
        # What is opened may take minutes: until then the others end it at once.
        signals = SignalPipe([signal.SIGHUP] if crawl else [signal.SIGHUP, *_ENDING])
        stack.enter_context(signals)
        web.on_end = signals.wake  # one that dies is started again at once
        stack.enter_context(web)
        from schedules.service import Service, open_all

        gathering = None
        if crawl:
            with Notifier(os.environ).ask_for_time(), web.watch_beside():
                gathering = open_all(setup, lock, keep_old=keep_old, may_wait=is_published and keep_old)
            web.bulletin.write(gathering.notices)
        if crawl:
            signals.heed(_ENDING)
        web.announce()
        end_loading()
        Service(signals, web, setup=setup, gathering=gathering, reload=reload).run()


def serve_pages_until_stopped(setup: Setup, *, host: str, port: int) -> None:
    """The web server alone, until SIGINT or SIGTERM. Raises UsageFailure."""
    serve_forever(setup, host=host, port=port, crawl=False, reload=lambda: setup)


def has_feeds(setup: Setup) -> bool:
    """Whether there is anything to serve without a database."""
    return (setup.public / make_feed_path(ALL, Format.RSS)).is_file()


def _take_lock(lock: WriterLock, *, may_wait: bool) -> None:
    """Raises as `WriterLock.take`; where it may wait, WriterBusy alone: the rest is told when all is opened."""
    with suppress(*((RunFailure, UsageFailure, StoreError) if may_wait else ())):
        lock.take()


def _check_database(setup: Setup) -> None:
    """Raises StoreError where it is none of ours, or was lost."""
    from aggregator.lost import has_database

    if has_database(setup.database):
        from aggregator.store import Store

        with Store.open_reader(setup.database) as store:
            store.check_ours()
