"""Probing portals: hints, candidates, judgements, plain words; then whole probes over portals on loopback."""

from __future__ import annotations

import ast
import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import typer
from conftest import ROOT
from fresh_database import open_fresh
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from typer.testing import CliRunner, Result

from aggregator.diagnosis import diagnose
from aggregator.models import (
    ArticleLink,
    Channel,
    ChannelKind,
    ChannelPage,
    CrawlJob,
    RobotsRecord,
    Source,
    SourceEvidence,
)
from crawler.catalogue import Catalogue, load_catalogue
from crawler.probing.assessment import assess_channel, choose_zone, is_general, read_clock
from crawler.probing.candidates import Candidate, find_sitemaps, list_candidates
from crawler.probing.conclusion import choose_channels, explain_failure, revise_source
from crawler.probing.hints import SiteHints, read_hints
from crawler.probing.report import Finding, ProbeJob, ProbeReport, State
from crawler.process import CrawlProcess
from crawler.spiders.probe import ProbeTalk
from crawler.visit import Visit
from schedules.commands import sources, sources_probe
from schedules.commands.context import CommandContext
from schedules.commands.sources_probe import describe_finding, format_age
from schedules.errors import RunFailure, UsageFailure
from schedules.probing import (
    TERMS,
    choose_unprobed,
    is_unprobed,
    make_job,
    make_job_for_address,
    probe_unprobed,
    report_to_json,
    run_probes,
    write_outcome,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ROOT_URL = "https://teluk.example/"
RSS, XML, JSON, TEXT = "application/rss+xml", "application/xml", "application/json", "text/plain"
# so much that the page is not taken for an empty one
LEAD = "<p>Kabar dari kota di tepi teluk: pasar, jalan, sekolah dan pelabuhan.</p>" * 9
WIB = timezone(timedelta(hours=7))


def write_home(title: str = "Warta Teluk", *, head: str = "", body: str = "", lang: str = "id") -> bytes:
    return (
        f"<!DOCTYPE html><html lang={lang}><head><meta charset=utf-8><title>{title}</title>{head}</head>"
        f"<body>{LEAD}{body}</body></html>"
    ).encode()


def write_link(href: str, *, kind: str = RSS, title: str = "Umpan") -> str:
    return f'<link rel="alternate" type="{kind}" title="{title}" href="{href}">'


def write_feed(topic: str, *, count: int = 6, newest: datetime = NOW, zone: tzinfo = UTC, hours: float = 3) -> bytes:
    items = "".join(
        f"<item><title>{topic} nomor {number}</title><link>/berita/{number}/kabar-kota</link>"
        f"<pubDate>{format_datetime((newest - timedelta(hours=hours * number)).astimezone(zone))}</pubDate></item>"
        for number in range(count)
    )
    return f'<rss version="2.0"><channel><title>Uji</title>{items}</channel></rss>'.encode()


def write_headlines(count: int = 8, *, said: str = "Pemerintah kota membuka pasar baru") -> str:
    return "".join(
        f"<article><h2><a href='/berita/{number}/kabar-kota-{number}'>{said} nomor {number} di tepi teluk</a></h2>"
        f"<time datetime='{(NOW - timedelta(hours=number)).isoformat()}'></time></article>"
        for number in range(1, count + 1)
    )


def write_news_sitemap(base: str, count: int = 5) -> bytes:
    urls = "".join(
        f"<url><loc>{base}/berita/{number}</loc><n:news><n:title>Kabar {number}</n:title>"
        f"<n:publication_date>{(NOW - timedelta(hours=number)).isoformat()}</n:publication_date></n:news></url>"
        for number in range(1, count + 1)
    )
    names = (
        'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"'
    )
    return f'<?xml version="1.0"?><urlset {names}>{urls}</urlset>'.encode()


# ── hints ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        (write_link("/feed/"), "", ["feed/"]),
        (write_link("/a.xml", kind="application/atom+xml"), "", ["a.xml"]),
        (write_link("feed.json", kind="application/feed+json"), "", ["feed.json"]),
        (write_link("/x", kind="text/html") + write_link("/y", kind="application/json"), "", []),
        (write_link("/rubrik/kota/feed/") + write_link("/feed/"), "", ["feed/", "rubrik/kota/feed/"]),
        (write_link("/feed/") + write_link("/feed/"), "", ["feed/"]),
        (write_link("/comments/feed/") + write_link("/feed/"), "", ["feed/"]),
        (write_link("/umpan.xml", title="Warta Teluk » Umpan Komentar"), "", []),
        (write_link("https://agregator.example/feed/"), "", []),
        (write_link("javascript:alert(1)") + write_link("//[") + write_link(""), "", []),
        ("", "<a href=/rss>RSS</a><a href=/tentang>Tentang</a>", ["rss"]),
        ("", "<a href=/komentar/rss>RSS</a><a href=https://lain.example/feed>x</a>", []),
        (write_link("/z/y/feed/"), "<a href=/rss.xml>RSS</a>", ["z/y/feed/", "rss.xml"]),
        ("", "<a href=/feedback>Saran</a><a href=/press>Pers</a>", []),
    ],
    ids=[
        *("rss", "atom", "json feed", "other types", "the shortest path first", "twice", "comments by address"),
        *("comments by title", "another site", "no addresses", "a link on the page"),
        *("links that are none", "declared before linked", "words that look alike"),
    ],
)
def test_feeds_of_a_home_page(head: str, body: str, expected: list[str]) -> None:
    found = read_hints(write_home(head=head, body=body), ROOT_URL).feeds
    assert list(found) == [url if "://" in url else ROOT_URL + url for url in expected]


def test_feed_of_a_sister_host_is_taken() -> None:
    html = write_home(head=write_link("https://berita.kota-teluk.go.id/feed/"))
    assert read_hints(html, "https://kota-teluk.go.id/").feeds == ("https://berita.kota-teluk.go.id/feed/",)
    assert read_hints(html, "https://kota-gunung.go.id/").feeds == ()


def test_no_more_than_a_few_feeds_are_taken() -> None:
    assert len(read_hints(write_home(head="".join(write_link(f"/{n}/feed/") for n in range(50))), ROOT_URL).feeds) == 6


def test_site_whose_name_has_the_word_for_comments_has_feeds_too() -> None:
    hints = read_hints(write_home(body="<a href=/feed/>RSS</a>"), "https://suarakomentar.example/")
    assert hints.feeds == ("https://suarakomentar.example/feed/",)


@pytest.mark.parametrize(
    ("head", "is_wordpress", "is_blogger"),
    [
        ("<meta name=generator content='WordPress 6.5.2'>", True, False),
        ("<link rel=stylesheet href=/wp-content/themes/x.css>", True, False),
        ("<link rel='https://api.w.org/' href=/wp-json/>", True, False),
        ("<META NAME=Generator CONTENT=blogger>", False, True),
        (write_link("/feeds/posts/default?alt=rss"), False, True),
        ("<meta name=generator content='Joomla! - Open Source'>", False, False),
        ("", False, False),
    ],
    ids=["generator", "theme", "api", "blogger", "blogger's feed", "joomla", "nothing"],
)
def test_system_is_recognised(head: str, is_wordpress: bool, is_blogger: bool) -> None:
    hints = read_hints(write_home(head=head), ROOT_URL)
    assert (hints.is_wordpress, hints.is_blogger) == (is_wordpress, is_blogger)


@pytest.mark.parametrize(
    ("title", "head", "name"),
    [
        ("Warta Teluk", "", "Warta Teluk"),
        ("Warta Teluk - Kabar dari Ambon", "", "Warta Teluk"),
        ("Warta Teluk|Kabar", "", "Warta Teluk"),
        ("Kabar-Teluk.id – Terkini", "", "Kabar-Teluk.id"),
        ("Beranda", "<meta property=og:site_name content='Warta &amp; Teluk'>", "Warta & Teluk"),
        ("Beranda", "<meta name=application-name content=Warta>", "Warta"),
        ("Warta", "<meta property=og:site_name content='  '>", "Warta"),
        ("", "", ""),
        ("x" * 500, "", "x" * 100),
        ("Warta <b>Teluk</b>\n", "", "Warta Teluk"),
    ],
    ids=["title", "dash", "bar", "hyphen kept", "site name", "application", "blank name", "none", "long", "markup"],
)
def test_name_of_a_site(title: str, head: str, name: str) -> None:
    assert read_hints(write_home(title, head=head), ROOT_URL).name == name


@pytest.mark.parametrize(
    ("lang", "language"),
    [("id", "id"), ("id-ID", "id"), ("in", "id"), ("EN_us", "en"), ("'  jv '", "jv"), ("''", ""), ("1", "")],
)
def test_language_of_a_site(lang: str, language: str) -> None:
    assert read_hints(write_home(lang=lang), ROOT_URL).language == language


@pytest.mark.parametrize("html", [b"", b"   ", b"\x00" * 10], ids=["empty", "blank", "zeros"])
def test_no_markup_gives_no_hints(html: bytes) -> None:
    assert read_hints(html, ROOT_URL) == SiteHints(is_page=False)


@pytest.mark.parametrize(
    "html",
    [
        bytes(range(256)) * 40,
        b"<html><head><link rel=alternate type=application/rss+xml href='http://[::1/feed/'><title>\xff\xfe",
        b"<a href='/feed/'" * 2_000,
        b"<div>" * 20_000,
        b"<html lang=" + b"i" * 100_000 + b"><title>" + b"| " * 50_000,
        b"\xff\xfe" + "<html><title>Warta</title>".encode("utf-16-le"),
        b"<?xml version='1.0' encoding='nope'?><!DOCTYPE x [<!ENTITY a 'b'>]><html>&a;</html>",
        b'{"json": true}',
        b"GIF89a\x01\x00\x01\x00",
    ],
    ids=["all bytes", "odd address", "unclosed", "deep", "long", "utf-16", "entities", "json", "picture"],
)
def test_hostile_bytes_never_raise(html: bytes) -> None:
    hints = read_hints(html, ROOT_URL)
    assert all(url.startswith(ROOT_URL) for url in hints.feeds)
    assert len(hints.name) <= 100


@pytest.mark.parametrize(
    ("html", "is_hijacked"),
    [
        (write_home("Slot Gacor Maxwin Situs Judi Slot Online", body="<p>slot gacor maxwin scatter</p>"), True),
        (write_home(), False),
        (write_home(body=write_headlines(said="Polisi membongkar situs judi slot online")), False),
        (b"<!DOCTYPE html><html><head><title>Warta</title></head><body><div id=root></div></body></html>", False),
        (b"<!DOCTYPE html><html><head><title>Segera hadir</title></head><body><p>Situs baru</body></html>", False),
    ],
    ids=["gambling", "a portal", "news about gambling", "a page drawn by scripts", "a page with one line"],
)
def test_hijacked_home_page_is_told_from_others(html: bytes, is_hijacked: bool) -> None:
    assert read_hints(html, ROOT_URL).is_hijacked is is_hijacked


# ── candidates ─────────────────────────────────────────────────────────────────────────────────────────────────────


def list_tried(
    hints: SiteHints | None = None, *, robots: bytes = b"", own: Sequence[Channel] = (), terms: Sequence[str] = TERMS
) -> list[Candidate]:
    return list_candidates(ROOT_URL, hints or SiteHints(), robots=robots, own=own, terms=terms)


def list_paths(candidates: Sequence[Candidate]) -> list[str]:
    return [candidate.channel.url.removeprefix(ROOT_URL) for candidate in candidates]


USUAL_FEEDS = ["feed/", "rss", "rss.xml", "feed.xml", "rss/terkini.xml", "atom.xml", "feeds/posts/default?alt=rss"]
USUAL_SITEMAPS = ["sitemap-news.xml", "news-sitemap.xml", "sitemap.xml"]


def test_usual_paths_are_tried_in_order() -> None:
    tried = list_tried()
    assert list_paths(tried) == [*USUAL_FEEDS, "tag/apeksi", "search?q=apeksi", "", *USUAL_SITEMAPS, ""]
    assert [found.channel.kind.value for found in tried if found.channel.url == ROOT_URL] == ["wordpress", "listing"]


def test_home_page_counts_before_the_usual_paths() -> None:
    tried = list_tried(SiteHints(feeds=(f"{ROOT_URL}kabar/feed/",)))
    assert list_paths(tried)[:2] == ["kabar/feed/", "feed/"]
    assert [candidate.found_by for candidate in tried[:2]] == ["home page", "usual path"]


@pytest.mark.parametrize("path", ["rss.xml", "atom.xml", "rss/terkini.xml/"])
def test_declared_feed_at_a_usual_path_comes_first(path: str) -> None:
    tried = list_tried(SiteHints(feeds=(f"{ROOT_URL}{path}",)))
    assert list_paths(tried)[0] == path
    assert tried[0].found_by == "home page"


def test_channels_of_the_entry_come_first() -> None:
    own = (
        Channel(kind=ChannelKind.LISTING, url=ROOT_URL),
        Channel(kind=ChannelKind.FEED, url=f"{ROOT_URL}atom.xml"),
        Channel(kind=ChannelKind.FEED, url=f"{ROOT_URL}kota.xml"),
    )
    tried = list_tried(own=own)
    assert [candidate.channel for candidate in tried[:3]] == list(own)
    assert {candidate.found_by for candidate in tried[:3]} == {"entry"}


def test_each_address_is_tried_once() -> None:
    hints = SiteHints(feeds=(f"{ROOT_URL}feed", "http://teluk.example/rss/"), is_blogger=True)
    own = (Channel(kind=ChannelKind.FEED, url="http://teluk.example/feed/#atas"),)
    robots = b"Sitemap: https://teluk.example/sitemap.xml\nSitemap: https://teluk.example/sitemap.xml"
    channels = [
        found.channel for found in list_tried(hints, own=own) if found.channel.kind is not ChannelKind.WORDPRESS
    ]
    tried = [channel.url.partition("://")[2].rstrip("/") for channel in channels]
    assert len(tried) == len(set(tried))
    assert next(found for found in list_tried(hints, own=own) if found.channel.url == own[0].url).found_by == "entry"
    assert list_paths(list_tried(robots=robots)).count("sitemap.xml") == 1


def test_wordpress_is_searched_for_all_terms() -> None:
    (search,) = (found for found in list_tried(SiteHints(is_wordpress=True)) if "search" in found.ways)
    assert search.channel == Channel(kind=ChannelKind.WORDPRESS, url=ROOT_URL, terms=TERMS)
    assert search.term == "apeksi"


def test_blogger_has_its_own_feed_first_and_a_search_feed() -> None:
    tried = list_tried(SiteHints(is_blogger=True), terms=["kota cerdas"])
    assert list_paths(tried)[0] == "feeds/posts/default?alt=rss"
    searches = list_paths([found for found in tried if "search" in found.ways])
    assert searches == ["feeds/posts/default?q=kota+cerdas&alt=rss", "tag/kota-cerdas", "search?q=kota+cerdas", ""]


@pytest.mark.parametrize(
    ("robots", "expected"),
    [
        (b"", []),
        (b"Sitemap: https://teluk.example/s.xml", ["s.xml"]),
        (b"User-agent: *\r\nsitemap:https://teluk.example/s.xml\r\n", ["s.xml"]),
        (b"  SITEMAP : https://teluk.example/s.xml  \n", ["s.xml"]),
        (b"Sitemap: https://teluk.example/a.xml\nSitemap: https://teluk.example/News.xml", ["News.xml", "a.xml"]),
        (b"Sitemap: https://lain.example/s.xml", []),
        (b"Sitemap: /sitemap.xml\nSitemap: sitemap.xml\nSitemap:\n", []),
        (b"Sitemap: javascript:alert(1)\nSitemap: https://u:p@teluk.example/s.xml", []),
        (b"Sitemap: https://teluk.example/\xff\x00.xml\nSitemap: https://[teluk/s.xml", []),
        (b"Sitemap: https://teluk.example/" + b"x" * 3_000, []),
        (b"# Sitemap: https://teluk.example/s.xml", []),
        (b"\n".join(b"Sitemap: https://teluk.example/%d.xml" % n for n in range(99)), ["0.xml", "1.xml", "2.xml"]),
    ],
    ids=[
        *("none", "one", "windows", "loose", "news first", "another site's", "no address", "other schemes"),
        *("odd bytes", "long", "comment", "many"),
    ],
)
def test_sitemaps_of_robots_txt(robots: bytes, expected: list[str]) -> None:
    urls = [url if "://" in url else ROOT_URL + url for url in expected]
    assert find_sitemaps(robots, ROOT_URL) == urls
    tried = [found.channel.url for found in list_tried(robots=robots) if found.channel.kind is ChannelKind.SITEMAP]
    assert tried == (urls or [ROOT_URL + path for path in USUAL_SITEMAPS])


@contextmanager
def limit_cpu(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in what takes longer; pytest's own timeout uses another timer."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {seconds} CPU s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize(
    "robots",
    [b"\n" * 500_000, b" " * 500_000, b"sitemap:" + b"\n" * 400_000 + b"x", b"Sitemap: " + b"x" * 500_000],
    ids=["empty lines", "spaces", "a field without a value", "one long value"],
)
def test_hostile_robots_txt_is_read_quickly(robots: bytes) -> None:
    with limit_cpu(0.3):
        assert find_sitemaps(robots, ROOT_URL) == []


# ── assessment ─────────────────────────────────────────────────────────────────────────────────────────────────────

FEED = Channel(kind=ChannelKind.FEED, url=f"{ROOT_URL}feed/")
TAG = Channel(kind=ChannelKind.LISTING, url=f"{ROOT_URL}tag/apeksi")


def make_links(*dates: str, title: str = "Kabar kota") -> tuple[ArticleLink, ...]:
    return tuple(
        ArticleLink(url=f"{ROOT_URL}{number}", title=title, published_raw=date) for number, date in enumerate(dates)
    )


def assess(*dates: str, title: str = "Kabar kota", term: str = "", zone: str = "Asia/Jakarta") -> Finding:
    page = ChannelPage(links=make_links(*dates, title=title))
    return assess_channel(page, FEED, found_by="entry", term=term, zone=zone, now=NOW)


@pytest.mark.parametrize(
    ("finding", "state"),
    [
        (assess("2026-11-22"), State.LIVE),
        (assess("2026-09-25"), State.LIVE),
        (assess("2026-09-20"), State.STALE),
        (assess("2026-09-20", "2026-11-22"), State.LIVE),
        (assess("", "entah"), State.LIVE),
        (assess(), State.EMPTY),
        (assess(*[""] * 5, term="apeksi"), State.UNFILTERED),
        (assess(*[""] * 4, term="apeksi"), State.LIVE),
        (assess(*[""] * 5, term="apeksi", title="Rapat APEKSI"), State.LIVE),
        (assess(*["2020-01-01"] * 5, term="apeksi", title="Rapat APEKSI"), State.LIVE),
        (assess(*[""] * 5, term="kota cerdas", title="kota-cerdas"), State.LIVE),
        (assess(term="apeksi"), State.EMPTY),
    ],
    ids=[
        *("new", "59 days", "64 days", "one is new", "undated", "no entry", "search that does not search"),
        *("too few to tell", "search that finds", "old finds", "hyphens", "search without finds"),
    ],
)
def test_state_of_a_channel(finding: Finding, state: State) -> None:
    assert finding.state is state


def test_index_of_sitemaps_is_not_empty() -> None:
    page = ChannelPage(sitemaps=make_links("2026-11-22", "2026-11-22"))
    findings = [
        assess_channel(page, channel, found_by="robots.txt", term="", zone="Asia/Jakarta", now=NOW)
        for channel in (Channel(kind=ChannelKind.SITEMAP, url=f"{ROOT_URL}sitemap.xml"), FEED)
    ]
    assert [(found.state, found.links, found.dated) for found in findings] == [(State.LIVE, 2, 0), (State.EMPTY, 0, 0)]


@pytest.mark.parametrize(
    ("found", "on_topic", "state"),
    [
        ("abcdefghij", 2, State.UNFILTERED),
        ("abcdefghiz", 2, State.UNFILTERED),
        ("abcdexyz", 2, State.LIVE),
        ("abcdefghij", 10, State.LIVE),
        ("", 0, State.LIVE),
    ],
    ids=["same links", "one is new", "half are new", "all on topic", "none"],
)
def test_search_that_gives_what_the_feed_gives(tmp_path: Path, found: str, on_topic: int, state: State) -> None:
    job, settings = CrawlJob(source=AT_TELUK, channels=(), now=NOW), make_setup(tmp_path).crawl
    talk = ProbeTalk(visit=Visit(job, settings), job=make_job(AT_TELUK, NOW))
    feed = Finding(channel=FEED, state=State.LIVE, found_by="home page", links=10)
    assert talk.compare(feed, set("abcdefghij"), is_search=False) is feed
    search = replace(feed, channel=TAG, links=len(found), on_topic=on_topic)
    assert talk.compare(search, set(found), is_search=True).state is state


@pytest.mark.parametrize(
    ("dates", "per_day"),
    [
        ([], None),
        (["2026-11-22", "2026-11-23"], None),
        (["2026-11-21", "2026-11-22", "2026-11-23"], 1.0),
        ([f"2026-11-22T{hour:02}:00:00Z" for hour in range(13)], 24.0),
        (["2026-11-23T07:00:00Z"] * 3, 48.0),
        (["2026-11-13", "entah", "2026-11-18", "2026-11-23"], 0.2),
    ],
    ids=["none", "two", "three days", "hourly", "all at once", "an undated one"],
)
def test_posts_a_day(dates: list[str], per_day: float | None) -> None:
    assert assess(*dates).per_day == per_day


@pytest.mark.parametrize(
    ("dates", "offsets"),
    [
        (["2026-11-23T14:00:00+07:00"], ("+07:00",)),
        (["Mon, 23 Nov 2026 07:00:00 GMT"], ("UTC",)),
        (["Mon, 23 Nov 2026 07:00:00 +0000", "2026-11-23T07:00:00Z"], ("UTC",)),
        (["2026-11-23 14:00:00"], ("none",)),
        (["2026-11-23"], ()),
        (["2026-11-23T12:30:00+05:30", "2026-11-23T01:30:00-03:30"], ("+05:30", "-03:30")),
        (["Senin, 23 November 2026 14.05 WIB"], ("+07:00",)),
        (["Senin (23/11/2026) 14:05 WITA", "Senin, 23 November 2026 14.05"], ("+08:00", "none")),
        (["entah", ""], ()),
        (["3 jam lalu"], ()),
        (["1795417200"], ()),
    ],
    ids=["+07:00", "GMT", "UTC twice", "none", "a day", "half hours", "WIB", "WITA", "no date", "an age", "epoch"],
)
def test_offsets_as_they_are_written(dates: list[str], offsets: tuple[str, ...]) -> None:
    assert assess(*dates).offsets == offsets


@pytest.mark.parametrize(
    ("zone", "hour"), [("Asia/Jakarta", 7), ("Asia/Makassar", 6), ("Asia/Jayapura", 5)], ids=["WIB", "WITA", "WIT"]
)
def test_dates_in_indonesian_words_are_read_in_the_zone_of_the_source(zone: str, hour: int) -> None:
    finding = assess("Minggu, 22 Nopember 2026 | 14.00", "Jumat, 20 Nov 2026 08:00", zone=zone)
    assert finding.newest == datetime(2026, 11, 22, hour, tzinfo=UTC)
    assert (finding.dated, finding.state) == (2, State.LIVE)


@pytest.mark.parametrize(
    ("dates", "is_ahead"),
    [
        (["Mon, 23 Nov 2026 15:00:00 GMT"], True),
        (["2026-11-23T15:00:00Z", "2026-11-23T07:00:00Z"], True),
        (["Mon, 23 Nov 2026 15:00:00 +0000"], True),
        (["Mon, 23 Nov 2026 08:10:00 GMT"], False),
        (["Mon, 23 Nov 2026 07:00:00 GMT"], False),
        (["2026-11-23T22:00:00+07:00"], False),
        (["2026-11-23 15:00:00"], False),
        (["2026-11-24"], False),
    ],
    ids=["GMT", "Z", "+0000", "a server's slow clock", "past", "an offset of its own", "no label", "a day"],
)
def test_local_clock_with_a_label_of_utc_is_found(dates: list[str], is_ahead: bool) -> None:
    assert assess(*dates).is_ahead is is_ahead


def test_links_on_topic_are_counted() -> None:
    page = ChannelPage(links=(*make_links("", "", title="Rapat APEKSI di Ambon"), *make_links("")))
    assert assess_channel(page, FEED, found_by="entry", term="", zone="Asia/Jakarta", now=NOW).on_topic == 2


def test_largest_sitemap_is_assessed_in_a_moment() -> None:
    page = ChannelPage(
        links=make_links(*(f"Senin, 2 November 2026 {n // 60 % 24:02}.{n % 60:02}" for n in range(50_000)))
    )
    with limit_cpu(0.5):
        assess_channel(page, FEED, found_by="robots.txt", term="", zone="Asia/Jakarta", now=NOW)


@pytest.mark.parametrize(
    ("local", "utc", "zone"),
    [
        ("2026-11-23T15:00:00", "2026-11-23T08:00:00", "Asia/Jakarta"),
        ("2026-11-23T01:00:00", "2026-11-22T17:00:00", "Asia/Makassar"),
        ("2026-11-23T17:00:00", "2026-11-23T08:00:00", "Asia/Jayapura"),
        ("2026-11-23T08:00:00", "2026-11-23T08:00:00", ""),
        ("2026-11-23T15:00:01", "2026-11-23T08:00:00", ""),
        ("2026-11-23T13:30:00", "2026-11-23T08:00:00", ""),
        ("2026-11-23T03:00:00", "2026-11-23T08:00:00", ""),
        ("0000-00-00T00:00:00", "0000-00-00T00:00:00", ""),
    ],
    ids=["WIB", "WITA", "WIT", "UTC", "a second off", "half an hour", "New York", "a draft"],
)
def test_clock_of_a_wordpress_site(local: str, utc: str, zone: str) -> None:
    assert read_clock(json.dumps([{"date": local, "date_gmt": utc}]).encode()) == zone


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{}", b"5", b"null", b'"teks"', b"[5]", b"[null]", b"[{}]", b"<html>", b"\xff\xfe"),
        *(b'{"code":"rest_forbidden"}', b'[{"date":5,"date_gmt":6}]', b'[{"date":"2026-11-23T15:00:00"}]'),
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_odd_answers_tell_no_clock(body: bytes) -> None:
    assert read_clock(body) == ""


@pytest.mark.parametrize(
    ("findings", "zone"),
    [
        ([("+07:00",)], "Asia/Jakarta"),
        ([("+08:00", "UTC")], "Asia/Makassar"),
        ([("UTC",), ("+09:00", "none")], "Asia/Jayapura"),
        ([("+07:00",), ("+08:00",)], ""),
        ([("UTC", "none", "+05:30")], ""),
        ([], ""),
    ],
    ids=["WIB", "WITA", "WIT", "two", "none of ours", "nothing"],
)
def test_zone_is_chosen_where_the_dates_agree(findings: list[tuple[str, ...]], zone: str) -> None:
    live = [Finding(channel=FEED, state=State.LIVE, found_by="entry", offsets=offsets) for offsets in findings]
    assert choose_zone(live) == zone
    assert choose_zone([replace(finding, state=State.STALE) for finding in live]) == ""


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        (FEED, True),
        (Channel(kind=ChannelKind.SITEMAP, url=f"{ROOT_URL}s.xml"), True),
        (Channel(kind=ChannelKind.FEED, url=f"{ROOT_URL}feeds/posts/default?q=apeksi&alt=rss"), False),
        (TAG, False),
        (Channel(kind=ChannelKind.WORDPRESS, url=ROOT_URL), False),
    ],
    ids=["feed", "sitemap", "search feed", "listing", "wordpress"],
)
def test_channels_that_bring_everything(channel: Channel, expected: bool) -> None:
    assert is_general(channel) is expected


# ── conclusion ─────────────────────────────────────────────────────────────────────────────────────────────────────

SITEMAP = Channel(kind=ChannelKind.SITEMAP, url=f"{ROOT_URL}sitemap-news.xml")
WORDPRESS = Channel(kind=ChannelKind.WORDPRESS, url=ROOT_URL, terms=TERMS)
SEARCH_FEED = Channel(kind=ChannelKind.FEED, url=f"{ROOT_URL}feeds/posts/default?q=apeksi&alt=rss")
HOME = Channel(kind=ChannelKind.LISTING, url=ROOT_URL)


def make_report(*findings: Finding, **values: Any) -> ProbeReport:
    return ProbeReport(source_id="teluk", url=ROOT_URL, probed_at=NOW, findings=findings, **values)


def find(channel: Channel, state: State = State.LIVE, *, by: str = "usual path", **values: Any) -> Finding:
    return Finding(channel=channel, state=state, found_by=by, **values)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([find(FEED)], [FEED]),
        ([find(FEED), find(TAG)], [FEED, TAG]),
        ([find(FEED), find(SITEMAP), find(WORDPRESS)], [FEED, WORDPRESS]),
        ([find(SITEMAP), find(FEED)], [FEED]),
        ([find(FEED, State.STALE), find(SITEMAP)], [SITEMAP]),
        ([find(TAG), find(SEARCH_FEED)], [TAG]),
        ([find(SEARCH_FEED, by="Blogger"), find(FEED)], [FEED, SEARCH_FEED]),
        ([find(HOME, by="home page")], [HOME]),
        ([find(HOME, by="home page"), find(TAG)], [TAG]),
        ([find(HOME, by="home page"), find(SITEMAP)], [SITEMAP]),
        ([find(TAG, by="entry"), find(FEED)], [TAG, FEED]),
        ([find(TAG, State.STALE, by="entry"), find(FEED)], [FEED]),
        ([find(SITEMAP, by="entry"), find(FEED), find(WORDPRESS)], [SITEMAP, WORDPRESS]),
        ([find(FEED, by="entry"), find(WORDPRESS, by="entry"), find(TAG)], [FEED, WORDPRESS]),
        ([find(TAG, State.UNFILTERED), find(FEED, State.EMPTY), find(SITEMAP, State.FAILED)], []),
        ([], []),
    ],
    ids=[
        *("feed", "feed and tag", "feed before sitemap", "whatever the order", "stale feed", "one search"),
        *("blogger", "home page", "a tag spares the home page", "a sitemap spares it", "own stays", "dead own goes"),
        *("own general", "own both", "nothing live", "nothing"),
    ],
)
def test_channels_that_are_chosen(findings: list[Finding], expected: list[Channel]) -> None:
    report = make_report(*findings)
    assert choose_channels(report) == tuple(expected)
    assert (explain_failure(report) is None) is bool(expected)


NOTHING_AT = "There is nothing at this address"
FAILURES = {
    "hijacked": (make_report(is_hijacked=True), "gambling spam"),
    "hijacked with a feed": (make_report(find(FEED), is_hijacked=True), "gambling spam"),
    "home page forbidden": (make_report(reason="HTTP 403", status=403), "forbids us"),
    "no home page": (make_report(reason="HTTP 404", status=404), NOTHING_AT),
    "stale": (make_report(find(TAG, State.UNFILTERED), find(FEED, State.STALE)), "published nothing for two months"),
    "empty": (make_report(find(FEED, State.EMPTY), find(SITEMAP, State.FAILED)), "hold nothing"),
    "unfiltered": (make_report(find(TAG, State.UNFILTERED)), "search gives whatever is new"),
    "refused": (
        make_report(
            find(SITEMAP, State.FAILED, reason="HTTP 404", status=404),
            find(FEED, State.REFUSED, reason="robots.txt disallows it"),
        ),
        "robots.txt forbids",
    ),
    "nothing found": (
        make_report(
            find(FEED, State.FAILED, reason="HTTP 404", status=404),
            find(HOME, State.FAILED, by="home page", reason="no article links on the page 'Warta'", status=200),
        ),
        "no feed",
    ),
    "cut short": (make_report(), "no time"),
}


@pytest.mark.parametrize(("report", "piece"), FAILURES.values(), ids=FAILURES)
def test_failure_is_told_in_plain_words(report: ProbeReport, piece: str) -> None:
    failure = explain_failure(report)
    assert failure is not None
    assert piece in failure.says
    assert failure.advice.endswith(".")
    told = report_to_json(report)
    assert (told["problem"], told["try"], told["channels"]) == (failure.says, failure.advice, [])


@pytest.mark.parametrize(
    ("source", "report", "expected"),
    [
        ({}, {"timezone": "Asia/Makassar"}, ("Asia/Makassar", False)),
        ({}, {}, ("Asia/Jakarta", False)),
        ({"province": "Maluku", "timezone": "Asia/Jayapura"}, {"timezone": "Asia/Makassar"}, ("Asia/Jayapura", False)),
        ({"utc_is_local": True}, {}, ("Asia/Jakarta", True)),
        ({"enabled": False, "evidence": SourceEvidence.UNPROBED}, {}, ("Asia/Jakarta", False)),
    ],
    ids=["its dates tell", "they do not", "its province counts", "clock stays", "off and unprobed"],
)
def test_revised_source_is_on_and_probed(
    source: dict[str, Any], report: dict[str, Any], expected: tuple[str, bool]
) -> None:
    known = Source(id="teluk", name="Teluk", domain="teluk.example", **source)
    revised = revise_source(known, make_report(find(FEED), **report))
    assert (revised.enabled, revised.evidence, revised.channels) == (True, SourceEvidence.PROBED, (FEED,))
    assert (revised.timezone, revised.utc_is_local) == expected


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (find(FEED, is_ahead=True), True),
        (find(TAG, is_ahead=True), False),
        (find(FEED, State.STALE, is_ahead=True), False),
    ],
    ids=["feed", "listing", "stale feed"],
)
def test_wrong_label_of_a_live_feed_is_noted(finding: Finding, expected: bool) -> None:
    known = Source(id="teluk", name="Teluk", domain="teluk.example")
    assert revise_source(known, make_report(finding)).utc_is_local is expected


# ── diagnosis ──────────────────────────────────────────────────────────────────────────────────────────────────────

FALLBACK = "It could not be read"
CODE = ("channels", "spiders", "middlewares.py", "politeness.py", "address_guard.py", "parsing.py", "parser_process.py")
ERRORS = {
    *("PollError", "ChannelError", "ParseFailedError", "RobotsRefusedError", "RobotsUnreadableError"),
    *("ChallengedError", "HostHeldError", "AddressRefusedError", "OutOfBudgetError", "ParserBusyError"),
    *("WorkerDied", "WorkerTookTooLong"),
}


def list_reasons() -> Iterator[str]:
    """The reasons that the crawler's own code gives, with "7" for whatever is put into them."""
    folder = ROOT / "crawler"
    for path in sorted(path for name in CODE for path in (folder / name, *(folder / name).glob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if path.suffix == ".py" else ():
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                name, said = node.exc.func, node.exc.args[0]
                if isinstance(name, ast.Name) and name.id in ERRORS and (text := "".join(spell(said))) != "HTTP 7":
                    yield text


def spell(said: ast.expr) -> Iterator[str]:
    """The text of a literal; nothing for what passes another error's words on."""
    if isinstance(said, ast.Subscript | ast.BinOp):
        yield from spell(said.value if isinstance(said, ast.Subscript) else said.left)
    elif isinstance(said, ast.Constant) and isinstance(said.value, str):
        yield said.value
    elif isinstance(said, ast.JoinedStr):
        for part in said.values:
            yield str(part.value) if isinstance(part, ast.Constant) else "7"


REASONS = sorted({reason for reason in list_reasons() if reason})


def test_reasons_are_found_in_the_code() -> None:
    assert len(REASONS) > 30
    assert {"robots.txt disallows it", "empty body", "7 is a private address (allow_networks opens one)"} <= {*REASONS}


def test_every_reason_of_the_crawler_has_a_diagnosis() -> None:
    unknown = [reason for reason in REASONS if diagnose(reason).says.startswith(FALLBACK)]
    assert not unknown, "\n".join(unknown)


# as Scrapy 2.19 words what loopback servers did (see the portals that fail, below)
SCRAPY = {
    "CannotResolveHostError: DNS lookup failed: no results for hostname lookup: x.invalid.": "host name does not exist",
    "DownloadConnectionRefusedError: Connection was refused by other side: 111: Connection refused.": "refuses conn",
    "DownloadTimeoutError: Getting http://x.example/ took longer than 30.0 seconds.": "did not answer in time",
    "DownloadFailedError: [<twisted.python.failure.Failure OpenSSL.SSL.Error: [('SSL routines', '', "
    "'certificate verify failed')]>]": "certificate is not valid",
    "max redirections reached": "circles",
    "DownloadFailedError: [<twisted.python.failure.Failure twisted.internet.error.ConnectionDone: Connection was "
    "closed cleanly.>]": "broke the connection off",
    "ResponseDataLossError": "broke the connection off",
    "DownloadCancelledError: Expected to receive 500000000 bytes which is larger than download max size (10485760) in "
    "request <GET http://x.example/>.": "",
    "DownloadFailedError: [<twisted.python.failure.Failure twisted.web._newclient.ParseError: ('wrong number of "
    "parts', b'hello')>]": "",
    "BadGzipFile: Not a gzipped file (b'ab')": "",
    "ValueError: Invalid IPv6 URL": "",
    "robots.txt cannot be read (CannotResolveHostError: DNS lookup failed: no results for hostname lookup: "
    "x.invalid.)": "host name does not exist",
    "robots.txt cannot be read (DownloadConnectionRefusedError: Connection was refused by other side: 111: Connection "
    "refused.)": "refuses conn",
}


@pytest.mark.parametrize(("reason", "piece"), SCRAPY.items(), ids=[reason[:60] for reason in SCRAPY])
def test_failed_downloads_have_a_diagnosis(reason: str, piece: str) -> None:
    says = diagnose(reason).says
    assert piece in says
    assert not says.startswith(FALLBACK)


@pytest.mark.parametrize(
    ("reason", "status", "piece"),
    [
        ("robots.txt disallows it", 0, "robots.txt forbids"),
        ("robots.txt cannot be read (HTTP 503)", 0, "robots.txt could not be read"),
        ("a guard against robots answered, not the site", 0, "guard against robots"),
        ("10.0.0.1 is a private address (allow_networks opens one)", 0, "private network"),
        ("HTTP 403", 403, "forbids us"),
        ("HTTP 403", 0, "forbids us"),
        ("search_feed: HTTP 403; rest: HTTP 401", 0, "forbids us"),
        ("HTTP 404", 404, NOTHING_AT),
        ("HTTP 410", 410, "will not be again"),
        ("HTTP 429", 429, "too often"),
        ("HTTP 451", 451, "legal reasons"),
        ("HTTP 500", 500, "broken or overloaded"),
        ("HTTP 522", 522, "broken or overloaded"),
        ("empty body", 200, "holds nothing"),
        ("its XML is broken in line 7", 200, "its XML is broken"),
        ("kabut", 200, "kabut"),
        ("HTTP 299", 299, "means nothing to us"),
        ("no address of the web: malformed", 0, "no address of the web"),
        ("no article links on the page", 200, "layout has changed"),
        ("WordPress says rest_forbidden", 200, "no channel of the kind"),
        ("the cycle's time is up", 0, "no time left"),
        ("the source's 50 requests of this cycle are used up", 0, "no time left"),
    ],
)
def test_faults_of_the_table(reason: str, status: int, piece: str) -> None:
    assert piece in diagnose(reason, status).says


def test_every_status_has_a_diagnosis() -> None:
    unknown = [status for status in range(400, 600) if diagnose(f"HTTP {status}", status).says.startswith(FALLBACK)]
    assert not unknown
    assert not diagnose("HTTP 999", 999).says.startswith(FALLBACK)


@pytest.mark.parametrize("title", ["Private Banking", "Redirecting...", "Timeout", "SSL Kota", "HTTP 404", "Nettls"])
def test_title_of_a_page_is_not_taken_for_the_reason(title: str) -> None:
    assert "no channel of the kind" in diagnose(f"HTML page ({title!r}) instead of a feed", 200).says


def test_unknown_reason_is_passed_on() -> None:
    assert diagnose("kabut").says == "It could not be read: kabut."
    assert diagnose("").says == "It could not be read: no reason is known."


# ── jobs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

AT_TELUK = Source(id="teluk", name="Teluk", domain="teluk.example", channels=(FEED,))
CATALOGUE = Catalogue(
    (
        AT_TELUK,
        Source(id="port", name="Port", domain="127.0.0.1:8080"),
        Source(id="twin-a", name="A", domain="twin.example"),
        Source(id="twin-b", name="B", domain="twin.example"),
    )
)


def test_job_of_a_source_begins_at_its_home() -> None:
    job = make_job(AT_TELUK, NOW)
    assert (job.url, job.source, job.terms, job.robots) == ("https://teluk.example/", AT_TELUK, TERMS, ())


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("http://www.teluk.example/rss?a=1", "http://www.teluk.example/"),
        ("https://feeds.host.example/teluk", "https://teluk.example/"),
    ],
)
def test_home_is_where_the_channels_are(url: str, home: str) -> None:
    source = replace(AT_TELUK, channels=(Channel(kind=ChannelKind.FEED, url=url),))
    assert make_job(source, NOW).url == home


@pytest.mark.parametrize(
    ("url", "source_id", "home"),
    [
        ("https://teluk.example/", "teluk", "https://teluk.example/"),
        ("http://www.teluk.example/kota/?a=1#b", "teluk", "http://www.teluk.example/"),
        ("http://127.0.0.1:8080/", "port", "http://127.0.0.1:8080/"),
        ("http://127.0.0.1:8081/", "127-0-0-1", "http://127.0.0.1:8081/"),
        ("https://berita.teluk.example/", "berita-teluk", "https://berita.teluk.example/"),
        ("https://kabar.co.id/", "kabar", "https://kabar.co.id/"),
        ("https://twin.example/", "twin", "https://twin.example/"),
    ],
    ids=["known", "known, below www", "known by its port", "another port", "sister host", "new", "two at a host"],
)
def test_job_of_an_address(url: str, source_id: str, home: str) -> None:
    job = make_job_for_address(url, CATALOGUE, NOW)
    assert (job.url, job.source.id) == (home, source_id)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("feed/", ChannelKind.FEED),
        ("rss.xml", ChannelKind.FEED),
        ("sitemap-news.xml", ChannelKind.SITEMAP),
        ("wp-json/wp/v2/posts", ChannelKind.WORDPRESS),
        ("indeks", ChannelKind.LISTING),
        ("?s=apeksi", ChannelKind.LISTING),
        ("", None),
    ],
)
def test_address_below_the_root_is_a_channel_to_check(path: str, kind: ChannelKind | None) -> None:
    job = make_job_for_address(f"https://baru.example/{path}", CATALOGUE, NOW)
    assert [channel.kind for channel in job.source.channels] == ([kind] if kind else [])
    assert job.url == "https://baru.example/"


@pytest.mark.parametrize("host", ["atomnews.example", "feedberita.example", "sitemapku.example"])
def test_name_of_the_host_does_not_make_a_feed(host: str) -> None:
    job = make_job_for_address(f"https://{host}/indeks", CATALOGUE, NOW)
    assert [channel.kind for channel in job.source.channels] == [ChannelKind.LISTING]


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("baru.example", ""),
        ("baru.example/", ""),
        ("baru.example/rss.xml", "https://baru.example/rss.xml"),
        ("baru.example/indeks?a=1", "https://baru.example/indeks?a=1"),
        ("http://baru.example/feed/", "http://baru.example/feed/"),
    ],
)
def test_address_without_a_scheme_is_taken_as_it_is_written(item: str, url: str) -> None:
    job = sources_probe._make_job(item, CATALOGUE, NOW)
    assert [channel.url for channel in job.source.channels] == ([url] if url else [])


@pytest.mark.parametrize(
    ("enabled", "evidence", "expected"),
    [
        (False, SourceEvidence.UNPROBED, True),
        (True, SourceEvidence.UNPROBED, False),
        (False, SourceEvidence.GIVEN, False),
    ],
    ids=["off and unprobed", "on", "off"],
)
def test_unprobed_sources(enabled: bool, evidence: SourceEvidence, expected: bool) -> None:
    assert is_unprobed(replace(AT_TELUK, enabled=enabled, evidence=evidence)) is expected


def test_outcome_is_written_once(tmp_path: Path) -> None:
    overlay = tmp_path / "sources.toml"
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(
        '[sources.teluk]\nname = "Teluk"\ndomain = "teluk.example"\n'
        'enabled = false\nevidence = "unprobed"\nchannels = []\n',
        encoding="utf-8",
    )
    report = make_report(find(FEED, is_ahead=True), find(WORDPRESS), timezone="Asia/Makassar")
    (source,) = load_catalogue(catalogue).sources
    assert write_outcome(overlay, source, report)
    (written,) = load_catalogue(catalogue, overlay=overlay).sources
    assert written == revise_source(source, report)
    assert (written.timezone, written.utc_is_local, written.channels) == ("Asia/Makassar", True, (FEED, WORDPRESS))
    before = overlay.read_bytes()
    assert not write_outcome(overlay, written, report)
    assert overlay.read_bytes() == before


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(minutes=-40), "0 min ago"),
        (timedelta(minutes=119), "119 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=3), "3 d ago"),
    ],
    ids=["ahead", "minutes", "two hours", "hours", "days"],
)
def test_age_in_words(age: timedelta, expected: str) -> None:
    assert format_age(age) == expected


def test_finding_in_words() -> None:
    assert describe_finding(find(FEED, State.FAILED, reason="HTTP 404"), NOW) == "HTTP 404"
    finding = find(
        FEED, links=30, newest=NOW - timedelta(hours=3), per_day=8.0, offsets=("UTC", "none"), is_ahead=True, on_topic=2
    )
    said = "30 entries, newest 3 h ago, 8 a day, dates in UTC and none (a wrong label), 2 on topic"
    assert describe_finding(finding, NOW) == said


# ── whole probes, over loopback ────────────────────────────────────────────────────────────────────────────────────


class SameEverywhere(dict[str, Answer]):
    """The answers of a portal that has one page at every address but robots.txt."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.page = page

    def get(self, path: str, default: Any = None) -> Any:
        return default if path == "/robots.txt" else Answer(self.page)


def serve_wordpress(portal: LoopbackPortal, now: datetime = NOW) -> None:
    clock = json.dumps([{"date": "2026-01-01T15:00:00", "date_gmt": "2026-01-01T07:00:00"}]).encode()
    names = (
        "<meta name=generator content='WordPress 6.5'><meta property=og:site_name content='Warta Teluk'>"
        + write_link("/feed/")
        + write_link("/comments/feed/", title="Komentar")
    )
    robots = f"User-agent: *\nDisallow: /wp-admin/\nSitemap: {portal.base}/peta-berita.xml\n".encode()
    portal.answers |= {
        "/": Answer(write_home("Beranda", head=names)),
        "/robots.txt": Answer(robots, content_type=TEXT),
        "/feed/": Answer(write_feed("Kabar pasar", newest=now), content_type=RSS),
        "/?s=apeksi&feed=rss2": Answer(write_feed("Rapat APEKSI", newest=now), content_type=RSS),
        "/wp-json/wp/v2/posts?per_page=1&_fields=date,date_gmt": Answer(clock, content_type=JSON),
        "/peta-berita.xml": Answer(write_news_sitemap(portal.base), content_type=XML),
    }


def serve_portals(portals: dict[str, LoopbackPortal]) -> None:
    """What each of the portals answers."""
    serve_wordpress(portals["wordpress"])
    serve_wordpress(portals["https"])
    portals["sitemap"].answers |= {
        "/": Answer(write_home()),
        "/sitemap-news.xml": Answer(write_news_sitemap(portals["sitemap"].base), content_type=XML),
    }
    portals["home"].answers["/"] = Answer(write_home("Pemkot", body=write_headlines()))
    portals["forbidden feed"].answers |= {
        "/": Answer(write_home(head=write_link("/feed/"))),
        "/feed/": Answer(write_feed("Kabar"), content_type=RSS),
        "/robots.txt": Answer(b"User-agent: *\nDisallow: /feed\n", content_type=TEXT),
    }
    portals["robots 503"].answers |= {"/": Answer(write_home()), "/robots.txt": Answer(status=503)}
    portals["403"].answers["/"] = Answer(b"terlarang", 403)
    portals["moved"].answers |= {
        "/": Answer(status=301, headers={"Location": "/id/"}),
        "/id/": Answer(write_home(head=write_link("feed/"))),
        "/id/feed/": Answer(write_feed("Kabar", zone=WIB), content_type=RSS),
    }
    portals["hijacked"].answers |= {
        "/": Answer(write_home("Slot Gacor Maxwin Situs Judi Slot Online", head=write_link("/feed/"))),
        "/feed/": Answer(write_feed("Kabar"), content_type=RSS),
    }
    portals["same everywhere"].answers = SameEverywhere(write_home("Pemkot", body=write_headlines()))
    named = "<h2><a href='/berita/99/rapat-apeksi'>Rapat APEKSI membahas pasar dan sekolah di kota</a></h2>"
    portals["same with topic"].answers = SameEverywhere(
        write_home(body=f"{write_headlines()}<article>{named}</article>")
    )
    portals["circles"].answers["/"] = Answer(status=302, headers={"Location": "/"})
    portals["stale"].answers |= {
        "/": Answer(write_home(head=write_link("/feed/"))),
        "/feed/": Answer(write_feed("Kabar", newest=NOW - timedelta(days=90)), content_type=RSS),
    }
    portals["broken feed"].answers |= {
        "/": Answer(write_home(head=write_link("/feed/") + write_link("/a/feed/"))),
        "/feed/": Answer(b"\x1f\x8bxxxxxxxx", content_type=RSS),
        "/a/feed/": Answer(status=302, headers={"Location": "http://10.0.0.1/feed/"}),
    }
    portals["guarded"].answers["/"] = Answer(
        b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Tunggu</body></html>"
    )
    portals["own"].answers |= {
        "/": Answer(write_home(head=write_link("/feed/"))),
        "/feed/": Answer(write_feed("Kabar"), content_type=RSS),
        "/tag/apeksi": Answer(write_home("APEKSI", body=write_headlines(said="Rapat APEKSI membahas kota"))),
        "/lama.xml": Answer(b"", 410),
    }
    portals["local clock"].answers |= {
        "/": Answer(write_home(head=write_link("/feed/"))),
        "/feed/": Answer(write_feed("Kabar", newest=NOW + timedelta(hours=7)), content_type=RSS),
    }


PORTALS = (
    *("wordpress", "https", "sitemap", "home", "forbidden feed", "robots 503", "403", "moved", "hijacked"),
    *(
        "same everywhere",
        "same with topic",
        "circles",
        "stale",
        "broken feed",
        "guarded",
        "own",
        "local clock",
        "silent",
    ),
)


@dataclass
class Probed:
    """The reports of one crawl process over all portals, and what these were asked."""

    portals: dict[str, LoopbackPortal]
    reports: dict[str, ProbeReport] = field(default_factory=dict)

    def list_channels(self, name: str) -> list[tuple[str, str]]:
        base = self.portals[name].base
        chosen = choose_channels(self.reports[name])
        return [(channel.kind.value, channel.url.removeprefix(base)) for channel in chosen]

    def list_asked(self, name: str) -> list[str]:
        return list(self.portals[name].asked)


@pytest.fixture(scope="module")
def process() -> Iterator[CrawlProcess]:
    crawl = CrawlProcess(log_level="CRITICAL")
    yield crawl
    crawl.close()


@contextmanager
def listen(reply: bytes | None) -> Iterator[int]:
    """The port of a server that says `reply` to whatever it is asked and hangs up; None: says nothing, and stays."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(reply or b"")

        thread = threading.Thread(target=serve, daemon=True)
        if reply is not None:
            thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            if reply is not None:
                server.shutdown(socket.SHUT_RDWR)
                thread.join()


def find_closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def make_jobs(portals: dict[str, LoopbackPortal]) -> list[ProbeJob]:
    jobs = []
    for name, portal in portals.items():
        own: tuple[Channel, ...] = ()
        if name == "own":
            own = (
                Channel(kind=ChannelKind.FEED, url=f"{portal.base}/lama.xml"),
                Channel(kind=ChannelKind.LISTING, url=f"{portal.base}/tag/apeksi"),
            )
        source = Source(id=name, name=name, domain=f"127.0.0.1:{portal.port}", channels=own)
        jobs.append(make_job(source, NOW, url="" if name == "https" else f"{portal.base}/"))
    return jobs


BROKEN = {
    "closed": "refuses connections",
    "hanging": "did not answer in time",
    "dropped": "broke the connection off",
    "cut short": "The answer was cut off",
    "no TLS": "certificate is not valid",
    "private": "private network",
}


@pytest.fixture(scope="module")
def probed(process: CrawlProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    """All portals, probed side by side."""
    with ExitStack() as stack:
        portals = {name: stack.enter_context(serve_portal()) for name in PORTALS}
        serve_portals(portals)
        found = Probed(portals)
        short = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nabc"
        urls = {
            "closed": f"http://127.0.0.1:{find_closed_port()}/",
            "hanging": f"http://127.0.0.1:{stack.enter_context(listen(None))}/",
            "dropped": f"http://127.0.0.1:{stack.enter_context(listen(b''))}/",
            "cut short": f"http://127.0.0.1:{stack.enter_context(listen(short))}/",
            "no TLS": f"https://127.0.0.1:{stack.enter_context(listen(b'halo dunia' * 9))}/",
            "private": "http://10.0.0.1/",
        }
        jobs = make_jobs(portals)
        for name, url in urls.items():  # their robots.txt is known, else that would be the reason
            robots = RobotsRecord(host=url.split("/")[2], fetched_at=datetime.now(UTC), status=404)
            jobs.append(make_job(Source(id=name, name=name, domain="x.example"), NOW, url=url, robots=[robots]))
        down = f"http://127.0.0.1:{find_closed_port()}/"
        jobs.append(make_job(Source(id="down", name="down", domain="x.example"), NOW, url=down))
        setup = make_setup(tmp_path_factory.mktemp("probes"), timeout_seconds=1)
        found.reports = {report.source_id: report for report in run_probes(jobs, setup, process)}
        assert len(found.reports) == len(jobs)
        yield found


@pytest.mark.slow
def test_wordpress_portal_gives_its_feed_and_its_search(probed: Probed) -> None:
    report = probed.reports["wordpress"]
    assert probed.list_channels("wordpress") == [("feed", "/feed/"), ("wordpress", "/")]
    assert choose_channels(report)[1].terms == TERMS
    assert (report.site_name, report.generator, report.language) == ("Warta Teluk", "WordPress 6.5", "id")
    assert report.timezone == "Asia/Makassar"
    assert report.requests == 5
    assert sorted(probed.list_asked("wordpress")) == [
        "/",
        "/?s=apeksi&feed=rss2",
        "/feed/",
        "/peta-berita.xml",
        "/robots.txt",
        "/wp-json/wp/v2/posts?per_page=1&_fields=date,date_gmt",
    ]


def test_findings_of_a_wordpress_portal(probed: Probed) -> None:
    found = {finding.found_by: finding for finding in probed.reports["wordpress"].findings}
    feed, search, sitemap = (found[way] for way in ("home page", "WordPress", "robots.txt"))
    assert {finding.state for finding in found.values()} == {State.LIVE}
    assert (feed.links, feed.dated, feed.per_day, feed.on_topic, feed.offsets) == (6, 6, 8.0, 0, ("UTC",))
    assert (search.on_topic, search.newest, sitemap.links) == (6, NOW, 5)
    assert not feed.is_ahead


def test_source_without_https_is_probed_over_http(probed: Probed) -> None:
    assert probed.reports["https"].reason == ""
    assert probed.list_channels("https") == [("feed", "/feed/"), ("wordpress", "/")]


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("sitemap", [("sitemap", "/sitemap-news.xml")]),
        ("home", [("listing", "/")]),
        ("same everywhere", [("listing", "/")]),
        ("same with topic", [("listing", "/")]),
        ("moved", [("feed", "/id/feed/")]),
        ("own", [("listing", "/tag/apeksi"), ("feed", "/feed/")]),
        ("local clock", [("feed", "/feed/")]),
    ],
)
def test_channels_of_other_portals(probed: Probed, name: str, channels: list[tuple[str, str]]) -> None:
    assert explain_failure(probed.reports[name]) is None
    assert probed.list_channels(name) == channels


def test_portal_that_has_moved_is_reported_where_it_is(probed: Probed) -> None:
    report = probed.reports["moved"]
    assert report.url == f"{probed.portals['moved'].base}/id/"
    assert report.timezone == "Asia/Jakarta"


def test_dead_channel_of_an_entry_is_told(probed: Probed) -> None:
    dead, tag = (finding for finding in probed.reports["own"].findings if finding.found_by == "entry")
    assert (dead.state, dead.reason, dead.status) == (State.FAILED, "HTTP 410", 410)
    assert tag.state is State.LIVE


def test_clock_with_a_wrong_label_is_told(probed: Probed) -> None:
    report = probed.reports["local clock"]
    assert revise_source(Source(id="x", name="X", domain="x.example"), report).utc_is_local


def test_soft_404_is_no_channel(probed: Probed) -> None:
    findings = probed.reports["same everywhere"].findings
    states = {(found.channel.kind, found.state) for found in findings if found.found_by == "usual path"}
    assert states == {
        (ChannelKind.FEED, State.FAILED),
        (ChannelKind.SITEMAP, State.FAILED),
        (ChannelKind.LISTING, State.UNFILTERED),
        (ChannelKind.WORDPRESS, State.FAILED),
    }


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("forbidden feed", "robots.txt forbids"),
        ("robots 503", "robots.txt could not be read"),
        ("403", "forbids us"),
        ("hijacked", "gambling spam"),
        ("circles", "circles"),
        ("stale", "published nothing for two months"),
        ("guarded", "guard against robots"),
        ("silent", NOTHING_AT),
        ("broken feed", "private network"),
        *BROKEN.items(),
        ("down", "refuses connections"),
    ],
)
def test_why_a_portal_cannot_be_followed(probed: Probed, name: str, piece: str) -> None:
    failure = explain_failure(probed.reports[name])
    assert failure is not None
    assert piece in failure.says
    assert choose_channels(probed.reports[name]) == ()


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("robots 503", ["/robots.txt"]),
        ("403", ["/robots.txt", "/"]),
        ("hijacked", ["/robots.txt", "/"]),
        ("guarded", ["/robots.txt", "/"]),
        ("silent", ["/robots.txt", "/"]),
    ],
)
def test_nothing_more_is_asked_of_a_portal_that_is_not_to_be_followed(
    probed: Probed, name: str, asked: list[str]
) -> None:
    assert probed.list_asked(name) == asked


def test_forbidden_paths_are_not_asked_for(probed: Probed) -> None:
    assert not [path for path in probed.list_asked("forbidden feed") if path.startswith("/feed")]


@pytest.mark.parametrize("name", [name for name in PORTALS if name != "circles"])
def test_each_path_is_asked_for_once(probed: Probed, name: str) -> None:
    assert [path for path, times in probed.portals[name].asked.items() if times > 1] == []


@pytest.mark.parametrize("name", PORTALS)
def test_probe_needs_few_requests(probed: Probed, name: str) -> None:
    report = probed.reports[name]
    assert report.requests <= 24
    assert probed.portals[name].asked.total() <= 24
    assert report.probed_at == NOW


def test_reports_travel_as_json(probed: Probed) -> None:
    for report in probed.reports.values():
        told = json.loads(json.dumps(report_to_json(report)))
        assert bool(told["channels"]) is not bool(told["problem"])
        assert all({"kind", "url", "state", "found_by", "reason"} <= finding.keys() for finding in told["findings"])


# ── `sources probe`, `sources add URL` ─────────────────────────────────────────────────────────────────────────────

OVERLAY = Path("data/sources.toml")
Run = Callable[..., Result]


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as served:
        serve_wordpress(served, datetime.now(UTC))
        yield served


@pytest.fixture
def other() -> Iterator[LoopbackPortal]:
    with serve_portal() as served:
        served.answers["/"] = Answer(b"terlarang", 403)
        yield served


@pytest.fixture
def run_cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portal: LoopbackPortal, other: LoopbackPortal) -> Run:
    """`kabarkota sources …` in an empty folder; the portal is the catalogue's source "teluk", off and unprobed."""
    monkeypatch.chdir(tmp_path)
    off = 'enabled = false\nevidence = "unprobed"\nchannels = []'
    catalogue = (
        f'[sources.teluk]\nname = "Teluk"\ndomain = "127.0.0.1:{portal.port}"\n{off}\n'
        f'[sources.tertutup]\nname = "Tertutup"\ndomain = "127.0.0.1:{other.port}"\n{off}\n'
    )
    setup = make_setup(tmp_path, catalogue, timeout_seconds=2)
    context = CommandContext(data_folder=Path("data"), catalogue_path=setup.catalogue_path, resolved=setup)
    main = typer.Typer()
    main.add_typer(sources.app, name="sources")

    @main.callback()
    def set_context(ctx: typer.Context) -> None:
        ctx.obj = context

    return lambda *arguments: CliRunner().invoke(main, ("sources", *arguments))


@pytest.fixture
def run(run_cold: Run, monkeypatch: pytest.MonkeyPatch, process: CrawlProcess) -> Run:
    """The same in the crawl process that is warm already."""
    monkeypatch.setattr(sources_probe, "run_probes", partial(run_probes, process=process))
    return run_cold


@pytest.fixture
def new() -> Iterator[LoopbackPortal]:
    """A portal that is not in the catalogue."""
    with serve_portal() as served:
        serve_wordpress(served, datetime.now(UTC))
        yield served


def read(result: Result) -> str:
    assert result.exception is None, result.output
    assert result.exit_code == 0
    return result.stdout


def load_teluk(tmp_path: Path) -> Source:
    source = load_catalogue(tmp_path / "catalogue.toml", overlay=OVERLAY).get("teluk")
    assert source is not None
    return source


@pytest.mark.slow
def test_probe_of_a_known_portal_writes_what_it_found(run_cold: Run, portal: LoopbackPortal, tmp_path: Path) -> None:
    said = read(run_cold("probe", f"{portal.base}/"))
    assert said.startswith(f"teluk: {portal.base}/ (Warta Teluk, WordPress 6.5, Asia/Makassar)\n")
    assert f"live       feed      {portal.base}/feed/  6 entries" in said
    assert said.endswith("  updated teluk in data/sources.toml\n")
    source = load_teluk(tmp_path)
    assert (source.name, source.enabled, source.evidence) == ("Teluk", True, SourceEvidence.PROBED)
    assert source.timezone == "Asia/Makassar"
    assert [channel.kind for channel in source.channels] == [ChannelKind.FEED, ChannelKind.WORDPRESS]


def test_second_probe_changes_nothing(run: Run, portal: LoopbackPortal) -> None:
    read(run("probe", portal.base))
    before = OVERLAY.read_bytes()
    assert read(run("probe", portal.base)).endswith("  no change for teluk in data/sources.toml\n")
    assert OVERLAY.read_bytes() == before


def test_dry_run_of_a_probe_writes_nothing(run: Run, portal: LoopbackPortal) -> None:
    said = read(run("probe", f"{portal.base}/", "--dry-run"))
    assert said.endswith("  would write teluk to data/sources.toml\n")
    read(run("probe", f"{portal.base}/", "--dry-run", "--json"))
    assert not OVERLAY.parent.exists()


def test_source_is_probed_by_its_id(run: Run) -> None:
    assert "updated teluk in data/sources.toml" in read(run("probe", "teluk"))


def test_source_that_is_named_twice_is_probed_once(run: Run, portal: LoopbackPortal) -> None:
    assert len(json.loads(run("probe", "teluk", f"{portal.base}/", "teluk", "--json", "--dry-run").stdout)) == 1


def test_failed_probe_says_why_and_what_to_try(run: Run, portal: LoopbackPortal, other: LoopbackPortal) -> None:
    result = run("probe", f"{other.base}/", f"{portal.base}/")
    assert result.exit_code == 1
    first, second, *_ = result.stdout.partition("teluk: ")
    assert first.startswith(f"tertutup: {other.base}/\n  The server forbids us this address")
    assert "\n  Try: Set `contact`" in first
    assert second == "teluk: "
    assert "tertutup" not in OVERLAY.read_text(encoding="utf-8")
    assert "teluk" in OVERLAY.read_text(encoding="utf-8")


def test_json_of_a_probe(run: Run, portal: LoopbackPortal, other: LoopbackPortal, tmp_path: Path) -> None:
    result = run("probe", f"{portal.base}/", f"{other.base}/", "--json")
    assert result.exit_code == 1
    good, bad = json.loads(result.stdout)
    assert (good["source"], good["problem"], good["timezone"]) == ("teluk", "", "Asia/Makassar")
    assert [channel["kind"] for channel in good["channels"]] == ["feed", "wordpress"]
    assert (bad["source"], bad["reason"], bad["channels"]) == ("tertutup", "HTTP 403", [])
    assert load_teluk(tmp_path).enabled


def test_probe_of_a_new_portal_writes_nothing(run: Run, new: LoopbackPortal) -> None:
    assert read(run("probe", new.base)).endswith(f"  `kabarkota sources add {new.base}/` writes the entry\n")
    assert not OVERLAY.exists()


@pytest.mark.slow
def test_two_new_portals_are_told_apart(run: Run, new: LoopbackPortal) -> None:
    with serve_portal() as second:
        second.answers["/"] = Answer(write_home("Pemkot", body=write_headlines()))
        told = json.loads(run("probe", f"{new.base}/", f"{second.base}/", "--json").stdout)
    assert [report["url"] for report in told] == [f"{new.base}/", f"{second.base}/"]


def test_unprobed_sources_are_probed(run: Run) -> None:
    result = run("probe", "--unprobed", "1", "--json", "--dry-run")
    assert [report["source"] for report in json.loads(result.stdout)] == ["teluk"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "sources probe: give an address, an id, or --unprobed N"),
        (["teluq"], "no source 'teluq'; did you mean teluk?"),
        (["ftp://x.example/"], "sources probe: 'ftp://x.example/': not an http or https address"),
        (["https://u:p@x.example/"], "an address must not carry a user name or password"),
    ],
    ids=["nothing", "unknown id", "another scheme", "a password"],
)
def test_probe_of_nothing_is_a_fault_of_usage(run_cold: Run, arguments: list[str], problem: str) -> None:
    result = run_cold("probe", *arguments)
    assert isinstance(result.exception, UsageFailure), result.output
    assert problem in str(result.exception)


def test_new_portal_is_added(run: Run, new: LoopbackPortal, tmp_path: Path) -> None:
    assert read(run("add", f"{new.base}/")).endswith("Added warta-teluk to data/sources.toml\n")
    source = load_catalogue(tmp_path / "catalogue.toml", overlay=OVERLAY).get("warta-teluk")
    assert source is not None
    assert (source.name, source.domain, source.timezone) == ("Warta Teluk", f"127.0.0.1:{new.port}", "Asia/Makassar")
    assert (source.enabled, source.evidence, source.language) == (True, SourceEvidence.PROBED, "id")
    assert [channel.url for channel in source.channels] == [f"{new.base}/feed/", f"{new.base}/"]


def test_options_count_more_than_the_probe(run: Run, new: LoopbackPortal, tmp_path: Path) -> None:
    read(run("add", f"{new.base}/", "--id", "ambon", "--name", "Kabar Ambon", "--city", "kota-ambon"))
    source = load_catalogue(tmp_path / "catalogue.toml", overlay=OVERLAY).get("ambon")
    assert source is not None
    assert (source.name, source.province, source.timezone) == ("Kabar Ambon", "Maluku", "Asia/Jayapura")


def test_dry_run_of_adding_a_portal_writes_nothing(run: Run, new: LoopbackPortal, tmp_path: Path) -> None:
    said = read(run("add", f"{new.base}/", "--dry-run"))
    entry = tmp_path / "entry.toml"
    entry.write_text(said[said.index("[sources.") :], encoding="utf-8")
    assert [source.id for source in load_catalogue(entry).sources] == ["warta-teluk"]
    assert not OVERLAY.parent.exists()


def test_portal_that_cannot_be_followed_is_not_added(run: Run) -> None:
    with serve_portal() as closed:
        closed.answers["/"] = Answer(b"terlarang", 403)
        result = run("add", f"{closed.base}/")
        assert isinstance(result.exception, RunFailure), result.output
        assert str(result.exception).startswith(f"{closed.base}/: The server forbids us this address")
    assert not OVERLAY.exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--id", "x", "--feed", "https://x.example/feed/"], "exclude each other"),
        ([], "is teluk already; `kabarkota sources probe teluk` looks again"),
    ],
    ids=["channels of one's own", "known"],
)
def test_adding_what_cannot_be_is_a_fault_of_usage(
    run_cold: Run, portal: LoopbackPortal, arguments: list[str], problem: str
) -> None:
    result = run_cold("add", f"{portal.base}/", *arguments)
    assert isinstance(result.exception, UsageFailure), result.output
    assert problem in str(result.exception)
    assert portal.asked.total() == 0


# ── by the service ────────────────────────────────────────────────────────────────────────────────────────────────


def make_unprobed(source_id: str, domain: str = "uji.example", **values: Any) -> Source:
    return Source(
        id=source_id, name=source_id, domain=domain, evidence=SourceEvidence.UNPROBED, enabled=False, **values
    )


def test_sources_take_turns_and_come_again_after_a_month() -> None:
    sources = [make_unprobed(name) for name in "abcd"] + [Source(id="e", name="e", domain="e.example")]
    first = choose_unprobed(sources, {}, NOW, most=2)
    assert len(first) == 2
    probed = {source.id: NOW for source in first}
    second = choose_unprobed(sources, probed, NOW, most=2)
    assert {source.id for source in first + second} == set("abcd")
    probed |= {source.id: NOW + timedelta(hours=6) for source in second}
    assert choose_unprobed(sources, probed, NOW + timedelta(days=1), most=9) == []
    again = choose_unprobed(sources, probed, NOW + timedelta(days=30), most=9)
    assert {source.id for source in again} == {source.id for source in first}
    assert choose_unprobed(sources, {}, NOW, most=0) == []


@pytest.mark.slow
def test_service_switches_on_what_works_and_records_what_does_not(tmp_path: Path) -> None:
    with serve_portal() as portal, serve_portal() as silent:
        portal.answers["/"] = Answer(write_home("Kabar Teluk", head=write_link("/feed/")))
        portal.answers["/feed/"] = Answer(write_feed("Rakernas"), content_type="application/rss+xml")
        catalogue = "".join(
            f'[sources.{name}]\nname = "{name}"\ndomain = "127.0.0.1:{site.port}"\nenabled = false\n'
            'evidence = "unprobed"\nchannels = []\n'
            for name, site in (("teluk", portal), ("sunyi", silent))
        )
        setup = make_setup(tmp_path, catalogue)
        process = CrawlProcess()
        try:
            with open_fresh(setup.database) as store:
                reports = probe_unprobed(setup, store, NOW, process)
                assert probe_unprobed(setup, store, NOW, process) == []
        finally:
            process.close()
    assert {report.source_id for report in reports} == {"teluk", "sunyi"}
    sources = {
        s.id: s for s in load_catalogue(setup.catalogue_path, overlay=setup.data_folder / "sources.toml").sources
    }
    assert (sources["teluk"].enabled, sources["teluk"].evidence) == (True, SourceEvidence.PROBED)
    assert [channel.url for channel in sources["teluk"].channels] == [f"{portal.base}/feed/"]
    assert (sources["sunyi"].enabled, sources["sunyi"].evidence) == (False, SourceEvidence.UNPROBED)
    database = sqlite3.connect(setup.database)
    rows = dict(database.execute("SELECT source_id, problem FROM probes").fetchall())
    database.close()
    assert rows["teluk"] == ""
    assert rows["sunyi"]
