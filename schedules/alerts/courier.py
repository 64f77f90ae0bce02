"""Carries messages to their receivers, each target in a thread of its own: one that hangs delays no other.

It knows no database: what becomes of what it carries goes into `outcomes`, and `ask` has the writer record it.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue

from aggregator.alert_rows import Delivery, Outcome, State
from aggregator.alerts.letters import skip_bodies
from crawler.address_guard import AddressGuard
from schedules.alerts.attempts import Attempt, Parcel, again, clean_reason, refused, uncertain
from schedules.alerts.mail import send_mail
from schedules.alerts.services import notify
from schedules.alerts.targets import TargetError, is_mail, make_service, narrow
from schedules.alerts.webhook import make_body, make_headers, post


@dataclass(frozen=True, kw_only=True)
class Means:
    """What messages are sent with."""

    guard: AddressGuard  # for webhooks; a mail server may well be in one's own network
    sender: str  # name of the installation
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class Courier:
    """Sends, and tells how it went."""

    def __init__(self, ask: Callable[[], object] = lambda: None) -> None:
        self.outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._ask = ask
        self._threads: dict[str, threading.Thread] = {}
        self._busy: set[str] = set()
        self._waiting: dict[str, deque[Parcel]] = {}  # of each target, what is not begun
        self._lock = threading.Lock()  # of all these
        self._is_stopped = False

    @property
    def busy(self) -> set[str]:
        """Targets that something is being sent to."""
        with self._lock:
            return set(self._busy)

    def send(self, parcels: Iterable[Parcel], means: Means) -> None:
        """Begins to send these; none of them to a target that is busy."""
        by_target: defaultdict[str, list[Parcel]] = defaultdict(list)
        for parcel in parcels:
            by_target[parcel.target.name].append(parcel)
        with self._lock:
            for name, theirs in by_target.items():
                self._waiting[name] = deque(theirs)
                if not self._is_stopped:
                    self._start(name, means)
            if self._is_stopped:
                self._put_back()

    def stop(self) -> None:
        """Begins nothing more; what was not begun is in `outcomes`, to be put back. What is under way goes on."""
        with self._lock:
            self._is_stopped = True
            self._put_back()

    def wait(self, seconds: float) -> None:
        """Until all is sent, and so long at most."""
        deadline = time.monotonic() + seconds
        for thread in [*self._threads.values()]:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self, name: str, means: Means) -> None:
        waiting = self._waiting[name]
        # a daemon: a receiver that hangs must not keep the process from ending
        thread = threading.Thread(target=self._work, args=(name, waiting, means), name=f"courier {name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread left
            self._put_back()
        else:
            self._threads[name] = thread
            self._busy.add(name)

    def _put_back(self) -> None:
        for waiting in self._waiting.values():
            while (parcel := _take(waiting)) is not None:
                self.outcomes.put(put_back(parcel.delivery))

    def _work(self, name: str, waiting: deque[Parcel], means: Means) -> None:
        try:
            self._carry_all(waiting, means)
        finally:
            with self._lock:
                self._busy.discard(name)
            self._ask()  # more for the same target may wait

    def _carry_all(self, waiting: deque[Parcel], means: Means) -> None:
        dead: Attempt | None = None
        while (parcel := _take(waiting)) is not None:
            attempt = dead or carry(parcel, means)
            dead = attempt if attempt.is_dead else None
            self.outcomes.put(
                Outcome(
                    delivery_id=parcel.delivery.id,
                    state=attempt.state,
                    done=parcel.delivery.done + attempt.done,
                    reason=clean_reason(attempt.reason, parcel.target),
                    retry_after=attempt.retry_after,
                )
            )
            self._ask()  # each at once: a process that dies has lost one at most


def put_back(delivery: Delivery) -> Outcome:
    """That it was claimed, and not begun."""
    return Outcome(delivery_id=delivery.id, state=State.WAITING, has_begun=False)


def _take(waiting: deque[Parcel]) -> Parcel | None:
    """The next; two threads never get the same."""
    try:
        return waiting.popleft()
    except IndexError:
        return None


def carry(parcel: Parcel, means: Means) -> Attempt:
    """One attempt. What goes wrong is told in it."""
    try:
        return _carry(parcel, means)
    except TargetError as error:
        return refused(str(error))
    except Exception as error:  # of Apprise's plugins anything may come, and hold the address
        reason = f"unexpected: {type(error).__name__}"
        return again(reason) if parcel.target.is_webhook else uncertain(reason)


def _carry(parcel: Parcel, means: Means) -> Attempt:
    target, delivery, now = parcel.target, parcel.delivery, means.clock()
    if target.is_webhook:
        body = make_body(parcel.letter, delivery.uid, delivery.created_at)
        headers = make_headers(target.secret, body, event=parcel.letter.kind, uid=delivery.uid, now=now)
        return post(target.url, body, headers, means.guard, now)
    service = narrow(make_service(target.url), delivery.address.part)
    if is_mail(service):
        if service.from_addr[0] == service.app_id:
            service.from_addr = [means.sender, service.from_addr[1]]
        return send_mail(service, parcel.letter, delivery.uid, now)
    return notify(service, skip_bodies(parcel.letter, delivery.done), sender=means.sender)
