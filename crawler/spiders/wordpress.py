"""WordPress sites, asked for what they say about our terms."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import quote_plus, urljoin

from aggregator.models import ArticleLink, ChannelKind, ChannelPage
from crawler.spiders.base import Answer, ChannelSpider, Conversation, OutOfBudgetError, PollError

logger = logging.getLogger(__name__)

REST_PAGE_SIZE = 20


class WordPressSpider(ChannelSpider):
    """For each term the search feed; where a site refuses that, its REST API, and then the tag's feed."""

    kind = ChannelKind.WORDPRESS

    async def find_links(self, talk: Conversation) -> tuple[Answer, Sequence[ArticleLink], ChannelPage | None]:
        channel = talk.assignment.job.channel
        links: list[ArticleLink] = []
        answer, failed = None, None
        for term in channel.terms or ("",):
            try:
                answer, found = await self._search(talk, channel.url, term)
                links += found
            except PollError as error:
                failed = error
                talk.faults.append(f"{term!r}: {error}")
        if answer is None:
            assert failed is not None
            raise failed
        return answer, links, None

    async def _search(self, talk: Conversation, site: str, term: str) -> tuple[Answer, Sequence[ArticleLink]]:
        """The first way in that answers with something readable. Raises the last way's PollError."""
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
        raise PollError("; ".join(reasons), status=failed.status)

    async def _ask_search_feed(self, talk: Conversation, site: str, term: str) -> tuple[Answer, Sequence[ArticleLink]]:
        query = f"?s={quote_plus(term)}&feed=rss2" if term else "?feed=rss2"
        answer = await self.ask_channel(talk, urljoin(site, query), conditional=False)
        page = await self.read(talk, answer, ChannelKind.FEED)
        return answer, page.links

    async def _ask_rest(self, talk: Conversation, site: str, term: str) -> tuple[Answer, Sequence[ArticleLink]]:
        links: list[ArticleLink] = []
        for number in range(1, talk.assignment.job.channel.max_pages + 1):
            query = f"wp-json/wp/v2/posts?per_page={REST_PAGE_SIZE}&page={number}&_embed=author"
            search = f"&search={quote_plus(term)}" if term else ""
            try:
                answer = await self.ask_channel(talk, urljoin(site, query + search), conditional=False)
                page = await self.read(talk, answer)
            except (PollError, OutOfBudgetError):
                if number == 1:
                    raise
                break  # WordPress answers 400 past the last page
            links += page.links
            if len(page.links) < REST_PAGE_SIZE:
                break
        return answer, links

    async def _ask_tag_feed(self, talk: Conversation, site: str, term: str) -> tuple[Answer, Sequence[ArticleLink]]:
        if not term:
            raise PollError("no term, so no tag")
        slug = "-".join(term.lower().split())
        answer = await self.ask_channel(talk, urljoin(site, f"tag/{slug}/feed/"), conditional=False)
        page = await self.read(talk, answer, ChannelKind.FEED)
        return answer, page.links
