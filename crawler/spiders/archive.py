"""Reads archives back, a unit at a time: a page of the archive, or a few of the articles on it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from aggregator.models import CrawlJob
from crawler.backfilling.report import ArchiveFailure, ArchiveJob, ArchivePage, ArchiveReport
from crawler.characters import clean_reason
from crawler.parsing import ParseFailedError
from crawler.reading import read_channel
from crawler.spiders.articles import ArticleSpider, ReadingTalk, describe_failure
from crawler.spiders.portal import Answer, HostRestsError, OutOfBudgetError, PollError
from crawler.visit import LEARN_PAGES, Visit

logger = logging.getLogger(__name__)

DEFAULT_WAIT = 600  # seconds, after a 429 that does not say how long


class ArchiveSpider(ArticleSpider):
    """Does one unit after another, with the manners of a poll."""

    def __init__(
        self, *, jobs: Sequence[ArchiveJob], hand_over: Callable[[ArchiveReport], Awaitable[None]], **portal: Any
    ) -> None:
        super().__init__(name="archive", **portal)
        self.jobs = jobs
        self.hand_over = hand_over

    async def start(self) -> AsyncIterator[Any]:
        """Hands each report over as it is done. Yields nothing, as `ChannelSpider.start`."""
        for job in self.jobs:
            await self.hand_over(await self.work(job))
        nothing: tuple[Any, ...] = ()
        for request in nothing:
            yield request

    async def work(self, job: ArchiveJob) -> ArchiveReport:
        """The unit's report. Never raises."""
        settings = self.manners.settings.model_copy(update={"max_requests": job.max_requests})
        visit = Visit(job=CrawlJob(source=job.source, channels=(), now=job.now), settings=settings)
        visit.learned = LEARN_PAGES - (len(job.links) if job.reads_dates else LEARN_PAGES if job.learns else 0)
        talk = ReadingTalk(visit=visit)
        report = ArchiveReport()
        try:
            if job.page is not None:
                report = await self._read_archive(talk, job.page)
            else:
                report = replace(report, failure=await self._read_all(talk, job))
        except PollError as error:
            report = replace(report, failure=describe_stop(error))
        except OutOfBudgetError as error:
            wait = int(error.seconds) + 1 if isinstance(error, HostRestsError) else 0
            report = replace(report, failure=ArchiveFailure(reason=str(error), wait_seconds=wait))
        except Exception as error:  # a bug here must not end the run without its reason
            logger.exception("backfill of %s failed", job.source.id)
            report = replace(report, failure=ArchiveFailure(reason=f"internal error: {error!r}", is_unreadable=True))
        return replace(
            report,
            requests=talk.requests,
            kills=talk.kills,
            traffic=talk.traffic.report(self.manners.pace, self.manners.clock()),
            pages=tuple(talk.pages),
            failures=tuple(talk.failures),
            robots=self.manners.robots.take_fetched(visit.hosts),
        )

    async def _read_archive(self, talk: ReadingTalk, page: ArchivePage) -> ArchiveReport:
        """Raises PollError, OutOfBudgetError."""
        answer = await self.fetch(talk, page.url)
        if not 200 <= answer.status < 300:
            raise PollError(f"HTTP {answer.status}", status=answer.status, retry_after=answer.retry_after)
        if answer.is_truncated:
            raise PollError("the archive page was cut off")
        try:
            found = await self.use_body(
                talk, answer, read_channel, answer.body, answer.url, answer.content_type, page.kind, page.selectors
            )
        except ParseFailedError as error:
            return ArchiveReport(failure=_describe_unreadable(error, answer))
        return ArchiveReport(page=found, url=answer.url, total_pages=answer.total_pages)

    async def _read_all(self, talk: ReadingTalk, job: ArchiveJob) -> ArchiveFailure | None:
        """Reads the articles, one after another; returns what stopped it before the last. Raises OutOfBudgetError."""
        for link in job.links:
            try:
                await self.read_article(talk, talk.visit.believe(link))
            except ParseFailedError as error:
                talk.failures.append(describe_failure(link, error))
            except PollError as error:
                stop = describe_stop(error)
                if stop.wait_seconds is not None:
                    return stop
                talk.failures.append(describe_failure(link, error))
        return None


def describe_stop(error: PollError) -> ArchiveFailure:
    """What a failed request means for the next one."""
    wait = error.retry_after
    if error.status == 429 and wait is None:
        wait = DEFAULT_WAIT
    elif error.status not in (429, 503):
        wait = None
    return ArchiveFailure(reason=str(error), status=error.status, is_refusal=error.refused, wait_seconds=wait)


def _describe_unreadable(error: ParseFailedError, answer: Answer) -> ArchiveFailure:
    return ArchiveFailure(reason=clean_reason(str(error)), status=answer.status, is_unreadable=True)
