"""Who may be asked, and when: the pace of a host, and what its robots.txt allows.

One `Manners` is shared by all spiders of a crawl process, because a portal does not care which spider asks.
"""

from __future__ import annotations

import asyncio
import codecs
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from protego import Protego

from aggregator.models import HostTraffic, RobotsRecord
from aggregator.urls import get_registrable_domain, get_site
from crawler.permits import Permits, PermitWaitError
from crawler.settings import CrawlSettings

ROBOTS_MAX_BYTES = 500 * 1024  # RFC 9309, 2.5: at least that much must be parsed; nobody needs more
ROBOTS_MAX_AGE = timedelta(hours=24)  # RFC 9309, 2.4
ROBOTS_AHEAD = timedelta(hours=-1)  # what is of a later day was read while the clock was wrong
UNREADABLE_MAX_AGE = timedelta(minutes=10)  # as long as a cycle: a host that was down is asked again in the next
STRANGERS_PART = 10  # a tenth of what a host is asked in a day may be for sources of other sites
LONGEST_DELAY = 24 * 3600.0  # seconds; a host that wants more is asked once a day all the same
PRODUCT_TOKEN = "KabarKota"  # noqa: S105 - the name that robots.txt groups address (RFC 9309, 2.2.1)

_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?")
_USUAL_PORTS = {"http": "80", "https": "443"}
# as generous as Protego: the colon may be missing, names may carry a version
_AGENT_LINE = re.compile(r"\s*user[- ]?agent\b\s*:?\s*(\*|[a-z_-]*)", re.IGNORECASE)
_RULE_LINE = re.compile(
    r"\s*(?!sitemaps?\b|site-map\b|host\b)(?:[a-z][a-z -]*:|(?:allow|dis+al+ow|crawl[- ]delay)\s)", re.IGNORECASE
)


class HostHeldError(Exception):
    """The host is to be left alone for longer than this cycle waits (Retry-After, Crawl-delay, the day's budget)."""

    def __init__(self, host: str, seconds: float, reason: str = "") -> None:
        super().__init__(reason or f"{host!r} asked to be left alone for another {seconds:.0f} s")
        self.host, self.seconds = host, seconds


@dataclass
class Traffic:
    """What one poll asks of each host, redirects and robots.txt included; kept by the middleware that sends it."""

    requests: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    def report(self, pace: Pace, now: datetime) -> tuple[HostTraffic, ...]:
        """As handed over at the end of the poll."""
        return tuple(
            HostTraffic(
                host=host,
                requests=count,
                bytes=self.bytes[host],
                answers=self.answers[host],
                free_at=pace.get_free_at(host, now),
            )
            for host, count in self.requests.items()
        )


@dataclass
class Strangers:
    """What a visit may still ask of hosts that are not its source's own: their owners have no say in who links there.

    `sites`: those of the source.
    """

    sites: frozenset[str]
    left: float

    def is_stranger(self, url: str) -> bool:
        return _get_site_of(host_of(url)) not in self.sites

    def spend(self, host: str) -> None:
        """Raises HostHeldError when nothing is left."""
        if self.left <= 0:
            raise HostHeldError(host, LONGEST_DELAY, f"{host!r} is another's, of which no more is asked in this cycle")
        self.left -= 1


class Pace:
    """One request at a time per host, apart by its delay; a few at a time per registrable domain.

    `held`: hosts that may be asked only from an instant on, as earlier crawls left them; `now` is the clock's. `left`:
    requests to hosts that are left of the day; hosts that are not named have `budget`, None: as many as one likes.
    `permits`: where other machines crawl, too.
    """

    def __init__(
        self,
        settings: CrawlSettings,
        held: Iterable[tuple[str, datetime]] = (),
        *,
        now: datetime,
        left: Iterable[tuple[str, int]] = (),
        budget: int | None = None,
        permits: Permits | None = None,
    ) -> None:
        self._settings = settings
        self.permits = permits
        self._left = dict(left)
        self._budget = budget
        self._hosts: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._domains: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.requests_per_domain)
        )
        self._everyone = asyncio.Semaphore(settings.concurrency)
        self._delays: dict[str, float] = {}
        self._free_at: dict[str, float] = {}
        self.hold_all(held, now)

    def hold_all(self, held: Iterable[tuple[str, datetime]], now: datetime) -> None:
        """No request to these hosts before then."""
        for host, free_at in held:
            self.hold(host, (free_at - now).total_seconds())

    def count_left(self, left: Iterable[tuple[str, int]]) -> None:
        """What is left of the day by what others have asked since; never more than was left before."""
        for host, count in left:
            self._left[host] = min(count, self._left.get(host, count))

    def get_free_at(self, host: str, now: datetime) -> datetime:
        """When `host` may be asked again."""
        return now + timedelta(seconds=max(0, self._free_at.get(host, 0) - asyncio.get_running_loop().time()))

    def slow_down(self, host: str, delay_seconds: float) -> None:
        """From now on requests to `host` (name:port) are at least this far apart (its Crawl-delay)."""
        self._delays[host] = max(delay_seconds, self._delays.get(host, 0))

    def hold(self, host: str, seconds: float) -> None:
        """No request to `host` for so many seconds (its Retry-After)."""
        free_at = asyncio.get_running_loop().time() + seconds
        self._free_at[host] = max(free_at, self._free_at.get(host, 0))
        if self.permits is not None and seconds > 0:
            self.permits.give_back(host, seconds)

    @asynccontextmanager
    async def turn(self, host: str, *, is_stranger: bool = False) -> AsyncIterator[None]:
        """Waits for the host's turn and holds it while the request runs; `is_stranger`: it is for the source of another
        site. Raises HostHeldError."""
        loop = asyncio.get_running_loop()
        async with self._hosts[host], self._domains[get_registrable_domain(host)]:
            wait = self._free_at.get(host, 0) - loop.time()
            if wait > self._settings.max_crawl_delay_seconds:
                raise HostHeldError(host, wait)
            self._spend(host, is_stranger=is_stranger)
            if wait > 0:
                await asyncio.sleep(wait)
            async with self._everyone, self._permit(host):
                try:
                    yield
                finally:
                    delay = max(self._settings.delay_seconds, self._delays.get(host, 0))
                    self._free_at[host] = max(self._free_at.get(host, 0), loop.time() + delay)

    @asynccontextmanager
    async def _permit(self, host: str) -> AsyncIterator[None]:
        """Raises HostHeldError."""
        if self.permits is None:
            yield
            return
        try:
            await self.permits.take(host)
        except PermitWaitError as error:
            reason = f"{host!r}: {error.reason}" if error.reason else ""
            raise HostHeldError(host, error.seconds, reason) from error
        try:
            yield
        finally:
            left = self._free_at.get(host, 0) - asyncio.get_running_loop().time()
            self.permits.give_back(host, max(0.0, left))

    def _spend(self, host: str, *, is_stranger: bool) -> None:
        """Counts a request into the host's budget of the day. Raises HostHeldError when that is used up: for strangers
        when a tenth of it is, so that they never make its own channels wait."""
        if self._budget is not None:
            left = self._left.get(host, self._budget)
            if left <= (self._budget - max(1, self._budget // STRANGERS_PART) if is_stranger else 0):
                raise HostHeldError(host, LONGEST_DELAY, f"our requests to {host!r} of this day are used up")
            self._left[host] = left - 1


class Robots:
    """The robots.txt records of all hosts: those remembered, and those read in this crawl (`fetched`)."""

    def __init__(self, records: Iterable[RobotsRecord], clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._records: dict[str, RobotsRecord] = {}
        self.remember(records)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._fetched: dict[str, RobotsRecord] = {}
        self._reasons: dict[str, str] = {}

    def lock(self, host: str) -> asyncio.Lock:
        """Held while the host's robots.txt is read, so that it is read once."""
        return self._locks[host]

    def get(self, host: str) -> RobotsRecord | None:
        """What is still to be believed; a crawl that takes sources as they come may go on for a day."""
        record = self._records.get(host)
        if record is None:
            return None
        longest = ROBOTS_MAX_AGE if is_readable(record.status) else UNREADABLE_MAX_AGE
        return record if ROBOTS_AHEAD < self._clock() - record.fetched_at < longest else None

    def remember(self, records: Iterable[RobotsRecord]) -> None:
        """Takes what earlier crawls have read, but for hosts of which it knows as much."""
        for record in records:
            if is_readable(record.status) and self.get(record.host) is None:
                self._records[record.host] = record

    def add(self, record: RobotsRecord) -> None:
        self._records[record.host] = record
        self._fetched[record.host] = record

    def forget(self, host: str) -> None:
        """Has the host's robots.txt asked for again: it may answer over the other scheme."""
        self._records.pop(host, None)
        self._fetched.pop(host, None)

    def set_reason(self, host: str, reason: str) -> None:
        """Remembers, for people, why the host's robots.txt could not be read."""
        self._reasons[host] = " ".join(reason.split())[:200]

    def get_reason(self, host: str) -> str:
        return self._reasons.get(host, "")

    def take_fetched(self, hosts: Iterable[str]) -> tuple[RobotsRecord, ...]:
        """The records read since, for these hosts; each is handed over once. Failures are not worth keeping."""
        taken = [self._fetched.pop(host) for host in hosts if host in self._fetched]
        return tuple(record for record in taken if is_readable(record.status))


def is_readable(status: int) -> bool:
    """Whether an answer with this status tells what robots.txt allows: a 304 that nobody asked for does not."""
    return 200 <= status < 300 or 400 <= status < 500


def is_allowed(record: RobotsRecord, url: str) -> bool:
    """Whether `record` lets us fetch `url` (RFC 9309: unreachable or 5xx, nothing; 4xx, everything); what is no URL is
    not allowed."""
    if not is_readable(record.status):
        return False
    if record.status >= 400:
        return True
    try:
        return bool(_parse_robots(record.body).can_fetch(url, PRODUCT_TOKEN))
    except ValueError:
        return False


def get_crawl_delay(record: RobotsRecord) -> float:
    """Seconds that the host wants between requests, a day at most; 0 where it says nothing that can be meant."""
    if not 200 <= record.status < 300:
        return 0
    delay = float(_parse_robots(record.body).crawl_delay(PRODUCT_TOKEN) or 0)
    return min(delay, LONGEST_DELAY) if delay > 0 else 0  # no number is not greater either


def cut_robots(body: bytes) -> bytes:
    """The first 500 KiB, to the end of a line: half a path would be another rule."""
    return body if len(body) <= ROBOTS_MAX_BYTES else body[: ROBOTS_MAX_BYTES + 1].rpartition(b"\n")[0]


@lru_cache(maxsize=256)
def _parse_robots(body: bytes) -> Protego:
    body = cut_robots(body)
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = body.decode("utf-16", "ignore")
    else:
        text = body.decode("utf-8-sig", "replace")
    return Protego.parse(select_groups(text))


def select_groups(robots: str) -> str:
    """The groups of a robots.txt that are for us or for everyone.

    Protego gives every rule to every agent of its group: 8,000 agents and 30,000 rules, which fit into 500 KiB, take
    it eight minutes.
    """
    kept: list[str] = []
    is_ours, in_rules = False, True
    for line in robots.splitlines():
        agent = _AGENT_LINE.match(line)
        if agent is not None:
            is_ours = is_ours and not in_rules
            in_rules = False
            if agent[1].lower() in ("*", PRODUCT_TOKEN.lower()):
                is_ours = True
                kept.append(f"User-agent: {agent[1]}")
        elif _RULE_LINE.match(line):
            in_rules = True
            if is_ours:
                kept.append(line)
    return "\n".join(kept)


@lru_cache(maxsize=512)
def _get_site_of(host: str) -> str:
    return get_site(f"http://{host}/")


@lru_cache(maxsize=512)  # asked several times of each address
def host_of(url: str) -> str:
    """`name:port` of the URL, the usual port left out: what has one pace and one robots.txt.

    Without credentials and the root's dot: a portal must not be able to pose as many hosts. "" for what has no host.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    match = _HOST.fullmatch(parts.netloc.rpartition("@")[2].lower())
    if match is None:
        return parts.netloc
    name, port = match[1].rstrip("."), match[2]
    return f"{name}:{port}" if port and port != _USUAL_PORTS.get(parts.scheme) else name
