"""The one thread that writes. Jobs are asked for by name, and done one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from queue import SimpleQueue

from aggregator.ping_rows import PingOutcome
from aggregator.processes import give_memory_back
from aggregator.store import Store
from crawler.process import CrawlProcess
from schedules.alerts.bureau import Bureau
from schedules.alerts.configuration import Alerts
from schedules.alerts.courier import Courier
from schedules.config import Setup
from schedules.crawling import start_crawler
from schedules.jobs import DELIVERED, FAILURES, JOBS, ON_DEMAND, RELOAD, Desk
from schedules.obstacles import Obstacles, Post

logger = logging.getLogger(__name__)

CYCLES_PER_PROCESS = 200  # a warm crawl process is replaced then: what leaks in it is bounded
ALL_JOBS = JOBS | ON_DEMAND
MESSAGE_SECONDS = 2.0  # for messages under way, when the service is to end
CLOSE_SECONDS = 1.0  # for an idle crawl process to end by itself


class Turn:
    """One run of a job. Another thread may break it off, as long as it has not ended."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.started_at = datetime.now(UTC)
        self.is_cut = False
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._has_ended = False
        self._store: Store | None = None
        self._crawler: CrawlProcess | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def use_store(self, store: Store) -> None:
        self._store = store

    def use_crawler(self, crawler: CrawlProcess) -> None:
        with self._lock:
            self._crawler = crawler
            if self.is_cut:  # meanwhile
                crawler.interrupt()

    def break_off(self, *, gently: bool) -> None:
        """Call it until the turn has ended.

        Gently, where something is being fetched: no more is, but what has arrived may still be written and published.
        Else a transaction under way is rolled back.
        """
        with self._lock:
            if self._has_ended:  # its crawl process may be the next turn's
                return
            self.is_cut = True
            if self._crawler is not None:
                self._crawler.interrupt()
            if self._store is not None and not (gently and self._crawler is not None):
                self._store.cut_short()

    def finish(self) -> None:
        with self._lock:
            self._has_ended = True


class Writer:
    """Does what it is asked for. Whatever falls due while something is being done is done next, once.

    `on_change` is called, in the thread, when a turn begins and when it ends; `post` when jobs begin or cease to fail.
    """

    def __init__(self, setup: Setup, on_change: Callable[[], object], post: Post = lambda _: None) -> None:
        self.setup = setup  # replaced on a reload; a turn keeps what it began with
        self.turn: Turn | None = None
        self.pinged: SimpleQueue[PingOutcome] = SimpleQueue()  # what hubs said, to be recorded
        self.bureau = Bureau(Alerts(), Courier(lambda: self.ask(DELIVERED)))  # replaced on a reload
        self._on_change = on_change
        self._obstacles = Obstacles(post)
        self._waiting: dict[str, None] = {}  # in the order in which they fell due
        self._changed = threading.Condition()
        self._is_ending = False
        self._ended_at = 0.0
        self._crawler: CrawlProcess | None = None
        # a daemon: a turn that will not end must not keep the process from ending
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def ask(self, name: str) -> None:
        """Has a job done, once, however often it is asked for before its turn comes."""
        with self._changed:
            if name in self._waiting:
                logger.debug("%s is waiting already", name)
            elif not self._is_ending:
                self._waiting[name] = None
                self._changed.notify()

    def end(self) -> None:
        """Has it take no further turn; what is under way is for the caller to break off."""
        self.bureau.courier.stop()
        with self._changed:
            self._is_ending = True
            self._ended_at = time.monotonic()
            self._waiting.clear()
            self._changed.notify()

    def join(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (turn := self._wait()) is not None:
            logger.debug("%s begins", turn.name)
            self._on_change()
            self._take(turn)
            give_memory_back()
            self.turn = None
            logger.debug("%s has ended after %.1f s", turn.name, turn.seconds)
            self._on_change()
        self._drop_crawler()
        self._record_last()

    def _record_last(self) -> None:
        """What became of messages: what is under way gets a moment, what was not begun is put back."""
        courier = self.bureau.courier
        courier.wait(max(0.0, self._ended_at + MESSAGE_SECONDS - time.monotonic()))
        if courier.outcomes.empty():
            return
        try:
            with Store.open_writer(self.setup.database) as store:
                self.bureau.record(self.setup, store, datetime.now(UTC))
        except FAILURES as error:
            logger.error("what became of messages was not recorded: %s", error)

    def _wait(self) -> Turn | None:
        """The next turn; None when it is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_ending)
            if self._is_ending:
                return None
            name = RELOAD if RELOAD in self._waiting else next(iter(self._waiting))
            del self._waiting[name]
            self.turn = Turn(name)
            return self.turn

    def _take(self, turn: Turn) -> None:
        """Does the job. A failure is noted; the next turn tries again."""
        setup = self.setup
        if turn.name == RELOAD:  # what is warm knows the old settings
            self._drop_crawler()
        try:
            with Store.open_writer(setup.database) as store:
                turn.use_store(store)
                job = ALL_JOBS[turn.name]
                job.work(
                    Desk(
                        setup=setup,
                        store=store,
                        now=datetime.now(UTC),
                        get_crawler=lambda: self._get_crawler(turn),
                        pinged=self.pinged,
                        bureau=self.bureau,
                    )
                )
        except FAILURES as error:
            if turn.is_cut:  # whoever cut it short has said so
                logger.debug("%s failed: %s", turn.name, error)
            else:
                self._obstacles.note_failure(turn.name, error, datetime.now(UTC))
        except Exception as error:
            is_debug = logger.isEnabledFor(logging.DEBUG)
            logger.error("%s failed: %s: %s", turn.name, type(error).__name__, error, exc_info=is_debug)
        else:
            self._obstacles.note_success(turn.name)
        finally:
            turn.finish()
        if turn.is_cut:  # an interrupted one takes no further batch
            self._drop_crawler()

    def _get_crawler(self, turn: Turn) -> CrawlProcess:
        worn = self._crawler is not None and self._crawler.batches >= CYCLES_PER_PROCESS
        if self._crawler is not None and (worn or not self._crawler.is_alive):
            self._drop_crawler()
        self._crawler = self._crawler or start_crawler(self.setup)
        turn.use_crawler(self._crawler)
        return self._crawler

    def _drop_crawler(self) -> None:
        if self._crawler is not None:
            self._crawler.close(CLOSE_SECONDS)
            self._crawler = None
