"""The network, by asking a few portals of the catalogue: names, connections, certificates, and what their clocks show.

    host ─▶ its address ─▶ the address guard ─▶ a connection ─▶ TLS ─▶ HEAD /robots.txt ─▶ Date

All at once, each step with a time limit. Where a step fails the next ones are not tried.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import IntEnum
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aggregator.models import Source
from crawler.address_guard import AddressGuard, AddressRefusedError
from crawler.settings import CrawlSettings
from crawler.source_address import find_fault
from schedules.commands.figures import format_span
from schedules.doctor.check import Check, fault, ok, warn

PORTALS = 4  # asked, at most
STEP_SECONDS = 5.0
CLOCK_ODD, CLOCK_WRONG = timedelta(minutes=2), timedelta(hours=1)


class Step(IntEnum):
    """How far a portal was reached."""

    NAME = 0
    ADDRESS = 1
    CONNECTION = 2
    TLS = 3
    ANSWER = 4
    ALL = 5


@dataclass(frozen=True, kw_only=True)
class Portal:
    host: str
    port: int
    is_secure: bool


@dataclass(kw_only=True)
class Visit:
    """What asking one portal showed, up to the step that failed."""

    portal: Portal
    failed: Step = Step.NAME
    problem: str = "no answer in time"
    name_seconds: float = 0
    seconds: float = 0  # from the connection to the end
    offset: timedelta | None = None  # how far our clock is ahead of the portal's


def check_source_address(settings: CrawlSettings) -> Iterator[Check]:
    """Nothing where the system chooses it."""
    if found := find_fault(settings):
        yield fault("source address", found, "`ip address` lists those of this machine")
    elif settings.source_address:
        yield ok("source address", str(settings.source_address))


def choose_portals(sources: Iterable[Source], now: datetime) -> list[Portal]:
    """A few portals that are polled anyway: others each day, the same ones all day."""
    addresses = {urlsplit(channel.url) for source in sources if source.enabled for channel in source.channels}
    portals = sorted(
        {
            Portal(
                host=url.hostname,
                port=url.port or (443 if url.scheme == "https" else 80),
                is_secure=url.scheme == "https",
            )
            for url in addresses
            if url.hostname
        },
        key=lambda portal: (not portal.is_secure, portal.host, portal.port),
    )
    secure = [portal for portal in portals if portal.is_secure] or portals
    count = min(PORTALS, len(secure))  # far apart in the alphabet: neighbours are often of one house
    return [secure[(now.toordinal() + place * len(secure) // count) % len(secure)] for place in range(count)]


def visit_portals(portals: Sequence[Portal], settings: CrawlSettings, context: ssl.SSLContext) -> list[Visit]:
    """Asks all of them at once. A name that is never resolved is not waited for longer than a step may take."""
    visits = [Visit(portal=portal) for portal in portals]
    names = [_Task(partial(_find_address, visit)) for visit in visits]
    addresses = _gather(names, STEP_SECONDS)
    asked = [
        _Task(partial(_ask, visit, address, settings, context))
        for visit, address in zip(visits, addresses, strict=True)
        if address is not None
    ]
    _gather(asked, 4 * STEP_SECONDS)
    return visits


def judge_visits(visits: Sequence[Visit]) -> list[Check]:
    """A check for each step that any portal came to. PURE."""
    if not visits:
        return [warn("network", "no source is on, so nobody was asked", "`kabarkota sources enable ID`")]
    checks = [
        _judge_step(
            "DNS",
            Step.NAME,
            visits,
            "is this machine on the network, and are the name servers in /etc/resolv.conf right?",
            f"in {max(visit.name_seconds for visit in visits) * 1000:.0f} ms at most",
        ),
        _judge_step(
            "addresses",
            Step.ADDRESS,
            visits,
            "names lead into a private network: does a filter or a captive portal answer for the name server?",
        ),
        _judge_step(
            "connections",
            Step.CONNECTION,
            visits,
            "does a firewall hold back outgoing connections to ports 80 and 443? No proxy is used",
        ),
        _judge_step(
            "TLS",
            Step.TLS,
            visits,
            "is the clock right, are ca-certificates installed, does something on the way open encrypted connections?",
        ),
        _judge_step(
            "answers", Step.ANSWER, visits, "try one of them in a browser; does something on the way filter HTTP?"
        ),
    ]
    offsets = [visit.offset for visit in visits if visit.offset is not None]
    return [check for check in checks if check] + ([judge_offsets(offsets)] if offsets else [])


def judge_offsets(offsets: Sequence[timedelta]) -> Check:
    """Our clock against theirs: the median, for single portals have odd clocks. PURE."""
    middle = timedelta(seconds=statistics.median(offset.total_seconds() for offset in offsets))
    way = "ahead of" if middle > timedelta(0) else "behind"
    found = f"{format_span(abs(middle))} {way} that of {len(offsets)} portals"
    advice = "set the clock, and keep it with NTP: poll times and dates of articles depend on it"
    if abs(middle) > CLOCK_WRONG:
        return fault("clock and portals", found, advice)
    if abs(middle) > CLOCK_ODD:
        return warn("clock and portals", found, advice)
    return ok("clock and portals", f"as that of {len(offsets)} portals")


class _Task(threading.Thread):
    """Runs a function in a thread of its own, which nobody has to wait for: resolving a name cannot be given up."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self.result: Any = None
        self.start()

    def run(self) -> None:
        self.result = self._function()


def _gather(tasks: Sequence[_Task], seconds: float) -> list[Any]:
    """What they returned; None for those that took longer than so many seconds."""
    until = time.monotonic() + seconds
    for task in tasks:
        task.join(max(until - time.monotonic(), 0))
    return [task.result for task in tasks]


def _judge_step(name: str, step: Step, visits: Sequence[Visit], advice: str, note: str = "") -> Check | None:
    """None: no portal came so far, which was said before; or the step was of no concern."""
    tried = [visit for visit in visits if visit.failed >= step]
    if step is Step.TLS:
        tried = [visit for visit in tried if visit.portal.is_secure]
    failed = [visit for visit in tried if visit.failed == step]
    if not tried or (step is Step.ADDRESS and not failed):
        return None
    told = "; ".join(f"{visit.portal.host}: {visit.problem}" for visit in failed)
    if len(failed) == len(tried):
        return fault(name, f"none of {len(tried)} portals: {told}", advice)
    if failed:
        hint = "those portals may be at fault; if they are read otherwise, ask again later"
        return warn(name, f"{len(tried) - len(failed)} of {len(tried)} portals; {told}", hint)
    return ok(name, f"{len(tried)} of {len(tried)} portals" + (f", {note}" if note else ""))


def _find_address(visit: Visit) -> str | None:
    host, started = visit.portal.host, time.monotonic()
    if host == "localhost" or host.endswith(".localhost"):  # this machine, as the crawler has it
        visit.failed = Step.ADDRESS
        return "127.0.0.1"
    try:
        found = socket.getaddrinfo(host, visit.portal.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        visit.problem = getattr(error, "strerror", None) or str(error)
        return None
    visit.name_seconds = time.monotonic() - started
    visit.failed = Step.ADDRESS
    return str(min(found, key=lambda entry: entry[0] != socket.AF_INET)[4][0])  # IPv4 first: more hosts have it


def _ask(visit: Visit, address: str, settings: CrawlSettings, context: ssl.SSLContext) -> None:
    portal, started = visit.portal, time.monotonic()
    try:
        AddressGuard(settings.allow_networks).check(address)
        visit.failed = Step.CONNECTION
        with _connect(address, portal.port, settings) as plain:
            visit.failed = Step.TLS if portal.is_secure else Step.ANSWER
            with context.wrap_socket(plain, server_hostname=portal.host) if portal.is_secure else plain as connection:
                visit.failed = Step.ANSWER
                visit.offset = _compare_clocks(connection, portal, settings.user_agent)
                visit.failed = Step.ALL
    except AddressRefusedError as error:
        visit.problem = str(error)
    except ssl.SSLCertVerificationError as error:
        visit.problem = f"its certificate is not valid: {error.verify_message}"
    except TimeoutError:
        visit.problem = "no answer in time"
    except (OSError, http.client.HTTPException) as error:
        visit.problem = getattr(error, "strerror", None) or str(error) or type(error).__name__
    visit.seconds = time.monotonic() - started


def _connect(address: str, port: int, settings: CrawlSettings) -> socket.socket:
    source = (str(settings.source_address), 0) if settings.source_address else None
    return socket.create_connection((address, port), timeout=STEP_SECONDS, source_address=source)


def _compare_clocks(connection: socket.socket, portal: Portal, user_agent: str) -> timedelta | None:
    """How far our clock is ahead; None: the portal sends no date that can be read."""
    request = (
        f"HEAD /robots.txt HTTP/1.1\r\nHost: {portal.host}\r\nUser-Agent: {user_agent}\r\nConnection: close\r\n\r\n"
    )
    connection.sendall(request.encode("latin-1", "replace"))
    answer = http.client.HTTPResponse(connection, method="HEAD")
    answer.begin()
    with suppress(ValueError, TypeError):
        theirs = parsedate_to_datetime(answer.headers["Date"] or "")
        age = timedelta(seconds=int(answer.headers["Age"] or 0))  # so long a cache on the way has had the answer
        return datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)) - age
    return None
