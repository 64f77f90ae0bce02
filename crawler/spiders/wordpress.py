"""WordPress sites, asked for what they say about our terms."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote_plus, urljoin

from aggregator.models import ArticleLink, ChannelKind, ChannelPage, Validators
from crawler.channels.wordpress import find_root
from crawler.spiders.base import ChannelSpider, Conversation
from crawler.spiders.portal import Answer, OutOfBudgetError, PollError, hash_body

logger = logging.getLogger(__name__)

REST_PAGE_SIZE = 20


class WordPressSpider(ChannelSpider):
    """For each term the search feed; where a site refuses that, its REST API, and then the tag's feed."""

    kind = ChannelKind.WORDPRESS

    async def find_links(self, talk: Conversation) -> tuple[Answer, Sequence[ArticleLink], ChannelPage | None]:
        channel = talk.assignment.job.channel
        site = find_root(channel.url)
        links: list[ArticleLink] = []
        answers: list[Answer] = []
        failed: PollError | OutOfBudgetError | None = None
        for term in channel.terms or ("",):
            try:
                answer, found = await self._search(talk, site, term)
            except (PollError, OutOfBudgetError) as error:
                failed = error
                talk.faults.append(f"{term!r}: {error}")
                if isinstance(error, OutOfBudgetError) or error.refused or error.retry_after:
                    break  # the other terms would fare no better
                continue
            answers.append(answer)
            links += found
        if not answers:
            assert failed is not None
            raise failed
        return _join_answers(answers), links, None

    async def _search(self, talk: Conversation, site: str, term: str) -> tuple[Answer, Sequence[ArticleLink]]:
        """The first way in that answers with something readable. Raises PollError that tells of all of them."""
        reasons: list[str] = []
        for way in (self._ask_search_feed, self._ask_rest, self._ask_tag_feed):
            try:
                return await way(talk, site, term)
            except PollError as error:
                if error.refused or error.retry_after:
                    raise  # not a question of the way in
                reasons.append(f"{way.__name__.removeprefix('_ask_')}: {error}")
                failed = error
        logger.info("%s: no WordPress way in for %r: %s", site, term, "; ".join(reasons))
        telling = [reason for reason in reasons if not reason.endswith(("HTTP 404", "so no tag"))]
        raise PollError("; ".join(telling or reasons), status=failed.status)

    async def _ask_search_feed(self, talk: Conversation, site: str, term: str) -> tuple[Answer, Sequence[ArticleLink]]:
        query = f"?s={quote_plus(term)}&feed=rss2" if term else "?feed=rss2"
        answer = await self.ask_part(talk, urljoin(site, query))
        if answer.status == 304:
            return answer, ()
        page = await self.read(talk, answer, ChannelKind.FEED)
        if page.fault:
            talk.faults.append(page.fault)
        return answer, page.links

    async def _ask_rest(self, talk: Conversation, site: str, term: str) -> tuple[Answer, Sequence[ArticleLink]]:
        links: list[ArticleLink] = []
        answers: list[Answer] = []
        for number in range(1, talk.assignment.job.channel.max_pages + 1):
            query = f"wp-json/wp/v2/posts?per_page={REST_PAGE_SIZE}&page={number}&_embed=author"
            search = f"&search={quote_plus(term)}" if term else ""
            try:
                answer = await self.ask_part(talk, urljoin(site, query + search))
                page = await self.read(talk, answer) if answer.status != 304 else ChannelPage()
            except (PollError, OutOfBudgetError) as error:
                if number == 1:
                    raise
                if getattr(error, "status", 0) != 400:  # which is WordPress's answer past the last page
                    talk.faults.append(f"page {number}: {error}")
                break
            answers.append(answer)
            links += page.links
            if len(page.links) < REST_PAGE_SIZE:
                break
        return _join_answers(answers), links

    async def _ask_tag_feed(self, talk: Conversation, site: str, term: str) -> tuple[Answer, Sequence[ArticleLink]]:
        if not term:
            raise PollError("no term, so no tag")
        slug = "-".join(term.lower().split())
        answer = await self.ask_part(talk, urljoin(site, f"tag/{slug}/feed/"))
        if answer.status == 304:
            return answer, ()
        page = await self.read(talk, answer, ChannelKind.FEED)
        return answer, page.links


def _join_answers(answers: Sequence[Answer]) -> Answer:
    """One answer for all, a 304 only if all were: its hash is over all of them; what to ask with is of the parts."""
    status = 304 if all(answer.status == 304 for answer in answers) else 200
    together = "".join(answer.validators.body_hash for answer in answers).encode()
    return replace(answers[-1], status=status, validators=Validators(body_hash=hash_body(together)))
