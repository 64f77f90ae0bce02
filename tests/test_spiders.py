"""The four spiders in a real crawl process, over portals on loopback. Portals and news are invented."""

from __future__ import annotations

import gzip
import ipaddress
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from warm import run_warm

from aggregator.models import (
    ArticleLink,
    Channel,
    ChannelJob,
    ChannelKind,
    CrawlJob,
    Harvest,
    PendingLink,
    PollOutcome,
    Selectors,
    Source,
    Validators,
)
from aggregator.urls import make_url_key
from crawler.batch import CrawlBatch
from crawler.process import CrawlProcess
from crawler.reading import is_sampled
from crawler.settings import CrawlSettings

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
RSS, XML, JSON = "application/rss+xml", "application/xml", "application/json"
SENTENCE = "Para wali kota anggota APEKSI membahas layanan dasar bagi warga kota dalam pertemuan nomor {}."
TEXT = "".join(f"<p>{SENTENCE.format(number)}</p>" for number in range(1, 9))
HOME = b"<!DOCTYPE html><html><head><title>Beranda</title></head><body>Selamat datang</body></html>"
CHALLENGE = (
    b"<!DOCTYPE html><html><head><title>Tunggu sebentar...</title></head><body><h2>Memeriksa koneksi</h2></body></html>"
)


@pytest.fixture(scope="module")
def process() -> Iterator[CrawlProcess]:
    crawl = CrawlProcess(log_level="ERROR")
    yield crawl
    crawl.close()


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as served:
        yield served


class Poller:
    """Polls one channel in the warm crawl process, as a cycle would."""

    def __init__(self, process: CrawlProcess, portal: LoopbackPortal) -> None:
        self._process = process
        self._portal = portal

    def poll(
        self,
        kind: ChannelKind,
        path: str,
        *,
        known: Sequence[str] = (),
        pending: Sequence[str] = (),
        validators: Validators = Validators(),  # noqa: B008 - frozen
        limits: dict[str, Any] | None = None,
        **channel: Any,
    ) -> Harvest:
        base = self._portal.base
        polled = Channel(kind=kind, url=base + path, **channel)
        job = CrawlJob(
            source=Source(id="uji", name="Uji", domain="uji.example", channels=(polled,)),
            channels=(ChannelJob(channel_id=1, channel=polled, validators=validators),),
            now=NOW,
            known={make_url_key(base + path): int(NOW.timestamp()) for path in known},
            pending=tuple(PendingLink(link=ArticleLink(url=base + path)) for path in pending),
        )
        options: dict[str, Any] = {
            "allow_networks": (ipaddress.ip_network("127.0.0.0/8"),),
            "delay_seconds": 0,
            "requests_per_domain": 50,
            "timeout_seconds": 10,
        }
        (harvest,) = self._process.crawl(CrawlBatch(settings=CrawlSettings(**options | (limits or {})), jobs=(job,)))
        return harvest


@pytest.fixture
def poller(process: CrawlProcess, portal: LoopbackPortal) -> Poller:
    return Poller(process, portal)


def paths(portal: LoopbackPortal, urls: Sequence[str]) -> list[str]:
    return [url.removeprefix(portal.base) for url in urls]


def list_pages(portal: LoopbackPortal, harvest: Harvest) -> list[str]:
    return paths(portal, [page.link.url for page in harvest.pages])


def list_asked(portal: LoopbackPortal) -> list[str]:
    """What the portal was asked for beside robots.txt, in order."""
    return [path for path in portal.asked if path != "/robots.txt"]


def write_page(title: str = "Rapat APEKSI membahas kota", head: str = "") -> bytes:
    return (
        f"<!DOCTYPE html><html lang=id><head><meta charset=utf-8><title>{title}</title>{head}</head>"
        f"<body><article><h1>{title}</h1><div class=entry-content>{TEXT}</div></article></body></html>"
    ).encode()


def write_feed(links: Sequence[str], *, full: bool = False, title: str = "Rapat APEKSI") -> bytes:
    content = f"<content:encoded><![CDATA[{TEXT}]]></content:encoded>" if full else ""
    items = "".join(
        f"<item><title>{title}</title><link>{link}</link><pubDate>{format_datetime(NOW - timedelta(hours=3))}</pubDate>"
        f"{content}</item>"
        for link in links
    )
    return (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Uji</title>'
        f"{items}</channel></rss>"
    ).encode()


def serve_pages(portal: LoopbackPortal, *names: str) -> None:
    for name in names:
        portal.answers[name] = Answer(write_page())


# ── feeds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_feed_with_full_text_needs_no_page(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/feed"] = Answer(write_feed(["/1", "/2"], full=True), content_type=RSS)
    harvest = poller.poll(ChannelKind.FEED, "/feed")
    assert list_asked(portal) == ["/feed"]
    assert (harvest.poll.outcome, harvest.poll.links, harvest.poll.requests) == (PollOutcome.CHANGED, 2, 1)
    assert all(page.from_channel and page.article and SENTENCE.format(8) in page.article.text for page in harvest.pages)


def test_pages_are_fetched_oldest_first(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/feed"] = Answer(write_feed(["/3", "/2", "/1"]), content_type=RSS)
    serve_pages(portal, "/1", "/2", "/3")
    harvest = poller.poll(ChannelKind.FEED, "/feed")
    assert list_asked(portal) == ["/feed", "/1", "/2", "/3"]
    assert [page.article.title if page.article else "" for page in harvest.pages] == ["Rapat APEKSI membahas kota"] * 3
    assert not any(page.from_channel for page in harvest.pages)


def test_feed_that_has_moved_is_read_where_it_is_now(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/feed"] = Answer(status=301, headers={"Location": "/baru/feed/"})
    portal.answers["/baru/feed/"] = Answer(
        write_feed(["../berita"], full=True), content_type=RSS, headers={"ETag": '"7"'}
    )
    harvest = poller.poll(ChannelKind.FEED, "/feed")
    assert list_pages(portal, harvest) == ["/baru/berita"]
    again = poller.poll(ChannelKind.FEED, "/feed", validators=harvest.poll.validators)
    assert again.poll.outcome is PollOutcome.UNCHANGED
    assert portal.conditional["/baru/feed/"] == 1


def test_unchanged_feed_is_recognised_by_304_and_by_its_body(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/etag"] = Answer(write_feed(["/1"], full=True), content_type=RSS, headers={"ETag": '"7"'})
    portal.answers["/plain"] = Answer(write_feed(["/1"], full=True), content_type=RSS)
    for path in ("/etag", "/plain"):
        first = poller.poll(ChannelKind.FEED, path)
        again = poller.poll(ChannelKind.FEED, path, validators=first.poll.validators)
        assert (first.poll.outcome, again.poll.outcome) == (PollOutcome.CHANGED, PollOutcome.UNCHANGED)
        assert again.pages == ()
        assert again.poll.validators == first.poll.validators
    assert (portal.conditional["/etag"], portal.conditional["/plain"]) == (1, 0)


def test_links_left_over_are_read_though_the_feed_is_unchanged(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/feed"] = Answer(write_feed(["/1"], full=True), content_type=RSS, headers={"ETag": '"7"'})
    serve_pages(portal, "/lama")
    harvest = poller.poll(ChannelKind.FEED, "/feed", validators=Validators(etag='"7"'), pending=["/lama"])
    assert harvest.poll.outcome is PollOutcome.UNCHANGED
    assert list_pages(portal, harvest) == ["/lama"]


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [
        (Answer(b"", 200, RSS), "empty body", 200),
        (Answer(HOME), "HTML page ('Beranda') instead of a feed", 200),
        (Answer(b"x", 404), "HTTP 404", 404),
        (Answer(b"x", 500), "HTTP 500", 500),
        (Answer(write_feed(["/1"])[:150], 200, RSS), "the feed is cut off before the end of its first entry", 200),
    ],
    ids=["empty", "html", "404", "500", "cut-off"],
)
def test_feed_that_cannot_be_read_says_why(
    portal: LoopbackPortal, poller: Poller, answer: Answer, reason: str, status: int
) -> None:
    portal.answers["/feed"] = answer
    poll = poller.poll(ChannelKind.FEED, "/feed").poll
    assert (poll.outcome, poll.reason, poll.http_status) == (PollOutcome.FAILED, reason, status)
    assert poll.validators == Validators()


def test_broken_feed_gives_what_it_holds_and_is_asked_for_whole_again(portal: LoopbackPortal, poller: Poller) -> None:
    body = write_feed(["/1", "/2"], full=True)
    portal.answers["/feed"] = Answer(body[: body.rindex(b"nomor 8")], content_type=RSS, headers={"ETag": '"7"'})
    harvest = poller.poll(ChannelKind.FEED, "/feed")
    assert list_pages(portal, harvest) == ["/1"]
    assert (harvest.poll.outcome, harvest.poll.reason) == (PollOutcome.CHANGED, "the feed is cut off")
    assert harvest.poll.validators == Validators()


@pytest.mark.parametrize("status", [429, 503])
def test_busy_portal_is_left_alone_as_long_as_it_asks(portal: LoopbackPortal, poller: Poller, status: int) -> None:
    portal.answers["/feed"] = Answer(b"", status, headers={"Retry-After": "3600"})
    poll = poller.poll(ChannelKind.FEED, "/feed").poll
    assert (poll.outcome, poll.http_status, poll.retry_after_seconds) == (PollOutcome.FAILED, status, 3600)


def test_portal_that_becomes_busy_is_not_asked_for_its_other_pages(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/feed"] = Answer(write_feed(["/3", "/2", "/1"]), content_type=RSS)
    serve_pages(portal, "/1", "/3")
    portal.answers["/2"] = Answer(b"", 429, headers={"Retry-After": "3600"})
    harvest = poller.poll(ChannelKind.FEED, "/feed")
    assert list_asked(portal) == ["/feed", "/1", "/2"]
    assert list_pages(portal, harvest) == ["/1"]
    left = paths(portal, [failure.url for failure in harvest.failures] + [link.url for link in harvest.deferred])
    assert left == ["/2", "/3"]
    assert not any(failure.permanent or failure.refused for failure in harvest.failures)


# ── limits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_requests_over_the_sources_share_wait(portal: LoopbackPortal, poller: Poller) -> None:
    names = [f"/{number}" for number in range(5)]
    portal.answers["/feed"] = Answer(write_feed(names), content_type=RSS)
    serve_pages(portal, *names)
    harvest = poller.poll(ChannelKind.FEED, "/feed", limits={"max_requests": 3})
    assert list_pages(portal, harvest) == ["/4", "/3"]
    assert paths(portal, [link.url for link in harvest.deferred]) == ["/2", "/1", "/0"]
    assert harvest.poll.requests == 3


def test_deadline_that_has_passed_asks_nothing(portal: LoopbackPortal, poller: Poller) -> None:
    poll = poller.poll(ChannelKind.FEED, "/feed", limits={"deadline_seconds": 0}).poll
    assert (poll.outcome, poll.reason) == (PollOutcome.REFUSED, "the cycle's time is up")
    assert portal.asked.total() == 0


def query(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(folder / "data" / "news.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def test_next_cycle_completes_what_the_limits_left_and_noindex_is_heeded(
    tmp_path: Path, portal: LoopbackPortal
) -> None:
    names = [f"/{number}" for number in range(4)]
    portal.answers["/feed"] = Answer(write_feed(names), content_type=RSS, headers={"ETag": '"7"'})
    for name in names:
        portal.answers[name] = Answer(write_page(f"Rapat APEKSI membahas kota {name}"))
    portal.answers["/3"] = Answer(write_page("Rapat tertutup", "<meta name=robots content=noindex>"))
    catalogue = (
        f'[sources.uji]\nname = "Uji"\ndomain = "uji.example"\n'
        f'channels = [{{ kind = "feed", url = "{portal.base}/feed" }}]\n'
    )
    setup = make_setup(tmp_path, catalogue, max_requests=3)
    run_warm(setup, now=NOW)
    waiting = query(tmp_path, "SELECT count(*) FROM links WHERE state = 'pending'")
    run_warm(setup, now=NOW + timedelta(hours=1))
    assert waiting == [(2,)]
    assert dict(query(tmp_path, "SELECT state, count(*) FROM links GROUP BY state")) == {"kept": 3, "refused": 1}
    assert portal.asked == {"/robots.txt": 1, "/feed": 2, "/0": 1, "/1": 1, "/2": 1, "/3": 1}


# ── robots.txt ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_disallowed_channel_is_refused_and_not_asked_for(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /feed\n", content_type="text/plain")
    harvest = poller.poll(ChannelKind.FEED, "/feed")
    assert (harvest.poll.outcome, harvest.poll.reason) == (PollOutcome.REFUSED, "robots.txt disallows it")
    assert list_asked(portal) == []
    assert [record.status for record in harvest.robots] == [200]


def test_disallowed_page_is_refused_and_the_others_read(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/robots.txt"] = Answer(b"User-agent: KabarKota\nDisallow: /1\n", content_type="text/plain")
    portal.answers["/feed"] = Answer(write_feed(["/1", "/2"]), content_type=RSS)
    serve_pages(portal, "/1", "/2")
    harvest = poller.poll(ChannelKind.FEED, "/feed")
    assert list_asked(portal) == ["/feed", "/2"]
    assert [(failure.reason, failure.refused) for failure in harvest.failures] == [("robots.txt disallows it", True)]


def test_redirect_to_a_disallowed_path_is_not_followed(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /rahasia\n", content_type="text/plain")
    portal.answers["/feed"] = Answer(status=302, headers={"Location": "/rahasia/feed"})
    assert poller.poll(ChannelKind.FEED, "/feed").poll.outcome is PollOutcome.REFUSED
    assert list_asked(portal) == ["/feed"]


@pytest.mark.parametrize("status", [500, 503])
def test_robots_txt_that_fails_keeps_everything_closed(portal: LoopbackPortal, poller: Poller, status: int) -> None:
    portal.answers["/robots.txt"] = Answer(b"", status)
    harvest = poller.poll(ChannelKind.FEED, "/feed")
    assert harvest.poll.outcome is PollOutcome.FAILED
    assert f"robots.txt cannot be read (HTTP {status})" in harvest.poll.reason
    assert list_asked(portal) == []
    assert harvest.robots == ()


def test_host_that_is_down_says_why(process: CrawlProcess) -> None:
    with serve_portal() as portal:
        pass
    harvest = Poller(process, portal).poll(ChannelKind.FEED, "/feed")
    assert harvest.poll.outcome is PollOutcome.FAILED
    assert "refused" in harvest.poll.reason


# ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "reason", "is_permanent"),
    [
        (Answer(b"%PDF-1.7", content_type="application/pdf"), "not a page but application/pdf", True),
        (Answer(write_page() + b" " * 5_000), "over the limit of 5000", True),
        (Answer(write_page() + b" " * 60_000), "over the limit of 5000", True),
        (Answer(b"x", 404), "HTTP 404", True),
        (Answer(b"x", 410), "HTTP 410", True),
        (Answer(b"x", 403), "HTTP 403", True),
        (Answer(b"x", 500), "HTTP 500", False),
        (Answer(b"", 302, headers={"Location": "/1"}), "redirect", True),
        (Answer(CHALLENGE), "guard against robots", False),
        (
            Answer(gzip.compress(CHALLENGE), headers={"Content-Encoding": "gzip"}),
            "guard against robots",
            False,
        ),
        (Answer(write_page(), headers={"cf-mitigated": "challenge"}), "guard against robots", False),
    ],
    ids=[
        "pdf",
        "large",
        "too-large-to-load",
        "404",
        "410",
        "403",
        "500",
        "circles",
        "challenge",
        "packed-challenge",
        "challenge-by-header",
    ],
)
def test_page_that_cannot_be_read_says_why(
    portal: LoopbackPortal, poller: Poller, answer: Answer, reason: str, is_permanent: bool
) -> None:
    portal.answers["/feed"] = Answer(write_feed(["/1", "/2"]), content_type=RSS)
    serve_pages(portal, "/2")
    portal.answers["/1"] = answer
    harvest = poller.poll(ChannelKind.FEED, "/feed", limits={"max_page_bytes": 5_000, "max_body_bytes": 50_000})
    assert list_pages(portal, harvest) == ["/2"]
    (failure,) = harvest.failures
    assert reason in failure.reason
    assert failure.permanent is is_permanent


def test_page_off_topic_is_not_extracted(portal: LoopbackPortal, poller: Poller) -> None:
    # The sample that is read all the same depends on the address, and so on the portal's port.
    path = next(path for path in (f"/{number}" for number in range(100)) if not is_sampled(f"{portal.base}{path}"))
    portal.answers["/feed"] = Answer(write_feed([path], title="Harga cabai"), content_type=RSS)
    portal.answers[path] = Answer(write_page("Harga cabai").replace(b"APEKSI", b"pasar"))
    harvest = poller.poll(ChannelKind.FEED, "/feed", known=["/lama"])  # of a new source a few are read all the same
    assert [(page.article, page.raw) for page in harvest.pages] == [(None, b"")]


# ── WordPress ──────────────────────────────────────────────────────────────────────────────────────────────────────

SEARCH, REST, TAG = (
    "/?s=smart+city&feed=rss2",
    "/wp-json/wp/v2/posts?per_page=20&page={}&_embed=author",
    "/tag/smart-city/feed/",
)


def rest_path(page: int = 1, term: str = "smart+city") -> str:
    return REST.format(page) + (f"&search={term}" if term else "")


def write_posts(first: int, count: int) -> Answer:
    posts = [
        {
            "link": f"/p{number}",
            "title": {"rendered": f"Rapat APEKSI {number}"},
            "date_gmt": "2026-11-23T05:00:00",
            "content": {"rendered": TEXT},
        }
        for number in range(first, first + count)
    ]
    return Answer(json.dumps(posts).encode(), content_type=JSON)


SEARCH_FEED = Answer(write_feed(["/s1"], full=True), content_type=RSS)
TAG_FEED = Answer(write_feed(["/t1"], full=True), content_type=RSS)
WAYS: dict[str, tuple[dict[str, Answer], list[str], list[str]]] = {
    "search-feed": ({SEARCH: SEARCH_FEED, rest_path(): write_posts(1, 1), TAG: TAG_FEED}, [SEARCH], ["/s1"]),
    "no-search-feed": ({rest_path(): write_posts(1, 1), TAG: TAG_FEED}, [SEARCH, rest_path()], ["/p1"]),
    "challenge": ({SEARCH: Answer(CHALLENGE), rest_path(): write_posts(1, 1)}, [SEARCH, rest_path()], ["/p1"]),
    "only-tag-feed": ({TAG: TAG_FEED}, [SEARCH, rest_path(), TAG], ["/t1"]),
    "rest-is-closed": (
        {rest_path(): Answer(b'{"code": "rest_cannot_access"}', 200, JSON), TAG: TAG_FEED},
        [SEARCH, rest_path(), TAG],
        ["/t1"],
    ),
    "html": ({SEARCH: Answer(HOME), rest_path(): Answer(HOME), TAG: TAG_FEED}, [SEARCH, rest_path(), TAG], ["/t1"]),
}


@pytest.mark.parametrize("case", WAYS)
def test_wordpress_is_asked_in_three_ways_until_one_answers(portal: LoopbackPortal, poller: Poller, case: str) -> None:
    answers, asked, found = WAYS[case]
    portal.answers |= answers
    harvest = poller.poll(ChannelKind.WORDPRESS, "/", terms=("smart city",))
    assert list_asked(portal) == asked
    assert list_pages(portal, harvest) == found
    assert (harvest.poll.outcome, harvest.poll.reason) == (PollOutcome.CHANGED, "")


def test_wordpress_without_a_way_in_tells_of_all_three(portal: LoopbackPortal, poller: Poller) -> None:
    poll = poller.poll(ChannelKind.WORDPRESS, "/", terms=("smart city",)).poll
    assert (poll.outcome, poll.http_status, poll.requests) == (PollOutcome.FAILED, 404, 3)
    assert poll.reason == "search_feed: HTTP 404; rest: HTTP 404; tag_feed: HTTP 404"


def test_wordpress_without_terms_is_asked_for_everything_new(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers[rest_path(1, "")] = write_posts(1, 2)
    harvest = poller.poll(ChannelKind.WORDPRESS, "/")
    assert list_asked(portal) == ["/?feed=rss2", rest_path(1, "")]
    assert sorted(list_pages(portal, harvest)) == ["/p1", "/p2"]


@pytest.mark.parametrize("address", ["/blog", "/blog/", "/blog/feed/", "/blog/?feed=rss2", "/blog/wp-json/wp/v2/posts"])
def test_wordpress_below_the_root_is_found_from_any_of_its_addresses(
    portal: LoopbackPortal, poller: Poller, address: str
) -> None:
    portal.answers["/blog/?s=apeksi&feed=rss2"] = SEARCH_FEED
    assert list_pages(portal, poller.poll(ChannelKind.WORDPRESS, address, terms=("apeksi",))) == ["/s1"]


REST_ANSWERS: dict[str, tuple[list[int | Answer], int, int, str]] = {  # pages, max_pages, links, reason
    "all": ([20, 20, 5], 3, 45, ""),
    "max-pages": ([20, 20, 5], 2, 40, ""),
    "past-the-last": ([20], 3, 20, ""),
    "page-fails": ([20, Answer(b"", 500)], 3, 20, "page 2: HTTP 500"),
    "page-is-html": (
        [20, Answer(HOME)],
        3,
        20,
        "page 2: HTML page ('Beranda') instead of a wordpress",
    ),
}


@pytest.mark.parametrize("case", REST_ANSWERS)
def test_rest_pages_are_followed(portal: LoopbackPortal, poller: Poller, case: str) -> None:
    pages, max_pages, links, reason = REST_ANSWERS[case]
    portal.answers[rest_path(len(pages) + 1)] = Answer(b'{"code": "rest_post_invalid_page_number"}', 400, JSON)
    for number, page in enumerate(pages, start=1):
        portal.answers[rest_path(number)] = write_posts(number * 100, page) if isinstance(page, int) else page
    harvest = poller.poll(ChannelKind.WORDPRESS, "/", terms=("smart city",), max_pages=max_pages)
    assert (len(harvest.pages), harvest.poll.reason) == (links, reason)
    assert len(list_asked(portal)) <= 1 + max_pages


def test_term_that_fails_does_not_hide_the_others(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers[SEARCH] = SEARCH_FEED
    harvest = poller.poll(ChannelKind.WORDPRESS, "/", terms=("apeksi", "smart city"))
    assert list_pages(portal, harvest) == ["/s1"]
    assert harvest.poll.outcome is PollOutcome.CHANGED
    assert harvest.poll.reason.startswith("'apeksi': search_feed: HTTP 404")
    assert harvest.poll.validators == Validators()


def test_terms_that_the_limits_cut_off_do_not_hide_the_others(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers[SEARCH] = SEARCH_FEED
    harvest = poller.poll(ChannelKind.WORDPRESS, "/", terms=("smart city", "apeksi"), limits={"max_requests": 1})
    assert list_pages(portal, harvest) == ["/s1"]
    assert "used up" in harvest.poll.reason
    assert harvest.poll.validators == Validators()


def test_wordpress_is_unchanged_only_if_every_term_is(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/?s=apeksi&feed=rss2"] = Answer(write_feed(["/a1"], full=True), content_type=RSS)
    portal.answers[SEARCH] = SEARCH_FEED
    terms = ("apeksi", "smart city")
    validators = poller.poll(ChannelKind.WORDPRESS, "/", terms=terms).poll.validators
    known = ["/a1", "/s1"]
    same = poller.poll(ChannelKind.WORDPRESS, "/", terms=terms, validators=validators, known=known)
    portal.answers["/?s=apeksi&feed=rss2"] = Answer(write_feed(["/a2"], full=True), content_type=RSS)
    other = poller.poll(ChannelKind.WORDPRESS, "/", terms=terms, validators=validators, known=known)
    assert (same.poll.outcome, other.poll.outcome) == (PollOutcome.UNCHANGED, PollOutcome.CHANGED)
    assert (list_pages(portal, same), list_pages(portal, other)) == ([], ["/a2"])


def test_busy_wordpress_is_not_tried_in_other_ways(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers[SEARCH] = Answer(b"", 429, headers={"Retry-After": "600"})
    poll = poller.poll(ChannelKind.WORDPRESS, "/", terms=("smart city", "apeksi")).poll
    assert (poll.outcome, poll.retry_after_seconds, poll.requests) == (PollOutcome.FAILED, 600, 1)


def test_wordpress_closed_by_robots_txt_is_not_tried_in_other_ways(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /?s=\n", content_type="text/plain")
    poll = poller.poll(ChannelKind.WORDPRESS, "/", terms=("smart city", "apeksi")).poll
    assert (poll.outcome, poll.reason) == (PollOutcome.REFUSED, "robots.txt disallows it")
    assert list_asked(portal) == []


# ── listings ───────────────────────────────────────────────────────────────────────────────────────────────────────


def write_listing(names: Sequence[str], next_page: str = "") -> Answer:
    items = "".join(f"<li><h3><a href={name}>Rapat para wali kota di {name}</a></h3></li>" for name in names)
    link = f"<a rel=next href={next_page}>Berikutnya</a>" if next_page else ""
    return Answer(f"<!DOCTYPE html><html><title>Berita</title><body><ul>{items}</ul>{link}</body></html>".encode())


def serve_listing(portal: LoopbackPortal, pages: int, *, broken: dict[int, Answer] | None = None) -> list[str]:
    """`/l1`, `/l2` … with three articles each; returns the articles, newest first."""
    names = [f"/a{number}" for number in range(pages * 3)]
    serve_pages(portal, *names)
    for number in range(1, pages + 1):
        portal.answers[f"/l{number}"] = write_listing(names[number * 3 - 3 : number * 3], f"/l{number + 1}")
    portal.answers |= {f"/l{number}": answer for number, answer in (broken or {}).items()}
    return names


@pytest.mark.parametrize(("max_pages", "followed"), [(1, 1), (2, 2), (9, 3)])
def test_next_pages_of_a_listing_are_followed_while_they_are_new(
    portal: LoopbackPortal, poller: Poller, max_pages: int, followed: int
) -> None:
    names = serve_listing(portal, 3, broken={4: write_listing([])})
    harvest = poller.poll(ChannelKind.LISTING, "/l1", max_pages=max_pages)
    assert list_pages(portal, harvest) == names[: followed * 3][::-1]


def test_listing_with_something_known_has_nothing_new_behind_it(portal: LoopbackPortal, poller: Poller) -> None:
    serve_listing(portal, 3)
    harvest = poller.poll(ChannelKind.LISTING, "/l1", max_pages=9, known=["/a2"])
    assert list_pages(portal, harvest) == ["/a1", "/a0"]
    assert "/l2" not in portal.asked


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(b"", 403), "HTTP 403"),
        (Answer(HOME), "no article links on the page 'Beranda'"),
        (Answer(CHALLENGE), "guard against robots"),
        (Answer(b"", 302, headers={"Location": "http://169.254.169.254/"}), "private address"),
    ],
    ids=["refused", "empty", "challenge", "private"],
)
def test_second_page_that_cannot_be_read_does_not_hide_the_first(
    portal: LoopbackPortal, poller: Poller, answer: Answer, reason: str
) -> None:
    names = serve_listing(portal, 2, broken={2: answer})
    harvest = poller.poll(ChannelKind.LISTING, "/l1", max_pages=3)
    assert list_pages(portal, harvest) == names[:3][::-1]
    assert harvest.poll.outcome is PollOutcome.CHANGED
    assert reason in harvest.poll.reason
    assert harvest.poll.validators == Validators()


def test_second_page_over_the_limits_does_not_hide_the_first(portal: LoopbackPortal, poller: Poller) -> None:
    names = serve_listing(portal, 2)
    harvest = poller.poll(ChannelKind.LISTING, "/l1", max_pages=3, limits={"max_requests": 1})
    assert paths(portal, [link.url for link in harvest.deferred]) == names[:3][::-1]


def test_site_that_answers_every_number_with_the_same_page_is_seen_through(
    portal: LoopbackPortal, poller: Poller
) -> None:
    serve_listing(portal, 1)
    for number in range(2, 9):
        portal.answers[f"/l{number}"] = replace(write_listing(["/a0", "/a1", "/a2"], f"/l{number + 1}"))
    harvest = poller.poll(ChannelKind.LISTING, "/l1", max_pages=9)
    assert len(harvest.pages) == 3
    assert [path for path in list_asked(portal) if path.startswith("/l")] == ["/l1", "/l2"]


def test_listing_is_read_by_selectors(portal: LoopbackPortal, poller: Poller) -> None:
    serve_listing(portal, 2)
    harvest = poller.poll(ChannelKind.LISTING, "/l1", selectors=Selectors(item="li:first-child", next="a.tidak-ada"))
    assert list_pages(portal, harvest) == ["/a0"]


def test_bad_selector_is_told(portal: LoopbackPortal, poller: Poller) -> None:
    serve_listing(portal, 1)
    poll = poller.poll(ChannelKind.LISTING, "/l1", selectors=Selectors(item="li[")).poll
    assert poll.outcome is PollOutcome.FAILED
    assert poll.reason.startswith("bad selector")


# ── sitemaps ───────────────────────────────────────────────────────────────────────────────────────────────────────

FRESH, STALE = (NOW - timedelta(days=1)).isoformat(), (NOW - timedelta(days=40)).isoformat()


def write_sitemap(*entries: tuple[str, str], index: bool = False) -> Answer:
    root, item = ("sitemapindex", "sitemap") if index else ("urlset", "url")
    body = "".join(
        f"<{item}><loc>{path}</loc>{f'<lastmod>{date}</lastmod>' if date else ''}</{item}>" for path, date in entries
    )
    return Answer(
        f"<{root} xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{body}</{root}>".encode(), content_type=XML
    )


def test_fresh_children_of_an_index_are_read_and_old_entries_left_alone(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/index.xml"] = write_sitemap(
        ("/old.xml", STALE), ("/gone.xml", FRESH), ("/new.xml.gz", FRESH), index=True
    )
    child = write_sitemap(("/a1", FRESH), ("/a2", STALE), ("/2026/11/kabar", ""), ("/2024/01/kabar", ""))
    portal.answers["/new.xml.gz"] = Answer(gzip.compress(child.body), content_type="application/gzip")
    serve_pages(portal, "/a1", "/2026/11/kabar")
    harvest = poller.poll(ChannelKind.SITEMAP, "/index.xml")
    assert sorted(list_pages(portal, harvest)) == ["/2026/11/kabar", "/a1"]
    assert "/old.xml" not in portal.asked
    assert harvest.poll.reason == f"{portal.base}/gone.xml: HTTP 404"
    assert harvest.poll.validators == Validators()


def test_index_is_remembered_only_if_it_shows_when_its_children_change(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/child.xml"] = write_sitemap(("/a1", FRESH))
    portal.answers["/dated.xml"] = write_sitemap(("/child.xml", FRESH), index=True)
    portal.answers["/undated.xml"] = write_sitemap(("/child.xml", ""), index=True)
    serve_pages(portal, "/a1", "/a2")
    dated = poller.poll(ChannelKind.SITEMAP, "/dated.xml").poll.validators
    undated = poller.poll(ChannelKind.SITEMAP, "/undated.xml").poll.validators
    portal.answers["/child.xml"] = write_sitemap(("/a1", FRESH), ("/a2", FRESH))
    again = poller.poll(ChannelKind.SITEMAP, "/undated.xml", validators=undated, known=["/a1"])
    assert dated.body_hash
    assert (again.poll.outcome, list_pages(portal, again)) == (PollOutcome.CHANGED, ["/a2"])


def test_index_over_the_limits_gives_what_was_read(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/index.xml"] = write_sitemap(("/1.xml", FRESH), ("/2.xml", FRESH), index=True)
    portal.answers["/2.xml"] = write_sitemap(("/a2", FRESH))
    harvest = poller.poll(ChannelKind.SITEMAP, "/index.xml", limits={"max_requests": 2})
    assert paths(portal, [link.url for link in harvest.deferred]) == ["/a2"]
    assert "used up" in harvest.poll.reason


def test_sitemap_of_everything_ever_written_brings_only_its_ends(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/sitemap.xml"] = write_sitemap(*((f"/a{number}", "") for number in range(5_000)))
    harvest = poller.poll(ChannelKind.SITEMAP, "/sitemap.xml", limits={"max_requests": 1})
    waiting = paths(portal, [link.url for link in harvest.deferred])
    assert len(waiting) == harvest.poll.links == 200
    assert {"/a0", "/a4999"} <= set(waiting)


# ── what a page and a host ask for ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("head", "header", "limit"),
    [
        ('<meta name="robots" content="nosnippet">', "", 0),
        ('<meta name="robots" content="index, max-snippet:80">', "", 80),
        ("", "nosnippet", 0),
        ("", "otherbot: nosnippet", None),
        ('<meta name="robots" content="max-snippet:-1">', "max-snippet:50", 50),
    ],
)
def test_limits_on_quoting_are_read_from_markup_and_header(
    portal: LoopbackPortal, poller: Poller, head: str, header: str, limit: int | None
) -> None:
    portal.answers["/feed"] = Answer(write_feed([f"{portal.base}/a"]), content_type=RSS)
    portal.answers["/a"] = Answer(write_page(head=head), headers={"X-Robots-Tag": header} if header else {})
    (page,) = poller.poll(ChannelKind.FEED, "/feed").pages
    assert page.article is not None
    assert page.article.snippet_limit == limit


@pytest.mark.parametrize(
    ("head", "header", "noindex"),
    [
        ("", "noindex, nofollow", True),
        ("", "unavailable_after: Mon, 05 Jan 2026 10:00:00 GMT", True),
        ("", "unavailable_after: 2099-01-01", False),
        ('<meta name="robots" content="unavailable_after: 2026-01-05">', "", True),
        ('<meta name="kabarkota" content="noindex">', "", True),
        ('<meta name="x" content="y">' * 2_000 + '<meta content="none" name="Robots">', "", True),
        ('<meta name="otherbot" content="noindex">', "otherbot: noindex", False),
    ],
)
def test_noindex_is_heeded_in_markup_and_header_and_when_its_time_has_come(
    portal: LoopbackPortal, poller: Poller, head: str, header: str, noindex: bool
) -> None:
    portal.answers["/feed"] = Answer(write_feed([f"{portal.base}/a"]), content_type=RSS)
    portal.answers["/a"] = Answer(write_page(head=head), headers={"X-Robots-Tag": header} if header else {})
    (page,) = poller.poll(ChannelKind.FEED, "/feed").pages
    assert page.article is not None
    assert page.article.noindex == noindex


def test_a_picture_that_is_not_to_be_shown_is_not_kept(portal: LoopbackPortal, poller: Poller) -> None:
    picture = f'<meta property="og:image" content="{portal.base}/foto.jpg">'
    portal.answers["/feed"] = Answer(write_feed([f"{portal.base}/{name}" for name in "abc"]), content_type=RSS)
    portal.answers["/a"] = Answer(write_page(head=picture))
    portal.answers["/b"] = Answer(write_page(head=picture), headers={"X-Robots-Tag": "noimageindex"})
    portal.answers["/c"] = Answer(write_page(head=f'{picture}<meta name="robots" content="max-image-preview:none">'))
    images = {page.url[-1]: page.article.image for page in poller.poll(ChannelKind.FEED, "/feed").pages if page.article}
    assert images == {"a": f"{portal.base}/foto.jpg", "b": "", "c": ""}


def test_dealer_in_domains_is_not_taken_for_the_portal(portal: LoopbackPortal, poller: Poller) -> None:
    page = (
        b"<!DOCTYPE html><html><head><title>uji.example is for sale</title></head><body>Buy this domain.</body></html>"
    )
    portal.answers["/feed"] = Answer(page)
    poll = poller.poll(ChannelKind.FEED, "/feed").poll
    assert (poll.outcome, poll.reason) == (PollOutcome.FAILED, "a dealer in domains answered, not the site")


def test_feed_without_entries_says_so_and_is_read_again(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/feed"] = Answer(write_feed([]), content_type=RSS, headers={"ETag": '"1"'})
    poll = poller.poll(ChannelKind.FEED, "/feed").poll
    assert (poll.outcome, poll.reason) == (PollOutcome.CHANGED, "the feed holds no entries")
    assert poll.validators == Validators()


def test_traffic_counts_robots_txt_redirects_and_bytes(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/old"] = Answer(status=301, headers={"Location": "/feed"})
    portal.answers["/feed"] = Answer(write_feed([f"{portal.base}/a"]), content_type=RSS)
    serve_pages(portal, "/a")
    poll = poller.poll(ChannelKind.FEED, "/old").poll
    (traffic,) = poll.traffic
    assert traffic.host == portal.base.removeprefix("http://")
    assert traffic.requests == sum(portal.asked.values()) == 4  # robots.txt, the old address, the feed, the page
    assert poll.requests == 2
    assert traffic.bytes >= len(write_page()) + len(portal.answers["/feed"].body)


def test_crawl_delay_outlasts_the_crawl(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/robots.txt"] = Answer(b"User-agent: *\nCrawl-delay: 3600\n", content_type="text/plain")
    portal.answers["/feed"] = Answer(write_feed([f"{portal.base}/a"]), content_type=RSS)
    serve_pages(portal, "/a")
    harvest = poller.poll(ChannelKind.FEED, "/feed")
    assert harvest.poll.outcome is PollOutcome.CHANGED
    assert list_pages(portal, harvest) == []
    assert paths(portal, [link.url for link in harvest.deferred]) == ["/a"]  # waits, and has not failed
    (traffic,) = harvest.poll.traffic
    assert traffic.free_at - harvest.poll.finished_at > timedelta(minutes=59)


@pytest.mark.parametrize("kind", list(ChannelKind))
def test_weak_tags_and_dates_are_sent_back_on_every_kind_of_channel(
    portal: LoopbackPortal, poller: Poller, kind: ChannelKind
) -> None:
    headers = {"ETag": 'W/"7-a"', "Last-Modified": "Mon, 23 Nov 2026 07:00:00 GMT"}
    bodies = {
        ChannelKind.FEED: Answer(write_feed([f"{portal.base}/a"]), content_type=RSS, headers=headers),
        ChannelKind.SITEMAP: Answer(
            f"<urlset><url><loc>{portal.base}/a</loc><lastmod>2026-11-23</lastmod></url></urlset>".encode(),
            content_type=XML,
            headers=headers,
        ),
        ChannelKind.LISTING: Answer(
            f"<article><h2><a href='{portal.base}/a'>Rapat APEKSI membahas layanan kota</a></h2></article>"
            f"<article><h2><a href='{portal.base}/b'>Kota cerdas dibahas para wali kota</a></h2></article>".encode(),
            headers=headers,
        ),
        ChannelKind.WORDPRESS: Answer(write_feed([f"{portal.base}/a"]), content_type=RSS, headers=headers),
    }
    path = "/?feed=rss2" if kind is ChannelKind.WORDPRESS else "/kanal"
    portal.answers[path] = bodies[kind]
    serve_pages(portal, "/a", "/b")
    channel = "/" if kind is ChannelKind.WORDPRESS else path
    first = poller.poll(kind, channel)
    assert first.poll.outcome is PollOutcome.CHANGED
    again = poller.poll(kind, channel, known=["/a", "/b"], validators=first.poll.validators)
    assert again.poll.outcome is PollOutcome.UNCHANGED
    assert portal.conditional[path] == 1
    told = (
        first.poll.validators
        if kind is not ChannelKind.WORDPRESS
        else first.poll.validators.get_part(portal.base + path)
    )
    assert (told.etag, told.last_modified) == ('W/"7-a"', headers["Last-Modified"])


def test_each_search_of_a_wordpress_is_conditional(portal: LoopbackPortal, poller: Poller) -> None:
    searches = {term: f"/?s={term}&feed=rss2" for term in ("apeksi", "kota")}
    for term, path in searches.items():
        feed = write_feed([f"{portal.base}/{term}"])
        portal.answers[path] = Answer(feed, content_type=RSS, headers={"ETag": f'"{term}"'})
    serve_pages(portal, "/apeksi", "/kota", "/baru")
    terms = tuple(searches)
    first = poller.poll(ChannelKind.WORDPRESS, "/", terms=terms)
    known = ["/apeksi", "/kota"]
    same = poller.poll(ChannelKind.WORDPRESS, "/", terms=terms, known=known, validators=first.poll.validators)
    assert same.poll.outcome is PollOutcome.UNCHANGED
    assert [portal.conditional[path] for path in searches.values()] == [1, 1]
    portal.answers[searches["apeksi"]] = Answer(
        write_feed([f"{portal.base}/baru"]), content_type=RSS, headers={"ETag": '"lain"'}
    )
    new = poller.poll(ChannelKind.WORDPRESS, "/", terms=terms, known=known, validators=same.poll.validators)
    assert new.poll.outcome is PollOutcome.CHANGED
    assert list_pages(portal, new) == ["/baru"]
    assert {url for url, *_ in new.poll.validators.parts} == {portal.base + path for path in searches.values()}


def test_sitemaps_of_an_index_are_conditional(portal: LoopbackPortal, poller: Poller) -> None:
    def index(day: str) -> Answer:
        children = "".join(
            f"<sitemap><loc>{portal.base}/{name}.xml</loc><lastmod>2026-11-{day}</lastmod></sitemap>" for name in "ab"
        )
        return Answer(f"<sitemapindex>{children}</sitemapindex>".encode(), content_type=XML)

    portal.answers["/index.xml"] = index("21")
    for name in "ab":
        body = f"<urlset><url><loc>{portal.base}/{name}</loc><lastmod>2026-11-22</lastmod></url></urlset>".encode()
        portal.answers[f"/{name}.xml"] = Answer(body, content_type=XML, headers={"ETag": f'"{name}"'})
    serve_pages(portal, "/a", "/b")
    first = poller.poll(ChannelKind.SITEMAP, "/index.xml")
    assert sorted(list_pages(portal, first)) == ["/a", "/b"]
    portal.answers["/index.xml"] = index("22")  # the index says that both have changed, and neither has
    again = poller.poll(ChannelKind.SITEMAP, "/index.xml", known=["/a", "/b"], validators=first.poll.validators)
    assert (portal.conditional["/a.xml"], portal.conditional["/b.xml"]) == (1, 1)
    assert len(again.poll.validators.parts) == 2


def test_feed_that_is_cut_off_is_not_remembered(portal: LoopbackPortal, poller: Poller) -> None:
    whole = write_feed([f"{portal.base}/a", f"{portal.base}/b"])
    portal.answers["/feed"] = Answer(whole[: len(whole) - 60], content_type=RSS, headers={"ETag": '"1"'})
    serve_pages(portal, "/a", "/b")
    poll = poller.poll(ChannelKind.FEED, "/feed").poll
    assert poll.reason
    assert poll.validators == Validators()


def test_connection_that_breaks_is_tried_once_more_at_the_hosts_pace(portal: LoopbackPortal, poller: Poller) -> None:
    portal.answers["/feed"] = Answer(write_feed([f"{portal.base}/a"]), content_type=RSS)
    portal.answers["/a"] = Answer(write_page(), breaks=1)
    harvest = poller.poll(ChannelKind.FEED, "/feed", limits={"delay_seconds": 0.2})
    assert list_pages(portal, harvest) == ["/a"]
    assert portal.asked["/a"] == 2
    assert min(after - before for before, after in pairwise(portal.asked_at)) >= 0.2
    portal.answers["/feed"].breaks = 2
    assert poller.poll(ChannelKind.FEED, "/feed").poll.outcome is PollOutcome.FAILED
    assert portal.asked["/feed"] == 3


def test_source_that_takes_long_is_read_on_in_the_next_cycle(portal: LoopbackPortal, poller: Poller) -> None:
    names = ["/a", "/b", "/c"]
    portal.answers["/feed"] = Answer(write_feed([portal.base + name for name in names]), content_type=RSS)
    serve_pages(portal, *names)
    harvest = poller.poll(ChannelKind.FEED, "/feed", limits={"visit_seconds": 0})
    assert harvest.poll.outcome is PollOutcome.CHANGED
    assert len(harvest.pages) == 1
    assert len(harvest.deferred) == 2
