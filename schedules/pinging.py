"""Tells WebSub hubs what has changed, beside everything else: a hub that hangs delays neither polls nor pages.

publish ─▶ table `pings` ─▶ here, reading only ─▶ hubs
                ▲ outcomes, by the writer ─┘
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from queue import SimpleQueue

from aggregator.ping_rows import Ping, PingOutcome
from aggregator.publish.websub import Messenger
from aggregator.store import Store, StoreError
from schedules.config import Setup
from schedules.errors import KabarKotaError, WriterBusy
from schedules.lock import hold_writer_lock

logger = logging.getLogger(__name__)

SERVICE_SECONDS = 30.0  # for all that is due at once
COMMAND_SECONDS = 15.0  # the same, where a command waits for it
LOCK_PATIENCE = 1.0
LOOK_SECONDS = 30.0  # between two looks at what is due, unless woken


class Pinger:
    """The service's own thread for it. What hubs said goes into `pinged`; `ask` has the writer record it."""

    def __init__(self, setup: Setup, pinged: SimpleQueue[PingOutcome], ask: Callable[[], object]) -> None:
        self.setup = setup  # replaced on a reload
        self._pinged = pinged
        self._ask = ask
        self._messenger = Messenger()
        self._told: set[Ping] = set()  # sent, and not recorded yet
        self._woken = threading.Event()
        self._is_ending = False
        # a daemon: it may be waiting for a hub when the service is to end
        self._thread = threading.Thread(target=self._run, name="pinger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Has it look at once: something may have been published, or recorded."""
        self._woken.set()

    def end(self) -> None:
        """Has it send no more. Nobody need wait for it: it does not write."""
        self._is_ending = True
        self._woken.set()

    def _run(self) -> None:
        while True:
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()
            if self._is_ending:
                return
            try:
                self._look()
            except Exception as error:
                logger.error("hubs could not be told: %s: %s", type(error).__name__, error)

    def _look(self) -> None:
        if not self._pinged.empty():  # they could not be recorded
            self._ask()
        due = find_due(self.setup, datetime.now(UTC))
        self._told &= set(due)
        fresh = [ping for ping in due if ping not in self._told]
        if not fresh:
            return
        outcomes = self._messenger.send(fresh, SERVICE_SECONDS)
        self._told |= set(fresh)
        for outcome in outcomes:
            self._pinged.put(outcome)
        self._ask()


def find_due(setup: Setup, now: datetime) -> list[Ping]:
    """What hubs of the configuration are to be told now. Raises StoreError."""
    hubs = setup.aggregator.websub_hubs
    if not hubs or not setup.database.exists():
        return []
    with Store.open_reader(setup.database) as store:
        return [ping for ping in store.get_due_pings(now) if ping.hub in hubs]


def record_pinged(store: Store, pinged: SimpleQueue[PingOutcome], now: datetime) -> None:
    """Writes what hubs said. Raises StoreError; then it is all still there to be written."""
    outcomes = [pinged.get() for _ in range(pinged.qsize())]
    try:
        _record(store, outcomes, now)
    except BaseException:
        for outcome in outcomes:
            pinged.put(outcome)
        raise


def ping_and_record(setup: Setup, now: datetime) -> None:
    """Tells hubs what is due: for a command that has published, and holds the lock no more.

    Takes COMMAND_SECONDS at most, and raises nothing: what was not told, or not recorded, is due the next time.
    """
    try:
        due = find_due(setup, now)
        if not due:
            return
        outcomes = Messenger().send(due, COMMAND_SECONDS)
        with (
            hold_writer_lock(setup.data_folder, patience=LOCK_PATIENCE),
            Store.open_writer(setup.database) as store,
        ):
            _record(store, outcomes, now)
    except WriterBusy as error:
        logger.info("what hubs said was not recorded, and they are told again: %s", error)
    except (StoreError, KabarKotaError) as error:
        logger.error("hubs could not be told, or what they said not recorded: %s", error)


def _record(store: Store, outcomes: Sequence[PingOutcome], now: datetime) -> None:
    store.record_pings(outcomes, now)
    failed = Counter((each.ping.hub, each.reason, each.is_refusal) for each in outcomes if each.reason)
    for (hub, reason, is_refusal), count in failed.items():
        level = logging.WARNING if is_refusal else logging.INFO
        logger.log(level, "hub %s: %s pings %s: %s", hub, count, "refused" if is_refusal else "failed", reason)
