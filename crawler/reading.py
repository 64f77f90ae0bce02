"""What the parser workers run: untrusted bytes in, data out. PURE, and importable without Scrapy.

The crawl process names these functions and never runs them: what reads is loaded in them, and before by a worker
(`load_readers`). Each raises TooCostlyError when it has used up its CPU time.

read_channel       channel bytes ──▶ ChannelPage
read_page          page bytes ──topic scan──▶ extract ──▶ (article or None, compressed bytes, its further pages)
read_further_page  bytes of a further page ──▶ extract ──▶ the article with its text joined
read_link          full text of a channel ──topic scan──▶ (article or None)
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aggregator.models import (
    ArticleLink,
    ChannelKind,
    ChannelPage,
    DatePrecision,
    ExtractedArticle,
    ParsedDate,
    Selectors,
)
from crawler.characters import drop_unsafe
from crawler.cpu_limit import READING_SECONDS, limit_cpu
from crawler.extraction.page_links import PageLinks, find_page_links, list_addresses
from crawler.overlays import Overlays

if TYPE_CHECKING:
    from crawler.extraction.page import Page

SAMPLE_ONE_IN = 100
SAME_DAY = timedelta(hours=36)  # from its midnight, whatever zone was meant
INFERRED = ("dateline", "modified")  # ways to a date of a page: of the event, of the last change
_READERS = (
    *("aggregator.topics", "crawler.channels.parsing", "crawler.dates", "crawler.extraction.article"),
    *("crawler.extraction.fragments", "crawler.extraction.joining", "crawler.extraction.profiles", "zstandard"),
)  # all that is imported below


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How pages of one source are to be read."""

    zone: str
    now: datetime
    keep_all: bool = False
    overlays: Overlays = Overlays()  # noqa: RUF009 - frozen
    profile: str | None = None  # of the source; None: the page's theme is recognised
    utc_is_local: bool = False  # of the source, as for `parse_date`


@dataclass(frozen=True, kw_only=True, slots=True)
class PageReading:
    """What became of one page: `article` is None when the topic scan found nothing."""

    article: ExtractedArticle | None
    raw: bytes = b""  # zstd
    page_hash: bytes = b""  # SHA-256 of what is in `raw`
    passed_scan: bool = True  # False: extracted although the scan found nothing
    links: PageLinks = PageLinks()  # noqa: RUF009 - frozen


def load_readers() -> None:
    """Loads what the calls need, so that the limits of the first are its own."""
    for module in _READERS:
        import_module(module)


@limit_cpu(READING_SECONDS)
def read_channel(
    body: bytes, url: str, content_type: str, kind: ChannelKind | None, selectors: Selectors | None
) -> ChannelPage:
    """See `crawler.channels.parse_channel`. Raises ChannelError."""
    from crawler.channels.parsing import parse_channel

    return parse_channel(body, url, content_type, kind=kind, selectors=selectors)


@limit_cpu(READING_SECONDS)
def read_page(html: bytes, link: ArticleLink, url: str, reading: Reading, whatever_topic: bool) -> PageReading:
    """Extracts the article of a page that names a topic anywhere, in its bytes or in what the channel said of it.

    `whatever_topic` reads it in any case; so is one page in a hundred, to learn what the scan misses. The link's date
    stands in where the page has none, or only a day. An article over several pages is judged by its first: one that
    names a topic only further on is missed, for to ask every portal for every page of every article would be a
    multiple of the requests. What the scan did not find has no `links`.
    """
    from crawler.extraction.article import extract_page

    names_topic = reading.keep_all or _names_topic(html, link, reading)
    if not (whatever_topic or names_topic or is_sampled(link.url)):
        return PageReading(article=None)
    page = _parse_page(html, url, reading)
    if page is None:
        return _keep(ExtractedArticle(refusal="no markup"), html, passed_scan=names_topic)
    article = extract_page(page, zone=ZoneInfo(reading.zone), now=reading.now, utc_is_local=reading.utc_is_local)
    links = PageLinks()
    if names_topic and article.text and not article.noindex:
        links = find_page_links(page.root, url, article=list_addresses(url, article.canonical_url))
    article = _complete_from_link(article, link, reading)
    return _keep(article, html, passed_scan=names_topic, links=links)


@limit_cpu(READING_SECONDS)
def read_further_page(html: bytes, url: str, read: PageReading, first_url: str, reading: Reading) -> PageReading | None:
    """`read`, whose first page came from `first_url`, joined with the page that came from `url` and goes on with it.

    Title, names, date, picture and address stay those of the first page. None where the page is not of the article,
    or has nothing that `read` has not.
    """
    from crawler.extraction.article import extract_page
    from crawler.extraction.joining import is_further_page, join_page

    page = _parse_page(html, url, reading)
    if page is None or read.article is None:
        return None
    article, addresses = read.article, list_addresses(first_url, read.article.canonical_url)
    further = extract_page(page, zone=ZoneInfo(reading.zone), now=reading.now, utc_is_local=reading.utc_is_local)
    has_heading = page.root.find(".//h1") is not None
    if not is_further_page(further, url, article=article, addresses=addresses, has_heading=has_heading):
        return None
    joined = join_page(article, further)
    if joined is article:
        return None
    links = find_page_links(page.root, url, article=addresses, after=read.links.number)
    return replace(read, article=joined, links=links)


@limit_cpu(READING_SECONDS)
def read_link(link: ArticleLink, reading: Reading, whatever_topic: bool) -> PageReading:
    """The same for a link whose channel carries the full text: no page is needed."""
    from crawler.extraction.fragments import link_to_article

    names_topic = reading.keep_all or _names_topic(b"", link, reading)
    if not (whatever_topic or names_topic or is_sampled(link.url)):
        return PageReading(article=None)
    article = link_to_article(link, zone=ZoneInfo(reading.zone), now=reading.now, utc_is_local=reading.utc_is_local)
    return _keep(article, link.content_html.encode("utf-8", "replace"), passed_scan=names_topic)


def is_sampled(url: str) -> bool:
    """Whether a page is read to check the topic scan: one in `SAMPLE_ONE_IN`, always the same ones."""
    return zlib.crc32(url.encode("utf-8", "replace")) % SAMPLE_ONE_IN == 0


def _keep(article: ExtractedArticle, read: bytes, *, passed_scan: bool, links: PageLinks | None = None) -> PageReading:
    """What became of the bytes that an article was read from: packed, with their hash."""
    import zstandard

    return PageReading(
        article=article,
        raw=zstandard.compress(read),
        page_hash=sha256(read).digest(),
        passed_scan=passed_scan,
        links=links or PageLinks(),
    )


def _parse_page(html: bytes, url: str, reading: Reading) -> Page | None:
    from crawler.extraction.page import read_page
    from crawler.extraction.profiles import load_profiles

    profiles = load_profiles(_to_path(reading.overlays.profiles))
    named = profiles.get(reading.profile) if reading.profile else None
    return read_page(html, url, named, profiles=profiles.values())


def _to_path(path: str | None) -> Path | None:
    return Path(path) if path else None


def _names_topic(html: bytes, link: ArticleLink, reading: Reading) -> bool:
    from aggregator.topics import load_topics, scan_bytes

    table = load_topics(_to_path(reading.overlays.topics))
    said = "\n".join((link.title, link.summary, link.content_html, *link.tags)).encode("utf-8", "replace")
    return scan_bytes(html, table) or scan_bytes(said, table)


def _complete_from_link(article: ExtractedArticle, link: ArticleLink, reading: Reading) -> ExtractedArticle:
    """Fills what the page does not say from what the channel said; the page is asked first."""
    from crawler.dates import parse_date

    filled: dict[str, object] = {}
    if link.title and (not article.title or article.refusal is not None):
        filled |= {"title": drop_unsafe(link.title), "title_method": "channel"}
    if link.summary and article.refusal is not None:  # the page's own is of the site
        filled["summary"] = drop_unsafe(link.summary)
    if not article.image and link.image:
        filled["image"] = drop_unsafe(link.image)
    if link.published_raw and article.published_precision in (None, DatePrecision.DAY):
        said = parse_date(link.published_raw, zone=reading.zone, now=reading.now, utc_is_local=reading.utc_is_local)
        if said is not None and (article.published is None or _tells_hour(said, article)):
            filled |= {
                "published": said.at,
                "published_precision": said.precision,
                "published_raw": drop_unsafe(link.published_raw),
                "published_method": "channel",
            }
    return replace(article, **filled) if filled else article  # type: ignore[arg-type]


def _tells_hour(said: ParsedDate, article: ExtractedArticle) -> bool:
    """Whether a channel's date gives the hour of the day that the page tells. Some channels date everything by the hour
    at which they are asked, so it must be about the same day, unless the page's is but inferred."""
    if said.precision is DatePrecision.DAY or article.published is None:
        return False
    return article.published_method in INFERRED or abs(said.at - article.published) <= SAME_DAY
