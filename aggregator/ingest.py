"""The order of the steps from a harvest to rows.

    harvest ─▶ one transaction:
        for each page: publisher ─▶ clean ─▶ topics, spam ─▶ address ─▶ article ─▶ regions ─▶ duplicates ─▶ group
        links that failed or wait, robots.txt, the poll and the channel's state

Nothing is lost when the process dies: either the whole harvest is there, or the channel still has its old state and is
read again.
"""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from aggregator.article_json import pack_row
from aggregator.catalogue_rows import Publishers
from aggregator.cleaning import clean_paragraphs, clean_text, safe_url
from aggregator.dedup import compare, fingerprint
from aggregator.diagnosis import diagnose
from aggregator.differences import find_revision
from aggregator.grouping import Grouper
from aggregator.instants import from_text, get_offset_minutes, to_text
from aggregator.masking import mask_columns, mask_name, mask_personal
from aggregator.models import (
    MOST_WAITING,
    ArticleLink,
    ExtractedArticle,
    FetchedPage,
    Harvest,
    LinkFailure,
    LinkState,
    Poll,
    PollOutcome,
    Source,
    SpamVerdict,
    TopicMatch,
    Validators,
)
from aggregator.pages import PageFolder, unpack
from aggregator.poll_rows import LONGEST_CYCLE
from aggregator.polling import (
    BOUNDS,
    LONGEST_WAIT,
    NO_FAILURE,
    RETIRED_WAIT,
    RETIRING,
    Rhythm,
    leave_blackout,
    plan_page_retry,
    plan_poll,
    plan_retry,
    start_next_day,
    weigh_failure,
)
from aggregator.regions import tag_regions
from aggregator.settings import AggregatorSettings
from aggregator.sites import list_sites
from aggregator.spam import is_house, judge_spam
from aggregator.store import ChannelRow, Store, StoreError, to_json
from aggregator.takedown_rows import TAKEN_DOWN
from aggregator.takedowns import KeptOut
from aggregator.topic_tables import TopicTable
from aggregator.topics import match_topics
from aggregator.urls import (
    canonicalize,
    get_host,
    get_site,
    is_front_page,
    is_likely_address,
    is_same_site,
    make_url_key,
)

logger = logging.getLogger(__name__)

TITLE_LIMIT = 500
TITLE_OF_TEXT = 80  # characters of a text that stand in for its title
PUBLISHER_LIMIT = 100
TEXT_LIMIT = 200_000
SUMMARY_LIMIT = 2_000
TAG_LIMIT = 100
REASON_LIMIT = 400
REVISED_SHARE = 0.5  # of its runs of words a revised text keeps; else it is another one, that was not there before
REVISIONS_AT_ONCE = 20  # of one article; a page that never says the same twice would fill the database
AHEAD_SLIGHTLY, AHEAD_MOST = timedelta(minutes=10), timedelta(hours=1)  # by which a portal's clock may be ahead of ours
FIRST_READING_COUNTS = (  # columns that a revision leaves alone
    *("url", "first_seen_at", "backfilled"),
    *("published_at", "published_offset", "published_precision", "published_raw", "published_method"),
)


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
class _Candidate:
    """An article that was read and is now judged."""

    source: Source
    page: FetchedPage
    tags: tuple[str, ...]
    row: dict[str, Any]  # its columns; the address may still change
    page_file: str


class Verdict(NamedTuple):
    """What an article is judged to be."""

    topics: tuple[TopicMatch, ...]
    nearly: tuple[TopicMatch, ...]  # every topic, also below its threshold
    spam: SpamVerdict


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
        self._pages = pages
        self._publishers = Publishers(store)
        self._keep_all = keep_all
        self._now = now
        self._is_backfill = is_backfill
        self._grouper = Grouper(store, now)
        self._kept_out = KeptOut()
        self._has_complained = False  # of pages that could not be kept
        self._polled: Source | None = None  # whose page is being written
        self._channel_id: int | None = None  # that led to it

    def write(self, harvest: Harvest, cycle_id: int, channel: ChannelRow) -> IngestCounts:
        """Writes one harvest in one transaction; `channel` is as it was before the poll.

        Raises StoreError; then nothing of it is written.
        """
        source = self._sources[harvest.source_id]
        self._channel_id = channel.id
        with self._store.transaction():
            keys = [make_url_key(link.url) for link in _list_links(harvest)]
            posts = self._store.count_unknown(keys, source.id)
            counts = self.write_read(source, harvest.pages, harvest.failures)
            poll = harvest.poll
            if self._write_deferred(source, harvest.deferred):
                poll = replace(poll, validators=Validators())
            self._store.write_robots(harvest.robots)
            for source_id, coverage in counts.coverage.items():
                self._store.count_day(source_id, self._now, **coverage)
            self._write_poll(
                cycle_id,
                poll,
                channel,
                source,
                posts=posts,
                articles=counts.articles,
                is_cut_short=bool(harvest.deferred or harvest.waiting),
            )
            self._write_kills(harvest)
        return counts

    def write_read(self, source: Source, pages: Sequence[FetchedPage], failures: Iterable[LinkFailure]) -> IngestCounts:
        """Writes what was read of one source, into the transaction that is open. Raises StoreError.

        A page's file is written before the row that names it.
        """
        counts = IngestCounts()
        self._grouper.forget_boilerplate()  # learnt anew with every harvest
        self._kept_out = KeptOut(self._store.get_takedowns(), self._store.get_exceptions())
        for page in pages:
            self._write_page(source, page, counts)
        for failure in failures:
            self._write_failure(source, failure, counts)
        return counts

    def _write_poll(
        self,
        cycle_id: int,
        poll: Poll,
        channel: ChannelRow,
        source: Source,
        *,
        posts: int,
        articles: int,
        is_cut_short: bool,
    ) -> None:
        code = diagnose(poll.reason, poll.http_status).code if poll.reason else ""
        channel = self._learn(poll, code, channel, source, posts)
        now, due = self._now, self._plan_next_poll(poll, channel, source, is_cut_short=is_cut_short)
        self._store.write_poll(
            cycle_id, poll, channel, code=code, posts=posts, articles=articles, now=now, next_poll_at=due
        )

    def _write_kills(self, harvest: Harvest) -> None:
        """After the poll: where the source is quarantined, its channels are due later than the poll says."""
        poll = harvest.poll
        if poll.kills:
            failed = [f"{failure.url}: {failure.reason}" for failure in harvest.failures if _has_killed(failure.reason)]
            reason = poll.reason if poll.outcome is PollOutcome.FAILED else (failed or [poll.reason])[-1]
            self._store.write_kills(harvest.source_id, poll.kills, clean_text(reason, limit=REASON_LIMIT), self._now)
        elif poll.outcome in (PollOutcome.CHANGED, PollOutcome.UNCHANGED):
            self._store.forgive_answer(harvest.source_id, self._now)

    def _learn(self, poll: Poll, code: str, channel: ChannelRow, source: Source, posts: int) -> ChannelRow:
        """The channel as it is after the poll."""
        if poll.outcome in (PollOutcome.FAILED, PollOutcome.REFUSED):
            if code in NO_FAILURE:
                return channel
            strikes = channel.strikes + weigh_failure(poll.http_status)
            retired_at = channel.retired_at or (self._now if code in RETIRING else None)
            return replace(channel, failures=channel.failures + 1, strikes=strikes, retired_at=retired_at)
        rhythm = Rhythm.from_json(channel.rhythm).observe(self._now, posts, ZoneInfo(source.timezone))
        return replace(channel, failures=0, strikes=0.0, rhythm=rhythm.to_json(), retired_at=None)

    def _plan_next_poll(self, poll: Poll, channel: ChannelRow, source: Source, *, is_cut_short: bool) -> datetime:
        """When the channel, as it is after the poll, is due again: never before the portal wants it.

        Soon, where a limit has left articles unread.
        """
        usual = timedelta(minutes=self._settings.poll_minutes)
        chance = random.Random(f"{channel.id} {self._now}").random()  # noqa: S311 - the same in a repeated run
        zone = ZoneInfo(source.timezone)
        if channel.retired_at is not None:
            due = self._now + RETIRED_WAIT
        elif channel.failures:
            due = plan_retry(channel.strikes, self._now, usual=usual, chance=chance)
        else:
            fresh = timedelta(seconds=poll.fresh_seconds)
            rhythm = Rhythm.from_json(channel.rhythm)
            due = plan_poll(rhythm, self._now, kind=channel.kind, usual=usual, zone=zone, chance=chance, fresh=fresh)
            if is_cut_short:
                due = min(due, self._now + usual * BOUNDS[channel.kind][0])
        asked = min(timedelta(minutes=poll.ttl_minutes or 0), LONGEST_WAIT)
        due = max(due, self._now + asked, self._now + timedelta(seconds=poll.retry_after_seconds or 0))
        for part in poll.traffic:
            if part.host == poll.host:  # a Crawl-delay of an hour; what other hosts want is no matter of the channel
                due = max(due, self._now + (part.free_at - poll.finished_at))
        if self._has_spent_its_host(poll):
            due = max(due, start_next_day(self._now, chance))
        return leave_blackout(due, source.blackout, zone)

    def _has_spent_its_host(self, poll: Poll) -> bool:
        asked = sum(part.requests for part in poll.traffic if part.host == poll.host)
        return self._store.count_requests([poll.host], poll.finished_at) + asked >= self._settings.requests_per_day

    # ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _write_page(self, polled: Source, page: FetchedPage, counts: IngestCounts) -> None:
        self._polled, source = polled, self._find_publisher(polled, page)
        if source is not None and source.id != polled.id and not polled.discovery:
            if page.from_channel:  # its publisher has not said so
                attempts = self._store.get_attempts(make_url_key(page.link.url), polled.id)
                self._write_waiting(polled, page.link.strip(), attempts=attempts)
                return
            page = replace(page, link=page.link.strip())
        if page.article is None or not page.passed_scan:
            self._store.count_scan(page.fetched_at, skipped=page.article is None)
        if source is None:
            self._write_link(polled, page, LinkState.REFUSED, "the search engine does not say who published it")
            return
        if self._kept_out.has_page(page):
            self._write_link(source, page, LinkState.REFUSED, TAKEN_DOWN)
            return
        if page.article is None:
            self._write_skipped(source, page, counts)
            return
        if page.article.noindex and not self._keep_all:
            self._write_link(source, page, LinkState.REFUSED, "the page asks not to be indexed")
            self._withdraw(page, page.article)
            return
        row = build_row(page, source, self._now) | {"backfilled": int(self._is_backfill)}
        _count_fields(counts.coverage.setdefault(source.id, Counter()), row)
        if not row["title"] or not (row["text"] or row["summary"]):
            if self._store.find_article(make_url_key(page.link.url)) is not None:
                return  # what was read once is kept
            self._write_link(source, page, LinkState.FAILED, "no article found on the page")
            counts.failed += 1
            return
        if why := self._kept_out.find_text(make_url_key(page.link.url), row, self._store):
            logger.warning("%s: kept out; %s", page.link.url, why)
            if self._store.find_article(make_url_key(page.link.url)) is None:  # what was read before stays as it was
                self._write_link(source, page, LinkState.REFUSED, why)
            return
        if not self._store.was_read(
            make_url_key(page.link.url)
        ):  # read once more, its text is no more its source's own
            self._store.count_paragraphs(source.id, page.article.boilerplate)
        page_file = self._keep_page(page) if page.passed_scan else ""
        self._judge(_Candidate(source=source, page=page, tags=page.article.tags, row=row, page_file=page_file), counts)

    def _withdraw(self, page: FetchedPage, article: ExtractedArticle) -> None:
        """An article that was kept and whose page asks since then not to be indexed leaves; another page in its place,
        such as a challenge to robots, does not speak for it."""
        url = page.link.url
        known = self._store.find_article(make_url_key(url))
        title = mask_personal(clean_text(article.title, limit=TITLE_LIMIT))
        if known is not None and article.text and title == known["title"]:
            logger.warning("%s: its page asks not to be indexed any more; taken out", url)
            self._grouper.leave(known["id"], known["group_id"])
            self._store.delete_article(known["id"])

    def _keep_page(self, page: FetchedPage) -> str:
        """Where its bytes are; "" where they could not be kept: that costs a later replay its page, and no article."""
        try:
            return self._pages.write(page)
        except StoreError as error:
            if not self._has_complained:
                self._has_complained = True
                logger.error("%s: pages cannot be kept, their articles are: %s", self._pages.folder, error.__cause__)
            return ""

    def _write_skipped(self, source: Source, page: FetchedPage, counts: IngestCounts) -> None:
        """A page in which the scan found no topic. What the channel says of it still tells a hijacked site."""
        title = clean_text(page.link.title, limit=TITLE_LIMIT)
        if title and judge_spam(title, "", url=page.link.url).is_hijacked:
            self._write_link(source, page, LinkState.SPAM, "gambling spam on the channel")
            self._store.flag_hijacked(source.id, self._now)
            counts.spam += 1
        else:
            self._write_link(source, page, LinkState.OFF_TOPIC, "no topic is named")
            counts.off_topic += 1

    def _find_publisher(self, polled: Source, page: FetchedPage) -> Source | None:
        """Who gets the credit: the source of the catalogue at the page's host, else the one that was polled where the
        link was to its own site, else the site, once there is something to credit it for.

        What a search engine led to is credited to whom it names; None where it names nobody.
        """
        host = get_host(canonicalize(page.url)).removeprefix("www.")
        found = find_source(host, self._publishers, polled)
        if found is not None:
            return found
        if polled.discovery:
            name = mask_name(clean_text(page.link.publisher, limit=PUBLISHER_LIMIT)) or host
            return self._store.add_discovered_source(host, name, polled) if host and host != polled.domain else None
        site, names_topic = get_site(page.url), page.article is not None and page.passed_scan
        if not site or not names_topic or get_site(page.link.url) in list_sites(polled):
            return polled
        return self._store.add_discovered_source(site, site, polled)

    def _judge(self, candidate: _Candidate, counts: IngestCounts) -> None:
        page, row = candidate.page, candidate.row
        html = b"" if page.from_channel else unpack(page.raw) or b""
        verdict = judge(row, candidate.tags, self._topics, html=html)
        if verdict.spam.is_hijacked:
            self._store.flag_hijacked(candidate.source.id, self._now)
        is_out = (verdict.spam.is_spam or not verdict.topics) and not self._keep_all
        if is_out and self._keeps_first_reading(candidate):
            return
        if verdict.spam.is_spam and not self._keep_all:
            self._reject(candidate, LinkState.SPAM, to_json(verdict.spam.evidence))
            counts.spam += 1
        elif not verdict.topics and not self._keep_all:
            if page.passed_scan:
                self._reject(candidate, LinkState.OFF_TOPIC, to_json(verdict.nearly))
            else:
                self._write_link(candidate.source, page, LinkState.OFF_TOPIC, "no topic is named; checked")
            counts.off_topic += 1
        else:
            if verdict.topics and not page.passed_scan:
                logger.warning("%s: on topic, and the scan of its bytes had found none", row["url"])
                self._store.count_missed_scan(page.fetched_at)
                counts.scans_missed += 1
            self._keep(candidate, verdict.topics, counts)

    def _keeps_first_reading(self, candidate: _Candidate) -> bool:
        """Whether it is the page of an article that we have: hacked or emptied since, it takes nothing from it."""
        url = candidate.page.link.url
        known = self._store.find_article(make_url_key(url))
        if known is not None:
            logger.warning("%s: its page has no article on topic any more; kept as it was", url)
            self._store.mark_checked(known["id"], self._now, is_gone=False)
            self._heed_dropped(candidate, known)
        return known is not None

    def _heed_dropped(self, candidate: _Candidate, known: Mapping[str, Any]) -> bool:
        """Whether the full text of a known article was let go: what was read of it again is not kept either."""
        if known["text_dropped_at"] is None:
            return False
        self._pages.discard(candidate.page_file)
        return True

    def _keep(self, candidate: _Candidate, topics: tuple[TopicMatch, ...], counts: IngestCounts) -> None:
        source, page, row = candidate.source, candidate.page, candidate.row
        self._write_link(source, page, LinkState.KEPT, "")
        key = self._choose_address(candidate)
        known = self._store.find_article(key)
        if known is None:
            row["unseen_at"] = self._find_unseen(source, page)
            article_id = self._store.add_article({**row, "url_key": key, "page_file": candidate.page_file})
            counts.articles += 1
        else:
            article_id = known["id"]
            if not page.from_channel:
                self._store.mark_checked(article_id, self._now, is_gone=False)
            if known["snippet_limit"] != row["snippet_limit"] and not page.from_channel:
                self._store.revise_article(article_id, {"snippet_limit": row["snippet_limit"]})
            self._date_late(known, row)
            if self._heed_dropped(candidate, known) or not _is_revision(known, row) or self._is_restless(known):
                return
            self._revise(known, row, candidate.page_file)
            counts.revised += 1
        regions = tag_regions(
            row["title"], row["text"], summary=row["summary"], tags=candidate.tags, home_city=source.city
        )
        self._store.write_matches(article_id, topics, regions, table_version=self._topics.version)
        for match in topics:
            counts.by_topic[match.topic] = counts.by_topic.get(match.topic, 0) + 1
        if known is None:  # an article that had left takes its old place again
            self._grouper.come_back(article_id, row, self._store.find_withdrawn_group(key))
        else:
            self._grouper.group(article_id, {**row, "id": article_id, "group_id": known["group_id"]})

    def _find_unseen(self, source: Source, page: FetchedPage) -> str | None:
        """When its source was last read without the article. A backfill finds what is old."""
        if self._is_backfill:
            return None
        channel_id = self._channel_id if self._polled is not None and self._polled.id == source.id else None
        return self._store.find_unseen(make_url_key(page.link.url), source.id, channel_id, self._now)

    def _date_late(self, known: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """Gives an article its date that had none at the first reading, or one that our clock did not believe."""
        if known["published_method"] == "first-seen" != row["published_method"]:
            dated = {name: value for name, value in row.items() if name.startswith("published_")}
            self._store.revise_article(known["id"], dated)

    def _is_restless(self, known: Mapping[str, Any]) -> bool:
        """Whether an article changes so often that it is revised once a day only."""
        if self._store.count_revisions(known["id"]) < REVISIONS_AT_ONCE:
            return False
        return abs(self._now - from_text(known["revised_at"])) < timedelta(days=1)

    def _revise(self, known: Mapping[str, Any], row: Mapping[str, Any], page_file: str) -> None:
        """Writes what an article says now; what it said until now is kept beside it, with the difference.

        Its page is the one that says so, or else a replay would bring back what the article said at first.
        """
        difference = find_revision(known["title"], known["text"], row["title"], row["text"])
        self._store.add_revision(known["id"], known["title"], known["text"], difference.to_json(), self._now)
        changes = {name: value for name, value in row.items() if name not in FIRST_READING_COUNTS}
        if not is_same_news(known, row):
            changes["unseen_at"] = known["read_at"]
        if page_file:
            changes["page_file"] = page_file
        self._store.revise_article(known["id"], {**changes, "revised_at": to_text(self._now)})

    def _choose_address(self, candidate: _Candidate) -> str:
        """The URL key of the article, recorded; sets row["url"]. The page's own word counts unless plainly wrong.

        A theme that names the home page, or another article, as canonical must not make articles overwrite each other.
        """
        row = candidate.row
        own = make_url_key(row["url"])
        declared = canonicalize(row["declared_url"]) if row["declared_url"] else ""
        key = make_url_key(declared)
        if declared and key != own and self._believes(declared, key, candidate):
            row["url"] = declared
        else:
            key = own
        if key != make_url_key(candidate.page.link.url):
            self._store.write_link(
                key=key,
                url=row["url"],
                source_id=candidate.source.id,
                state=LinkState.KEPT,
                now=self._now,
                read_at=candidate.page.fetched_at,
                found_by=self._find_finder(candidate.source),
            )
        return key

    def _believes(self, declared: str, key: str, candidate: _Candidate) -> bool:
        row = candidate.row
        if not is_same_site(declared, row["url"]) or is_front_page(declared):
            return False
        holder = find_source(get_host(declared).removeprefix("www."), self._publishers, candidate.source)
        if holder is not None and holder.id != candidate.source.id:
            return False
        known = self._store.find_article(key)
        return (
            is_likely_address(declared, row["url"], row["title"]) if known is None else known["title"] == row["title"]
        )

    # ── links ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _write_link(self, source: Source, page: FetchedPage, state: LinkState, reason: str) -> None:
        self._store.write_link(
            key=make_url_key(page.link.url),
            url=page.link.url,
            source_id=source.id,
            state=state,
            reason=reason,
            now=self._now,
            read_at=page.fetched_at,
            found_by=self._find_finder(source),
        )

    def _find_finder(self, source: Source) -> str | None:
        """The id of the source that led to another's page."""
        return self._polled.id if self._polled is not None and self._polled.id != source.id else None

    def _is_publisher(self, source: Source, url: str) -> bool:
        """Whether what a source met with at an address counts there: it is of its own site."""
        found = find_source(get_host(canonicalize(url)).removeprefix("www."), self._publishers, source)
        return found.id == source.id if found is not None else get_site(url) in list_sites(source)

    def _reject(self, candidate: _Candidate, state: LinkState, scores: str) -> None:
        page, row = candidate.page, candidate.row
        self._write_link(candidate.source, page, state, "")
        self._store.write_rejected(
            {
                "key": make_url_key(page.link.url),
                "source_id": candidate.source.id,
                "url": row["url"],
                "title": row["title"],
                "text": row["text"],
                "verdict": state.value,
                "scores": scores,
                "read_at": to_text(page.fetched_at),
                "page_file": candidate.page_file,
                "article": pack_row(row),
            }
        )

    def _write_failure(self, source: Source, failure: LinkFailure, counts: IngestCounts) -> None:
        key = make_url_key(failure.url)
        if not key:
            return
        if self._kept_out.has_key(key):
            self._refuse(source, failure.link, key)
            return
        if not self._is_publisher(source, failure.url) and self._store.is_link_of_another(key, source.id):
            self._store.remember_foreign_link(source.id, key, self._now)  # it may never have been an address of theirs
            return
        known = self._store.find_article(key)
        if known is not None:  # what was read once is kept, whatever became of its page
            was_gone, is_gone = known["gone_at"] is not None, failure.gone and failure.url == known["url"]
            counts.gone += is_gone and not was_gone
            self._store.mark_checked(known["id"], self._now, is_gone=is_gone or was_gone)
            return
        counts.failed += 1
        attempts = self._store.get_attempts(key, source.id) + 1
        if failure.refused or failure.permanent or attempts >= self._settings.max_attempts:
            state = LinkState.REFUSED if failure.refused else LinkState.FAILED
            self._store.write_link(
                key=key,
                url=failure.url,
                source_id=source.id,
                state=state,
                now=self._now,
                reason=failure.reason,
                attempts=attempts,
                yields=not self._is_publisher(source, failure.url),
            )
        else:
            retry_at = plan_page_retry(attempts, self._now)
            self._write_waiting(source, failure.link, attempts=attempts, reason=failure.reason, retry_at=retry_at)

    def _refuse(self, source: Source, link: ArticleLink, key: str) -> None:
        """A link that was taken down: what the channel says of it is not kept."""
        self._store.write_link(
            key=key,
            url=link.url,
            source_id=source.id,
            state=LinkState.REFUSED,
            now=self._now,
            reason=TAKEN_DOWN,
            yields=not self._is_publisher(source, link.url),
        )

    def _write_deferred(self, source: Source, links: Sequence[ArticleLink]) -> int:
        """Writes those for which there is room among the links that wait, newest first; returns how many are left out.

        The channel must be read again for them, changed or not.
        """
        room = MOST_WAITING - self._store.count_waiting_links(source.id)
        dropped = 0
        for link in reversed(links):
            key = make_url_key(link.url)
            if not self._store.is_waiting(key):
                room -= 1
                if room < 0:
                    dropped += 1
                    continue
            self._write_waiting(source, link, attempts=self._store.get_attempts(key, source.id))
        if dropped:
            logger.warning("%s: %d links are not kept: %d wait already", source.id, dropped, MOST_WAITING)
        return dropped

    def _write_waiting(self, source: Source, link: ArticleLink, *, attempts: int, **facts: Any) -> None:
        """A link for a later cycle. `facts`: reason and retry_at, where its page failed."""
        key = make_url_key(link.url)
        if self._kept_out.has_key(key):
            self._refuse(source, link, key)
        elif key:
            self._store.write_link(
                key=key,
                url=link.url,
                source_id=source.id,
                state=LinkState.PENDING,
                now=self._now,
                attempts=attempts,
                link=link.shorten(),
                yields=not self._is_publisher(source, link.url),
                **facts,
            )


def _has_killed(reason: str) -> bool:
    return diagnose(reason).code in ("unparsable", "crawler-killed")


def _count_fields(coverage: Counter[str], row: Mapping[str, Any]) -> None:
    """Counts what a page gave."""
    is_bodied = bool(row["title"] and row["text"])
    coverage["pages"] += 1
    coverage["bodied"] += is_bodied
    coverage["dated"] += is_bodied and row["published_precision"] != "none"
    coverage["authored"] += is_bodied and bool(row["author"])


def judge(row: Mapping[str, Any], tags: Sequence[str], table: TopicTable, *, html: bytes = b"") -> Verdict:
    """Topics and spam of an article's row, and of the page it was read from where that is at hand. PURE."""
    nearly = match_topics(row["title"], row["text"], summary=row["summary"], tags=tags, table=table)
    thresholds = {topic.id: topic.threshold for topic in table.topics}
    return Verdict(
        topics=tuple(match for match in nearly if match.score >= thresholds[match.topic]),
        nearly=nearly,
        spam=judge_spam(row["title"], row["text"], url=row["url"], html=html),
    )


def is_same_news(known: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a page still says what it said, changed here and there, and not something else. PURE."""
    if not known["text"]:
        return False
    before, after = fingerprint(known["title"], known["text"]), fingerprint(row["title"], row["text"])
    return compare(before, after, same_source=False).containment >= REVISED_SHARE


def _is_revision(known: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether an article says something else now. A channel's text and a page's are not held against each other."""
    if (known["extraction_method"] == "channel") != (row["extraction_method"] == "channel"):
        return False
    if known["text"] and not row["text"]:  # a page that was emptied
        return False
    return bool((known["title"], known["text"]) != (row["title"], row["text"]))


class ByHost(Protocol):
    """Looks up the sources that publish at a host."""

    def get(self, host: str, default: Sequence[Source] = ..., /) -> Sequence[Source]: ...


def find_source(host: str, publishers: ByHost, polled: Source) -> Source | None:
    """The source at a host, or at the nearest domain above it; `polled` where it is one of several there."""
    while "." in host:
        at_host = publishers.get(host, ())
        if at_host:
            return polled if any(source.id == polled.id for source in at_host) else at_host[0]
        host = host.partition(".")[2]
    return None


def build_row(page: FetchedPage, source: Source, now: datetime) -> dict[str, Any]:
    """The columns of `articles` for a page, cleaned: the one place where a portal's text is made safe. PURE.

    Persons' numbers and addresses are masked here, too, so that whatever is made of a row (feeds, pages, the index of
    words, exports, a copy) cannot tell them; judging and comparing see what is kept.
    """
    article = page.article or ExtractedArticle()
    text = clean_paragraphs(article.text, limit=TEXT_LIMIT)
    title, title_method = _choose_title(article, page.link, text)
    author, byline = _drop_houses(", ".join(article.authors)), _drop_houses(article.byline)
    summary = clean_text(article.summary or page.link.summary, limit=SUMMARY_LIMIT)
    published, is_told = _choose_date(article, page, source, now)
    row = {
        "url": canonicalize(page.url) or canonicalize(page.link.url),
        "source_id": source.id,
        "title": title,
        "title_method": title_method,
        "author": author,
        "byline": byline,
        "author_method": article.author_method if author or byline else "",
        "published_at": to_text(published.astimezone(UTC)),
        "published_offset": get_offset_minutes(published) if is_told else 0,
        "published_precision": article.published_precision.value if is_told and article.published_precision else "none",
        "published_raw": clean_text(article.published_raw, limit=200),
        "published_method": article.published_method if is_told else "first-seen",
        "modified_at": to_text(article.modified) if article.modified else None,
        "text": text,
        "summary": summary,
        "image": safe_url(article.image),
        "snippet_limit": article.snippet_limit,
        "language": clean_text(article.language, limit=20) or source.language,
        "tags": _tags_to_json(article.tags),
        "declared_url": canonicalize(article.canonical_url, base=page.url) if article.canonical_url else "",
        "extraction_method": article.method,
        "profile": article.profile,
        "page_hash": page.page_hash or None,
        "first_seen_at": to_text(now),
    }
    return row | mask_columns(row)


def _drop_houses(names: str) -> str:
    """Names with commas between them, cleaned, without those of gambling houses: hacked pages have such authors."""
    return ", ".join(name for name in clean_text(names, limit=200).split(", ") if not is_house(name))


def _choose_date(article: ExtractedArticle, page: FetchedPage, source: Source, now: datetime) -> tuple[datetime, bool]:
    """When it was published, and whether the portal told so: `now` where it told nothing, or what has not come yet.

    A portal's clock may be a little ahead of ours. An instant of UTC that has not come, and has where the source is, is
    of a portal that labels its own clock so.
    """
    latest = page.fetched_at if abs(page.fetched_at - now) <= LONGEST_CYCLE else now  # the clock may have been set
    if (told := article.published) is None:
        return now, False
    if told - latest > AHEAD_SLIGHTLY and not told.utcoffset():
        local = told.replace(tzinfo=ZoneInfo(source.timezone))
        told = local if local <= latest else told
    return (min(told, latest.astimezone(told.tzinfo)), True) if told - latest <= AHEAD_MOST else (now, False)


def _choose_title(article: ExtractedArticle, link: ArticleLink, text: str) -> tuple[str, str]:
    """The title, and which way it was found: the page's, the channel's, else the first words of the text."""
    ways = (
        (article.title_method, article.title, TITLE_LIMIT),
        ("channel", link.title, TITLE_LIMIT),
        ("text", text, TITLE_OF_TEXT),
    )
    found = ((clean_text(said, limit=limit), way) for way, said, limit in ways)
    return next(((title, way) for title, way in found if title), ("", ""))


def _tags_to_json(tags: Iterable[str]) -> str:
    cleaned = (clean_text(tag, limit=TAG_LIMIT) for tag in list(tags)[:30])
    return json.dumps([tag for tag in cleaned if tag], ensure_ascii=False)


def _list_links(harvest: Harvest) -> Iterator[ArticleLink]:
    """The entries of the channel that were followed, or will be."""
    yield from (page.link for page in harvest.pages)
    yield from (failure.link for failure in harvest.failures)
    yield from harvest.deferred
