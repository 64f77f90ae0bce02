"""Reading articles, whatever led to them: a channel that is polled, or an archive that is read back."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aggregator.models import ArticleLink, FetchedPage, LinkFailure
from aggregator.urls import is_front_page
from crawler.characters import clean_reason
from crawler.extraction.page_links import find_first_page
from crawler.extraction.reasons import PASSING_REASONS
from crawler.overlays import Overlays
from crawler.parsing import ParseFailedError
from crawler.reading import PageReading, Reading, read_further_page, read_link, read_page
from crawler.robots_tags import RobotsTags
from crawler.spiders.portal import Answer, OutOfBudgetError, PollError, PortalSpider, Talk
from crawler.visit import Visit

logger = logging.getLogger(__name__)

HTML_TYPES = ("html", "xml", "text/plain")  # media types in which an article page may come


@dataclass(kw_only=True)
class ReadingTalk(Talk):
    """A conversation in which articles are read, and what it has brought so far."""

    pages: list[FetchedPage] = field(default_factory=list)
    failures: list[LinkFailure] = field(default_factory=list)


class ArticleSpider(PortalSpider):
    """Reads articles, with their further pages joined to them."""

    def __init__(self, *, overlays: Overlays, **portal: Any) -> None:
        super().__init__(**portal)
        self.overlays = overlays

    async def read_article(self, talk: ReadingTalk, link: ArticleLink) -> None:
        """Adds the article to `talk.pages`. Raises PollError, ParseFailedError, OutOfBudgetError."""
        reading = self._reading(talk.visit)
        learn = talk.visit.should_learn()
        if link.content_html:
            read = await self.run_parser(talk, link.url, read_link, link, reading, learn)
            url = link.url
        else:
            answer = await self._fetch_page(talk, find_first_page(link.url))
            if is_front_page(answer.url):
                raise PollError("its address leads to the front page", status=answer.status)
            read = await self.use_body(talk, answer, read_page, answer.body, link, answer.url, reading, learn)
            check_article(read, link)
            read = _heed(read, answer.robots, reading.now)
            url = answer.url
            read = await self._read_rest(talk, read, url, reading)
        page = FetchedPage(
            url=url,
            link=link,
            article=read.article,
            raw=read.raw,
            page_hash=read.page_hash,
            fetched_at=self.manners.clock(),
            from_channel=bool(link.content_html),
            passed_scan=read.passed_scan,
        )
        talk.pages.append(page)
        talk.visit.count_kept(page)

    async def _fetch_page(self, talk: ReadingTalk, url: str) -> Answer:
        """The answer, which can be an article page. Raises PollError, OutOfBudgetError."""
        answer = await self.fetch(talk, url, max_bytes=self.manners.settings.max_page_bytes, is_recognised=False)
        check_page(answer)
        return answer

    async def _read_rest(self, talk: ReadingTalk, read: PageReading, url: str, reading: Reading) -> PageReading:
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
        self, talk: ReadingTalk, read: PageReading, address: str, url: str, reading: Reading
    ) -> PageReading | None:
        """`read` with the page at `address` joined to it; None where that cannot be had. Raises OutOfBudgetError."""
        try:
            answer = await self._fetch_page(talk, address)
            joined = await self.use_body(talk, answer, read_further_page, answer.body, answer.url, read, url, reading)
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


def check_page(answer: Answer) -> None:
    """Raises PollError unless the answer can be an article page."""
    if answer.status != 200:
        raise PollError(f"HTTP {answer.status}", status=answer.status, retry_after=answer.retry_after)
    if answer.is_truncated:  # what is missing may come the next time, and half an article would stand for it
        raise PollError("the page was cut off")
    if answer.content_type and not any(known in answer.content_type.lower() for known in HTML_TYPES):
        raise PollError(f"not a page but {answer.content_type[:60]}", status=415)


def check_article(read: PageReading, link: ArticleLink) -> None:
    """Raises PollError where something else answered in the article's place, and the channel tells but a title."""
    article = read.article
    if article is not None and article.refusal in PASSING_REASONS and not link.summary:
        raise PollError(f"{article.refusal} in place of the article", status=200)


def _heed(read: PageReading, robots: RobotsTags, now: datetime) -> PageReading:
    """The reading under what the page's header asks for, beside its markup."""
    article = read.article
    if article is None or robots == RobotsTags():
        return read
    asked = RobotsTags(article.noindex, article.snippet_limit).join(robots)
    heeding = replace(
        article,
        noindex=asked.forbids_showing(now),
        snippet_limit=asked.snippet_limit,
        image=article.image if asked.has_image else "",
    )
    return replace(read, article=heeding)


def describe_failure(link: ArticleLink, error: Exception) -> LinkFailure:
    """Why an article could not be read, and whether asking again may help."""
    status = getattr(error, "status", 0)
    is_final = getattr(error, "is_final", False) or status in (401, 403, 404, 410, 413, 415, 451)
    return LinkFailure(
        url=link.url,
        link=link.shorten(),
        reason=clean_reason(str(error)),
        permanent=is_final or isinstance(error, ParseFailedError),
        refused=getattr(error, "refused", False),
        gone=status in (404, 410),
    )
