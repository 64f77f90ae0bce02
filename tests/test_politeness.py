"""robots.txt, the pace of hosts, Retry-After, and the pages of guards against robots."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aggregator.models import RobotsRecord
from crawler.challenges import is_challenge
from crawler.freshness import parse_freshness
from crawler.parking import is_parked
from crawler.politeness import (
    PRODUCT_TOKEN,
    ROBOTS_MAX_BYTES,
    HostHeldError,
    Pace,
    Robots,
    cut_robots,
    get_crawl_delay,
    host_of,
    is_allowed,
)
from crawler.retry_after import LONGEST_SECONDS, parse_retry_after
from crawler.robots_tags import RobotsTags, parse_robots_tags
from crawler.settings import CrawlSettings

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SITE = "https://kabarteluk.example"


def make_record(body: bytes | str = b"", *, status: int = 200, age: timedelta = timedelta(0)) -> RobotsRecord:
    body = body.encode() if isinstance(body, str) else body
    return RobotsRecord(host="kabarteluk.example", fetched_at=NOW - age, status=status, body=body)


# ── robots.txt ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (200, False),
        (400, True),
        (401, True),
        (403, True),
        (404, True),
        (429, True),
        (0, False),
        (500, False),
        (503, False),
    ],
)
def test_status_of_robots_txt_decides(status: int, allowed: bool) -> None:
    """RFC 9309, 2.3.1: with a 4xx everything may be fetched, with a 5xx or no answer nothing."""
    assert is_allowed(make_record("User-agent: *\nDisallow: /\n", status=status), f"{SITE}/berita") is allowed


RULES = {
    "empty": ("", "/x", True),
    "no-group-for-us": ("User-agent: Lain\nDisallow: /\n", "/x", True),
    "everyone": ("User-agent: *\nDisallow: /admin\n", "/admin/1", False),
    "everyone-else-allowed": ("User-agent: *\nDisallow: /admin\n", "/berita", True),
    "ours-before-everyone": (f"User-agent: *\nDisallow: /\n\nUser-agent: {PRODUCT_TOKEN}\nDisallow: /x\n", "/y", True),
    "ours-in-any-case": (f"User-agent: *\nAllow: /\nUser-agent: {PRODUCT_TOKEN.upper()}\nDisallow: /\n", "/x", False),
    "ours-with-version": (f"User-agent: {PRODUCT_TOKEN}/0.1\nDisallow: /\n", "/x", False),
    "several-agents-share-a-group": (f"User-agent: Lain\nUser-agent: {PRODUCT_TOKEN}\nDisallow: /x\n", "/x", False),
    "group-ends-at-the-next-agent": ("User-agent: *\nDisallow: /x\nUser-agent: Lain\nDisallow: /y\n", "/y", True),
    "groups-for-one-agent-are-merged": ("User-agent: *\nDisallow: /x\n\nUser-agent: *\nDisallow: /y\n", "/y", False),
    "sitemap-ends-no-group": ("User-agent: *\nSitemap: https://x.example/s.xml\nDisallow: /x\n", "/x", False),
    "sitemap-between-agents": ("User-agent: Lain\nSitemap: /s.xml\nUser-agent: *\nDisallow: /x\n", "/x", False),
    "part-of-our-name": ("User-agent: Kabar\nDisallow: /\n", "/x", True),
    "longest-wins": ("User-agent: *\nDisallow: /berita\nAllow: /berita/kota\n", "/berita/kota/1", True),
    "equal-length-allows": ("User-agent: *\nDisallow: /x\nAllow: /x\n", "/x", True),
    "wildcard": ("User-agent: *\nDisallow: /*?s=\n", "/?s=apeksi", False),
    "end-anchor": ("User-agent: *\nDisallow: /*.pdf$\n", "/a.pdf?x", True),
    "empty-disallow": ("User-agent: *\nDisallow:\n", "/x", True),
    "comment": ("User-agent: * # semua\nDisallow: /x # rahasia\n", "/x", False),
    "no-colon": ("User-agent *\nDisallow /x\n", "/x", False),
    "misspelt": ("user agent: *\ndissallow: /x\n", "/x", False),
    "carriage-returns": ("User-agent: *\rDisallow: /x\r", "/x", False),
    "byte-order-mark": ("\ufeffUser-agent: *\nDisallow: /x\n", "/x", False),
    "html": ("<!DOCTYPE html><html><body>User-agent: *</body></html>", "/x", True),
    "rules-without-agent": ("Disallow: /x\n", "/x", True),
    "escaped-path": ("User-agent: *\nDisallow: /k%C3%B3ta\n", "/kóta/1", False),
}


@pytest.mark.parametrize("case", RULES)
def test_rules_of_robots_txt(case: str) -> None:
    body, path, allowed = RULES[case]
    assert is_allowed(make_record(body), SITE + path) is allowed


def test_robots_txt_that_is_no_text_allows() -> None:
    assert is_allowed(make_record(bytes(range(256)) * 10), f"{SITE}/x")


def test_robots_txt_is_cut_at_the_end_of_a_line() -> None:
    line = b"Disallow: /arsip/lama\n"
    body = b"User-agent: *\n" + line * (ROBOTS_MAX_BYTES // len(line) + 5) + b"Disallow: /berita\n"
    cut = cut_robots(body)
    assert ROBOTS_MAX_BYTES - len(line) <= len(cut) <= ROBOTS_MAX_BYTES
    assert cut.endswith(b"/arsip/lama")
    assert is_allowed(make_record(body), f"{SITE}/berita")
    assert not is_allowed(make_record(body), f"{SITE}/arsip/lama")
    assert cut_robots(line) == line


@pytest.mark.parametrize(
    "body",
    [
        b"".join(b"User-agent: a%d\n" % number for number in range(8_000)) + b"Disallow: /x\n" * 30_000,
        b"".join(b"User-agent: kabarkota%s\n" % (b"*" * number) for number in range(900)) + b"Disallow: /x\n" * 30_000,
        b"User-agent: *\nDisallow: /" + b"*a" * 240_000,
        b"User-agent: *\n" + b"Disallow: /*a*a*a*a*a*b$\n" * 18_000,
        b"user-agent" + b" " * 500_000,
    ],
    ids=["agents-times-rules", "spellings-times-rules", "long-pattern", "many-patterns", "spaces"],
)
@pytest.mark.timeout(20)
def test_hostile_robots_txt_is_judged_quickly(body: bytes) -> None:
    assert is_allowed(make_record(body), f"{SITE}/{'a' * 1_900}")


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 10\n", 10),
        ("User-agent: *\nCrawl-delay: 0.5\n", 0.5),
        (f"User-agent: *\nCrawl-delay: 10\n\nUser-agent: {PRODUCT_TOKEN}\nCrawl-delay: 3\nDisallow: /x\n", 3),
        ("User-agent: Lain\nCrawl-delay: 10\n", 0),
        ("User-agent: *\nCrawl-delay: sebentar\n", 0),
        ("User-agent: *\nCrawl-delay: -5\n", 0),
        ("User-agent: *\nCrawl-delay: nan\n", 0),
        ("User-agent: *\nCrawl-delay: inf\n", 0),
        ("User-agent: *\nCrawl-delay: 99999999999999\n", 86_400),
        ("", 0),
    ],
    ids=["seconds", "fraction", "ours", "other", "words", "negative", "nan", "infinite", "endless", "none"],
)
def test_crawl_delay(body: str, seconds: float) -> None:
    assert get_crawl_delay(make_record(body)) == seconds


@pytest.mark.parametrize("status", [0, 404, 500])
def test_crawl_delay_of_an_error_page_is_none(status: int) -> None:
    assert get_crawl_delay(make_record("User-agent: *\nCrawl-delay: 10\n", status=status)) == 0


@pytest.mark.parametrize(("age", "is_kept"), [(23, True), (24, False), (100, False)])
def test_records_count_for_a_day(age: int, is_kept: bool) -> None:
    robots = Robots([make_record(age=timedelta(hours=age))], lambda: NOW)
    assert (robots.get("kabarteluk.example") is not None) is is_kept


def test_records_read_in_this_cycle_are_handed_over_once() -> None:
    robots = Robots([], lambda: NOW)
    robots.add(make_record())
    assert robots.take_fetched(["lain.example"]) == ()
    assert robots.take_fetched(["kabarteluk.example"]) == (make_record(),)
    assert robots.take_fetched(["kabarteluk.example"]) == ()
    assert robots.get("kabarteluk.example") == make_record()


@pytest.mark.parametrize(
    ("status", "counts_for"),
    [(200, timedelta(hours=24)), (404, timedelta(hours=24)), (0, timedelta(minutes=10)), (503, timedelta(minutes=10))],
)
def test_a_crawl_that_goes_on_for_long_asks_again(status: int, counts_for: timedelta) -> None:
    now = NOW
    robots = Robots([], lambda: now)
    robots.add(make_record(status=status))
    now = NOW + counts_for - timedelta(seconds=1)
    assert robots.get("kabarteluk.example") is not None
    now = NOW + counts_for
    assert robots.get("kabarteluk.example") is None


def test_what_others_read_since_replaces_what_is_too_old() -> None:
    now = NOW + timedelta(hours=30)
    robots = Robots([make_record()], lambda: now)
    fresh = make_record(age=timedelta(hours=-20))
    robots.remember([fresh])
    assert robots.get("kabarteluk.example") == fresh
    robots.remember([make_record(age=timedelta(hours=-10))])
    assert robots.get("kabarteluk.example") == fresh


@pytest.mark.parametrize("status", [0, 500, 503])
def test_failures_count_for_this_cycle_only(status: int) -> None:
    robots = Robots([], lambda: NOW)
    robots.add(make_record(status=status))
    assert robots.get("kabarteluk.example") is not None
    assert robots.take_fetched(["kabarteluk.example"]) == ()


def test_remembered_records_are_not_handed_over_again() -> None:
    assert Robots([make_record()], lambda: NOW).take_fetched(["kabarteluk.example"]) == ()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.Example/x", "a.example"),
        ("http://a.example:8080/", "a.example:8080"),
        ("http://a.example:80/", "a.example"),
        ("http://a.example:443/", "a.example:443"),
        ("https://a.example.:443/", "a.example"),
        ("https://saya:rahasia@a.example/", "a.example"),
        ("http://[::1]:80/", "[::1]"),
        ("http://x@[::1]:8080/", "[::1]:8080"),
    ],
)
def test_host_is_name_and_port(url: str, host: str) -> None:
    assert host_of(url) == host


# ── pace ───────────────────────────────────────────────────────────────────────────────────────────────────────────

DELAY = 0.02
CLOCK_TICK = 0.002  # timers of an event loop may fire so much early


class Visitor:
    """Makes requests of no time through a pace, and records when each began and ended."""

    def __init__(self, **settings: Any) -> None:
        options: dict[str, Any] = {"delay_seconds": DELAY, "requests_per_domain": 2, "concurrency": 32}
        self.pace = Pace(CrawlSettings(**options | settings), now=NOW)
        self.times: dict[str, list[float]] = {}
        self.under_way: set[str] = set()
        self.most_under_way = 0

    async def visit(self, host: str, seconds: float = 0) -> None:
        async with self.pace.turn(host):
            self.times.setdefault(host, []).append(asyncio.get_running_loop().time())
            assert host not in self.under_way, "two requests at once to one host"
            self.under_way.add(host)
            self.most_under_way = max(self.most_under_way, len(self.under_way))
            await asyncio.sleep(seconds)
            self.under_way.remove(host)

    def run(self, *visits: Coroutine[Any, Any, Any]) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*visits)

        asyncio.run(all_at_once())

    def intervals(self, host: str) -> list[float]:
        return [later - earlier for earlier, later in zip(self.times[host], self.times[host][1:], strict=False)]


def test_one_request_at_a_time_to_a_host_and_the_delay_between() -> None:
    visitor = Visitor()
    visitor.run(*(visitor.visit("a.example", 0.005) for _ in range(4)))
    assert len(visitor.times["a.example"]) == 4
    assert min(visitor.intervals("a.example")) >= DELAY + 0.005 - CLOCK_TICK  # counted from the end of the request


def test_crawl_delay_lengthens_the_delay_and_never_shortens_it() -> None:
    visitor = Visitor()
    visitor.pace.slow_down("a.example", 3 * DELAY)
    visitor.pace.slow_down("a.example", DELAY)
    visitor.pace.slow_down("b.example", 0)
    visitor.run(*(visitor.visit(host) for host in ("a.example", "b.example") for _ in range(2)))
    assert min(visitor.intervals("a.example")) >= 3 * DELAY - CLOCK_TICK
    assert min(visitor.intervals("b.example")) >= DELAY - CLOCK_TICK


@pytest.mark.parametrize(
    ("hosts", "most"),
    [
        ([f"{city}.kabar.example.com" for city in "abcdef"], 2),
        ([f"a.example.com:{port}" for port in range(8001, 8007)], 2),
        ([f"kabar{city}.com" for city in "abcdef"], 6),
        ([f"127.0.0.{number}" for number in range(1, 7)], 6),
    ],
    ids=["one-domain", "one-host-many-ports", "many-domains", "addresses"],
)
def test_two_requests_at_a_time_to_a_registrable_domain(hosts: list[str], most: int) -> None:
    visitor = Visitor(delay_seconds=0)
    visitor.run(*(visitor.visit(host, 0.02) for host in hosts))
    assert visitor.most_under_way == most


def test_requests_over_all_hosts_are_limited() -> None:
    visitor = Visitor(concurrency=3)
    visitor.run(*(visitor.visit(f"kabar{number}.com", 0.01) for number in range(9)))
    assert visitor.most_under_way == 3


def test_host_waiting_out_its_delay_keeps_nobody_else_waiting() -> None:
    visitor = Visitor(concurrency=1, delay_seconds=0.1)
    visitor.run(visitor.visit("a.example"), visitor.visit("a.example"), visitor.visit("b.example"))
    assert visitor.times["b.example"][0] < visitor.times["a.example"][1]


def test_short_hold_is_waited_out() -> None:
    visitor = Visitor(delay_seconds=0)

    async def hold_then_visit() -> float:
        visitor.pace.hold("a.example", 0.05)
        start = asyncio.get_running_loop().time()
        await visitor.visit("a.example")
        return visitor.times["a.example"][0] - start

    assert asyncio.run(hold_then_visit()) >= 0.05 - CLOCK_TICK


def test_long_hold_is_an_error_for_this_host_only() -> None:
    visitor = Visitor()

    async def hold_then_visit() -> None:
        visitor.pace.hold("a.example", 3600)
        with pytest.raises(HostHeldError, match=r"'a\.example' asked to be left alone for another 3600 s"):
            await visitor.visit("a.example")
        await visitor.visit("b.example")

    asyncio.run(hold_then_visit())
    assert list(visitor.times) == ["b.example"]


def test_hold_during_a_request_outlasts_its_delay() -> None:
    visitor = Visitor()

    async def hold_within() -> None:
        async with visitor.pace.turn("a.example"):
            visitor.pace.hold("a.example", 3600)
        with pytest.raises(HostHeldError):
            await visitor.visit("a.example")

    asyncio.run(hold_within())


def test_crawl_delay_over_the_limit_means_once_a_cycle() -> None:
    visitor = Visitor()
    visitor.pace.slow_down("a.example", 86_400)

    async def visit_twice() -> None:
        await visitor.visit("a.example")
        with pytest.raises(HostHeldError):
            await visitor.visit("a.example")

    asyncio.run(visit_twice())


def test_failed_request_frees_the_turn() -> None:
    visitor = Visitor(requests_per_domain=1, concurrency=1)

    async def fail_then_visit() -> None:
        for _ in range(3):
            with pytest.raises(ConnectionError):
                async with visitor.pace.turn("a.example"):
                    raise ConnectionError
        await visitor.visit("a.example")

    asyncio.run(fail_then_visit())
    assert len(visitor.times["a.example"]) == 1


# ── Retry-After ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"120", 120),
        (b" 0 ", 0),
        (b"00000000000120", 120),
        (b"9" * 400, LONGEST_SECONDS),
        (b"Mon, 02 Mar 2026 10:02:00 GMT", 120),
        (b"Mon, 02 Mar 2026 17:02:00 +0700", 120),
        (b"Mon, 02 Mar 2026 10:02:00", 120),
        (b"Sun, 01 Mar 2026 10:00:00 GMT", 0),
        (b"Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_SECONDS),
        (b"Mon, 01 Jan 0001 00:00:00 +2359", 0),
        (b"12 Oct 99999999999999999999 10:00:00", None),
        (b"1 Jan 2026 10:00:00 +99999999999999999999", None),
        (b"-5", None),
        (b"1.5", None),
        ("²".encode("latin-1"), None),
        ("٣".encode(), None),
        (b"sebentar lagi", None),
        (b"\x00\xff", None),
        (b"", None),
        (None, None),
    ],
    ids=str,
)
def test_retry_after(value: bytes | None, seconds: int | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


# ── guards against robots ──────────────────────────────────────────────────────────────────────────────────────────


def make_guard(title: str, body: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>".encode()


@pytest.mark.parametrize(
    "body",
    [
        make_guard("Just a moment..."),
        make_guard("\n Tunggu sebentar… "),
        make_guard("Attention Required! | Cloudflare", "x" * 20_000),
        make_guard("DDoS-Guard"),
        make_guard("", "<form id='challenge-form' action='/feed/'>"),
        make_guard("kabarteluk.example", "<script>window._cf_chl_opt={}</script>"),
        b"<html><meta http-equiv=refresh content='0;/.well-known/sgcaptcha/?r=%2F'></html>",
        b"<html><body><script src=/aes.js></script><script>var a=slowAES.decrypt(c,2,a,b)</script></body></html>",
    ],
)
def test_pages_of_guards_are_recognised(body: bytes) -> None:
    assert is_challenge(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe" * 1_000,
        make_guard("Just a Moment with the Mayor - Kabar Teluk"),
        make_guard("Tunggu Sebentar Lagi, Jembatan Kota Selesai | Kabar Teluk"),
        make_guard("Kabar Teluk", "<script>window.__CF$cv$params={}</script>"),
        make_guard("Kabar Teluk", "Panduan memasang challenge-form di situs pemerintah"),
        make_guard("Kabar Teluk", "id=challenge-form" + "x" * 20_000),
        make_guard("Just a moment...", "x" * 100_000),
        b"<rss><channel><title>Kabar Teluk</title></channel></rss>",
    ],
)
def test_ordinary_pages_are_not_taken_for_guards(body: bytes) -> None:
    assert not is_challenge(body)


def test_header_of_a_guard_counts_whatever_the_page() -> None:
    assert is_challenge(make_guard("Kabar Teluk", "x" * 100_000), b"challenge")
    assert not is_challenge(make_guard("Kabar Teluk"), b"")


@pytest.mark.parametrize(
    ("cache_control", "age", "seconds"),
    [
        (None, None, 0),
        (b"max-age=300", None, 300),
        (b"public, Max-Age = 300, must-revalidate", b"120", 180),
        (b'max-age="600"', b"900", 0),  # stale already
        (b"max-age=300, no-cache", None, 0),
        (b"no-store", None, 0),
        (b"s-maxage=300", None, 0),  # for shared caches
        (b"max-age=300, max-age=9", None, 300),  # the first one (RFC 9111, 4.2.1)
        (b"max-age=-1", None, 0),
        (b"max-age=soon", b"-5", 0),
        (b"max-age=" + b"9" * 5_000, None, 86_400),
        (b"max-age=31536000", b"x", 86_400),
        (b"\xff\x00=,,,;max-age", None, 0),
        (b"a" + b" " * 1_000_000 + b".", b" " * 1_000_000, 0),
        (b"a" + b" =" * 500_000, None, 0),
    ],
)
def test_freshness_is_read_from_cache_control(cache_control: bytes | None, age: bytes | None, seconds: int) -> None:
    assert parse_freshness(cache_control, age) == seconds


# ── across crawls ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_hosts_held_by_earlier_crawls_stay_held() -> None:
    async def check() -> None:
        held = [("a.example", NOW + timedelta(hours=1)), ("b.example", NOW + timedelta(seconds=DELAY))]
        pace = Pace(CrawlSettings(delay_seconds=0), held, now=NOW)
        with pytest.raises(HostHeldError):
            async with pace.turn("a.example"):
                pass
        start = asyncio.get_running_loop().time()
        async with pace.turn("b.example"):
            assert asyncio.get_running_loop().time() - start >= DELAY - CLOCK_TICK
        assert pace.get_free_at("a.example", NOW) > NOW + timedelta(minutes=59)
        assert pace.get_free_at("unknown.example", NOW) == NOW

    asyncio.run(check())


ENDED = datetime(2010, 6, 25, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], RobotsTags()),
        (["noindex, nofollow"], RobotsTags(noindex=True)),
        (["none"], RobotsTags(noindex=True)),
        (["NOSNIPPET"], RobotsTags(snippet_limit=0)),
        (["max-snippet:80", "max-snippet: 40"], RobotsTags(snippet_limit=40)),
        (["max-snippet:-1, max-image-preview:large"], RobotsTags()),
        (["otherbot: noindex, nosnippet"], RobotsTags()),
        (["otherbot: noindex, googlebot: nosnippet"], RobotsTags(snippet_limit=0)),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST, noindex"], RobotsTags(noindex=True, until=ENDED)),
        (["unavailable_after: Friday, 25-Jun-10 15:00:00 PST"], RobotsTags(until=ENDED)),
        (["otherbot: unavailable_after: 2010-06-25"], RobotsTags()),
        (["unavailable_after: 2010-06-26T06:00:00+07:00", "unavailable_after: 2030-01-01"], RobotsTags(until=ENDED)),
        (["unavailable_after: besok", "unavailable_after:"], RobotsTags()),
        (["noimageindex"], RobotsTags(has_image=False)),
        (["max-image-preview:none, kabarkota: noindex"], RobotsTags(noindex=True, has_image=False)),
        (["index, follow"], RobotsTags()),
        (["max-snippet:999999999999999999999"], RobotsTags()),
        ([",,,:,: noindex:"], RobotsTags()),
        (["max-snippet" + " " * 1_000_000 + ": 5"], RobotsTags()),
        (["a" + " " * 1_000_000 + ": noindex", *["index"] * 100_000, "nosnippet"], RobotsTags()),
    ],
)
def test_robots_tags_are_read(values: list[str], expected: RobotsTags) -> None:
    assert parse_robots_tags(values) == expected


PAGE = "<!DOCTYPE html><html><head><title>{}</title>{}</head><body>{}</body></html>"


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://kabar.example/", PAGE.format("kabar.example is for sale", "", "")),
        ("https://kabar.example/", PAGE.format("Domain ini dijual!", "", "Hubungi kami")),
        (
            "https://kabar.example/",
            PAGE.format("kabar.example", '<script src="//img.sedoparking.com/a.js">', ""),
        ),
        ("https://kabar.example/", '<script>window.onload=function(){window.location.href="/lander"}</script>'),
        ("https://kabar.example/", '<html data-adblockkey="MFw"><body><script>window.park = "eyJ";</script></body>'),
        ("https://www.hugedomains.com/domain_profile.cfm?d=kabar", PAGE.format("Kabar", "", "")),
    ],
)
def test_dealers_in_domains_are_recognised(url: str, body: str) -> None:
    assert is_parked(body.encode(), url)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://kabar.example/", PAGE.format("Kabar Kota", "", "<p>Berita hari ini</p>")),
        ("https://kabar.example/", PAGE.format("Rumah dijual di Kota Batu", "", "domain for sale")),
        ("https://kabar.example/", PAGE.format("Domain pemerintah kota diretas", "", "sedoparking.com disebut warga")),
        ("https://kabar.example/", PAGE.format("kabar.example", "", "x" * 70_000 + '<script src="//bodis.com/a.js">')),
        ("https://sedona.example/", ""),
    ],
)
def test_ordinary_pages_are_not_taken_for_dealers(url: str, body: str) -> None:
    assert not is_parked(body.encode(), url)
