"""Downloader middlewares for manners and limits of time. They act through the `Manners` that all spiders share.

They find it on the spider, for Scrapy copies its settings deeply.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from aggregator.models import RobotsRecord
from crawler.address_guard import find_refusal
from crawler.answer_errors import BrokenOffError, SlowAnswerError, describe_download_error
from crawler.ballast import Ballast
from crawler.challenges import is_challenge
from crawler.clock import Clock
from crawler.closures import find_closure
from crawler.downloading import TRUNCATED, Limits, is_broken_off
from crawler.parking import is_parked
from crawler.politeness import (
    ROBOTS_MAX_BYTES,
    HostHeldError,
    Pace,
    Robots,
    Strangers,
    Traffic,
    cut_robots,
    get_crawl_delay,
    host_of,
    is_allowed,
    is_readable,
)
from crawler.retry_after import parse_retry_after
from crawler.settings import CrawlSettings

logger = logging.getLogger(__name__)


class RobotsRefusedError(IgnoreRequest):
    """robots.txt forbids the URL."""


class RobotsUnreadableError(Exception):
    """robots.txt could not be read, so nothing may be asked (RFC 9309, 2.3.1.4); mostly the host is down."""


@dataclass(frozen=True, kw_only=True)
class Manners:
    """What the spiders of one crawl share."""

    settings: CrawlSettings
    pace: Pace
    robots: Robots
    clock: Clock
    ballast: Ballast = field(default_factory=Ballast)
    ca_folder: str = ""  # what the paths of CA bundles are relative to


@dataclass
class Allowance:
    """Seconds that are left for the answers to one request, its redirects included; waiting for a turn is free."""

    whole: float
    spent: float = 0

    @property
    def left(self) -> float:
        return self.whole - self.spent


def find_manners(crawler: Crawler) -> Manners:
    """The manners that the crawl's spider was given."""
    manners: Manners = crawler.spider.manners  # type: ignore[union-attr]  # our spiders have them
    return manners


class ChallengedError(Exception):
    """A guard against robots answered in the site's place."""


class ParkedError(Exception):
    """A dealer in domains answered: the portal has let its name go."""


class ClosedError(Exception):
    """A page that says that the site is closed, or wants a login, answered in its place."""


class RobotsMiddleware:
    """Obeys robots.txt as RFC 9309 has it: unreachable means disallow, records live for a day and across crawls.

    A guard's or a dealer's page with status 200, one that says that the site is closed, or a login, is no answer of the
    site either (with any other it fails anyway).
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._manners = find_manners(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if not self._manners.settings.obey_robots or request.meta.get("is_robots_txt"):
            return
        record = await self._get_record(request)
        if not is_readable(record.status):
            what = f"HTTP {record.status}" if record.status else self._manners.robots.get_reason(record.host)
            raise RobotsUnreadableError(f"robots.txt cannot be read ({what or 'no answer'})")
        if not is_allowed(record, request.url):
            raise RobotsRefusedError("robots.txt disallows it")

    async def process_response(self, request: Request, response: Response) -> Response:
        is_page = response.status == 200 and not request.meta.get("is_robots_txt")
        if is_page and is_challenge(response.body, response.headers.get("Cf-Mitigated")):
            raise ChallengedError("a guard against robots answered, not the site")
        if is_page and is_parked(response.body, response.url):
            raise ParkedError("a dealer in domains answered, not the site")
        if is_page and (closure := find_closure(response.body)):
            raise ClosedError(f"{closure} answered, not the site")
        return response

    async def _get_record(self, request: Request) -> RobotsRecord:
        host, robots = host_of(request.url), self._manners.robots
        record = robots.get(host)
        if record is None:
            async with robots.lock(host):
                record = robots.get(host)
                if record is None:
                    robots_url = f"{request.url.partition(':')[0]}://{host}/robots.txt"
                    record = await self._fetch(host, robots_url, request)
                    robots.add(record)
        self._manners.pace.slow_down(host, get_crawl_delay(record))
        return record

    async def _fetch(self, host: str, robots_url: str, wanted: Request) -> RobotsRecord:
        """The host's robots.txt, of which the first 500 KiB count, for the sake of the request `wanted`."""
        meta = {
            "is_robots_txt": True,
            "limits": Limits(max_bytes=ROBOTS_MAX_BYTES + 1, may_cut=True),  # one more, so that the cut is seen
            "allowance": wanted.meta.get("robots_allowance"),
            "traffic": wanted.meta.get("traffic"),
            "ca_bundle": wanted.meta.get("ca_bundle"),
            "strangers": wanted.meta.get("strangers"),
        }
        request = Request(robots_url, meta=meta, callback=NO_CALLBACK, dont_filter=True)
        engine = self._crawler.engine
        assert engine is not None
        try:
            response = await engine.download_async(request)
            if TRUNCATED in response.flags:
                raise BrokenOffError("in the middle of robots.txt")  # what it forbids may be in the rest
        except HostHeldError:
            raise  # nobody was asked
        except Exception as error:  # whatever kept it from being read, the consequence is the same
            refusal = find_refusal(error)
            if refusal is not None:
                raise refusal from error  # which is our doing and not the host's
            logger.info("%s: robots.txt cannot be read: %s", host, error)
            self._manners.robots.set_reason(host, describe_download_error(error))
            return RobotsRecord(host=host, fetched_at=self._manners.clock(), status=0)
        body = cut_robots(response.body) if 200 <= response.status < 300 else b""
        return RobotsRecord(host=host, fetched_at=self._manners.clock(), status=response.status, body=body)


class PaceMiddleware:
    """Lets a request through when it is its host's turn, and counts it; 429 or 503 with Retry-After holds the host."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PaceMiddleware:
        return cls(find_manners(crawler))

    async def process_request(self, request: Request) -> None:
        stack = AsyncExitStack()
        host = host_of(request.url)
        strangers: Strangers | None = request.meta.get("strangers")
        if strangers is not None and not strangers.is_stranger(request.url):
            strangers = None
        if strangers is not None:
            strangers.spend(host)
        try:
            await stack.enter_async_context(self._manners.pace.turn(host, is_stranger=strangers is not None))
        except HostHeldError:
            if strangers is not None:
                strangers.left += 1  # nobody was asked
            raise
        request.meta["pace_turn"] = stack
        self._start_clock(request)
        traffic: Traffic | None = request.meta.get("traffic")
        if traffic is not None:
            traffic.requests[host_of(request.url)] += 1

    async def process_response(self, request: Request, response: Response) -> Response:
        await self._leave(request)
        traffic: Traffic | None = request.meta.get("traffic")
        if traffic is not None:
            traffic.answers[host_of(request.url)] += 1
            traffic.bytes[host_of(request.url)] += len(response.body)  # still compressed: this is next to the wire
        if response.status in (429, 503):
            seconds = parse_retry_after(response.headers.get("Retry-After"), self._manners.clock())
            if seconds:
                self._manners.pace.hold(host_of(request.url), seconds)
        return response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """A connection that broke off is tried once more, when it is the host's turn again."""
        await self._leave(request)
        if is_broken_off(exception) and not request.meta.get("is_second"):
            return request.replace(meta={**request.meta, "is_second": True})
        return None

    def _start_clock(self, request: Request) -> None:
        """Raises SlowAnswerError when redirects have used up the time."""
        allowance = request.meta.get("allowance")
        if allowance is None:
            allowance = request.meta["allowance"] = Allowance(self._manners.settings.timeout_seconds)
        if allowance.left <= 0:
            raise SlowAnswerError(allowance.whole)
        request.meta["download_timeout"] = allowance.left
        request.meta["asked_at"] = asyncio.get_running_loop().time()

    @staticmethod
    async def _leave(request: Request) -> None:
        asked_at = request.meta.pop("asked_at", None)
        if asked_at is not None:
            request.meta["allowance"].spent += asyncio.get_running_loop().time() - asked_at
        stack = request.meta.pop("pace_turn", None)
        if stack is not None:
            await stack.aclose()
