"""What every conversation with a portal needs: asking it for something, within its limits. Nothing of channels here."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import scrapy
from scrapy.exceptions import IgnoreRequest
from scrapy.http.request import NO_CALLBACK

from aggregator.models import Validators
from crawler.address_guard import AddressRefusedError
from crawler.characters import clean_reason
from crawler.freshness import parse_freshness
from crawler.middlewares import Manners
from crawler.parsing import ParseFailedError, ParserBusyError, ParserPool
from crawler.politeness import HostHeldError, Traffic, host_of
from crawler.retry_after import parse_retry_after
from crawler.robots_tags import RobotsTags, parse_robots_tags
from crawler.visit import Visit
from crawler.vitals import NOBODY, Vitals

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_VALIDATOR = 1_000  # characters of a tag that is sent back


class PollError(Exception):
    """The channel could not be read: the reason for people, and whether we refused rather than the portal failed."""

    def __init__(self, reason: str, *, refused: bool = False, status: int = 0, retry_after: int | None = None) -> None:
        super().__init__(clean_reason(reason))
        self.refused = refused
        self.status = status
        self.retry_after = retry_after


class OutOfBudgetError(Exception):
    """The cycle's time or the source's share of requests is used up, or the host wants a rest: what is left waits."""


class HostRestsError(OutOfBudgetError):
    """The host wants to be left alone for longer than a cycle waits; others may be asked."""

    def __init__(self, held: HostHeldError) -> None:
        super().__init__(str(held))
        self.host, self.seconds = held.host, held.seconds


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response as the poll needs it."""

    url: str
    status: int
    body: bytes
    content_type: str
    validators: Validators
    retry_after: int | None
    fresh_seconds: int = 0
    robots: RobotsTags = RobotsTags()  # noqa: RUF009 - frozen; of the header X-Robots-Tag
    total_pages: int = 0  # of a WordPress archive


@dataclass(kw_only=True)
class Talk:
    """A conversation with one portal."""

    visit: Visit
    unit: int = NOBODY  # of the batch
    requests: int = 0
    kills: int = 0  # parsers that died of what the portal sent
    traffic: Traffic = field(default_factory=Traffic)


class PortalSpider(scrapy.Spider):
    """Scrapy's downloader and middlewares, asked one thing at a time."""

    def __init__(self, *, name: str, manners: Manners, pool: ParserPool, deadline: float, vitals: Vitals) -> None:
        super().__init__(name=name)
        self.manners = manners
        self.pool = pool
        self.deadline = deadline  # in the time of the event loop
        self.vitals = vitals

    async def fetch(self, talk: Talk, url: str, validators: Validators = Validators()) -> Answer:  # noqa: B008 - frozen
        """Any answer of the portal. Raises PollError when there is none, OutOfBudgetError when it may not be asked."""
        visit = talk.visit
        if not visit.may_ask:
            raise OutOfBudgetError(f"the source's {visit.settings.max_requests} requests of this cycle are used up")
        clock = asyncio.get_running_loop().time()
        if clock > self.deadline:
            raise OutOfBudgetError("the cycle's time is up")
        if visit.requests and visit.is_over(clock):
            raise OutOfBudgetError(f"the source's {visit.settings.visit_seconds:g} s of this cycle are used up")
        visit.requests += 1
        talk.requests += 1
        visit.hosts.add(host_of(url))
        headers = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
        engine = self.crawler.engine
        assert engine is not None
        try:
            request = scrapy.Request(
                url,
                headers={k: v for k, v in headers.items() if v},
                callback=NO_CALLBACK,
                dont_filter=True,
                meta={"traffic": talk.traffic},
            )
            self.vitals.rest()
            response = await engine.download_async(request)
        except HostHeldError as error:
            visit.requests -= 1  # which was not sent
            talk.requests -= 1
            raise HostRestsError(error) from error
        except (IgnoreRequest, AddressRefusedError) as error:
            raise PollError(str(error) or "refused", refused=True) from error
        except Exception as error:  # whatever the network, TLS or HTTP code may raise about a hostile portal
            raise PollError(describe_download_error(error), refused=is_refusal(error)) from error
        finally:
            self.vitals.take_up(talk.unit)
        return self._make_answer(response)

    async def run_parser(
        self, talk: Talk, url: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`function(*args)` in a parser, of what came from `url`. Raises ParseFailedError, OutOfBudgetError."""
        source = talk.visit.job.source
        owner = host_of(url) if source.discovery else source.id  # a search engine leads to the pages of others
        self.vitals.rest()
        try:
            return await self.pool.run(owner, function, *args, **kwargs)
        except ParserBusyError as error:
            raise OutOfBudgetError(str(error)) from error
        except ParseFailedError as error:
            talk.kills += 0 if source.discovery else error.kills
            raise
        finally:
            self.vitals.take_up(talk.unit)

    def _make_answer(self, response: Any) -> Answer:
        def header(name: str) -> str:
            return (response.headers.get(name) or b"").decode("latin-1")

        def short(validator: str) -> str:
            return validator if len(validator) <= LONGEST_VALIDATOR else ""

        return Answer(
            url=response.url,
            status=response.status,
            body=response.body,
            content_type=header("Content-Type"),
            validators=Validators(
                etag=short(header("ETag")),
                last_modified=short(header("Last-Modified")),
                body_hash=hash_body(response.body),
            ),
            retry_after=parse_retry_after(response.headers.get("Retry-After"), self.manners.clock()),
            fresh_seconds=parse_freshness(response.headers.get("Cache-Control"), response.headers.get("Age")),
            robots=parse_robots_tags(value.decode("latin-1") for value in response.headers.getlist("X-Robots-Tag")),
            total_pages=read_count(header("X-WP-TotalPages")),
        )


def read_count(text: str) -> int:
    """A number of sane size; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def hash_body(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest() if body else ""


def is_refusal(error: BaseException) -> bool:
    """Whether the address guard is behind a failed connection, however Twisted has wrapped it."""
    return any(isinstance(reason, AddressRefusedError) for reason in _causes(error))


def describe_download_error(error: BaseException) -> str:
    """One line for people: the deepest reason known."""
    for reason in _causes(error):
        if isinstance(reason, AddressRefusedError):
            return str(reason)
    text = " ".join(str(error).split())
    if text and type(error).__module__.startswith("crawler."):  # our own words need no class name
        return text[:300]
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


def _causes(error: BaseException) -> Iterable[BaseException]:
    seen: list[BaseException] = []
    queue: list[Any] = [error]
    while queue and len(seen) < 20:
        current = queue.pop(0)
        current = getattr(current, "value", current)  # a Twisted Failure
        if not isinstance(current, BaseException) or current in seen:
            continue
        seen.append(current)
        queue += [current.__cause__, current.__context__, *(getattr(current, "reasons", None) or ())]
    return seen
