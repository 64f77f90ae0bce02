"""The order of the steps from a harvest to rows.

    harvest ─▶ one transaction:
        for each page: publisher ─▶ row (clean, date, mask) ─▶ topics, spam ─▶ address ─▶ article ─▶ regions ─▶ group
        links that failed or wait, robots.txt, the poll and the channel's state

Nothing is lost when the process dies: either the whole harvest is there, or the channel still has its old state and is
read again.

    publishers        who gets the credit
    article_building  PURE  a page's row, and what it is judged to be
    article_writing   articles: new, revised, gone from the index
    link_writing      links: what became of each
    poll_writing      the poll, and when its channel is due again
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from aggregator.article_building import TEXT_LIMIT, TITLE_LIMIT, Candidate, Verdict, build_row, judge
from aggregator.article_writing import ArticleWriter, Kept
from aggregator.cleaning import clean_text
from aggregator.link_writing import LinkWriter, Loss
from aggregator.models import ArticleLink, FetchedPage, Harvest, LinkFailure, LinkState, Source, Validators
from aggregator.pages import PageFolder, unpack
from aggregator.poll_writing import PollWriter
from aggregator.publishers import PublisherFinder, TooManyPublishers, find_source
from aggregator.settings import AggregatorSettings
from aggregator.spam import judge_spam
from aggregator.store import ChannelRow, Store, to_json
from aggregator.takedown_rows import TAKEN_DOWN
from aggregator.takedowns import KeptOut
from aggregator.topic_tables import TopicTable
from aggregator.urls import make_url_key

__all__ = ["TEXT_LIMIT", "Ingest", "IngestCounts", "build_row", "find_source", "judge"]

logger = logging.getLogger(__name__)


@dataclass
class IngestCounts:
    """What a harvest came to."""

    articles: int = 0
    revised: int = 0
    gone: int = 0  # articles that their portals have deleted
    off_topic: int = 0
    spam: int = 0
    failed: int = 0
    scans_missed: int = 0  # pages on topic in which the scan of their bytes had found none
    by_topic: dict[str, int] = field(default_factory=dict)
    coverage: dict[str, Counter[str]] = field(default_factory=dict)  # by source, of its pages: columns of source_days


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What one source led to, while it is written."""

    polled: Source
    channel_id: int | None  # None: an archive
    kept_out: KeptOut
    links: LinkWriter
    counts: IngestCounts = field(default_factory=IngestCounts)


class Ingest:
    """Writes harvests. The tables and settings are fixed for a cycle; `now` is the cycle's clock."""

    def __init__(
        self,
        store: Store,
        *,
        sources: Mapping[str, Source],
        settings: AggregatorSettings,
        topics: TopicTable,
        pages: PageFolder,
        keep_all: bool,
        now: datetime,
        is_backfill: bool = False,
    ) -> None:
        self._store = store
        self._sources = sources
        self._settings = settings
        self._topics = topics
        self._keep_all = keep_all
        self._now = now
        self._is_backfill = is_backfill
        self._publishers = PublisherFinder(store, now)
        self._polls = PollWriter(store, settings, now)
        self._articles = ArticleWriter(
            store, publishers=self._publishers, pages=pages, table_version=topics.version, now=now
        )

    def write(
        self, harvest: Harvest, cycle_id: int, channel: ChannelRow, *, harvest_id: str | None = None
    ) -> IngestCounts:
        """Writes one harvest in one transaction; `channel` is as it was before the poll.

        `harvest_id`: by which a queue brings it; it is remembered, and must not have been taken before.
        Raises StoreError; then nothing of it is written.
        """
        source, poll = self._sources[harvest.source_id], harvest.poll
        counts, posts = IngestCounts(), 0
        with self._store.transaction():
            if harvest_id is not None:
                self._store.note_taken(harvest_id, self._now)
            if keys := [make_url_key(link.url) for link in _list_links(harvest)]:  # most polls find nothing new
                posts = self._store.count_unknown(keys, source.id)
                reading = self._begin(source, channel.id)
                self._write_reading(reading, harvest.pages, harvest.failures)
                counts = reading.counts
                if reading.links.write_deferred(harvest.deferred):
                    poll = replace(poll, validators=Validators())
            self._store.write_robots(harvest.robots)
            for source_id, coverage in counts.coverage.items():
                self._store.count_day(source_id, self._now, **coverage)
            self._polls.write(
                cycle_id,
                poll,
                channel,
                source,
                posts=posts,
                articles=counts.articles,
                is_cut_short=bool(harvest.deferred or harvest.waiting),
            )
            self._polls.write_kills(harvest)
        return counts

    def write_read(self, source: Source, pages: Sequence[FetchedPage], failures: Iterable[LinkFailure]) -> IngestCounts:
        """Writes what was read of one source's archive, into the transaction that is open. Raises StoreError."""
        reading = self._begin(source, channel_id=None)
        self._write_reading(reading, pages, failures)
        return reading.counts

    def _begin(self, polled: Source, channel_id: int | None) -> _Reading:
        kept_out = KeptOut(self._store.get_takedowns(), self._store.get_exceptions())
        links = LinkWriter(
            self._store,
            polled,
            publishers=self._publishers,
            kept_out=kept_out,
            max_attempts=self._settings.max_attempts,
            now=self._now,
        )
        return _Reading(polled=polled, channel_id=channel_id, kept_out=kept_out, links=links)

    def _write_reading(self, reading: _Reading, pages: Sequence[FetchedPage], failures: Iterable[LinkFailure]) -> None:
        """A page's file is written before the row that names it."""
        self._articles.forget_boilerplate()  # learnt anew with every harvest
        for page in pages:
            self._write_page(reading, page)
        for failure in failures:
            self._write_failure(reading, failure)

    def _write_failure(self, reading: _Reading, failure: LinkFailure, *, retry_at: datetime | None = None) -> None:
        loss = reading.links.write_failure(failure, retry_at=retry_at)
        reading.counts.failed += loss is Loss.UNREAD
        reading.counts.gone += loss is Loss.GONE

    def _write_page(self, reading: _Reading, page: FetchedPage) -> None:
        polled, links, counts = reading.polled, reading.links, reading.counts
        try:
            source = self._publishers.find(polled, page)
        except TooManyPublishers as error:  # another's article is not credited to who led to it: it waits
            link = page.link if polled.discovery else page.link.strip()
            failure = LinkFailure(url=link.url, link=link, reason=str(error))
            self._write_failure(reading, failure, retry_at=self._now + timedelta(days=1))
            return
        if source is not None and source.id != polled.id and not polled.discovery:
            if page.from_channel:  # its publisher has not said so
                links.put_off(page.link.strip())
                return
            page = replace(page, link=page.link.strip())
        if page.article is None or not page.passed_scan:
            self._store.count_scan(page.fetched_at, skipped=page.article is None)
        if source is None:
            links.write_read(polled, page, LinkState.REFUSED, "the search engine does not say who published it")
            return
        if reading.kept_out.has_page(page):
            links.write_read(source, page, LinkState.REFUSED, TAKEN_DOWN)
            return
        if page.article is None:
            self._write_skipped(reading, source, page)
            return
        if page.article.noindex and not self._keep_all:
            links.write_read(source, page, LinkState.REFUSED, "the page asks not to be indexed")
            self._articles.withdraw(page, page.article)
            return
        row = build_row(page, source, self._now) | {"backfilled": int(self._is_backfill)}
        _count_fields(counts.coverage.setdefault(source.id, Counter()), row)
        key = make_url_key(page.link.url)
        if not row["title"] or not (row["text"] or row["summary"]):
            if self._store.find_article(key) is not None:
                return  # what was read once is kept
            links.write_read(source, page, LinkState.FAILED, "no article found on the page")
            counts.failed += 1
            return
        if why := reading.kept_out.find_text(key, row, self._store):
            self._keep_out(reading, source, page, why)
            return
        if not self._store.was_read(key):  # read once more, its text is no more its source's own
            self._store.count_paragraphs(source.id, page.article.boilerplate)
        page_file = self._articles.keep_page(page) if page.passed_scan else ""
        self._judge(reading, Candidate(source=source, page=page, tags=page.article.tags, row=row, page_file=page_file))

    def _keep_out(self, reading: _Reading, source: Source, page: FetchedPage, why: str) -> None:
        logger.warning("%s: kept out; %s", page.link.url, why)
        if self._store.find_article(make_url_key(page.link.url)) is None:  # what was read before stays as it was
            reading.links.write_read(source, page, LinkState.REFUSED, why)

    def _write_skipped(self, reading: _Reading, source: Source, page: FetchedPage) -> None:
        """A page in which the scan found no topic. What the channel says of it still tells a hijacked site."""
        title = clean_text(page.link.title, limit=TITLE_LIMIT)
        if title and judge_spam(title, "", url=page.link.url).is_hijacked:
            reading.links.write_read(source, page, LinkState.SPAM, "gambling spam on the channel")
            self._store.flag_hijacked(source.id, self._now)
            reading.counts.spam += 1
        else:
            reading.links.write_read(source, page, LinkState.OFF_TOPIC, "no topic is named")
            reading.counts.off_topic += 1

    def _judge(self, reading: _Reading, candidate: Candidate) -> None:
        page, row, counts = candidate.page, candidate.row, reading.counts
        html = b"" if page.from_channel else unpack(page.raw) or b""
        verdict = judge(row, candidate.tags, self._topics, html=html)
        if verdict.spam.is_hijacked:
            self._store.flag_hijacked(candidate.source.id, self._now)
        is_out = (verdict.spam.is_spam or not verdict.topics) and not self._keep_all
        if is_out and self._articles.keep_first_reading(candidate):
            return
        if verdict.spam.is_spam and not self._keep_all:
            reading.links.reject(candidate, LinkState.SPAM, to_json(verdict.spam.evidence))
            counts.spam += 1
        elif not verdict.topics and not self._keep_all:
            if page.passed_scan:
                reading.links.reject(candidate, LinkState.OFF_TOPIC, to_json(verdict.nearly))
            else:
                reading.links.write_read(candidate.source, page, LinkState.OFF_TOPIC, "no topic is named; checked")
            counts.off_topic += 1
        else:
            if verdict.topics and not page.passed_scan:
                logger.warning("%s: on topic, and the scan of its bytes had found none", row["url"])
                self._store.count_missed_scan(page.fetched_at)
                counts.scans_missed += 1
            self._keep(reading, candidate, verdict)

    def _keep(self, reading: _Reading, candidate: Candidate, verdict: Verdict) -> None:
        counts = reading.counts
        led_by = reading.channel_id if reading.polled.id == candidate.source.id else None
        kept = self._articles.keep(candidate, verdict.topics, reading.links, led_by=led_by)
        if kept is Kept.AS_IT_WAS:
            return
        counts.articles += kept is Kept.NEW
        counts.revised += kept is Kept.REVISED
        for match in verdict.topics:
            counts.by_topic[match.topic] = counts.by_topic.get(match.topic, 0) + 1


def _count_fields(coverage: Counter[str], row: Mapping[str, Any]) -> None:
    """Counts what a page gave."""
    is_bodied = bool(row["title"] and row["text"])
    coverage["pages"] += 1
    coverage["bodied"] += is_bodied
    coverage["dated"] += is_bodied and row["published_precision"] != "none"
    coverage["authored"] += is_bodied and bool(row["author"])


def _list_links(harvest: Harvest) -> Iterator[ArticleLink]:
    """The entries of the channel that were followed, or will be."""
    yield from (page.link for page in harvest.pages)
    yield from (failure.link for failure in harvest.failures)
    yield from harvest.deferred
