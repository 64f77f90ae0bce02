"""What the four spiders have in common.

A poll is a conversation with one portal: a conditional request, fallbacks, next pages, then article after article.
It is told top to bottom in one coroutine (Scrapy's inline requests); Scrapy's downloader and middlewares work below it.
Each poll ends in one Harvest.
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

from aggregator.models import (
    ArticleLink,
    ChannelJob,
    ChannelKind,
    ChannelPage,
    FetchedPage,
    Harvest,
    LinkFailure,
    Poll,
    PollOutcome,
    Validators,
)
from crawler.extraction.page_links import find_first_page
from crawler.overlays import Overlays
from crawler.parsing import ParseFailedError
from crawler.reading import PageReading, Reading, read_channel, read_further_page, read_link, read_page
from crawler.robots_tags import RobotsTags
from crawler.spiders.portal import Answer, OutOfBudgetError, PollError, PortalSpider, Talk
from crawler.visit import Visit

logger = logging.getLogger(__name__)

HTML_TYPES = ("html", "xml", "text/plain")  # media types in which an article page may come


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A channel to poll, within the visit to its source."""

    visit: Visit
    job: ChannelJob


@dataclass(kw_only=True)
class Conversation(Talk):
    """What one poll has brought so far."""

    assignment: Assignment
    started_at: datetime
    pages: list[FetchedPage] = field(default_factory=list)
    failures: list[LinkFailure] = field(default_factory=list)
    deferred: list[ArticleLink] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # parts of the channel that could not be read


class ChannelSpider(PortalSpider):
    """Polls all channels of one kind; a subclass says how a channel's links are found."""

    kind: ClassVar[ChannelKind]

    def __init__(
        self,
        *,
        assignments: Sequence[Assignment],
        hand_over: Callable[[Harvest], Awaitable[None]],
        overlays: Overlays,
        **portal: Any,
    ) -> None:
        super().__init__(name=self.kind.value, **portal)
        self.assignments = assignments
        self.hand_over = hand_over
        self.overlays = overlays

    async def start(self) -> AsyncIterator[Any]:
        """Polls all channels at once (the pace of each host orders them) and hands over each Harvest as it is done.

        It yields nothing: after an item yielded here the engine sits out its 5 s heartbeat before it closes.
        """
        polls = [asyncio.ensure_future(self.poll(assignment)) for assignment in self.assignments]
        for harvest in asyncio.as_completed(polls):
            await self.hand_over(await harvest)
        nothing: tuple[Any, ...] = ()
        for request in nothing:  # makes this the asynchronous generator that Scrapy expects
            yield request

    @abstractmethod
    async def find_links(self, talk: Conversation) -> tuple[Answer, Sequence[ArticleLink], ChannelPage | None]:
        """Reads the channel: the answer that counts for its state, and the links, newest first as portals have them.

        Raises PollError; answers 304 and known bodies come as `is_unchanged` answers with no links.
        """

    async def poll(self, assignment: Assignment) -> Harvest:
        """Reads the channel, then every article on it that we do not have. Never raises.

        ask the channel ─┬─ refused, failed ──────────────────────────▶ Harvest(REFUSED | FAILED)
                         ├─ 304, or the body we know ─▶ pending links ─▶ Harvest(UNCHANGED)
                         └─ links ─▶ wanted links, oldest first, and pending ones ─▶ Harvest(CHANGED)
        """
        talk = Conversation(visit=assignment.visit, assignment=assignment, started_at=self.manners.clock())
        try:
            answer, links, page = await self.find_links(talk)
        except PollError as error:
            outcome = PollOutcome.REFUSED if error.refused else PollOutcome.FAILED
            poll = self._poll(talk, outcome, reason=str(error), http_status=error.status)
            return self._harvest(talk, poll, retry_after=error.retry_after)
        except OutOfBudgetError as error:
            return self._harvest(talk, self._poll(talk, PollOutcome.REFUSED, reason=str(error)))
        except Exception as error:  # a bug here must cost this channel only
            logger.exception("poll of %s failed", assignment.job.channel.url)
            return self._harvest(talk, self._poll(talk, PollOutcome.FAILED, reason=f"internal error: {error!r}"))
        unchanged = is_unchanged(answer, assignment.job)
        # oldest first: should the cycle be cut short, the feed has no hole in it
        await self._read_articles(talk, list(reversed(links)))
        if page and page.fault:
            talk.faults.append(page.fault)
        poll = self._poll(
            talk,
            PollOutcome.UNCHANGED if unchanged else PollOutcome.CHANGED,
            http_status=answer.status,
            reason="; ".join(talk.faults),
            links=len(links),
            validators=self._choose_validators(talk, answer, unchanged=unchanged),
            ttl_minutes=page.ttl_minutes if page else None,
            fresh_seconds=answer.fresh_seconds,
        )
        return self._harvest(talk, poll)

    @staticmethod
    def _choose_validators(talk: Conversation, answer: Answer, *, unchanged: bool) -> Validators:
        """What the next poll sends. After a fault nothing: the channel must be read again, changed or not."""
        if talk.faults:
            return Validators()
        return talk.assignment.job.validators if unchanged else answer.validators

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask_channel(self, talk: Conversation, url: str, *, conditional: bool = True) -> Answer:
        """The channel's answer, 2xx or 304. Raises PollError, OutOfBudgetError."""
        answer = await self.fetch(talk, url, talk.assignment.job.validators if conditional else Validators())
        if answer.status == 304 or 200 <= answer.status < 300:
            return answer
        raise PollError(f"HTTP {answer.status}", status=answer.status, retry_after=answer.retry_after)

    async def read(self, talk: Conversation, answer: Answer, kind: ChannelKind | None = None) -> ChannelPage:
        """The links in an answer of the channel. Raises PollError."""
        channel = talk.assignment.job.channel
        try:
            return await self.pool.run(
                read_channel, answer.body, answer.url, answer.content_type, kind or self.kind, channel.selectors
            )
        except ParseFailedError as error:
            raise PollError(str(error), status=answer.status) from error

    # ── the articles ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _read_articles(self, talk: Conversation, links: Sequence[ArticleLink]) -> None:
        visit = talk.visit
        pending = [waiting.link for waiting in visit.take_pending()]
        wanted = [*pending, *(link for link in links if visit.is_wanted(link))]
        for position, link in enumerate(wanted):
            if not visit.may_take:
                talk.deferred.extend(wanted[position:])
                return
            try:
                await self._read_article(talk, link)
                visit.items += 1
            except OutOfBudgetError:
                talk.deferred.extend(wanted[position:])
                return
            except (PollError, ParseFailedError) as error:
                talk.failures.append(_describe_failure(link, error))
        for link in visit.take_rechecks():
            try:
                await self._read_article(talk, link)
            except OutOfBudgetError:
                return  # its turn comes again
            except (PollError, ParseFailedError) as error:
                talk.failures.append(_describe_failure(link, error))

    async def _read_article(self, talk: Conversation, link: ArticleLink) -> None:
        reading = self._reading(talk.visit)
        learn = talk.visit.should_learn()
        if link.content_html:
            read = await self.pool.run(read_link, link, reading, learn)
            url = link.url
        else:
            answer = await self.fetch(talk, find_first_page(link.url))
            check_page(answer, self.manners.settings.max_page_bytes)
            read = await self.pool.run(read_page, answer.body, link, answer.url, reading, learn)
            read = _heed(read, answer.robots)
            url = answer.url
            read = await self._read_rest(talk, read, url, reading)
        page = FetchedPage(
            url=url,
            link=link,
            article=read.article,
            raw=read.raw,
            fetched_at=self.manners.clock(),
            from_channel=bool(link.content_html),
            passed_scan=read.passed_scan,
        )
        talk.pages.append(page)

    async def _read_rest(self, talk: Conversation, read: PageReading, url: str, reading: Reading) -> PageReading:
        """The article with its other pages joined to it: from one page that has them all, else page after page.

        Whatever ends it (limits, robots.txt, a failure, a page of something else), what was read so far is kept, and
        nothing waits for the next cycle.
        """
        most = self.manners.settings.max_article_pages
        try:
            if most > 1 and read.links.whole:
                whole = await self._read_further(talk, read, read.links.whole, url, reading)
                if whole is not None:
                    return whole
            for _ in range(1, most):
                further = read.links.next and await self._read_further(talk, read, read.links.next, url, reading)
                if not further:
                    break
                read = further
        except OutOfBudgetError as error:
            logger.info("%s: kept without its further pages: %s", url, error)
        return read

    async def _read_further(
        self, talk: Conversation, read: PageReading, address: str, url: str, reading: Reading
    ) -> PageReading | None:
        """`read` with the page at `address` joined to it; None where that cannot be had. Raises OutOfBudgetError."""
        try:
            answer = await self.fetch(talk, address)
            check_page(answer, self.manners.settings.max_page_bytes)
            joined = await self.pool.run(read_further_page, answer.body, answer.url, read, url, reading)
        except (PollError, ParseFailedError) as error:
            logger.warning("%s: kept without %s: %s", url, address, error)
            return None
        if joined is None:
            logger.info("%s: nothing of the article on %s", url, address)
        return joined

    def _reading(self, visit: Visit) -> Reading:
        return Reading(
            zone=visit.job.source.timezone,
            now=visit.job.now,
            keep_all=self.manners.settings.keep == "all",
            overlays=self.overlays,
            profile=visit.job.source.profile,
            utc_is_local=visit.job.source.utc_is_local,
        )

    # ── the harvest ────────────────────────────────────────────────────────────────────────────────────────────────

    def _poll(self, talk: Conversation, outcome: PollOutcome, **facts: Any) -> Poll:
        return Poll(
            channel_id=talk.assignment.job.channel_id,
            outcome=outcome,
            started_at=talk.started_at,
            finished_at=self.manners.clock(),
            requests=talk.requests,
            traffic=talk.traffic.report(self.manners.pace, self.manners.clock()),
            **facts,
        )

    def _harvest(self, talk: Conversation, poll: Poll, *, retry_after: int | None = None) -> Harvest:
        visit = talk.visit
        return Harvest(
            source_id=visit.job.source.id,
            poll=replace(poll, retry_after_seconds=retry_after) if retry_after is not None else poll,
            pages=tuple(talk.pages),
            failures=tuple(talk.failures),
            deferred=tuple(talk.deferred),
            robots=self.manners.robots.take_fetched(visit.hosts),
        )


def is_unchanged(answer: Answer, job: ChannelJob) -> bool:
    """304, or the very body of last time from a server that never answers 304."""
    return answer.status == 304 or (
        bool(job.validators.body_hash) and answer.validators.body_hash == job.validators.body_hash
    )


def check_page(answer: Answer, max_bytes: int) -> None:
    """Raises PollError unless the answer can be an article page."""
    if answer.status != 200:
        raise PollError(f"HTTP {answer.status}", status=answer.status)
    if len(answer.body) > max_bytes:
        raise PollError(f"page of {len(answer.body)} bytes is over the limit of {max_bytes}", status=413)
    if answer.content_type and not any(known in answer.content_type.lower() for known in HTML_TYPES):
        raise PollError(f"not a page but {answer.content_type[:60]}", status=415)


def _heed(read: PageReading, robots: RobotsTags) -> PageReading:
    """The reading under what the page's header asks for, beside its markup."""
    article = read.article
    if article is None or robots == RobotsTags():
        return read
    noindex, limit = RobotsTags(article.noindex, article.snippet_limit).join(robots)
    return replace(read, article=replace(article, noindex=noindex, snippet_limit=limit))


def _describe_failure(link: ArticleLink, error: Exception) -> LinkFailure:
    status = getattr(error, "status", 0)
    is_final = status in (401, 403, 404, 410, 413, 415, 451)  # asking again will not help
    return LinkFailure(
        url=link.url,
        link=link,
        reason=str(error),
        permanent=is_final or isinstance(error, ParseFailedError),
        refused=getattr(error, "refused", False),
        gone=status in (404, 410),
    )
