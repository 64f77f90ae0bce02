"""RSS, Atom and JSON feeds."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.models import ArticleLink, ChannelKind, ChannelPage
from crawler.spiders.base import ChannelSpider, Conversation, is_unchanged
from crawler.spiders.portal import Answer


class FeedSpider(ChannelSpider):
    """One conditional request; the entries are the links, and often the full text too."""

    kind = ChannelKind.FEED

    async def find_links(self, talk: Conversation) -> tuple[Answer, Sequence[ArticleLink], ChannelPage | None]:
        answer = await self.ask_channel(talk, talk.assignment.job.channel.url)
        if is_unchanged(answer, talk.assignment.job):
            return answer, (), None
        page = await self.read(talk, answer)
        if not page.links:
            talk.faults.append("the feed holds no entries")
        return answer, page.links, page
