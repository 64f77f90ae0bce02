"""What the service and the commands do with alerts: work out what is due, hand it over, record how it went."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from aggregator.store import Store, StoreError
from schedules.alerts.configuration import Alerts, find_alerts_file, load_alerts
from schedules.alerts.context import FilterFault, Work
from schedules.alerts.courier import Courier
from schedules.alerts.digests import queue_due_digests
from schedules.alerts.posting import post_due, record
from schedules.alerts.watching import look_around
from schedules.config import Setup
from schedules.errors import KabarKotaError
from schedules.lock import hold_writer_lock
from schedules.signals import heed_end

logger = logging.getLogger(__name__)

COMMAND_SECONDS = 60.0  # that a command waits for receivers
CYCLE_SECONDS = 30.0  # the same after a cycle
LOCK_PATIENCE = 120.0  # for a cycle of `run` to end


class Bureau:
    """Alerts as they are configured, and who carries them."""

    def __init__(self, alerts: Alerts, courier: Courier) -> None:
        self.alerts = alerts
        self.courier = courier
        self.claimed: list[int] = []  # deliveries that the last turn was about
        self.faults: set[str] = set()  # what is wrong with filters, as it was said

    def tell(self, setup: Setup, store: Store, now: datetime) -> None:
        """Instant alerts, and whatever waits to be sent. Raises StoreError."""
        if self.alerts:
            work = self._make_work(setup, store, now)
            self._say(look_around(work))
            self.claimed = post_due(work, self.courier)

    def send_digests(self, setup: Setup, store: Store, now: datetime, *, at_once: bool = False) -> list[str]:
        """The digests whose hour has come; returns those that have something to tell. Raises StoreError."""
        if not self.alerts:
            return []
        work = self._make_work(setup, store, now)
        queued, faults = queue_due_digests(work, at_once=at_once)
        self._say(faults)
        self.claimed = post_due(work, self.courier)
        return queued

    def go_on(self, setup: Setup, store: Store, now: datetime) -> None:
        """Records what went out, and sends what waited for it. Raises StoreError."""
        if self.alerts:
            self.claimed = post_due(self._make_work(setup, store, now), self.courier)
        else:
            self.record(setup, store, now)

    def record(self, setup: Setup, store: Store, now: datetime) -> None:
        """Writes how it went with what was sent. Raises StoreError."""
        record(self._make_work(setup, store, now), self.courier.outcomes)

    def _make_work(self, setup: Setup, store: Store, now: datetime) -> Work:
        return Work(setup=setup, alerts=self.alerts, store=store, now=now)

    def _say(self, faults: Iterable[FilterFault]) -> None:
        """Each once: it would be said each minute."""
        for fault in faults:
            if str(fault) not in self.faults:
                self.faults.add(str(fault))
                logger.error("%s", fault)


def work_and_wait(
    setup: Setup, bureau: Bureau, now: datetime, work: Callable[[Store], object], *, seconds: float
) -> list[int]:
    """For a command: does what is due under the lock, waits for receivers without it, and records.

    What was not begun when the time is over, or the command is ended, waits for the next one. Returns the deliveries
    that it was about. Raises WriterBusy, UsageFailure, StoreError.
    """
    began = time.monotonic()

    def tell_time() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    with _write(setup) as store:
        work(store)
    claimed = [*bureau.claimed]
    with heed_end():
        try:
            while (left := began + seconds - time.monotonic()) > 0:
                bureau.courier.wait(left)
                if bureau.courier.outcomes.empty():
                    break
                with _write(setup) as store:
                    bureau.go_on(setup, store, tell_time())
                claimed += bureau.claimed
        finally:
            bureau.courier.stop()
            if not bureau.courier.outcomes.empty():
                with _write(setup) as store:
                    bureau.record(setup, store, tell_time())
    return claimed


@contextmanager
def _write(setup: Setup) -> Iterator[Store]:
    with hold_writer_lock(setup.data_folder, patience=LOCK_PATIENCE), Store.open_writer(setup.database) as store:
        yield store


def tell_after_cycle(setup: Setup, now: datetime) -> None:
    """Instant alerts of what a cycle brought, for cron. Raises nothing: what was not told is due the next time."""
    try:
        bureau = Bureau(load_alerts(find_alerts_file(setup)), Courier())
        if bureau.alerts.alerts:
            work_and_wait(setup, bureau, now, lambda store: bureau.tell(setup, store, now), seconds=CYCLE_SECONDS)
    except (StoreError, KabarKotaError) as error:
        logger.error("alerts were not told: %s", error)
