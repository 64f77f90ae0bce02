"""Sitemaps and indexes of sitemaps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aggregator.models import ArticleLink, ChannelKind, ChannelPage
from crawler.dates import parse_date
from crawler.spiders.base import Answer, ChannelSpider, Conversation, PollError, is_unchanged
from crawler.visit import Visit

MAX_CHILDREN = 5  # sitemaps of an index read in one poll: the newest ones
MAX_AGE = timedelta(days=14)  # older entries are history: `backfill` is for those


class SitemapSpider(ChannelSpider):
    """A news sitemap, a plain one, or an index whose newest children are read. Old entries are left alone."""

    kind = ChannelKind.SITEMAP

    async def find_links(self, talk: Conversation) -> tuple[Answer, Sequence[ArticleLink], ChannelPage | None]:
        job, visit = talk.assignment.job, talk.assignment.visit
        answer = await self.ask_channel(talk, job.channel.url)
        if is_unchanged(answer, job):
            return answer, (), None
        page = await self.read(talk, answer)
        links = list(page.links)
        for child in choose_children(page.sitemaps, visit):
            links += await self._read_child(talk, child)
        return answer, [link for link in links if not is_old(link, visit)], page

    async def _read_child(self, talk: Conversation, child: ArticleLink) -> Sequence[ArticleLink]:
        try:
            return (await self.read(talk, await self.ask_channel(talk, child.url, conditional=False))).links
        except PollError as error:  # its siblings can still be read
            talk.faults.append(f"{child.url}: {error}")
            return ()


def choose_children(children: Sequence[ArticleLink], visit: Visit) -> list[ArticleLink]:
    """The newest children by lastmod; those without one count as new. Order of equals is the index's own, backwards,
    since most CMSes append."""
    recent = [child for child in reversed(children) if not is_old(child, visit)]
    oldest = datetime.max.replace(tzinfo=UTC)
    recent.sort(key=lambda child: _modified(child, visit) or oldest, reverse=True)
    return recent[:MAX_CHILDREN]


def is_old(link: ArticleLink, visit: Visit) -> bool:
    """Whether the entry says that it has not changed for `MAX_AGE`."""
    when = _modified(link, visit)
    return when is not None and visit.job.now - when > MAX_AGE


def _modified(link: ArticleLink, visit: Visit) -> datetime | None:
    raw = link.modified_raw or link.published_raw
    parsed = parse_date(raw, zone=visit.job.source.timezone, now=visit.job.now) if raw else None
    return parsed.at if parsed else None
