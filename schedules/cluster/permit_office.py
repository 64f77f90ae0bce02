"""Keeps the permits to ask hosts, for all machines of a cluster, in PostgreSQL.

    crawl processes of this machine ─▶ one thread: what has come together in one statement ─▶ exchange_permits

A permit is held for one request. Should its holder die, it is free again when no request can still be under way.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import psycopg
from pydantic import SecretStr

from aggregator.urls import get_registrable_domain
from crawler.permits import PermitAnswer, PermitCall
from crawler.settings import CrawlSettings
from schedules.cluster.postgres import Connection, connect
from schedules.errors import KabarKotaError

logger = logging.getLogger(__name__)

Answerer = Callable[[tuple[PermitAnswer, ...]], object]
GATHER_SECONDS = 0.05  # what comes in so much time goes in one statement
MARGIN_SECONDS = 5.0  # beyond the longest request
CLOSE_SECONDS = 1.0  # for what is still to be said: what is not ends by itself
MOST_PAUSE = 5.0  # seconds between two attempts to reach PostgreSQL
LONGEST_HOST = 300  # characters; a name has 253 at most
AGAIN_SECONDS = 0.25  # to be asked for once more
NEVER = 86_400.0  # seconds


@dataclass
class _Pending:
    """What is to be said in the next statement."""

    returned: dict[tuple[str, str], float] = field(default_factory=dict)  # (holder, host): seconds
    wanted: dict[tuple[str, str], Answerer] = field(default_factory=dict)
    ended: dict[str, None] = field(default_factory=dict)  # holders

    def __bool__(self) -> bool:
        return bool(self.returned or self.wanted or self.ended)


class PermitOffice:
    """A `crawler.permits.PermitKeeper`; one for a process, whatever number of crawl processes it has."""

    def __init__(self, dsn: SecretStr, crawl: CrawlSettings) -> None:
        """`crawl`: how long a request may take, and how many of a domain at once."""
        self._dsn, self._crawl = dsn, crawl
        self._queue: SimpleQueue[Callable[[_Pending], object] | None] = SimpleQueue()
        self._connection: Connection | None = None
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="permits", daemon=True)
        self._thread.start()

    def handle(self, holder: str, call: PermitCall, answer: Answerer) -> None:
        odd = tuple(host for host in call.wanted if not _is_sane(host))
        if odd:
            answer(tuple(PermitAnswer(host=host, wait_seconds=NEVER) for host in odd))

        def note(pending: _Pending) -> None:
            for host, seconds in call.returned:
                if _is_sane(host):
                    pending.returned[holder, host] = max(seconds, pending.returned.get((holder, host), 0.0))
            for host in call.wanted:
                if _is_sane(host):
                    pending.wanted[holder, host] = answer

        self._queue.put(note)

    def take_back(self, holder: str) -> None:
        def note(pending: _Pending) -> None:
            pending.ended[holder] = None
            for key in [key for key in pending.wanted if key[0] == holder]:
                del pending.wanted[key]

        self._queue.put(note)

    def close(self) -> None:
        """Says what is still to be said, if PostgreSQL can be reached."""
        self._is_closing.set()
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        pending, pause = _Pending(), 0.1
        while True:
            if not self._collect(pending):
                break
            try:
                self._exchange(pending)
            except (psycopg.OperationalError, psycopg.InterfaceError, KabarKotaError) as error:
                logger.info("permits wait for PostgreSQL: %s", error)
                self._disconnect()
                if self._is_closing.wait(pause):
                    break
                pause = min(2 * pause, MOST_PAUSE)
            except psycopg.Error as error:  # nothing of it will do: what is held ends by itself
                logger.error("permits cannot be exchanged: %s", error)
                self._disconnect()
                for (_, host), answerer in pending.wanted.items():
                    answerer((PermitAnswer(host=host, wait_seconds=MOST_PAUSE),))
                pending = _Pending()
            else:
                pending, pause = _Pending(), 0.1
        self._disconnect()

    def _collect(self, pending: _Pending) -> bool:
        """Takes what has come, and comes in the next moment; waits where there is nothing to say. Whether there is."""
        deadline = time.monotonic() + GATHER_SECONDS if pending else None
        while True:
            try:
                note = self._queue.get(timeout=deadline and max(0.0, deadline - time.monotonic()))
            except Empty:
                return True
            if note is None:
                self._queue.put(None)  # for the next time
                return bool(pending)
            note(pending)
            deadline = deadline or time.monotonic() + GATHER_SECONDS

    def _exchange(self, pending: _Pending) -> None:
        """Raises psycopg.Error, KabarKotaError."""
        self._connection = self._connection or connect(self._dsn)
        if pending.returned or pending.wanted:
            self._answer(pending, self._connection)
        if pending.ended:
            self._connection.execute(
                "SELECT take_permits_back(%s, %s)", [list(pending.ended), self._crawl.delay_seconds]
            )

    def _answer(self, pending: _Pending, connection: Connection) -> None:
        returned, wanted = list(pending.returned), list(pending.wanted)
        begun = time.monotonic()
        rows = connection.execute(
            "SELECT holder, host, wait_seconds FROM exchange_permits(%s, %s, %s::float8[], %s, %s, %s, %s, %s)",
            [
                [holder for holder, _ in returned],
                [host for _, host in returned],
                list(pending.returned.values()),
                [holder for holder, _ in wanted],
                [host for _, host in wanted],
                [get_registrable_domain(host) for _, host in wanted],
                self._crawl.timeout_seconds + MARGIN_SECONDS,
                self._crawl.requests_per_domain,
            ],
        ).fetchall()
        pending.returned.clear()
        is_late = time.monotonic() - begun > MARGIN_SECONDS / 2  # what was granted may end too soon
        waits = {(holder, host): wait for holder, host, wait in rows}
        answers: dict[str, tuple[Answerer, list[PermitAnswer]]] = {}
        for (holder, host), answerer in pending.wanted.items():
            wait = waits.get((holder, host), AGAIN_SECONDS)
            if is_late and wait <= 0:
                wait = AGAIN_SECONDS  # it is held by whoever asks again, and granted anew
            answers.setdefault(holder, (answerer, []))[1].append(PermitAnswer(host=host, wait_seconds=wait))
        pending.wanted.clear()
        for answerer, told in answers.values():
            answerer(tuple(told))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _is_sane(host: str) -> bool:
    """Whether it is a name that PostgreSQL takes: portals may link to anything."""
    return len(host) <= LONGEST_HOST and host.isprintable()
