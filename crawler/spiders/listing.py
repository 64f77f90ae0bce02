"""Listing pages: index, tag and search pages of sites without a feed."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.models import ArticleLink, ChannelKind, ChannelPage
from aggregator.urls import make_url_key
from crawler.spiders.base import ChannelSpider, Conversation, is_unchanged
from crawler.spiders.portal import Answer, OutOfBudgetError, PollError
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
        links = {link.url: link for link in page.links}
        if not links:
            talk.faults.append("the channel holds no entries")
        for _ in range(job.channel.max_pages - 1):
            if page.next_page is None or not _are_all_new(page.links, visit):
                break
            try:
                page = await self.read(talk, await self.ask_channel(talk, page.next_page, conditional=False))
            except (PollError, OutOfBudgetError) as error:  # what the pages before it said still counts
                talk.faults.append(f"{page.next_page}: {error}")
                break
            more = {link.url: link for link in page.links if link.url not in links}
            if not more:
                break  # a site that answers every number with the same page
            links |= more
        return answer, list(links.values()), first


def _are_all_new(links: Sequence[ArticleLink], visit: Visit) -> bool:
    """Whether nothing on a page is known: only then can the page after it hold something new."""
    return bool(links) and all(make_url_key(link.url) not in visit.job.known for link in links)
