"""Sitemaps and indexes of sitemaps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aggregator.models import ArticleLink, ChannelKind, ChannelPage, Validators
from crawler.dates import parse_date
from crawler.spiders.base import ChannelSpider, Conversation, is_unchanged
from crawler.spiders.portal import Answer, OutOfBudgetError, PollError
from crawler.visit import Visit

MAX_CHILDREN = 5  # sitemaps of an index read in one poll: the newest ones
MAX_AGE = timedelta(days=14)  # older entries are history: `backfill` is for those
MAX_UNDATED = 100  # entries without a date taken from either end, since portals add there
MAX_LINKS = 5_000  # entries taken from either end: nobody has so many in that time
MAX_READ = 500  # dates taken from either end that want exact reading, which a hostile 50,000 would make half a minute
_ISO_DAY = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d")
_MONTH_IN_PATH = re.compile(r"/(20\d\d)[/-](0[1-9]|1[0-2])(?=[/-])")


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
        if not (links or page.sitemaps) and answer.body.lstrip()[:1] in (b"[", b"{"):  # an empty sitemap may be one
            talk.faults.append("JSON that holds no entries")
        for child in choose_children(page.sitemaps, visit):
            try:
                part = await self.ask_part(talk, child.url)
                links += (await self.read(talk, part)).links if part.status != 304 else ()
            except PollError as error:  # its siblings can still be read
                talk.faults.append(f"{child.url}: {error}")
            except OutOfBudgetError as error:
                talk.faults.append(f"{child.url}: {error}")
                break
        if not all(child.modified_raw for child in page.sitemaps):
            answer = replace(answer, validators=Validators())  # such an index stays the same while its children change
        return answer, choose_links(links, visit), page


def choose_children(children: Sequence[ArticleLink], visit: Visit) -> list[ArticleLink]:
    """The newest children by lastmod; those without one count as new. Order of equals is the index's own, backwards,
    since most CMSes append."""
    recent = [child for child in reversed(_take_ends(children, visit)) if not is_old(child, visit)]
    dated = recent[:MAX_READ] + recent[MAX_READ:][-MAX_READ:]
    oldest = datetime.max.replace(tzinfo=UTC)
    dated.sort(key=lambda child: _read_modified(child, visit) or oldest, reverse=True)
    return dated[:MAX_CHILDREN]


def choose_links(links: Sequence[ArticleLink], visit: Visit) -> list[ArticleLink]:
    """The entries that are not old; of those without any date only the ones at either end."""
    kept = [link for link in _take_ends(links, visit) if not is_old(link, visit)]
    undated = [link.url for link in kept if not (link.modified_raw or link.published_raw)]
    middle = set(undated[MAX_UNDATED:-MAX_UNDATED])
    chosen = [link for link in kept if link.url not in middle]
    return chosen[:MAX_LINKS] + chosen[MAX_LINKS:][-MAX_LINKS:]


def is_old(link: ArticleLink, visit: Visit) -> bool:
    """Whether the entry, or else its address, says that it has not changed for `MAX_AGE`."""
    quickly = _judge_age(link, visit)
    if quickly is not None:
        return quickly
    when = _read_modified(link, visit)
    return when is not None and when < visit.job.now - MAX_AGE


def _judge_age(link: ArticleLink, visit: Visit) -> bool | None:
    """`is_old` without reading a date, as for most of the 50,000 that a file may hold; None where that cannot be."""
    raw = link.modified_raw or link.published_raw
    earliest = visit.job.now - MAX_AGE
    if not raw:
        month = _MONTH_IN_PATH.search(link.url)
        return month is not None and (month[1], month[2]) < (f"{earliest.year}", f"{earliest.month:02}")
    if _ISO_DAY.match(raw):
        day = raw[:10]
        if day < (earliest - timedelta(days=1)).date().isoformat():
            return True
        if day > (earliest + timedelta(days=1)).date().isoformat():
            return False
    return None


def _take_ends(links: Sequence[ArticleLink], visit: Visit) -> list[ArticleLink]:
    """The links less those in the middle of too many whose dates want exact reading."""
    unclear = [index for index, link in enumerate(links) if _judge_age(link, visit) is None]
    middle = set(unclear[MAX_READ:-MAX_READ])
    return [link for index, link in enumerate(links) if index not in middle]


def _read_modified(link: ArticleLink, visit: Visit) -> datetime | None:
    raw = link.modified_raw or link.published_raw
    source = visit.job.source
    parsed = parse_date(raw, zone=source.timezone, now=visit.job.now, utc_is_local=source.utc_is_local) if raw else None
    return parsed.at if parsed else None
