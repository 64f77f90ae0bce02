"""Articles spread over several pages become one: links found, pages joined, and a real crawl over loopback.

Portals and news are invented; the forms of addresses are those of portals named in `crawler.extraction.page_links`.
"""

from __future__ import annotations

import gzip
import ipaddress
import json
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from warm import run_warm

from aggregator.models import Channel, ChannelJob, ChannelKind, CrawlJob, ExtractedArticle, Harvest, Source
from aggregator.urls import get_host, make_url_key
from crawler.batch import CrawlBatch
from crawler.extraction import ProfileError, read_page
from crawler.extraction.joining import is_further_page, is_same_title, join_page
from crawler.extraction.page_links import PageLinks, find_first_page, find_page_links, is_page_of, list_addresses
from crawler.process import CrawlProcess
from crawler.reading import is_sampled
from crawler.settings import CrawlSettings
from schedules.commands.run import run_once

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOME = "https://kabar.co.id"
ARTICLE = f"{HOME}/berita/wali-kota-buka-pusat-kendali"


def find(links: str, url: str = ARTICLE, *, canonical: str = "", after: int = 0) -> PageLinks:
    root = html.document_fromstring(f"<html><head></head><body><p>Isi berita.</p>{links}</body></html>")
    return find_page_links(root, url, article=list_addresses(url, canonical), after=after)


def link(href: str, text: str = "2", rel: str = "") -> str:
    return f'<a rel="{rel}" href="{escape(href)}">{text}</a>'


# ── where the rest is ──────────────────────────────────────────────────────────────────────────────────────────────

NEXT = {  # case: (the article's address, the link, where it leads)
    "query": (ARTICLE, f"{ARTICLE}?page=2", f"{ARTICLE}?page=2"),
    "query-in-indonesian": (ARTICLE, "?halaman=2", f"{ARTICLE}?halaman=2"),
    "query-alone": (ARTICLE, "?page=2", f"{ARTICLE}?page=2"),
    "query-among-others": (f"{ARTICLE}?id=9", f"{ARTICLE}?id=9&page=2", f"{ARTICLE}?id=9&page=2"),
    "query-with-fragment": (ARTICLE, f"{ARTICLE}?page=2#isi", f"{ARTICLE}?page=2"),
    "tracked": (f"{ARTICLE}?utm_source=rss", f"{ARTICLE}?page=2", f"{ARTICLE}?page=2"),
    "with-extension": (f"{ARTICLE}.html", f"{ARTICLE}.html?page=2", f"{ARTICLE}.html?page=2"),
    "number-in-path": (ARTICLE, f"{ARTICLE}/2", f"{ARTICLE}/2"),
    "wordpress": (f"{ARTICLE}/", f"{ARTICLE}/2/", f"{ARTICLE}/2/"),
    "wordpress-without-permalinks": (f"{HOME}/?p=41", "/?p=41&page=2", f"{HOME}/?p=41&page=2"),
    "word-in-path": (ARTICLE, f"{ARTICLE}/page/2", f"{ARTICLE}/page/2"),
    "word-and-number-in-path": (ARTICLE, f"{ARTICLE}/halaman-2", f"{ARTICLE}/halaman-2"),
    "relative": (f"{ARTICLE}/", "2/", f"{ARTICLE}/2/"),
    "short-address": (f"{HOME}/read/815", f"{HOME}/read/815/2", f"{HOME}/read/815/2"),
    "offset": (ARTICLE, f"{ARTICLE}/10", f"{ARTICLE}/10"),
    "joomla": (f"{HOME}/kabar/41-pameran", "/kabar/41-pameran?showall=&start=1", None),
    "other-scheme-and-www": (ARTICLE, ARTICLE.replace("https://", "http://www.") + "?page=2", None),
}


@pytest.mark.parametrize("case", NEXT)
def test_next_page_of_the_article_is_found(case: str) -> None:
    url, href, address = NEXT[case]
    found = find(link(href), url)
    assert found.next == (address or (href if href.startswith("http") else HOME + href))
    assert found.number == (10 if case == "offset" else 2)
    assert found.whole == ""


def test_next_page_is_found_in_the_head() -> None:
    root = html.document_fromstring(f'<head><link rel="next" href="{ARTICLE}/2/"></head><body><p>Isi')
    assert find_page_links(root, ARTICLE, article=[ARTICLE]).next == f"{ARTICLE}/2/"


def test_relative_links_count_from_the_base_of_the_page() -> None:
    root = html.document_fromstring(f'<html><head><base href="{HOME}/berita/"></head><body>{link("a-b-c-d?page=2")}')
    assert (
        find_page_links(root, f"{HOME}/x", article=[f"{HOME}/berita/a-b-c-d"]).next == f"{HOME}/berita/a-b-c-d?page=2"
    )


def test_nearest_of_many_pages_is_next() -> None:
    pager = "".join(link(f"{ARTICLE}?page={number}", str(number)) for number in (9, 3, 1, 2))
    assert find(pager).next == f"{ARTICLE}?page=2"


def test_pages_are_found_under_the_canonical_address_too() -> None:
    canonical = f"{HOME}/read/815/wali-kota-buka-pusat-kendali"
    assert find(link(f"{canonical}?page=2"), canonical=canonical).next == f"{canonical}?page=2"


@pytest.mark.parametrize(
    ("url", "after", "found"),
    [
        (f"{ARTICLE}?page=2", 0, "3"),
        (f"{ARTICLE}?page=3", 0, ""),
        (f"{ARTICLE}?page=2", 3, ""),
        (f"{ARTICLE}?page=all", 0, ""),
    ],
    ids=["second", "last", "last-though-the-address-says-second", "whole"],
)
def test_pages_are_counted_upwards_only(url: str, after: int, found: str) -> None:
    pager = "".join(link(f"{ARTICLE}?page={number}") for number in (1, 2, 3))
    assert find(pager, url, after=after).next == (f"{ARTICLE}?page={found}" if found else "")


WHOLE = {  # case: (address, words)
    "page-all": (f"{ARTICLE}?page=all", "Tampilkan Semua"),
    "page-all-whatever-it-is-called": (f"{ARTICLE}?page=all#page2", "»"),
    "showpage": (f"{ARTICLE}?showpage=all", "Semua"),
    "view": (f"{ARTICLE}?view=all", ""),
    "single": (f"{ARTICLE}?single=1", "Selengkapnya satu halaman"),
    "path": (f"{ARTICLE}/all", "Lihat Semua"),
    "joomla": (f"{ARTICLE}?showall=1&limitstart=", "All Pages"),
    "by-its-words": (f"{ARTICLE}?tampil=penuh", "Baca dalam satu halaman"),
    "by-other-words": ("?cetak=0", "Tampilkan semua halaman"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_page_that_has_it_all_is_found(case: str) -> None:
    href, words = WHOLE[case]
    found = find(link(f"{ARTICLE}?page=2") + link(href, words))
    assert found.whole == (ARTICLE + href if href.startswith("?") else href.partition("#")[0])
    assert found.next == f"{ARTICLE}?page=2"


OTHERS = {
    "next-article": link(f"{HOME}/berita/wali-kota-tutup-pameran", "Berita selanjutnya", "next"),
    "article-with-a-longer-name": link(f"{ARTICLE}-lanjutan?page=2"),
    "neighbouring-number": link(f"{HOME}/berita/2", "Selanjutnya", "next"),
    "list": link(f"{HOME}/berita?page=2", "Halaman selanjutnya", "next"),
    "front-page": link(f"{HOME}/page/2/", "Selanjutnya", "next"),
    "other-host": link("https://lain.co.id/berita/wali-kota-buka-pusat-kendali?page=2"),
    "other-host-of-the-domain": link("https://m.kabar.co.id/berita/wali-kota-buka-pusat-kendali?page=2"),
    "other-port": link(ARTICLE.replace(".co.id", ".co.id:8443") + "?page=2"),
    "with-credentials": link(ARTICLE.replace("https://", "https://a:b@") + "?page=2"),
    "share-button": link(f"https://lain.co.id/share?url={ARTICLE}?page=2"),
    "first-page": link(f"{ARTICLE}?page=1"),
    "page-zero": link(f"{ARTICLE}?page=0"),
    "itself": link(ARTICLE, "Selanjutnya", "next") + link("#", "Tampilkan semua") + link("", "Tampilkan semua"),
    "comments": link(f"{ARTICLE}/comment-page-2/#comments"),
    "feed": link(f"{ARTICLE}/feed/"),
    "other-parameter": link(f"{ARTICLE}?view=print") + link(f"{ARTICLE}?single=12"),
    "everything": link(f"{HOME}/berita?lihat=1", "Lihat semua") + link("/?x=1", "Lihat semua"),
    "words-about-the-article": link(f"{ARTICLE}?komentar=1", "Lihat semua komentar"),
    "script": link("javascript:void(0)", "Tampilkan semua") + link("javascript:buka('?page=2')"),
    "broken": link("https://[kabar/?page=2") + link("//:0/2") + link("http://kabar.co.id:x/2"),
    "endless": link(f"{ARTICLE}?x={'a' * 5_000}&page=2"),
    "superscript-number": link(f"{ARTICLE}?page=²") + link(f"{ARTICLE}/²"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_links_to_anything_else_are_left_alone(case: str) -> None:
    assert find(OTHERS[case]) == PageLinks()


@pytest.mark.parametrize(
    ("url", "href"),
    [
        (f"{HOME}/", f"{HOME}/page/2/"),
        (f"{HOME}/tag/apeksi/", f"{HOME}/tag/apeksi/page/2/"),
        (f"{HOME}/kategori/daerah", f"{HOME}/kategori/daerah?page=2"),
        (f"{HOME}/berita/124", f"{HOME}/berita/125"),
        (f"{HOME}/berita/kota/", f"{HOME}/berita/kota/all/"),
    ],
    ids=["front-page", "tag", "category", "numbered-articles", "everything"],
)
def test_pages_of_lists_are_no_pages_of_an_article(url: str, href: str) -> None:
    assert find(link(href, "Halaman selanjutnya", "next"), url) == PageLinks()


PIECES = st.tuples(
    st.sampled_from(["", ARTICLE, "//", "?", "http://"]), st.text(), st.sampled_from(["", "?page=2", "/2"])
)


@given(st.lists(PIECES))
def test_whatever_is_linked_only_the_articles_host_is_named(pieces: list[tuple[str, str, str]]) -> None:
    root = html.fragment_fromstring("<div>Isi berita.</div>")
    for piece in pieces:
        try:
            root.append(html.Element("a", href="".join(piece)))
        except ValueError:  # control characters, which no parser lets through
            continue
    found = find_page_links(root, ARTICLE, article=[ARTICLE])
    assert {get_host(address) for address in (found.whole, found.next) if address} <= {
        "kabar.co.id",
        "www.kabar.co.id",
    }


def test_among_real_pages_only_those_with_a_pager_have_further_ones(dev_data: Path) -> None:
    folder = dev_data / "extraction" / "id-dev"
    found = {}
    for name, gold in json.loads((folder / "gold.json").read_text(encoding="utf-8")).items():
        page = read_page(gzip.decompress((folder / gold["file"]).read_bytes()), gold["url"])
        assert page is not None
        links = find_page_links(page.root, gold["url"], article=list_addresses(gold["url"], page.meta.canonical_url))
        if links != PageLinks():
            found[name] = links.next.removeprefix(gold["url"])
    assert found == {"tribunnews-2020": "?page=2"}


@pytest.mark.parametrize(
    ("url", "first"),
    [
        (f"{ARTICLE}?page=2", ARTICLE),
        (f"{ARTICLE}?id=3&page=2", f"{ARTICLE}?id=3"),
        (f"{ARTICLE}/3/", f"{ARTICLE}/"),
        (f"{ARTICLE}/page/2", ARTICLE),
        (f"{ARTICLE}?page=all", f"{ARTICLE}?page=all"),
        (f"{ARTICLE}?page=1", f"{ARTICLE}?page=1"),
        (ARTICLE, ARTICLE),
        (f"{HOME}/index.php?page=12", f"{HOME}/index.php?page=12"),
        (f"{HOME}/berita/12", f"{HOME}/berita/12"),
        (f"{HOME}/2026/11/23", f"{HOME}/2026/11/23"),
        ("https://[kabar/?page=2", "https://[kabar/?page=2"),
    ],
)
def test_first_page_is_asked_for_where_a_channel_links_a_further_one(url: str, first: str) -> None:
    assert find_first_page(url) == first
    assert make_url_key(first) == make_url_key(url)


# ── what belongs to the article ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("canonical", "kept"),
    [
        (f"{HOME}/read/815", True),
        ("https://www.kabar.co.id/read/815", True),
        (f"{HOME}/", False),
        (f"{HOME}/tag/apeksi/", False),
        ("https://lain.co.id/berita/wali-kota-buka-pusat-kendali", False),
        ("", False),
    ],
    ids=["other-address", "www", "front-page", "list", "other-site", "none"],
)
def test_canonical_address_counts_unless_plainly_wrong(canonical: str, kept: bool) -> None:
    assert list_addresses(ARTICLE, canonical) == ((ARTICLE, canonical) if kept else (ARTICLE,))


@pytest.mark.parametrize(
    ("url", "belongs"),
    [
        (f"{ARTICLE}?page=2", True),
        (f"{ARTICLE}/2", True),
        (f"{ARTICLE}/lengkap", True),
        (f"{ARTICLE}?tampil=penuh", True),
        ("https://m.kabar.co.id/berita/wali-kota-buka-pusat-kendali?page=2", True),
        ("https://lain.co.id/berita/wali-kota-buka-pusat-kendali?page=2", False),
        (f"{ARTICLE}-2", False),
        (f"{HOME}/", False),
        ("", False),
    ],
)
def test_addresses_of_the_article_are_told_from_others(url: str, belongs: bool) -> None:
    assert is_page_of(url, [ARTICLE]) is belongs


TITLE = "Wali Kota Buka Pusat Kendali Kota Cerdas"
FURTHER = {  # case: (address, canonical, title, has a heading, is joined)
    "same-title": (f"{ARTICLE}?page=2", "", TITLE, True, True),
    "numbered-title": (f"{ARTICLE}?page=2", "", f"{TITLE} - Halaman 2", True, True),
    "no-heading": (f"{ARTICLE}?page=2", "", "", False, True),
    "same-canonical": (f"{ARTICLE}?page=2", ARTICLE, "Bagian Dua", True, True),
    "own-canonical": (f"{ARTICLE}?page=2", f"{ARTICLE}?page=2", "Bagian Dua", True, True),
    "elsewhere-but-canonical": ("https://m.kabar.co.id/815/2", ARTICLE, TITLE, True, True),
    "other-title": (f"{ARTICLE}?page=2", "", "Harga Cabai Naik", True, False),
    "other-article-with-the-title": (f"{HOME}/berita/pusat-kendali", "", TITLE, True, False),
    "front-page": (f"{HOME}/", f"{HOME}/", "", False, False),
    "other-site": ("https://lain.co.id/2", ARTICLE, TITLE, True, False),
}


@pytest.mark.parametrize("case", FURTHER)
def test_page_is_joined_only_if_it_is_the_articles(case: str) -> None:
    url, canonical, title, has_heading, joined = FURTHER[case]
    page = ExtractedArticle(title=title, canonical_url=canonical, text="Isi.")
    article = ExtractedArticle(title=TITLE, text="Awal.")
    assert is_further_page(page, url, article=article, addresses=[ARTICLE], has_heading=has_heading) is joined


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (TITLE.upper(), True),
        (f"{TITLE} (2/3)", True),
        (f"Halaman 2: {TITLE}", True),
        ("Kabar Kota", False),
        ("", False),
    ],
)
def test_titles_of_pages_are_compared_less_their_numbers(other: str, same: bool) -> None:
    assert is_same_title(TITLE, other) is same


def test_joined_text_has_every_paragraph_once_and_all_else_of_the_first_page() -> None:
    first = ExtractedArticle(title=TITLE, text="Satu.\nDua.\nSatu.", authors=("Rani",), boilerplate=(1, 2))
    second = ExtractedArticle(title="Lain", text="dua\nTiga.\nTiga.\nEmpat.", authors=("Budi",), boilerplate=(2, 3))
    joined = join_page(first, second)
    assert joined == replace(first, text="Satu.\nDua.\nSatu.\nTiga.\nEmpat.", boilerplate=(1, 2, 3))


def test_page_that_brings_nothing_new_changes_nothing() -> None:
    first = ExtractedArticle(title=TITLE, text="Satu.\nDua.")
    assert join_page(first, ExtractedArticle(text="DUA.\n\nSatu")) is first
    assert join_page(first, ExtractedArticle()) is first


# ── in a crawl ─────────────────────────────────────────────────────────────────────────────────────────────────────

PATH = "/berita/wali-kota-buka-pusat-kendali"
WRITERS = dict.fromkeys(range(99), "Budi Santoso") | {1: "Rani Lestari"}
CHALLENGE = b"<html><head><title>Tunggu sebentar...</title></head><body><h2>Memeriksa koneksi</h2></body></html>"


def write_paragraphs(part: int) -> list[str]:
    return [
        f"Pada bagian {part} paragraf {number}, Wali Kota menjelaskan layanan kota cerdas bagi anggota APEKSI."
        for number in range(1, 6)
    ]


def write_page(part: int, *links: str, title: str = TITLE, extra: str = "", canonical: str = "") -> Answer:
    """Page `part` of an article; `links` are the addresses in its pager."""
    text = "".join(f"<p>{paragraph}</p>" for paragraph in write_paragraphs(part))
    pager = "".join(link(href, str(number)) for number, href in enumerate(links, start=2))
    return Answer(
        f"<!DOCTYPE html><html lang=id><head><title>{title} | Kabar</title>"
        f"<link rel=canonical href='{canonical or PATH}'><meta name=author content='{WRITERS[part]}'></head><body>"
        f"<article><h1>{title}</h1><div class=entry-content>{extra}{text}</div><div class=page-links>{pager}</div>"
        "</article></body></html>".encode()
    )


def write_text(*parts: int) -> str:
    return "\n".join(paragraph for part in parts for paragraph in write_paragraphs(part))


def write_feed(links: Sequence[str], title: str = TITLE) -> Answer:
    date = format_datetime(NOW - timedelta(hours=3))
    items = "".join(
        f"<item><title>{title}</title><link>{href}</link><pubDate>{date}</pubDate></item>"
        for href in map(escape, links)
    )
    feed = f'<rss version="2.0"><channel><title>Kabar</title>{items}</channel></rss>'
    return Answer(feed.encode(), content_type="application/rss+xml")


@pytest.fixture(scope="module")
def process() -> Iterator[CrawlProcess]:
    crawl = CrawlProcess(log_level="ERROR")
    yield crawl
    crawl.close()


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as served:
        served.answers["/feed"] = write_feed([PATH])
        yield served


class Crawl:
    """Polls the feed of the portal in a real crawl process, as a cycle would."""

    def __init__(self, process: CrawlProcess, portal: LoopbackPortal) -> None:
        self._process = process
        self._portal = portal

    def poll(self, *, is_new: bool = False, **limits: Any) -> Harvest:
        channel = Channel(kind=ChannelKind.FEED, url=f"{self._portal.base}/feed")
        job = CrawlJob(
            source=Source(id="uji", name="Uji", domain="uji.example", channels=(channel,)),
            channels=(ChannelJob(channel_id=1, channel=channel),),
            now=NOW,
            known={} if is_new else {"0" * 16: 0},  # of a new source a few pages are read whatever their topic
        )
        options: dict[str, Any] = {
            "allow_networks": (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")),
            "delay_seconds": 0,
            "requests_per_domain": 50,
            "timeout_seconds": 10,
        }
        (harvest,) = self._process.crawl(CrawlBatch(settings=CrawlSettings(**options | limits), jobs=(job,)))
        return harvest

    def read(self, **limits: Any) -> ExtractedArticle:
        """The only article of the poll, which must not fail anything."""
        harvest = self.poll(**limits)
        assert harvest.failures == ()
        assert harvest.deferred == ()
        (page,) = harvest.pages
        assert page.article is not None
        return page.article

    def list_asked(self) -> list[str]:
        return [path for path in self._portal.asked if path not in ("/robots.txt", "/feed")]


@pytest.fixture
def crawl(process: CrawlProcess, portal: LoopbackPortal) -> Crawl:
    return Crawl(process, portal)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["?page={}", "/{}/", "/page/{}", "?halaman={}"])
def test_pages_of_an_article_are_joined(portal: LoopbackPortal, crawl: Crawl, form: str) -> None:
    second, third = (PATH + form.format(number) for number in (2, 3))
    portal.answers[PATH] = write_page(1, second, third)
    lead = f"<p>{write_paragraphs(1)[0]}</p>"
    portal.answers[second] = write_page(2, PATH, second, third, extra=lead, title=f"{TITLE} - Halaman 2")
    portal.answers[third] = write_page(3, PATH, second, third)
    article = crawl.read()
    assert article.text == write_text(1, 2, 3)
    assert (article.title, article.authors) == (TITLE, ("Rani Lestari",))
    assert article.canonical_url == portal.base + PATH
    assert crawl.list_asked() == [PATH, second, third]


@pytest.mark.slow
def test_further_pages_count_as_requests(portal: LoopbackPortal, crawl: Crawl) -> None:
    portal.answers[PATH] = write_page(1, f"{PATH}?page=2")
    portal.answers[f"{PATH}?page=2"] = write_page(2)
    assert crawl.poll().poll.requests == 3


@pytest.mark.parametrize("whole", ["?page=all", "?single=1", "?showpage=all", "/all"])
def test_one_page_with_all_is_preferred_to_many(portal: LoopbackPortal, crawl: Crawl, whole: str) -> None:
    portal.answers[PATH] = write_page(1, f"{PATH}?page=2", f"{PATH}?page=3", PATH + whole)
    pages = "".join(f"<p>{paragraph}</p>" for part in (1, 2) for paragraph in write_paragraphs(part))
    portal.answers[PATH + whole] = write_page(3, extra=pages)
    assert crawl.read().text == write_text(1, 2, 3)
    assert crawl.list_asked() == [PATH, PATH + whole]


@pytest.mark.parametrize(
    "whole",
    [Answer(b"", 404), Answer(b"", 302, headers={"Location": "/"}), write_page(1), None],
    ids=["gone", "front-page", "first-page-again", "disallowed"],
)
def test_pages_are_read_one_by_one_where_the_whole_cannot_be_had(
    portal: LoopbackPortal, crawl: Crawl, whole: Answer | None
) -> None:
    portal.answers["/"] = write_page(9, title="Beranda", canonical="/")
    portal.answers[PATH] = write_page(1, f"{PATH}?page=2", f"{PATH}?page=all")
    portal.answers[f"{PATH}?page=2"] = write_page(2, PATH)
    if whole is None:
        portal.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /*page=all\n", content_type="text/plain")
    else:
        portal.answers[f"{PATH}?page=all"] = whole
    assert crawl.read().text == write_text(1, 2)
    assert (f"{PATH}?page=all" in portal.asked) == (whole is not None)


SECOND = f"{PATH}?page=2"
BROKEN = {
    "gone": Answer(b"", 404),
    "error": Answer(b"", 500),
    "busy": Answer(b"", 429, headers={"Retry-After": "3600"}),
    "not-a-page": Answer(b"%PDF-1.7", content_type="application/pdf"),
    "empty": Answer(b""),
    "no-article": Answer(b"<html><body><h1>" + TITLE.encode() + b"</h1></body></html>"),
    "challenge": Answer(CHALLENGE),
    "ten-megabytes": replace(write_page(2), body=write_page(2).body + b" " * 11_000_000),
    "over-the-limit-of-a-page": replace(write_page(2), body=write_page(2).body + b" " * 4_000_000),
    "circles": Answer(b"", 302, headers={"Location": SECOND}),
    "front-page": Answer(b"", 302, headers={"Location": "/"}),
    "other-article": Answer(b"", 302, headers={"Location": "/berita/lain"}),
    "other-article-with-its-title": Answer(b"", 302, headers={"Location": "/berita/kembar"}),
    "private-address": Answer(b"", 302, headers={"Location": "http://169.254.169.254/2"}),
    "other-title": write_page(2, title="Harga Cabai Naik Lagi", canonical="/berita/cabai"),
    "first-page": Answer(b"", 302, headers={"Location": PATH}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_article_is_kept_with_what_was_read_when_a_further_page_fails(
    portal: LoopbackPortal, crawl: Crawl, case: str
) -> None:
    portal.answers["/"] = write_page(7, title="Beranda", canonical="/")
    portal.answers["/berita/lain"] = write_page(8, title="Harga Cabai Naik Lagi", canonical="/berita/lain")
    portal.answers["/berita/kembar"] = write_page(9, canonical="/berita/kembar")
    portal.answers[PATH] = write_page(1, SECOND)
    portal.answers[SECOND] = BROKEN[case]
    assert crawl.read().text == write_text(1)
    assert SECOND in portal.asked


def test_page_on_another_host_is_not_joined(portal: LoopbackPortal, crawl: Crawl) -> None:
    with serve_portal() as other:
        elsewhere = f"http://localhost:{other.port}{PATH}"
        other.answers[PATH] = write_page(2, canonical=portal.base + PATH)
        portal.answers[PATH] = write_page(1, SECOND)
        portal.answers[SECOND] = Answer(b"", 302, headers={"Location": elsewhere})
        assert crawl.read().text == write_text(1)
        assert other.asked[PATH] == 1


@pytest.mark.slow
def test_host_that_never_answers_costs_its_page_only(portal: LoopbackPortal, crawl: Crawl) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        portal.answers[PATH] = write_page(1, SECOND)
        portal.answers[SECOND] = Answer(b"", 302, headers={"Location": f"http://127.0.0.1:{silent.getsockname()[1]}/"})
        assert crawl.read(timeout_seconds=1).text == write_text(1)


def test_pager_that_leads_in_circles_is_left(portal: LoopbackPortal, crawl: Crawl) -> None:
    portal.answers[PATH] = write_page(1, SECOND)
    portal.answers[SECOND] = write_page(2, PATH, SECOND, f"{PATH}?page=1", f"{PATH}?page=02")
    assert crawl.read().text == write_text(1, 2)
    assert portal.asked.total() == 4
    assert portal.asked[SECOND] == 1


@pytest.mark.parametrize(("most", "parts"), [(1, 1), (2, 2), (None, 5)], ids=["one", "two", "default"])
def test_endless_article_is_cut(portal: LoopbackPortal, crawl: Crawl, most: int | None, parts: int) -> None:
    pager = [f"{PATH}?page={number}" for number in range(2, 1_000)]
    portal.answers[PATH] = write_page(1, *pager)
    portal.answers |= {href: write_page(number, *pager) for number, href in enumerate(pager[:9], start=2)}
    limits = {} if most is None else {"max_article_pages": most}
    assert crawl.read(**limits).text == write_text(*range(1, parts + 1))
    assert len(crawl.list_asked()) == parts


def test_page_that_adds_nothing_ends_the_walk(portal: LoopbackPortal, crawl: Crawl) -> None:
    pager = [f"{PATH}?page={number}" for number in range(2, 9)]
    portal.answers |= {href: write_page(1, *pager) for href in (PATH, *pager)}
    assert crawl.read().text == write_text(1)
    assert crawl.list_asked() == [PATH, SECOND]


def test_second_page_closed_by_robots_txt_is_not_asked_for(portal: LoopbackPortal, crawl: Crawl) -> None:
    portal.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /*?page=\n", content_type="text/plain")
    portal.answers[PATH] = write_page(1, SECOND)
    portal.answers[SECOND] = write_page(2)
    assert crawl.read().text == write_text(1)
    assert SECOND not in portal.asked


def test_article_is_kept_when_the_sources_share_is_used_up(portal: LoopbackPortal, crawl: Crawl) -> None:
    portal.answers["/feed"] = write_feed(["/berita/lain", PATH])
    portal.answers[PATH] = write_page(1, SECOND, f"{PATH}?page=3")
    portal.answers[SECOND] = write_page(2, SECOND, f"{PATH}?page=3")
    harvest = crawl.poll(max_requests=3)
    assert [page.article.text for page in harvest.pages if page.article] == [write_text(1, 2)]
    assert [deferred.url for deferred in harvest.deferred] == [f"{portal.base}/berita/lain"]
    assert harvest.failures == ()
    assert harvest.poll.requests == 3


@pytest.mark.parametrize("is_new", [False, True], ids=["known-source", "page-read-to-learn-from"])
def test_pages_of_an_article_off_topic_are_not_asked_for(portal: LoopbackPortal, crawl: Crawl, is_new: bool) -> None:
    portal.answers["/feed"] = write_feed([PATH], title="Harga cabai")
    first = write_page(1, SECOND, title="Harga Cabai Naik Lagi")
    portal.answers[PATH] = replace(
        first, body=first.body.replace(b"kota cerdas", b"pasar").replace(b"APEKSI", b"pasar")
    )
    portal.answers[SECOND] = write_page(2)
    (page,) = crawl.poll(is_new=is_new).pages
    assert (page.article is not None) is (is_new or is_sampled(f"{portal.base}{PATH}"))
    assert crawl.list_asked() == [PATH]


def test_article_linked_by_its_second_page_is_read_from_the_first(portal: LoopbackPortal, crawl: Crawl) -> None:
    portal.answers["/feed"] = write_feed([SECOND, PATH])
    portal.answers[PATH] = write_page(1, SECOND)
    portal.answers[SECOND] = write_page(2, SECOND)
    assert crawl.read().text == write_text(1, 2)


def query(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(folder / "data" / "news.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


@pytest.mark.slow
def test_cycle_reads_pages_by_the_operators_profile_and_the_sources_clock(
    tmp_path: Path, portal: LoopbackPortal
) -> None:
    page = write_page(
        1, extra="<div class=kolom-sebelah><p>Wali Kota lain membuka pasar malam di kota sebelah.</p></div>"
    )
    at = "<time datetime='2026-11-23T14:05:00Z' class=published>Senin</time>"
    portal.answers[PATH] = replace(page, body=page.body.replace(b"<div class=entry", f"{at}<div class=entry".encode()))
    catalogue = (
        f'[sources.uji]\nname = "Uji"\ndomain = "uji.example"\ntimezone = "Asia/Makassar"\nutc_is_local = true\n'
        f'channels = [{{ kind = "feed", url = "{portal.base}/feed" }}]\n'
    )
    setup = make_setup(tmp_path, catalogue)
    setup.data_folder.mkdir()
    (setup.data_folder / "profiles.toml").write_text(
        '[uji]\nhosts = ["127.0.0.1"]\ncontainer = [".entry-content"]\ndrop = [".kolom-sebelah"]\n', encoding="utf-8"
    )
    run_warm(setup, now=NOW)
    assert query(tmp_path, "SELECT text, published_at FROM articles") == [(write_text(1), "2026-11-23T06:05:00Z")]


def test_broken_profiles_stop_a_cycle_before_anything_is_fetched(tmp_path: Path, portal: LoopbackPortal) -> None:
    catalogue = (
        f'[sources.uji]\nname = "Uji"\ndomain = "uji.example"\n'
        f'channels = [{{ kind = "feed", url = "{portal.base}/feed" }}]\n'
    )
    setup = make_setup(tmp_path, catalogue)
    setup.data_folder.mkdir()
    (setup.data_folder / "profiles.toml").write_text('[uji]\nkontainer = ["a"]\n', encoding="utf-8")
    with pytest.raises(ProfileError, match=r"profiles\.toml: profile 'uji': unknown key 'kontainer'"):
        run_warm(setup, now=NOW)
    assert not portal.asked


@pytest.mark.parametrize("second", ["joined", "failing"])
def test_article_is_stored_once_under_its_first_page(
    tmp_path: Path, portal: LoopbackPortal, second: str, capfd: pytest.CaptureFixture[str]
) -> None:
    portal.answers["/feed"] = write_feed([SECOND])
    portal.answers[PATH] = write_page(1, SECOND)
    portal.answers[SECOND] = write_page(2, SECOND) if second == "joined" else Answer(b"", 500)
    catalogue = (
        f'[sources.uji]\nname = "Uji"\ndomain = "uji.example"\n'
        f'channels = [{{ kind = "feed", url = "{portal.base}/feed" }}]\n'
    )
    setup = make_setup(tmp_path, catalogue)
    run_once(setup, now=NOW, quiet=True)  # what it says is on this test's stderr
    assert (f"kept without {portal.base}{SECOND}: HTTP 500" in capfd.readouterr().err) == (second == "failing")
    portal.answers["/feed"] = write_feed([f"{PATH}?page=all", PATH, f"{PATH}?page=3", SECOND])
    again = run_warm(setup, now=NOW + timedelta(hours=2))
    text = write_text(1, 2) if second == "joined" else write_text(1)
    assert query(tmp_path, "SELECT url, title, text FROM articles") == [(portal.base + PATH, TITLE, text)]
    assert query(tmp_path, "SELECT DISTINCT state FROM links") == [("kept",)]
    assert (again.articles, again.revised) == (0, 0)
