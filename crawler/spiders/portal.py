"""What every conversation with a portal needs: asking it for something, within its limits. Nothing of channels here."""

from __future__ import annotations

import asyncio
import hashlib
import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

import scrapy
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from aggregator.models import ChannelKind, ChannelPage, Selectors, Validators
from crawler.address_guard import find_refusal
from crawler.answer_errors import AnswerError, describe_download_error
from crawler.answers import clean_address
from crawler.ballast import Place, release_all
from crawler.characters import clean_reason
from crawler.conditions import keep_date, keep_tag
from crawler.downloading import TRUNCATED, Limits
from crawler.freshness import parse_freshness
from crawler.middlewares import Allowance, Manners
from crawler.parsing import ParseFailedError, ParserBusyError, ParserPool
from crawler.politeness import HostHeldError, Traffic, host_of
from crawler.reading import read_channel
from crawler.retry_after import parse_retry_after
from crawler.robots_tags import RobotsTags, parse_robots_tags
from crawler.visit import Visit
from crawler.vitals import NOBODY, Vitals

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_URL = 8_000  # servers refuse longer ones


class PollError(Exception):
    """Something could not be read: the reason for people, and whether we refused rather than the portal failed.

    `is_final`: to ask again will not help.
    """

    def __init__(
        self,
        reason: str,
        *,
        refused: bool = False,
        status: int = 0,
        retry_after: int | None = None,
        is_final: bool = False,
    ) -> None:
        super().__init__(clean_reason(reason))
        self.refused = refused
        self.is_final = is_final
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
    places: list[Place] = field(default_factory=list)  # what its body takes of `crawler.ballast`
    is_truncated: bool = False  # it was cut off: the body is what came, and there is nothing to recognise it by


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

    async def fetch(
        self,
        talk: Talk,
        url: str,
        validators: Validators = Validators(),  # noqa: B008 - frozen
        *,
        max_bytes: int | None = None,
        is_recognised: bool = True,
    ) -> Answer:
        """Any answer of the portal, of at most `max_bytes` (None: as a channel may have). `is_recognised`: the same
        body is to be recognised next time.

        Raises PollError when there is none, OutOfBudgetError when it may not be asked.
        """
        visit = talk.visit
        self._check_budget(visit)
        request = self._make_request(talk, url, validators, max_bytes or visit.settings.max_body_bytes)
        visit.requests += 1
        talk.requests += 1
        visit.hosts.add(host_of(request.url))
        places: list[Place] = request.meta["places"]
        try:
            answer = self._make_answer(await self._download(talk, request), places, is_hashed=is_recognised)
        except BaseException:
            release_all(places)
            raise
        weakref.finalize(answer, release_all, places)  # should nobody parse it
        return answer

    async def use_body(
        self, talk: Talk, answer: Answer, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As `run_parser`; after that the body of `answer` needs no room."""
        try:
            return await self.run_parser(talk, answer.url, function, *args, **kwargs)
        except ParseFailedError as error:
            traceback.clear_frames(error.__traceback__)  # a future and its failure keep each other, and the body
            raise
        finally:
            release_all(answer.places)
            del args

    async def read_as_channel(
        self, talk: Talk, answer: Answer, kind: ChannelKind, selectors: Selectors | None
    ) -> ChannelPage:
        """The links in an answer, read as a channel of that kind. Raises ParseFailedError, OutOfBudgetError."""
        return await self.use_body(
            talk, answer, read_channel, answer.body, answer.url, answer.content_type, kind, selectors
        )

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

    async def _download(self, talk: Talk, request: scrapy.Request) -> Response:
        """Raises PollError, OutOfBudgetError."""
        engine = self.crawler.engine
        assert engine is not None
        self.vitals.rest()
        try:
            return await engine.download_async(request)
        except HostHeldError as error:
            talk.visit.requests -= 1  # which was not sent
            talk.requests -= 1
            raise HostRestsError(error) from error
        except OutOfBudgetError:
            raise
        except IgnoreRequest as error:
            raise PollError(str(error) or "refused", refused=True) from error
        except AnswerError as error:
            traceback.clear_frames(error.__traceback__)  # deferreds and their failures keep each other, and the body
            raise PollError(str(error), is_final=error.is_final) from error
        except Exception as error:  # whatever the network, TLS or HTTP code may raise about a hostile portal
            refusal = find_refusal(error)
            reason = describe_download_error(refusal or error)
            raise PollError(reason, refused=refusal is not None, is_final=isinstance(error, ValueError)) from error
        finally:
            self.vitals.take_up(talk.unit)

    def _check_budget(self, visit: Visit) -> None:
        """Raises OutOfBudgetError when the source may be asked nothing more in this cycle."""
        if not visit.may_ask:
            raise OutOfBudgetError(f"the source's {visit.settings.max_requests} requests of this cycle are used up")
        clock = asyncio.get_running_loop().time()
        if clock > self.deadline:
            raise OutOfBudgetError("the cycle's time is up")
        if visit.requests and visit.is_over(clock):
            raise OutOfBudgetError(f"the source's {visit.settings.visit_seconds:g} s of this cycle are used up")

    def _make_request(self, talk: Talk, url: str, validators: Validators, max_bytes: int) -> scrapy.Request:
        """Raises PollError for what is no address."""
        visit = talk.visit

        def count_hop() -> None:
            """A redirect is a request, too."""
            self._check_budget(visit)
            visit.requests += 1

        headers = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
        bundle = visit.job.source.ca_bundle
        meta = {
            "traffic": talk.traffic,
            "limits": Limits(max_bytes=max_bytes),
            "allowance": Allowance(visit.settings.timeout_seconds),
            "robots_allowance": Allowance(visit.settings.timeout_seconds),
            "on_redirect": count_hop,
            "places": [],
            "strangers": visit.strangers,
            "ca_bundle": str(Path(self.manners.ca_folder, bundle)) if bundle else "",
        }
        try:
            address = clean_address(urlsplit(url))
            if len(address) > LONGEST_URL:
                raise PollError("no address of the web: too long", refused=True)
            kept = {name: value for name, value in headers.items() if value}
            return scrapy.Request(address, headers=kept, callback=NO_CALLBACK, dont_filter=True, meta=meta)
        except ValueError as error:
            raise PollError("no address of the web: malformed", refused=True) from error

    def _make_answer(self, response: Response, places: list[Place], *, is_hashed: bool) -> Answer:
        def header(name: str) -> str:
            return (response.headers.get(name) or b"").decode("latin-1")

        is_truncated = TRUNCATED in response.flags
        validators = Validators(
            etag=keep_tag(header("ETag")),
            last_modified=keep_date(header("Last-Modified"), self.manners.clock()),
            body_hash=hash_body(response.body) if is_hashed else "",
        )
        return Answer(
            url=response.url,
            status=response.status,
            body=response.body,
            content_type=header("Content-Type"),
            validators=Validators() if is_truncated else validators,
            retry_after=parse_retry_after(response.headers.get("Retry-After"), self.manners.clock()),
            fresh_seconds=parse_freshness(response.headers.get("Cache-Control"), response.headers.get("Age")),
            robots=parse_robots_tags(value.decode("latin-1") for value in response.headers.getlist("X-Robots-Tag")),
            total_pages=read_count(header("X-WP-TotalPages")),
            is_truncated=is_truncated,
            places=places,
        )


def read_count(text: str) -> int:
    """A number of sane size; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def hash_body(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest() if body else ""
