"""What hostile servers do with HTTP itself, each on a port of its own, all at once, in a real crawl process."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hostile_answers import (
    CUT,
    ENDLESS,
    FEED,
    HEADS,
    ITEMS,
    ODD,
    SLOW,
    chunk,
    fall_silent,
    flood,
    gzip_zeros,
    make_bombs,
)
from hostile_poll import crawl, make_job, poll_all, read_code
from raw_portal import Connection, Talk, answer, head, serve_raw, whole
from warm import get_process

from aggregator.models import PollOutcome, Validators
from crawler.process import CrawlProcess

SOUND = "sound"
PAGE = "text/html; charset=utf-8"
CODES = {
    "a header of 100 MB": "too-large",
    "200,000 headers": "too-large",
    "many small headers": "too-large",
    "length of an exabyte": "too-large",
    "an endless page not found": "missing",
    "an endless redirect": "redirects",
    "hangs up": "broken-off",
    "HTTP/0.9": "broken-off",
    "chunk of a huge size": "truncated",
    "endless crumbs": "invalid-answer",
    "crumbs with long extensions": "invalid-answer",
    "endless chunk extension": "invalid-answer",
    "endless trailers": "invalid-answer",
    "half a zstd": "broken-off",
    "gzip of 9 MB of empty members": "invalid-answer",
    "gzip of 10 MB of empty blocks": "broken-off",
    "gzip of small blocks": "too-large",
    "1,000 layers": "",
    "a gzip file of 10 GB": "too-large",
}


@pytest.fixture
def process() -> CrawlProcess:
    return get_process()


@contextmanager
def watch_memory(process: CrawlProcess) -> Iterator[list[float]]:
    """The MB of the crawl process at the beginning, and the most that there were until the end."""
    stopped = threading.Event()
    statm = Path(f"/proc/{process.pid}/statm")

    def read() -> float:
        return int(statm.read_text().split()[1]) * 4096 / 1e6

    seen = [read(), 0.0]

    def watch() -> None:
        while not stopped.wait(0.02):
            seen[1] = max(seen[1], read())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stopped.set()
        thread.join()


@pytest.mark.slow
def test_broken_and_endless_answers_fail_for_a_reason_and_sound_ones_are_read(process: CrawlProcess) -> None:
    failing = HEADS | ENDLESS
    harvests = poll_all(process, failing | ODD | CUT | {SOUND: answer(whole(FEED, 'ETag: "7"'))})
    expected = {name: CODES.get(name, "too-large" if name in ENDLESS else "invalid-answer") for name in failing}
    expected |= {name: CODES.get(name, "truncated") for name in CUT} | dict.fromkeys((*ODD, SOUND), "")
    assert {name: read_code(harvest) for name, harvest in harvests.items()} == expected
    for name, harvest in harvests.items():
        poll = harvest.poll
        is_read = expected[name] in ("", "truncated")
        assert poll.outcome is (PollOutcome.CHANGED if is_read else PollOutcome.FAILED), name
        assert bool(poll.links) is is_read, name
        assert poll.http_status in ((200, 206) if is_read else (0, 404)), name
        assert (poll.validators == Validators()) is (expected[name] != ""), name  # what was cut is read again
        assert poll.validators.etag.isprintable()
    assert harvests[SOUND].poll.validators.etag == '"7"'
    assert all(harvests[name].poll.links == len(ITEMS) for name in ODD)


@pytest.mark.slow
def test_servers_that_take_their_time_get_what_there_is_of_it(process: CrawlProcess) -> None:
    with serve_raw(fall_silent()) as deaf:  # it never greets back
        harvests = poll_all(process, SLOW, timeout_seconds=1)
        harvests |= crawl(process, [make_job("TLS", f"https://127.0.0.1:{deaf.port}/feed")], timeout_seconds=1)
    assert {name: read_code(harvest) for name, harvest in harvests.items()} == dict.fromkeys([*SLOW, "TLS"], "timeout")
    assert all("took longer than 1 s" in harvest.poll.reason for harvest in harvests.values())


def test_redirects_share_the_time_of_one_request(process: CrawlProcess) -> None:
    def talk(connection: Connection) -> None:
        connection.stopped.wait(0.6)
        hop = int(connection.path.removeprefix("/feed") or 0)
        connection.send(head("302 Found", f"Location: /feed{hop + 1}", "Content-Length: 0"))

    harvests = poll_all(process, {"slow hops": talk}, timeout_seconds=1)
    assert read_code(harvests["slow hops"]) == "timeout"


@pytest.mark.slow
def test_bombs_do_not_go_off(process: CrawlProcess) -> None:
    bombs = make_bombs()
    name = "gzip of 10 GB"
    with watch_memory(process) as seen:
        alone = poll_all(process, {name: bombs[name]})
    assert read_code(alone[name]) == "too-large"
    assert seen[1] - seen[0] < 100
    harvests = poll_all(process, bombs)
    expected = {name: CODES.get(name, "too-large") for name in bombs}
    assert {name: read_code(harvest) for name, harvest in harvests.items()} == expected


@pytest.mark.slow
def test_many_large_answers_are_read_a_few_at_a_time(process: CrawlProcess) -> None:
    """All of them, also those that become large when they are unpacked; and with little memory."""
    large = FEED.replace(b"<channel>", b"<channel><!--" + b" isi" * 1_000_000 + b"-->")
    sent = {"plain": answer(whole(large)), "packed": answer(whole(gzip.compress(large), "Content-Encoding: gzip"))}
    with watch_memory(process) as seen:
        harvests = poll_all(process, {f"{kind} {number}": sent[kind] for kind in sent for number in range(10)})
    assert {read_code(harvest) for harvest in harvests.values()} == {""}
    assert all(harvest.poll.links == len(ITEMS) for harvest in harvests.values())
    assert seen[1] - seen[0] < 150


FEED_OF_ONE = (
    b"<rss version='2.0'><channel><title>Uji</title><item><title>Rapat APEKSI</title><link>/berita</link></item>"
    b"</channel></rss>"
)
ARTICLE = (
    f"<html><body><article><h1>Rapat APEKSI</h1><p>{'Wali kota membahas kota cerdas. ' * 60}</p></article>"
    "</body></html>"
).encode()


def lead_on(location: str) -> Talk:
    return answer(head("302 Found", f"Location: {location}", "Content-Length: 0", "Connection: close"))


PAGES: dict[str, tuple[Talk, tuple[str, bool] | None]] = {
    "whole": (answer(whole(ARTICLE, content_type=PAGE)), None),
    "cut by its length": (
        answer(head("200 OK", "Content-Length: 99999", content_type=PAGE), ARTICLE[:-300]),
        ("cut off", False),
    ),
    "cut in its chunks": (
        answer(head("200 OK", "Transfer-Encoding: chunked", content_type=PAGE), chunk(ARTICLE[:-300])),
        ("cut off", False),
    ),
    "over the limit of a page": (
        answer(whole(ARTICLE + b" " * 4_000_000, content_type=PAGE)),
        ("over the limit", True),
    ),
    "leads to a file": (lead_on("file:///etc/passwd"), ("a redirect out of the web", True)),
    "leads to a script": (lead_on("javascript:alert(1)"), ("a redirect out of the web", True)),
    "leads nowhere": (lead_on("http://[::1"), ("a redirect to what is no address", True)),
    "leads to itself": (lead_on("/berita"), ("a redirect in a circle", True)),
    "leads far": (lead_on("/" + "x" * 9_000), ("a redirect to an address of 9001 bytes", True)),
    "leads to control characters": (lead_on("/a\x07b"), ("a redirect to an address with control characters", True)),
    "endless": (flood(head(content_type=PAGE), bytes(65536)), ("over the limit", True)),
}


def lead_to(page: Talk) -> Talk:
    """A feed whose only article is `page`."""
    return lambda connection: (answer(whole(FEED_OF_ONE)) if connection.path == "/feed" else page)(connection)


@pytest.mark.slow
def test_article_page_is_whole_or_waits(process: CrawlProcess) -> None:
    harvests = poll_all(process, {name: lead_to(talk) for name, (talk, _) in PAGES.items()})
    for name, (_, failure) in PAGES.items():
        harvest = harvests[name]
        if failure is None:
            assert len(harvest.pages) == 1, name
        else:
            assert harvest.pages == (), name
            ((reason, is_permanent),) = [(each.reason, each.permanent) for each in harvest.failures]
            assert failure[0] in reason, name
            assert is_permanent is failure[1], name


ALLOWED = b"User-agent: *\nDisallow: /rahasia\n"
ROBOTS: dict[str, tuple[Talk, str]] = {
    "whole": (answer(whole(ALLOWED)), ""),
    "endless": (flood(head("200 OK"), b"# komentar\n" * 6000), ""),  # cut, and what it says until then counts
    "a bomb": (answer(whole(gzip_zeros(10_000), "Content-Encoding: gzip")), ""),
    "cut off": (answer(head("200 OK", "Content-Length: 999"), ALLOWED), "broken-off"),
    "silent": (fall_silent(), "timeout"),
    "many headers": (answer(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200_000), "robots-unreadable"),
    "only a part": (answer(whole(ALLOWED, status="206 Partial Content")), "broken-off"),
    "not modified": (answer(head("304 Not Modified")), "robots-unreadable"),
    "UTF-16": (answer(whole("User-agent: *\nDisallow: /".encode("utf-16"))), "robots-forbidden"),
    "an endless 404": (flood(head("404 Not Found"), bytes(65536)), ""),
}


@pytest.mark.slow
def test_robots_txt_is_read_within_the_same_bounds(process: CrawlProcess) -> None:
    with ExitStack() as stack:
        feed = answer(whole(FEED))
        portals = {name: stack.enter_context(serve_raw(feed, robots=robots)) for name, (robots, _) in ROBOTS.items()}
        jobs = [make_job(name, f"{portal.base}/feed") for name, portal in portals.items()]
        harvests = crawl(process, jobs, timeout_seconds=3)
    codes = {name: read_code(harvest) for name, harvest in harvests.items()}
    assert codes == {name: code for name, (_, code) in ROBOTS.items()}
