"""The scan for topics is checked: one page in a hundred is extracted all the same, and what was missed is counted."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from warm import run_warm

from aggregator.models import ArticleLink
from crawler.reading import SAMPLE_ONE_IN, Reading, is_sampled, read_page

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
READING = Reading(zone="Asia/Jakarta", now=NOW)
CHILLIES = "Petani cabai di lereng gunung memanen lebih cepat karena musim hujan datang terlambat tahun ini. " * 5
# The scan does not look into attributes behind a ">": the known way past it.
HIDDEN = '<p>Rapat AP<b title="a>b">E</b>KSI di balai kota dihadiri para wali kota dari seluruh Nusantara.</p>'


def find_url(sampled: bool, base: str = "https://x.example") -> str:
    return next(url for url in (f"{base}/{n}/" for n in range(10_000)) if is_sampled(url) is sampled)


def write_page(body: str) -> bytes:
    article = f"<article><h1>Kabar Kota</h1><div class=entry-content>{body}</div></article>"
    return f"<html><body>{article}</body></html>".encode()


def test_one_page_in_a_hundred_is_sampled() -> None:
    share = sum(is_sampled(f"https://portal{n}.example/berita/{n * 7}") for n in range(100_000)) / 100_000
    assert share == pytest.approx(1 / SAMPLE_ONE_IN, rel=0.2)


def test_sampled_page_is_extracted_although_the_scan_found_nothing() -> None:
    page = write_page(f"<p>{CHILLIES}</p>")
    checked = read_page(page, ArticleLink(url=find_url(True)), find_url(True), READING, False)
    skipped = read_page(page, ArticleLink(url=find_url(False)), find_url(False), READING, False)
    assert checked.article is not None
    assert not checked.passed_scan
    assert skipped.article is None


def test_page_that_passes_the_scan_is_no_check() -> None:
    page = write_page("<p>APEKSI menggelar rapat kerja nasional di Makassar, dihadiri puluhan wali kota.</p>")
    assert read_page(page, ArticleLink(url=find_url(True)), find_url(True), READING, False).passed_scan


def fill(portal: LoopbackPortal, pages: dict[str, bytes]) -> str:
    items = "".join(
        f"<item><title>Kabar Kota</title><link>{url}</link>"
        f"<pubDate>{format_datetime(NOW - timedelta(hours=2))}</pubDate></item>"
        for url in pages
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>P</title>{items}</channel></rss>'
    portal.answers["/feed.xml"] = Answer(feed.encode(), content_type="application/rss+xml")
    for url, page in pages.items():
        portal.answers[url.removeprefix(portal.base)] = Answer(page)
    return (
        f'[sources.uji]\nname = "Uji"\ndomain = "uji.example"\n'
        f'channels = [{{ kind = "feed", url = "{portal.base}/feed.xml" }}]\n'
    )


def query(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(folder / "data" / "news.db")
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


@pytest.mark.slow
def test_what_was_spared_checked_and_missed_is_counted(tmp_path: Path) -> None:
    with serve_portal() as portal:
        # a new source's first five pages are read in any case, and are checks as well
        pages = {f"{portal.base}/pertama-{n}/": write_page(f"<p>{CHILLIES}</p>") for n in range(5)}
        run_warm(make_setup(tmp_path, fill(portal, pages)), now=NOW)
        assert query(tmp_path, "SELECT skipped, checked, missed FROM scans") == [(0, 5, 0)]
        assert query(tmp_path, "SELECT count(*) FROM rejected_pages") == [(0,)]
        pages = {
            find_url(True, portal.base): write_page(HIDDEN),
            find_url(False, portal.base): write_page(f"<p>{CHILLIES}</p>"),
        }
        summary = run_warm(make_setup(tmp_path, fill(portal, pages)), now=NOW + timedelta(hours=1))
    assert (summary.articles, summary.scans_missed, summary.off_topic) == (1, 1, 1)
    assert query(tmp_path, "SELECT skipped, checked, missed FROM scans") == [(1, 6, 1)]
    assert query(tmp_path, "SELECT topic FROM article_topics") == [("apeksi",)]


def test_gambling_on_a_channel_flags_the_source(tmp_path: Path) -> None:
    with serve_portal() as portal:
        # One more than is read in any case, and none of the sample, which depends on the portal's port.
        urls = [url for url in (f"{portal.base}/{n}/" for n in range(100)) if not is_sampled(url)][:6]
        pages = {url: write_page(f"<p>{CHILLIES}</p>") for url in urls}
        catalogue = fill(portal, pages)
        feed = portal.answers["/feed.xml"]
        feed.body = feed.body.replace(b"Kabar Kota", b"Situs Slot Gacor Maxwin Login Link Alternatif")
        run_warm(make_setup(tmp_path, catalogue), now=NOW)
    assert query(tmp_path, "SELECT source_id, hijacked_at FROM hijacked_sources") == [("uji", "2026-11-23T08:00:00Z")]
    assert query(tmp_path, "SELECT count(*) FROM articles") == [(0,)]
