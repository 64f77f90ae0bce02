"""Archives read back: every way in, interruptions, budgets, hostile archives. Real crawl processes over loopback."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from archive_portal import ArchivePortal, Post, serve_archive
from command_line import run_here
from fresh_database import lay_database
from portals import Answer, make_setup
from warm import get_process, run_warm

from aggregator.quarantine import MOST_KILLS
from aggregator.store import Store
from crawler.catalogue import load_catalogue
from schedules.backfill_preview import preview
from schedules.backfilling import Backfilling, BackfillSummary, Request
from schedules.config import Setup
from schedules.cycle import refresh_catalogue
from schedules.errors import WriterBusy
from schedules.lock import hold_backfill_lock, hold_writer_lock
from schedules.quarantines import ask_to_lift

NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
SINCE = date(2023, 2, 1)


def listing(portal: ArchivePortal) -> str:
    return f'{{ kind = "listing", url = "{portal.base}/indeks/" }}'


def prepare(folder: Path, portal: ArchivePortal, *channels: str, **crawl: Any) -> Setup:
    folder.mkdir(exist_ok=True)
    return make_setup(folder, portal.write_catalogue(*channels), **crawl)


def read_back(
    setup: Setup,
    *,
    since: date = SINCE,
    until: date | None = None,
    most: int | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
    warm: bool = True,
) -> BackfillSummary:
    source = load_catalogue(setup.catalogue_path).get("arsip")
    assert source is not None
    request = Request(source=source, since=since, until=until, max_requests=most)
    lay_database(setup.database)
    return Backfilling(setup, request, clock=clock, process=get_process() if warm else None).run()


def ask(setup: Setup, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(f"{setup.database.as_uri()}?mode=ro", uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def list_urls(setup: Setup) -> set[str]:
    return {url for (url,) in ask(setup, "SELECT url FROM articles")}


def list_rows(setup: Setup) -> set[tuple[Any, ...]]:
    """What was kept, without when it was read."""
    articles = ask(setup, "SELECT url, title, text, published_at, backfilled FROM articles")
    links = ask(setup, "SELECT url, state FROM links")
    return {*articles, *links}


def count_pages(portal: ArchivePortal) -> dict[str, int]:
    """Articles' pages and pages of archives that were asked for more than once."""
    return {path: count for path, count in portal.asked.items() if count > 1 and path != "/robots.txt"}


# ── the ways in ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ways", "full_text", "used"),
    [
        pytest.param("rest", True, {"rest"}, id="rest"),
        pytest.param("rest", False, {"rest"}, id="rest-without-texts", marks=pytest.mark.slow),
        pytest.param("search", True, {"search"}, id="search-feed"),
        pytest.param("search", False, {"search"}, id="search-feed-without-texts", marks=pytest.mark.slow),
        pytest.param("search-page", True, {"search-page"}, id="search-pages", marks=pytest.mark.slow),
        pytest.param("tag", True, {"tag-feed"}, id="tag-feed", marks=pytest.mark.slow),
        pytest.param("tag tag-page", True, {"tag-page"}, id="tag-pages", marks=pytest.mark.slow),
        pytest.param("sitemap", True, {"sitemap"}, id="sitemap-index-by-month", marks=pytest.mark.slow),
        pytest.param("listing", True, {"listing"}, id="listing"),
        pytest.param(
            "rest search tag sitemap listing",
            True,
            {"rest"},
            id="all-and-the-cheapest-is-taken",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_everything_on_topic_since_the_day_is_kept(tmp_path: Path, ways: str, full_text: bool, used: set[str]) -> None:
    with serve_archive(ways=frozenset(ways.split()), full_text=full_text) as portal:
        setup = prepare(tmp_path, portal, *([listing(portal)] if "listing" in ways else []))
        summary = read_back(setup)
        assert list_urls(setup) == portal.list_on_topic(SINCE)
        assert count_pages(portal) == {}
    assert summary.finished
    assert {way["way"] for way in summary.ways if way["pages"]} == used
    assert summary.kept == len(list_urls(setup)) == 31
    assert ask(setup, "SELECT DISTINCT archived FROM duplicate_groups") == [(1,)]
    assert b"<item>" not in (setup.public / "feed.xml").read_bytes()


def test_an_api_that_tells_no_total_ends_where_it_refuses_a_page(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",)), tells_total=False) as portal:
        setup = prepare(tmp_path, portal)
        summary = read_back(setup)
        assert list_urls(setup) == portal.list_on_topic(SINCE)
    assert {way["state"] for way in summary.ways} == {"done"}


@pytest.mark.slow
def test_the_days_asked_for_are_those_of_the_source(tmp_path: Path) -> None:
    first = Post(
        901, "apeksi-pagi-pertama-bulan-maret", datetime(2024, 2, 29, 18, tzinfo=UTC), "apeksi"
    )  # 1 March there
    last = Post(902, "apeksi-malam-terakhir-bulan-april", datetime(2024, 4, 30, 16, 30, tzinfo=UTC), "apeksi")
    after = Post(903, "apeksi-pagi-pertama-bulan-mei", datetime(2024, 4, 30, 17, 30, tzinfo=UTC), "apeksi")
    for ways in ("rest", "search", "sitemap"):
        with serve_archive(ways=frozenset((ways,))) as portal:
            portal.posts += [first, last, after]
            setup = prepare(tmp_path / ways, portal)
            read_back(setup, since=date(2024, 3, 1), until=date(2024, 4, 30))
            expected = portal.list_on_topic(date(2024, 3, 1), date(2024, 4, 30))
            assert list_urls(setup) == expected
            assert {portal.base + first.path, portal.base + last.path} <= expected


@pytest.mark.slow
def test_young_and_undated_articles_go_to_the_archives_too(tmp_path: Path) -> None:
    young = Post(901, "apeksi-baru-saja-terbit-pagi-ini", NOW - timedelta(hours=5), "apeksi")
    undated = Post(902, "apeksi-tanpa-tanggal-sama-sekali", NOW - timedelta(days=40), "apeksi", is_dated=False)
    with serve_archive(ways=frozenset(("listing",)), lists_dates=False) as portal:
        portal.posts += [young, undated]
        setup = prepare(tmp_path, portal, listing(portal))
        read_back(setup)
        assert {portal.base + young.path, portal.base + undated.path} <= list_urls(setup)
    assert ask(setup, "SELECT DISTINCT archived FROM duplicate_groups") == [(1,)]


@pytest.mark.slow
def test_what_is_in_the_feed_already_stays_there_and_is_not_asked_for_again(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",)), full_text=False) as portal:
        young = Post(901, "apeksi-baru-saja-terbit-pagi-ini", NOW - timedelta(hours=5), "apeksi")
        portal.posts.append(young)
        portal.interfere = lambda path, _: portal._write_feed([young], {}) if path == "/umpan.xml" else None
        setup = prepare(tmp_path, portal, f'{{ kind = "feed", url = "{portal.base}/umpan.xml" }}')
        assert run_warm(setup, now=NOW).new_items == 1
        channel = ask(setup, "SELECT * FROM channels")
        polls = ask(setup, "SELECT * FROM polls")
        read_back(setup)
        assert portal.asked[young.path] == 1
    feed = ask(
        setup, "SELECT a.url FROM articles AS a JOIN duplicate_groups AS g ON g.id = a.group_id WHERE NOT archived"
    )
    assert feed == [(portal.base + young.path,)]
    assert ask(setup, "SELECT * FROM channels") == channel  # a backfill is no poll
    assert ask(setup, "SELECT * FROM polls") == polls


@pytest.mark.slow
def test_a_young_copy_from_a_poll_brings_an_unpublished_group_into_the_feed(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        setup = prepare(tmp_path, portal)
        read_back(setup)
    with hold_writer_lock(setup.data_folder):
        db = sqlite3.connect(setup.database)
        db.execute("UPDATE duplicate_groups SET guid = NULL, archived = 0")
        db.execute("UPDATE articles SET published_at = '2026-11-27T01:00:00Z'")
        db.execute("UPDATE articles SET backfilled = 0 WHERE id = (SELECT max(id) FROM articles)")
        db.commit()
        db.close()
    run_warm(setup, now=NOW, due_only=True)
    assert ask(setup, "SELECT archived, count(*) FROM duplicate_groups GROUP BY archived") == [(0, 1), (1, 30)]


# ── interruptions ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize("ways", ["rest", "search", "sitemap", "listing"])
def test_many_short_runs_come_to_the_same_as_one(tmp_path: Path, ways: str) -> None:
    facts: dict[str, Any] = {"ways": frozenset((ways,)), "full_text": False}
    with serve_archive(**facts) as portal:
        channels = [listing(portal)] if ways == "listing" else []
        setup = prepare(tmp_path / "whole", portal, *channels)
        asked_at_once = read_back(setup, since=date(2025, 9, 1)).requests
        whole = {(row[0].removeprefix(portal.base), *row[1:]) for row in list_rows(setup)}
    with serve_archive(**facts) as portal:
        channels = [listing(portal)] if ways == "listing" else []
        setup = prepare(tmp_path / "parts", portal, *channels)
        summaries = [read_back(setup, since=date(2025, 9, 1), most=7)]
        while not summaries[-1].finished:
            summaries.append(read_back(setup, since=date(2025, 9, 1), most=7))
        assert {(row[0].removeprefix(portal.base), *row[1:]) for row in list_rows(setup)} == whole
        assert count_pages(portal) == {}
    assert len(summaries) > 1
    assert all(summary.requests_of_run <= 7 for summary in summaries)
    assert all("--max-requests" in summary.stopped for summary in summaries[:-1])
    assert summaries[-1].requests == asked_at_once
    assert ask(setup, "SELECT count(*) FROM backfill_links") == [(0,)]


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        setup = prepare(tmp_path, portal)
        read_back(setup)
        asked = portal.asked.total()
        again = read_back(setup, clock=lambda: NOW + timedelta(days=1))
        assert portal.asked.total() == asked
    assert again.finished
    assert (again.requests_of_run, again.kept_in_run, again.new_items, again.kept) == (0, 0, 0, 31)


@pytest.mark.slow
def test_an_earlier_day_reads_only_what_is_older(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("sitemap",))) as portal:
        setup = prepare(tmp_path, portal)
        read_back(setup, since=date(2026, 1, 1))
        read_back(setup, since=date(2025, 6, 1))
        assert list_urls(setup) == portal.list_on_topic(date(2025, 6, 1))
        assert {path for path in count_pages(portal) if path.startswith("/berita/")} == set()


def start_command(setup: Setup, *arguments: str) -> subprocess.Popen[str]:
    config = setup.data_folder.parent / "kabarkota.toml"
    config.write_text(
        'allow_networks = ["127.0.0.0/8"]\ncontact = "test@example.org"\n[crawl]\ndelay_seconds = 0\n', encoding="utf-8"
    )
    before = ("--config", str(config), "--data", str(setup.data_folder), "--catalogue", str(setup.catalogue_path))
    return subprocess.Popen(
        [sys.executable, "-m", "schedules", *before, "backfill", *arguments],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - background jobs ignore it
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.mark.slow
def test_kill_9_costs_the_page_under_way_and_nothing_else(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("sitemap",))) as portal:
        setup = prepare(tmp_path / "whole", portal)
        read_back(setup, since=date(2025, 9, 1))
        whole = list_rows(setup)
        portal.asked.clear()
        setup = prepare(tmp_path / "killed", portal)
        kills = 0
        for pages in (5, 24):
            process = start_command(setup, "arsip", "--since", "2025-09-01")
            wait_for(lambda pages=pages: portal.asked.total() >= pages)  # type: ignore[misc]
            process.kill()
            process.communicate()
            kills += 1
        out, err = start_command(setup, "arsip", "--since", "2025-09-01", "--json").communicate()
        assert json.loads(out)["finished"], err
        assert list_rows(setup) == whole
        twice = count_pages(portal)
        assert sum(count - 1 for count in twice.values()) <= kills
    assert ask(setup, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_puts_what_came_into_the_archives(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("sitemap",))) as portal:
        setup, gate = prepare(tmp_path, portal), threading.Event()

        def hold(_path: str, count: int) -> None:
            if count > 40:
                gate.wait(60)  # so it cannot end before it is interrupted

        portal.interfere = hold
        process = start_command(setup, "arsip", "--since", "2023-02-01")
        wait_for(lambda: portal.asked.total() > 40)
        os.kill(process.pid, signal.SIGINT)
        gate.set()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "not finished: interrupted" in out
    assert "Traceback" not in err
    assert ask(setup, "SELECT count(*) FROM duplicate_groups WHERE guid IS NULL") == [(0,)]


# ── manners ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_robots_txt_is_obeyed_and_another_way_is_gone(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest", "search", "sitemap"))) as portal:
        portal.robots = "User-agent: *\nDisallow: /wp-json/\nDisallow: /berita/smart-2026\nDisallow: /*?s=\n"
        setup = prepare(tmp_path, portal)
        summary = read_back(setup, since=date(2026, 1, 1))
        assert not any(path.startswith(("/wp-json", "/?s=", "/berita/smart-2026")) for path in portal.asked)
        assert portal.asked["/robots.txt"] == 1
        expected = {url for url in portal.list_on_topic(date(2026, 1, 1)) if "smart-2026" not in url}
        assert list_urls(setup) == expected
    assert summary.finished
    assert "robots.txt disallows it" in {way["reason"] for way in summary.ways}
    assert ask(setup, "SELECT DISTINCT state FROM links WHERE url LIKE '%smart-2026%'") == [("refused",)]


@pytest.mark.slow
def test_requests_are_as_far_apart_as_those_of_a_poll(tmp_path: Path) -> None:
    times: list[float] = []
    with serve_archive(ways=frozenset(("rest",)), full_text=False) as portal:

        def note(_path: str, _count: int) -> None:
            times.append(time.monotonic())

        portal.interfere = note
        read_back(prepare(tmp_path, portal, delay_seconds=0.3), most=5)
    gaps = [after - before for before, after in pairwise(times)]
    assert len(gaps) >= 5
    assert min(gaps) > 0.25  # the delay, less what the clocks of two processes may differ


@pytest.mark.slow
def test_the_budget_of_the_day_is_held_and_the_next_day_goes_on(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("sitemap",))) as portal:
        setup = prepare(tmp_path, portal)
        setup = replace(setup, aggregator=setup.aggregator.model_copy(update={"requests_per_day": 20}))
        first = read_back(setup, since=date(2026, 1, 1))
        assert not first.finished
        assert "resume tomorrow" in first.stopped
        assert first.requests == 17  # and robots.txt; a tenth is left to polls
        assert read_back(setup, since=date(2026, 1, 1)).requests_of_run == 0
        second = read_back(setup, since=date(2026, 1, 1), clock=lambda: NOW + timedelta(days=1))
        assert 0 < second.requests_of_run <= 18
        days = 2
        while not second.finished:
            second = read_back(setup, since=date(2026, 1, 1), clock=lambda: NOW + timedelta(days=days))  # noqa: B023
            days += 1
        assert list_urls(setup) == portal.list_on_topic(date(2026, 1, 1))


@pytest.mark.slow
def test_a_portal_that_wants_to_be_left_alone_is(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        portal.interfere = lambda path, count: (
            Answer(b"", 429, headers={"Retry-After": "3600"}) if "page=2" in path else None
        )
        setup = prepare(tmp_path, portal)
        stopped = read_back(setup)
        assert not stopped.finished
        assert "left alone until 2026-11-27 09:00 UTC" in stopped.stopped
        asked = portal.asked.total()
        assert read_back(setup, clock=lambda: NOW + timedelta(minutes=59)).requests_of_run == 0
        assert portal.asked.total() == asked
        portal.interfere = None
        # a process of its own, and a host that is free: both remember, by a clock that a test cannot turn
        with sqlite3.connect(setup.database) as db:
            db.execute("UPDATE host_days SET free_at = ''")
        assert read_back(setup, clock=lambda: NOW + timedelta(minutes=61), warm=False).finished
        assert list_urls(setup) == portal.list_on_topic(SINCE)


@pytest.mark.slow
def test_a_short_wait_is_waited_for(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        portal.interfere = lambda path, count: (
            Answer(b"", 503, headers={"Retry-After": "1"}) if "page=2" in path and portal.asked[path] == 1 else None
        )
        setup = prepare(tmp_path, portal)
        assert read_back(setup).finished
        assert list_urls(setup) == portal.list_on_topic(SINCE)


def test_a_page_that_fails_now_is_read_by_the_next_run(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",)), full_text=False) as portal:
        lost = next(post for post in portal.posts if post.subject == "apeksi" and post.at.year == 2026)
        portal.interfere = lambda path, _: Answer(b"", 500) if path == lost.path else None
        setup = prepare(tmp_path, portal)
        first = read_back(setup, since=date(2026, 1, 1))
        assert (first.finished, first.waiting) == (False, 1)
        assert portal.asked[lost.path] == 1
        portal.interfere = None
        second = read_back(setup, since=date(2026, 1, 1), clock=lambda: NOW + timedelta(hours=1))
        assert (second.finished, second.requests_of_run) == (True, 1)
        assert list_urls(setup) == portal.list_on_topic(date(2026, 1, 1))


@pytest.mark.slow
def test_a_page_that_fails_for_ever_is_given_up(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",)), full_text=False) as portal:
        lost = next(post for post in portal.posts if post.subject == "apeksi" and post.at.year == 2026)
        portal.interfere = lambda path, _: Answer(b"", 500) if path == lost.path else None
        setup = prepare(tmp_path, portal)
        for hour in range(setup.aggregator.max_attempts):
            summary = read_back(
                setup,
                since=date(2026, 1, 1),
                clock=lambda hour=hour: NOW + timedelta(hours=hour),  # type: ignore[misc]
            )
    assert (summary.finished, summary.failed) == (True, 1)
    assert ask(setup, "SELECT state FROM links WHERE state <> 'kept'") == [("failed",)]


@pytest.mark.slow
def test_a_portal_that_is_down_ends_the_run_and_nothing_is_given_up(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        setup = prepare(tmp_path, portal)
    down = read_back(setup)
    assert not down.finished
    assert down.reached_nothing
    assert ask(setup, "SELECT DISTINCT state FROM backfill_steps") == [("waiting",)]


# ── odd and hostile archives ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_pinned_article_neither_ends_a_listing_nor_keeps_it_from_ending(tmp_path: Path) -> None:
    for when in (datetime(2019, 5, 1, tzinfo=UTC), NOW - timedelta(hours=1)):
        with serve_archive(ways=frozenset(("listing",))) as portal:
            portal.pinned = Post(950, "panen-yang-disematkan-di-atas", when, "panen")
            setup = prepare(tmp_path / str(when.year), portal, listing(portal))
            summary = read_back(setup, since=date(2025, 6, 1))
            assert list_urls(setup) == portal.list_on_topic(date(2025, 6, 1))
            assert summary.archive_pages == 4


@pytest.mark.slow
def test_a_listing_without_dates_ends_by_those_of_its_articles(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("listing",)), lists_dates=False) as portal:
        setup = prepare(tmp_path, portal, listing(portal))
        summary = read_back(setup, since=date(2025, 6, 1))
        assert list_urls(setup) == portal.list_on_topic(date(2025, 6, 1))
    assert summary.finished
    assert summary.archive_pages == 4  # and not all nine
    assert summary.outside == 6


@pytest.mark.slow
def test_a_search_that_ignores_page_numbers_leaves_the_rest_to_other_ways(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("search", "sitemap")), ignores_paged=True) as portal:
        setup = prepare(tmp_path, portal)
        summary = read_back(setup, since=date(2025, 1, 1))
        assert list_urls(setup) == portal.list_on_topic(date(2025, 1, 1))
    states = {(way["way"], way["state"]) for way in summary.ways if way["way"] == "search" and way["links"]}
    assert states == {("search", "partial")}


@pytest.mark.slow
def test_a_home_page_in_place_of_a_search_is_not_believed(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("sitemap",))) as portal:
        newest = [post for post in portal.posts if post.subject == "panen"][-3:]
        portal.interfere = lambda path, _: portal._write_listing(newest, 1, "/") if path.startswith("/?s=") else None
        setup = prepare(tmp_path, portal)
        summary = read_back(setup, since=date(2026, 1, 1))
        assert list_urls(setup) == portal.list_on_topic(date(2026, 1, 1))
    states = {way["state"] for way in summary.ways if way["way"] == "search-page"}
    assert states == {"partial"}


@pytest.mark.slow
def test_an_archive_without_end_is_left_at_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.backfilling.walking.MAX_PAGES", 6)
    with serve_archive(ways=frozenset(("listing",)), is_endless=True) as portal:
        setup = prepare(tmp_path, portal, listing(portal))
        summary = read_back(setup)
    (way,) = [way for way in summary.ways if way["way"] == "listing"]
    assert (way["state"], way["pages"], way["reason"]) == ("partial", 6, "stopped after 6 pages")
    assert summary.finished


@pytest.mark.slow
def test_nested_and_broken_sitemaps_cost_themselves_only(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("sitemap",))) as portal:

        def nest(path: str, _count: int) -> Answer | None:
            def index(*names: str) -> Answer:
                files = "".join(f"<sitemap><loc>{portal.base}{name}</loc></sitemap>" for name in names)
                return Answer(f"<sitemapindex>{files}</sitemapindex>".encode(), content_type="application/xml")

            if path == "/sitemap_index.xml":
                return index("/rusak.xml", "/dalam.xml", "/sitemap_index.xml", "/hilang.xml")
            if path == "/dalam.xml":
                return index(*(f"/sitemap-2026-{month:02}.xml" for month in range(1, 12)), "/dalam.xml")
            return Answer(b"<html>bukan peta</html>") if path == "/rusak.xml" else None

        portal.interfere = nest
        setup = prepare(tmp_path, portal)
        summary = read_back(setup, since=date(2026, 1, 1))
        assert list_urls(setup) == portal.list_on_topic(date(2026, 1, 1))
        assert count_pages(portal) == {}
    assert summary.finished
    assert sum(way["state"] == "failed" and way["way"] == "sitemap" for way in summary.ways) == 2


@pytest.mark.slow
def test_a_sitemap_that_names_titles_is_read_by_them(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("sitemap",))) as portal:
        months = [post for post in portal.posts if post.at.year == 2026]

        def title(path: str, _count: int) -> Answer | None:
            if path != "/sitemap_index.xml":
                return None
            entries = "".join(
                f"<url><loc>{portal.base}{post.path}</loc><n:news><n:publication_date>{post.at.isoformat()}"
                f"</n:publication_date><n:title>{post.title}</n:title></n:news></url>"
                for post in months
            )
            space = 'xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"'
            return Answer(f"<urlset {space}>{entries}</urlset>".encode(), content_type="application/xml")

        portal.interfere = title
        setup = prepare(tmp_path, portal)
        read_back(setup, since=date(2026, 1, 1))
        assert list_urls(setup) == portal.list_on_topic(date(2026, 1, 1))
        assert not any(path.startswith("/berita/panen") for path in portal.asked)


@pytest.mark.slow
def test_a_sitemap_of_fifty_thousand_entries_is_queued_in_one_go(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("sitemap",))) as portal:
        entries = "".join(f"<url><loc>{portal.base}/arsip/tulisan-lama-{n}</loc></url>" for n in range(50_000))
        body = f"<urlset>{entries}</urlset>".encode()
        portal.interfere = lambda path, _: (
            Answer(body, content_type="application/xml") if path == "/sitemap_index.xml" else None
        )
        setup = prepare(tmp_path, portal)
        summary = read_back(setup, most=14)
    assert summary.waiting + summary.failed == 50_000
    assert summary.requests_left >= 49_990


# ── the command ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_dry_run_asks_for_first_pages_and_writes_nothing(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest", "sitemap")), full_text=False) as portal:
        setup = prepare(tmp_path, portal)
        catalogue = load_catalogue(setup.catalogue_path)
        source = catalogue.get("arsip")
        assert source is not None
        found = preview(setup, Request(source=source, since=SINCE), NOW)
        assert portal.asked.total() == 1 + 3  # robots.txt, and a page for each term
    assert not setup.data_folder.exists()
    assert [(way["way"], way["pages_left"]) for way in found.ways] == [("rest", 2), ("rest", 2), ("rest", 0)]
    assert found.requests_left == 3 + 2 * 2 + 2 * 7 * 3


def run_command(setup: Setup, *arguments: str) -> tuple[int, str, str]:
    process = start_command(setup, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("arsib", "--since", "2023-01-01"), "no source 'arsib'; did you mean arsip?"),
        (("arsip", "--since", "kemarin"), "--since kemarin: not a day; write it as 2023-01-31"),
        (("arsip", "--since", "2023-02-30"), "--since 2023-02-30: not a day; write it as 2023-01-31"),
        (("arsip", "--since", "2999-01-01"), "--since 2999-01-01: lies in the future"),
        (("arsip", "--since", "0004-01-01"), "--since 0004-01-01: before 1995 no date is believed"),
        (
            ("arsip", "--since", "2023-01-02", "--until", "2023-01-01"),
            "--until 2023-01-01: lies before --since 2023-01-02",
        ),
    ],
)
def test_bad_input_is_told_in_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    with serve_archive() as portal:
        setup = prepare(tmp_path, portal)
        before = ("--data", str(setup.data_folder), "--catalogue", str(setup.catalogue_path))
        done = run_here(tmp_path, *before, "backfill", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"kabarkota: {said}\n")
        assert portal.asked.total() == 0


@pytest.mark.slow
def test_beside_serve_it_refuses_and_says_what_to_do(tmp_path: Path) -> None:
    with serve_archive() as portal:
        setup = prepare(tmp_path, portal)
        with hold_writer_lock(setup.data_folder):
            code, _, err = run_command(setup, "arsip", "--since", "2023-01-01")
        assert portal.asked.total() == 0
    assert code == 3
    assert "stop `serve`" in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_a_quarantined_source_is_left_out_until_it_is_lifted(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        setup = prepare(tmp_path, portal)
        lay_database(setup.database)
        with Store.open_writer(setup.database) as store:
            refresh_catalogue(setup, store)
            with store.transaction():
                store.write_kills("arsip", MOST_KILLS, "https://a.example/: the parser left", datetime.now(UTC))
        before = ("--data", str(setup.data_folder), "--catalogue", str(setup.catalogue_path))
        for option in ((), ("--dry-run",)):
            done = run_here(tmp_path, *before, "backfill", "arsip", "--since", "2023-01-01", *option)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.splitlines()[-1].startswith("kabarkota: arsip: quarantined until ")
            assert done.stderr.endswith("; `kabarkota sources enable arsip` lifts it\n")
        assert portal.asked.total() == 0
        ask_to_lift(setup.data_folder, "arsip")
        assert read_back(setup, clock=lambda: datetime.now(UTC)).finished


def test_a_quarantine_that_a_poll_begins_ends_the_run(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        setup = prepare(tmp_path, portal)
        asked: list[int] = []

        def quarantine(path: str, _count: int) -> None:
            if path.startswith("/wp-json") and not asked:
                with (
                    hold_writer_lock(setup.data_folder),
                    Store.open_writer(setup.database) as store,
                    store.transaction(),
                ):
                    store.write_kills("arsip", MOST_KILLS, "the parser left", NOW)
                asked.append(portal.asked.total())

        portal.interfere = quarantine
        summary = read_back(setup)
        assert not summary.finished
        assert summary.stopped.startswith("quarantined until ")
        assert summary.requests <= asked[0] + 1


@pytest.mark.slow
def test_the_lock_is_free_while_the_portal_is_asked(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        setup = prepare(tmp_path, portal)
        free: list[bool] = []

        def try_lock(path: str, _count: int) -> None:
            if path.startswith("/wp-json"):
                with hold_writer_lock(setup.data_folder):
                    free.append(True)

        portal.interfere = try_lock
        assert read_back(setup).finished
    assert free


@pytest.mark.slow
def test_the_command_prints_a_summary(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("search",))) as portal:
        setup = prepare(tmp_path, portal)
        code, out, err = run_command(setup, "arsip", "--since", "2023-02-01")
    assert code == 0, err
    assert out.startswith("arsip since 2023-02-01: finished\n")
    assert "31 kept (31 now)" in out
    assert "earliest 2022-09-14" in out
    assert "rest apeksi: failed: HTTP 404" in err


def test_two_backfills_of_a_source_exclude_each_other(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        setup = prepare(tmp_path, portal)
        with (
            hold_backfill_lock(setup.data_folder, "arsip"),
            pytest.raises(WriterBusy, match="another backfill"),
        ):
            read_back(setup)
        assert not portal.asked


@pytest.mark.slow
def test_a_total_that_is_too_small_is_not_believed(tmp_path: Path) -> None:
    with serve_archive(ways=frozenset(("rest",))) as portal:
        portal.told_pages = 1
        setup = prepare(tmp_path, portal)
        assert read_back(setup).finished
        assert list_urls(setup) == portal.list_on_topic(SINCE)
