"""The data types that travel through the pipeline.

A leaf: only the standard library is imported here. Everything is frozen, keyword-only and safe to send as JSON
(`aggregator.wire`). Instants are aware datetimes; the database keeps them in UTC, the source's own offset beside them.

    Channel ──fetch──▶ ChannelPage of ArticleLink ──fetch──▶ ExtractedArticle ──▶ Harvest ──ingest──▶ rows
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class ChannelKind(StrEnum):
    """The four ways into a source."""

    FEED = "feed"
    SITEMAP = "sitemap"
    WORDPRESS = "wordpress"
    LISTING = "listing"


class SourceKind(StrEnum):
    """Who publishes."""

    REGIONAL = "regional"
    NATIONAL = "national"
    CITY_GOVERNMENT = "city-government"
    PROVINCIAL_GOVERNMENT = "provincial-government"
    MINISTRY = "ministry"
    ASSOCIATION = "association"
    OTHER = "other"


class SourceEvidence(StrEnum):
    """How it is known that a source's channels answer."""

    GIVEN = "given"  # an operator's own entry
    PROBED = "probed"  # `sources probe` read them
    TRIED = "tried"  # a public list says that they answered
    LISTED = "listed"  # they stand in a public list
    PATTERN = "pattern"  # the publisher was seen, the address is what its platform uses
    UNPROBED = "unprobed"  # neither: switched off until a probe succeeds


class DatePrecision(StrEnum):
    """How far a date counts. A DAY is kept as midnight in the source's zone."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"


class Language(StrEnum):
    """The languages of our own words, on pages and in feeds; the news stays in the language it was written in."""

    INDONESIAN = "id"
    ENGLISH = "en"


class ParsedDate(NamedTuple):
    """A date read from text or markup: an aware instant with the offset it was written in, and how far it counts."""

    at: datetime
    precision: DatePrecision


class PollOutcome(StrEnum):
    """How one poll of one channel ended."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"  # 304, or a body with the hash seen last
    REFUSED = "refused"  # robots.txt, the address guard: nothing was asked of the portal
    FAILED = "failed"


class LinkState(StrEnum):
    """What became of a URL that was seen."""

    PENDING = "pending"  # seen, its page not read yet
    KEPT = "kept"  # became an article
    OFF_TOPIC = "off-topic"
    SPAM = "spam"
    FAILED = "failed"  # given up after repeated failures
    REFUSED = "refused"  # robots.txt or noindex


# ── the catalogue ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True, slots=True)
class Selectors:
    """CSS selectors of a listing page. Only `item` is needed; the others are looked up inside each item."""

    item: str
    link: str = "a[href]"
    title: str | None = None
    date: str | None = None
    author: str | None = None
    next: str | None = None  # looked up in the whole page


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One way into a source. `url` identifies it."""

    kind: ChannelKind
    url: str
    terms: tuple[str, ...] = ()  # what a WordPress channel searches for; empty: everything new
    selectors: Selectors | None = None  # a listing without selectors is read automatically
    max_pages: int = 1  # pages of a listing or REST search that one poll may follow


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A publisher, identified by a slug (one domain may hold two)."""

    id: str
    name: str
    domain: str
    kind: SourceKind = SourceKind.REGIONAL
    channels: tuple[Channel, ...] = ()
    province: str | None = None  # name, as in the table of provinces
    city: str | None = None  # slug of the home city, e.g. "kota-gorontalo"
    timezone: str = "Asia/Jakarta"
    language: str = "id"
    enabled: bool = True
    full_text: bool = False  # the publisher allows the full text to be republished
    profile: str | None = None  # name of the extraction profile
    utc_is_local: bool = False  # labels its own clock GMT or UTC: that label is not believed
    blackout: tuple[str, ...] = ()  # hours of its day in which it is left alone: "07:00-09:00"
    ca_bundle: str | None = (
        None  # file of certificates that are trusted beside the system's; relative to the data folder
    )
    discovery: bool = False  # a search engine: its links lead to other publishers, who get the credit
    evidence: SourceEvidence = SourceEvidence.GIVEN
    note: str = ""


# ── what a channel and a page say ──────────────────────────────────────────────────────────────────────────────────


MOST_WAITING = 2_000  # links of one source that wait for later cycles
WAITING_TEXT, WAITING_TAG, WAITING_TAGS = 1_000, 100, 30  # what is kept of a link that waits: characters, and tags


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleLink:
    """A URL seen on a channel, with what the channel says of it (nothing here is cleaned yet)."""

    url: str
    title: str = ""
    published_raw: str = ""  # the date as written; read by crawler.dates, which needs the source's zone
    modified_raw: str = ""
    author: str = ""
    summary: str = ""  # may hold HTML
    content_html: str = ""  # full text, where the channel carries it
    tags: tuple[str, ...] = ()
    guid: str = ""
    image: str = ""
    publisher: str = ""  # who published it, where the channel is another's: a search engine's

    def strip(self) -> ArticleLink:
        """The address alone: what a channel says of another's article is no word of its publisher."""
        return ArticleLink(url=self.url)

    def shorten(self) -> ArticleLink:
        """As it waits for a later cycle: without the full text, for which the page is asked, and what is endless."""
        words = ("title", "published_raw", "modified_raw", "author", "summary", "guid", "publisher")
        return replace(
            self,
            content_html="",
            image=self.image if len(self.image) <= WAITING_TEXT else "",
            tags=tuple(tag[:WAITING_TAG] for tag in self.tags[:WAITING_TAGS]),
            **{name: getattr(self, name)[:WAITING_TEXT] for name in words},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelPage:
    """One parsed feed, sitemap, REST answer or listing page."""

    links: tuple[ArticleLink, ...] = ()
    title: str = ""
    next_page: str | None = None  # listing pages, paged feeds
    sitemaps: tuple[ArticleLink, ...] = ()  # children of a sitemap index, lastmod in modified_raw
    ttl_minutes: int | None = None  # how long the channel asks not to be read again
    fault: str = ""  # what was wrong with the body, when it could be read only in part

    def __iter__(self) -> Iterator[ArticleLink]:
        return iter(self.links)

    def __len__(self) -> int:
        return len(self.links)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtractedArticle:
    """What was read from one page (or from the full text in a channel)."""

    title: str = ""
    title_method: str = ""  # profile, h1, heading, emphasis, json-ld, meta, title (the element), channel
    authors: tuple[str, ...] = ()  # persons
    author_method: str = ""  # label, signature, profile, byline, data, json-ld, meta, contributor, channel; of `byline`
    byline: str = ""  # as written, also where a desk or an account signs
    published: datetime | None = None
    published_precision: DatePrecision | None = None
    published_raw: str = ""
    published_method: str = ""  # json-ld, meta, itemprop, time, text, channel …
    modified: datetime | None = None
    text: str = ""  # paragraphs, one newline between two
    summary: str = ""
    image: str = ""
    canonical_url: str = ""
    amp_url: str = ""  # the same article for phones
    site_name: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    method: str = ""  # which way the body was found: profile, name, article, prose, trafilatura, channel …
    profile: str = ""  # name of the site's or theme's profile that it was read by; what that found says so itself
    noindex: bool = False
    snippet_limit: int | None = None  # characters that the page lets be quoted (nosnippet: 0); None: any
    boilerplate: tuple[int, ...] = ()  # 64-bit hashes of every paragraph-like block of the page, kept or dropped
    refusal: str | None = None  # why the page is no article: a list, a login, an error page. Its text is empty then


# ── what a poll brings ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True, slots=True)
class Validators:
    """What a conditional request sends, and what recognises an unchanged body when the server never answers 304."""

    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    parts: tuple[tuple[str, str, str], ...] = ()  # URL, ETag, Last-Modified of each further answer: a search, a sitemap

    def get_part(self, url: str) -> Validators:
        """What a request for a part sends."""
        return next(
            (Validators(etag=tag, last_modified=at) for part, tag, at in self.parts if part == url), Validators()
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RobotsRecord:
    """A host's robots.txt as last read. A `status` of 0 or ≥ 500 means: disallow everything (RFC 9309, 2.3.1.4)."""

    host: str
    fetched_at: datetime
    status: int
    body: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelJob:
    """A channel to poll, with what is remembered of it."""

    channel_id: int
    channel: Channel
    validators: Validators = Validators()


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingLink:
    """A link whose page could not be read in an earlier cycle."""

    link: ArticleLink
    attempts: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawlJob:
    """All that a crawl process needs to poll one source once."""

    source: Source
    channels: tuple[ChannelJob, ...]
    now: datetime  # the cycle's clock: relative dates count from here
    known: dict[str, int] = field(default_factory=dict)  # URL key → Unix time at which its page was last read
    pending: tuple[PendingLink, ...] = ()
    rechecks: tuple[ArticleLink, ...] = ()  # articles that we have, to be read once more
    robots: tuple[RobotsRecord, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedPage:
    """One page that was read: what the channel said, what was extracted, and its bytes."""

    url: str
    link: ArticleLink
    article: ExtractedArticle | None  # None: the topic scan found nothing, so it was not extracted
    fetched_at: datetime
    raw: bytes = b""  # zstd, kept only when the page was extracted
    page_hash: bytes = b""  # SHA-256 of what is in `raw`: the page as received, or the full text of the channel
    from_channel: bool = False  # full text of the channel; no page was fetched
    passed_scan: bool = True  # False: the topic scan found nothing, and it was extracted all the same, as a check


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkFailure:
    """A page that could not be read."""

    url: str
    link: ArticleLink
    reason: str
    permanent: bool = False
    refused: bool = False
    gone: bool = False  # 404 or 410: the portal has deleted it, or never had it


@dataclass(frozen=True, kw_only=True, slots=True)
class HostTraffic:
    """What one poll asked of one host, redirects and robots.txt included."""

    host: str  # name:port
    requests: int
    bytes: int
    answers: int = 0  # of whatever status
    free_at: datetime  # nothing more before then: its Crawl-delay or Retry-After, else our own delay


@dataclass(frozen=True, kw_only=True, slots=True)
class Poll:
    """How the poll of one channel went."""

    channel_id: int
    outcome: PollOutcome
    started_at: datetime
    finished_at: datetime
    http_status: int = 0
    reason: str = ""
    links: int = 0
    requests: int = 0
    validators: Validators = Validators()
    ttl_minutes: int | None = None
    fresh_seconds: int = 0  # that the answer stays fresh (Cache-Control)
    retry_after_seconds: int | None = None
    host: str = ""  # of the channel
    traffic: tuple[HostTraffic, ...] = ()
    kills: int = 0  # parsers, and crawl processes, that died of what the source sent

    @property
    def is_silent(self) -> bool:
        """Whether nobody answered anything."""
        return not self.http_status and not self.kills and not any(part.answers for part in self.traffic)

    @property
    def bytes(self) -> int:
        """Received, as sent over the wire."""
        return sum(part.bytes for part in self.traffic)


@dataclass(frozen=True, kw_only=True, slots=True)
class Harvest:
    """What one poll of one source brought: written to the database in one transaction."""

    source_id: str
    poll: Poll
    pages: tuple[FetchedPage, ...] = ()
    failures: tuple[LinkFailure, ...] = ()
    deferred: tuple[ArticleLink, ...] = ()  # seen, left for the next cycle (limits, deadline)
    waiting: int = 0  # of those that had waited, and wait on as they are
    robots: tuple[RobotsRecord, ...] = ()


# ── what the aggregator decides ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One match that speaks for (or, with a negative weight, against) a topic or region."""

    term: str
    place: str  # title, lead, body, tags, dateline …
    offset: int  # characters from the start of that place
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicMatch:
    topic: str
    score: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionMatch:
    """A city or province: where it happened (`event`), who took part, what is only named."""

    code: str  # Kemendagri: "75.71", province "75"
    name: str
    kind: str  # city, province
    role: str  # event, participant, mention
    score: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SpamVerdict:
    is_spam: bool
    score: float
    evidence: tuple[Evidence, ...] = ()
    is_hijacked: bool = False  # by its gambling traces alone it is spam: the site has been broken into, or lives on it


@dataclass(frozen=True, kw_only=True, slots=True)
class City:
    """A member city of APEKSI."""

    code: str  # Kemendagri
    bps_code: str
    name: str  # "Gorontalo"
    full_name: str  # "Kota Gorontalo"
    slug: str  # "kota-gorontalo"
    province: str
    province_code: str
    komwil: int  # 1–6
    timezone: str
    latitude: float
    longitude: float
    government: str  # "Pemkot Gorontalo"
    aliases: tuple[str, ...] = ()
    ambiguity: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why an item is here: the strongest evidence of one topic."""

    topic: str
    terms: tuple[tuple[str, str], ...]  # (term as written, place)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedItem:
    """One item of a published feed: one duplicate group, shown through its canonical article."""

    guid: str
    title: str
    url: str
    source_id: str
    source_name: str
    source_url: str
    source_feed: str = ""  # address of a feed of its own that we know
    published: datetime  # aware; with the source's offset
    published_precision: DatePrecision | None = DatePrecision.SECOND  # None: first seen then, its date is not known
    first_published: datetime  # when the item entered the feed; UTC
    updated: datetime  # UTC
    excerpt: str = ""
    author: str = ""
    topics: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    regions: tuple[str, ...] = ()  # names of the event's cities and provinces
    tags: tuple[str, ...] = ()
    also_at: tuple[tuple[str, str], ...] = ()  # (source name, URL) of the other members
    full_text: str = ""  # only where the source allows it
    story_id: int | None = None  # None: no look at stories has seen it yet
    story_news: int = 0  # other pieces of news in its story
    language: str = "id"
