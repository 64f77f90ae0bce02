"""Listing pages: index, tag and search pages of sites without a feed."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.models import ArticleLink, ChannelKind, ChannelPage
from aggregator.urls import make_url_key
from crawler.spiders.base import Answer, ChannelSpider, Conversation, is_unchanged
from crawler.visit import Visit


class ListingSpider(ChannelSpider):
    """The links of a page and, while they are new, of the pages after it."""

    kind = ChannelKind.LISTING

    async def find_links(self, talk: Conversation) -> tuple[Answer, Sequence[ArticleLink], ChannelPage | None]:
        job, visit = talk.assignment.job, talk.assignment.visit
        answer = await self.ask_channel(talk, job.channel.url)
        if is_unchanged(answer, job):
            return answer, (), None
        first = page = await self.read(talk, answer)
        links, seen = list(page.links), {answer.url}
        for _ in range(job.channel.max_pages - 1):
            if not page.next_page or page.next_page in seen or not _all_new(page, visit):
                break
            seen.add(page.next_page)
            page = await self.read(talk, await self.ask_channel(talk, page.next_page, conditional=False))
            links += page.links
        return answer, links, first


def _all_new(page: ChannelPage, visit: Visit) -> bool:
    """Whether nothing on the page is known: only then can the page after it hold something new."""
    return bool(page.links) and all(make_url_key(link.url) not in visit.job.known for link in page.links)
