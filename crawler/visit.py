"""One visit to one source: what it may still ask for, and what it has met.

Shared by the spiders that poll the channels of the same source, so that its limits hold over all of them and a link
on two channels is read once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from aggregator.models import ArticleLink, CrawlJob, FetchedPage, PendingLink
from aggregator.sites import list_sites
from aggregator.urls import get_site, is_front_page, make_url_key
from crawler.dates import parse_date
from crawler.politeness import Strangers
from crawler.settings import CrawlSettings

MOST_KEPT = 4 << 20  # bytes of the pages of one visit, packed, and their texts: they wait in memory to be handed over
LEARN_PAGES = 5  # pages of a new source read whatever their topic, to learn its boilerplate
STRANGERS_SHARE = 5  # one in so many requests of a visit may go to sites of others
LEAST_REREAD_SECONDS = 3_600  # between two readings of an article that is said to have changed: some say so always


@dataclass
class Visit:
    """The state of one visit. Changed by spiders that take turns in one event loop, so without locks."""

    job: CrawlJob
    settings: CrawlSettings
    ends_at: float | None = None  # by the clock of the event loop; set with the first answer
    requests: int = 0
    items: int = 0
    kept: int = 0  # bytes of what was read
    learned: int = 0
    hosts: set[str] = field(default_factory=set)
    _met: set[str] = field(default_factory=set)
    _pending_taken: bool = False
    _rechecks_taken: bool = False

    @property
    def may_ask(self) -> bool:
        """Whether the source's share of requests in this cycle is not used up."""
        return self.requests < self.settings.max_requests

    def is_over(self, clock: float) -> bool:
        """Whether the source's time in this cycle is used up; it counts from the first call, after an answer."""
        if self.ends_at is None:
            self.ends_at = clock + self.settings.visit_seconds
        return clock > self.ends_at

    @property
    def may_take(self) -> bool:
        """Whether another new article fits into this cycle."""
        return self.items < self.settings.max_new_items and self.kept < MOST_KEPT

    def count_kept(self, page: FetchedPage) -> None:
        """Counts what a page that was read takes until the visit is over."""
        self.kept += len(page.raw) + (len(page.article.text) if page.article else 0)

    @property
    def room(self) -> int:
        """How many articles may still be asked for in this cycle, about; at least one."""
        return max(min(self.settings.max_new_items - self.items, self.settings.max_requests - self.requests), 1)

    @cached_property
    def sites(self) -> frozenset[str]:
        """Where the source speaks for itself."""
        return list_sites(self.job.source, (job.channel for job in self.job.channels))

    @cached_property
    def strangers(self) -> Strangers:
        """What may be asked of others; without limit where that is the purpose: search engines, probes, archives."""
        is_free = self.job.source.discovery or not self.job.channels
        return Strangers(self.sites, float("inf") if is_free else max(1, self.settings.max_requests // STRANGERS_SHARE))

    def is_own(self, link: ArticleLink) -> bool:
        """Whether a link leads to a site of the source."""
        return get_site(link.url) in self.sites

    def believe(self, link: ArticleLink) -> ArticleLink:
        """The link, without what its channel may not say: of an article at another site nothing, for its title, date
        and text would be held for that site's own; a search engine everything but the text."""
        if self.job.source.discovery:
            return replace(link, content_html="")
        return link if self.is_own(link) else link.strip()

    def should_learn(self) -> bool:
        """Whether the next page is read whatever its topic; counts those."""
        if self.job.known or self.learned >= LEARN_PAGES:
            return False
        self.learned += 1
        return True

    def is_wanted(self, link: ArticleLink) -> bool:
        """Whether the link is new to us, or changed after we last read it; true once a visit."""
        key = make_url_key(link.url)
        if not key or key in self._met or is_front_page(link.url):
            return False
        read_at = self.job.known.get(key)
        if read_at is not None and not (self.is_own(link) and self._is_modified_since(link, read_at)):
            return False
        self._met.add(key)
        return True

    @cached_property
    def waiting(self) -> frozenset[str]:
        """URL keys of the links left over from earlier cycles."""
        return frozenset(make_url_key(pending.link.url) for pending in self.job.pending)

    def take_pending(self) -> tuple[PendingLink, ...]:
        """The links left over from earlier cycles; handed out once a visit, to the channel that asks first."""
        if self._pending_taken:
            return ()
        self._pending_taken = True
        return tuple(pending for pending in self.job.pending if self.is_wanted(pending.link))

    def take_rechecks(self) -> tuple[ArticleLink, ...]:
        """The articles to be read once more, but for those that the channel has just brought; handed out once."""
        if self._rechecks_taken:
            return ()
        self._rechecks_taken = True
        return tuple(link for link in self.job.rechecks if make_url_key(link.url) not in self._met)

    def _is_modified_since(self, link: ArticleLink, read_at: int) -> bool:
        if not link.modified_raw or 0 <= _to_unix(self.job.now) - read_at < LEAST_REREAD_SECONDS:
            return False
        modified = parse_date(
            link.modified_raw,
            zone=self.job.source.timezone,
            now=self.job.now,
            utc_is_local=self.job.source.utc_is_local,
        )
        return modified is not None and _to_unix(modified.at) > read_at


def _to_unix(instant: datetime) -> int:
    return int(instant.timestamp())
