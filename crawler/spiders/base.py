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
    MOST_WAITING,
    ArticleLink,
    ChannelJob,
    ChannelKind,
    ChannelPage,
    Harvest,
    LinkFailure,
    Poll,
    PollOutcome,
    Validators,
)
from aggregator.urls import make_url_key
from crawler.characters import clean_reason
from crawler.intake import Assignment
from crawler.parsing import ParseFailedError
from crawler.politeness import host_of
from crawler.spiders.articles import ArticleSpider, ReadingTalk, describe_failure
from crawler.spiders.portal import Answer, HostRestsError, OutOfBudgetError, PollError
from crawler.visit import Visit

CUT_OFF = "the answer was cut off"

logger = logging.getLogger(__name__)

MOST_DEFERRED = 4 << 20  # characters of the links that one poll leaves for later
PATIENT_CYCLES = 8  # in which the links that wait are read in their order


@dataclass(kw_only=True)
class Conversation(ReadingTalk):
    """What one poll has brought so far."""

    assignment: Assignment
    started_at: datetime
    deferred: list[ArticleLink] = field(default_factory=list)
    waiting: int = 0  # links that had waited, and wait on
    left_out: int = 0  # links for which there is no room among those that wait
    _deferred_size: int = 0

    def defer(self, links: Sequence[ArticleLink]) -> None:
        """Leaves links for a later cycle. Those that had waited are remembered as they are; of others, as much as fits
        into one report, the newest."""
        kept: list[ArticleLink] = []
        for link in reversed(links):
            if make_url_key(link.url) in self.visit.waiting:
                self.waiting += 1
                continue
            short = link.shorten()
            self._deferred_size += len(repr(short))
            if len(self.deferred) + len(kept) < MOST_WAITING and self._deferred_size <= MOST_DEFERRED:
                kept.append(short)
            else:
                self.left_out += 1
        self.deferred.extend(reversed(kept))

    faults: list[str] = field(default_factory=list)  # parts of the channel that could not be read
    parts: list[tuple[str, str, str]] = field(default_factory=list)  # Validators.parts, of those that were asked for


class ChannelSpider(ArticleSpider):
    """Polls all channels of one kind; a subclass says how a channel's links are found."""

    kind: ClassVar[ChannelKind]

    def __init__(
        self,
        *,
        assignments: AsyncIterator[Assignment],
        hand_over: Callable[[Harvest], Awaitable[None]],
        **portal: Any,
    ) -> None:
        super().__init__(name=self.kind.value, **portal)
        self.assignments = assignments
        self.hand_over = hand_over

    async def start(self) -> AsyncIterator[Any]:
        """Polls all channels as they come (the pace of each host orders them), and hands over each Harvest when it is
        done.

        It yields nothing: after an item yielded here the engine sits out its 5 s heartbeat before it closes.
        """
        async with asyncio.TaskGroup() as polls:
            async for assignment in self.assignments:
                polls.create_task(self._poll_and_hand_over(assignment))
        nothing: tuple[Any, ...] = ()
        for request in nothing:  # makes this the asynchronous generator that Scrapy expects
            yield request

    @abstractmethod
    async def find_links(self, talk: Conversation) -> tuple[Answer, Sequence[ArticleLink], ChannelPage | None]:
        """Reads the channel: the answer that counts for its state, and the links, newest first as portals have them.

        Raises PollError; answers 304 and known bodies come as `is_unchanged` answers with no links.
        """

    async def _poll_and_hand_over(self, assignment: Assignment) -> None:
        await self.hand_over(await self.poll(assignment))

    async def poll(self, assignment: Assignment) -> Harvest:
        """Reads the channel, then every article on it that we do not have. Never raises.

        ask the channel ─┬─ refused, failed ──────────────────────────▶ Harvest(REFUSED | FAILED)
                         ├─ 304, or the body we know ─▶ pending links ─▶ Harvest(UNCHANGED)
                         └─ links ─▶ wanted links, oldest first, and pending ones ─▶ Harvest(CHANGED)
        """
        talk = Conversation(
            visit=assignment.visit, unit=assignment.unit, assignment=assignment, started_at=self.manners.clock()
        )
        try:
            return await self._poll_channel(talk)
        except PollError as error:
            outcome = PollOutcome.REFUSED if error.refused else PollOutcome.FAILED
            poll = self._poll(talk, outcome, reason=str(error), http_status=error.status)
            return self._harvest(talk, poll, retry_after=error.retry_after)
        except OutOfBudgetError as error:
            return self._harvest(talk, self._poll(talk, PollOutcome.REFUSED, reason=str(error)))
        except Exception as error:  # a bug here must cost this channel only
            logger.exception("poll of %s failed", assignment.job.channel.url)
            return self._harvest(talk, self._poll(talk, PollOutcome.FAILED, reason=f"internal error: {error!r}"))

    async def _poll_channel(self, talk: Conversation) -> Harvest:
        """Raises PollError, OutOfBudgetError where the channel cannot be read."""
        answer, links, page = await self.find_links(talk)
        unchanged = is_unchanged(answer, talk.assignment.job)
        answer = replace(answer, body=b"")  # articles may take minutes
        if elsewhere := find_elsewhere(links, talk.visit):
            talk.faults.append(elsewhere)
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
        """What the next poll sends. After a fault, or where links were left out, nothing: the channel must be read
        again, changed or not."""
        if talk.faults or talk.left_out:
            return Validators()
        known = talk.assignment.job.validators
        return replace(known if unchanged else answer.validators, parts=tuple(talk.parts) or known.parts)

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask_channel(self, talk: Conversation, url: str, *, conditional: bool = True) -> Answer:
        """The channel's answer, 2xx or 304. Raises PollError, OutOfBudgetError."""
        return await self._ask(talk, url, talk.assignment.job.validators if conditional else Validators())

    async def ask_part(self, talk: Conversation, url: str) -> Answer:
        """The answer of a part of the channel, asked for with what is known of that part; as `ask_channel`."""
        known = talk.assignment.job.validators.get_part(url)
        answer = await self._ask(talk, url, known)
        told = known if answer.status == 304 else answer.validators
        if told.etag or told.last_modified:
            talk.parts.append((url, told.etag, told.last_modified))
        return answer

    async def _ask(self, talk: Conversation, url: str, validators: Validators) -> Answer:
        answer = await self.fetch(talk, url, validators)
        is_conditional = bool(validators.etag or validators.last_modified)
        if 200 <= answer.status < 300 or (answer.status == 304 and is_conditional):
            return answer
        raise PollError(f"HTTP {answer.status}", status=answer.status, retry_after=answer.retry_after)

    async def read(self, talk: Conversation, answer: Answer, kind: ChannelKind | None = None) -> ChannelPage:
        """The links in an answer of the channel: of one that was cut off, those that came. Raises PollError."""
        channel = talk.assignment.job.channel
        try:
            page = await self.read_as_channel(talk, answer, kind or self.kind, channel.selectors)
        except ParseFailedError as error:
            reason = f"{CUT_OFF}, and what came cannot be read: {error}" if answer.is_truncated else str(error)
            raise PollError(reason, status=answer.status) from error
        if answer.is_truncated and CUT_OFF not in talk.faults:
            talk.faults.append(CUT_OFF)
        return page

    # ── the articles ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _read_articles(self, talk: Conversation, links: Sequence[ArticleLink]) -> None:
        visit = talk.visit
        pending = [waiting.link for waiting in visit.take_pending()]
        wanted = [visit.believe(link) for link in (*pending, *filter(visit.is_wanted, links))]
        if len(wanted) > PATIENT_CYCLES * visit.room:  # what is new must not wait for days behind what is old
            wanted = [*wanted[-visit.room :], *wanted[: -visit.room]]
        resting: set[str] = set()  # hosts: links to others are read all the same
        for position, link in enumerate(wanted):
            if not visit.may_take:
                talk.defer(wanted[position:])
                return
            if host_of(link.url) in resting and not link.content_html:
                talk.defer([link])
                continue
            try:
                await self.read_article(talk, link)
                visit.items += 1
            except HostRestsError as error:
                resting.add(error.host)
                talk.defer([link])
            except OutOfBudgetError:
                talk.defer(wanted[position:])
                return
            except Exception as error:
                talk.failures.append(self._describe(link, error))
        for link in visit.take_rechecks():
            try:
                await self.read_article(talk, link)
            except OutOfBudgetError:
                return  # its turn comes again
            except Exception as error:
                talk.failures.append(self._describe(link, error))

    @staticmethod
    def _describe(link: ArticleLink, error: Exception) -> LinkFailure:
        """Why an article was not read. A bug on one page must not cost the others."""
        if not isinstance(error, PollError | ParseFailedError):
            logger.error("reading %s failed", link.url, exc_info=error)
            error = PollError(f"internal error: {error!r}")
        return describe_failure(link, error)

    # ── the harvest ────────────────────────────────────────────────────────────────────────────────────────────────

    def _poll(self, talk: Conversation, outcome: PollOutcome, **facts: Any) -> Poll:
        return Poll(
            channel_id=talk.assignment.job.channel_id,
            outcome=outcome,
            started_at=talk.started_at,
            finished_at=self.manners.clock(),
            requests=talk.requests,
            host=host_of(talk.assignment.job.channel.url),
            traffic=talk.traffic.report(self.manners.pace, self.manners.clock()),
            kills=talk.kills,
            **{**facts, "reason": clean_reason(facts.get("reason", ""))},
        )

    def _harvest(self, talk: Conversation, poll: Poll, *, retry_after: int | None = None) -> Harvest:
        visit = talk.visit
        return Harvest(
            source_id=visit.job.source.id,
            poll=replace(poll, retry_after_seconds=retry_after) if retry_after is not None else poll,
            pages=tuple(talk.pages),
            failures=tuple(talk.failures),
            deferred=tuple(talk.deferred),
            waiting=talk.waiting,
            robots=self.manners.robots.take_fetched(visit.hosts),
        )


def find_elsewhere(links: Sequence[ArticleLink], visit: Visit) -> str:
    """What is wrong with a channel none of whose links leads to its source: it is another's, or the source moved."""
    if not links or visit.job.source.discovery or any(map(visit.is_own, links)):
        return ""
    host, domain = host_of(links[0].url), visit.job.source.domain
    return f"all {len(links)} links lead to another site ({host!r}), none to {domain!r}"


def is_unchanged(answer: Answer, job: ChannelJob) -> bool:
    """304, or the very body of last time from a server that never answers 304."""
    return answer.status == 304 or (
        bool(job.validators.body_hash) and answer.validators.body_hash == job.validators.body_hash
    )
