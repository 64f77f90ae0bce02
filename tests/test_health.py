"""What is wrong with sources: alarms from figures, and what stands in for channels that are dead."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from newsdesk import RELEASE, Newsroom
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from test_cycle import catalogue, fill, query
from warm import run_warm

from aggregator.diagnosis import explain_code
from aggregator.health import Alarm, ChannelState, Coverage, SourceFacts, find_alarms
from aggregator.models import Channel, ChannelKind
from aggregator.store import Store
from schedules.health import check_health, find_all_alarms

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FEED = "https://mula.example/feed"


def list_codes(**facts: Any) -> list[str]:
    return [alarm.code for alarm in find_alarms(SourceFacts(**facts), NOW)]


# ── figures ────────────────────────────────────────────────────────────────────────────────────────────────────────

WELL = Coverage(pages=40, bodied=39, dated=38, authored=30)
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing known": ({}, []),
    "all well": ({"recent": WELL, "usual": WELL, "posts": 40, "expected_posts": 38.0}, []),
    "no text any more": ({"recent": Coverage(pages=20, bodied=2, dated=2), "usual": WELL}, ["no-articles"]),
    "no text from the first day": ({"recent": Coverage(pages=6, bodied=1)}, ["no-articles"]),
    "videos only, as ever": (
        {"recent": Coverage(pages=20, bodied=2), "usual": Coverage(pages=60, bodied=6)},
        [],
    ),
    "dates lost": ({"recent": Coverage(pages=20, bodied=20, dated=3, authored=18), "usual": WELL}, ["dates-missing"]),
    "authors lost": ({"recent": Coverage(pages=20, bodied=20, dated=20), "usual": WELL}, ["authors-missing"]),
    "no authors, as ever": (
        {"recent": Coverage(pages=20, bodied=20, dated=20), "usual": Coverage(pages=50, bodied=50, dated=50)},
        [],
    ),
    "authors unknown before": ({"recent": Coverage(pages=20, bodied=20, dated=20)}, []),
    "too few pages to tell": ({"recent": Coverage(pages=4), "usual": WELL}, []),
    "quiet": ({"posts": 3, "expected_posts": 40.0}, ["quiet"]),
    "a quiet Sunday": ({"posts": 3, "expected_posts": 6.0}, []),
    "hijacked": ({"hijacked_at": NOW - timedelta(days=3)}, ["hijacked"]),
    "hijacked long ago": ({"hijacked_at": NOW - timedelta(days=31)}, []),
    "a hiccup": ({"channels": (ChannelState(url=FEED, strikes=0.5, code="timeout", reason="x"),)}, []),
    "down": ({"channels": (ChannelState(url=FEED, strikes=3.0, code="tls", reason="x"),)}, ["tls"]),
    "empty feed": ({"channels": (ChannelState(url=FEED, strikes=0.0, code="empty-feed", reason="x"),)}, ["empty-feed"]),
    "retired": (
        {"channels": (ChannelState(url=FEED, strikes=1.0, code="gone", reason="x", retired_at=NOW),)},
        ["gone"],
    ),
    "two channels, one reason": (
        {"channels": (ChannelState(url=FEED, strikes=3.0, code="dns", reason="x"),) * 2},
        ["dns"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_alarms_are_told_by_figures(case: str) -> None:
    facts, codes = CASES[case]
    assert list_codes(**facts) == codes


def test_every_alarm_has_words_in_both_languages() -> None:
    codes = {code for _, codes in CASES.values() for code in codes}
    for code in codes:
        english, indonesian = explain_code(code), explain_code(code, indonesian=True)
        assert english.code == indonesian.code == code
        assert english.says != indonesian.says


# ── in the database ────────────────────────────────────────────────────────────────────────────────────────────────


def read_alarms(newsroom: Newsroom) -> list[tuple[Any, ...]]:
    return newsroom.ask("SELECT source_id, code, until IS NULL FROM alarms ORDER BY id")


def test_an_alarm_begins_goes_on_and_ends(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    for _ in range(3):
        newsroom.fail("mula", status=404, reason="HTTP 404")
    assert check_health(newsroom.store, newsroom.now)["began"] == 1
    newsroom.minutes += 60
    assert check_health(newsroom.store, newsroom.now) == {"alarms": 1, "began": 0, "ended": 0, "stand_ins_ended": 0}
    assert read_alarms(newsroom) == [("mula", "missing", 1)]
    newsroom.answer("mula")
    newsroom.minutes += 60
    assert check_health(newsroom.store, newsroom.now)["ended"] == 1
    assert read_alarms(newsroom) == [("mula", "missing", 0)]
    ((since, until),) = newsroom.ask("SELECT since, until FROM alarms")
    assert datetime.fromisoformat(until) - datetime.fromisoformat(since) == timedelta(hours=2)


def test_another_reason_is_another_alarm(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    for _ in range(3):
        newsroom.fail("mula", status=404, reason="HTTP 404")
    check_health(newsroom.store, newsroom.now)
    newsroom.fail("mula", status=0, reason="a dealer in domains answered, not the site")
    check_health(newsroom.store, newsroom.now)
    assert read_alarms(newsroom) == [("mula", "missing", 0), ("mula", "parked", 1)]


def test_a_channel_that_is_gone_retires_and_an_answer_brings_it_back(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    newsroom.fail("mula", status=410, reason="HTTP 410")
    (row,) = newsroom.store.get_due_channels(None)
    assert row.retired_at == newsroom.now
    ((due,),) = newsroom.ask("SELECT next_poll_at FROM channels")
    assert datetime.fromisoformat(due) - newsroom.now == timedelta(days=30)  # never given up in silence
    check_health(newsroom.store, newsroom.now)
    assert read_alarms(newsroom) == [("mula", "gone", 1)]
    newsroom.fail("mula", status=503, reason="HTTP 503")
    (row,) = newsroom.store.get_due_channels(None)
    assert row.retired_at == newsroom.now
    newsroom.answer("mula")
    (row,) = newsroom.store.get_due_channels(None)
    assert row.retired_at is None


def test_a_host_that_wants_a_rest_is_no_failure(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    newsroom.fail("mula", status=0, reason="mula.example asked to be left alone for another 300 s")
    newsroom.fail("mula", status=0, reason="the cycle's time is up")
    (row,) = newsroom.store.get_due_channels(None)
    assert (row.failures, row.strikes) == (0, 0)
    assert newsroom.ask("SELECT code FROM polls ORDER BY id DESC LIMIT 2") == [("our-limits",), ("held",)]


def test_an_answer_of_which_a_part_had_to_wait_ends_the_failures(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    newsroom.fail("mula", status=404, reason="HTTP 404")
    newsroom.answer("mula", reason="https://mula.example/2: the cycle's time is up")
    (row,) = newsroom.store.get_due_channels(None)
    assert (row.failures, row.strikes) == (0, 0)


def test_pages_are_counted_by_what_they_give(newsroom: Newsroom) -> None:
    for number in range(3):
        newsroom.publish_at("mula", f"kabar-{number}", [*RELEASE[:3], f"Nomor {number}."], title=f"APEKSI {number}")
    assert newsroom.ask("SELECT pages, bodied, dated, authored FROM source_days") == [(3, 3, 3, 0)]
    assert newsroom.ask("SELECT month, pages, bodies, authors FROM field_coverage") == [("2026-10", 3, 1.0, 0.0)]
    newsroom.store.refresh_coverage(newsroom.now)
    assert newsroom.ask("SELECT sources_polled, sources_working, polls, posts FROM polls_by_day") == [(1, 1, 3, 3)]


def test_silence_of_a_lively_source_is_told(newsroom: Newsroom) -> None:
    for number in range(72):
        newsroom.publish_at("ramai", f"kabar-{number}", [*RELEASE[:3], f"Nomor {number}."], title=f"APEKSI {number}")
        newsroom.minutes += 60
    assert "ramai" not in find_all_alarms(newsroom.store, newsroom.now)
    for _ in range(24):
        newsroom.answer("ramai")
        newsroom.minutes += 60
    (alarm,) = find_all_alarms(newsroom.store, newsroom.now)["ramai"]
    assert alarm.code == "quiet"
    assert alarm.detail.startswith("0 posts in 24 hours")


def test_after_a_pause_of_our_own_nobody_is_quiet(newsroom: Newsroom) -> None:
    for number in range(72):
        newsroom.publish_at("ramai", f"kabar-{number}", [*RELEASE[:3], f"Nomor {number}."], title=f"APEKSI {number}")
        newsroom.minutes += 60
    newsroom.minutes += 3 * 24 * 60
    newsroom.answer("ramai")
    assert find_all_alarms(newsroom.store, newsroom.now) == {}


def test_an_alarm_that_is_told_twice_is_one(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    with newsroom.store.transaction():
        newsroom.store.write_alarms({"mula": [Alarm("dns", "satu"), Alarm("dns", "dua")]}, newsroom.now)
    assert newsroom.ask("SELECT code, detail FROM alarms") == [("dns", "dua")]


def test_stand_ins_survive_the_catalogue_and_end_when_they_are_not_needed(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    for _ in range(5):
        newsroom.fail("mula", status=404, reason="HTTP 404")
    store, other = newsroom.store, Channel(kind=ChannelKind.LISTING, url="https://mula.example/indeks", max_pages=3)
    with store.transaction():
        assert store.write_stand_ins("mula", [other]) == 1
        assert store.write_stand_ins("mula", [other]) == 0
    store.write_catalogue(newsroom.sources.values())
    assert other in [row.stand_in for row in store.get_due_channels(None)]
    check_health(store, newsroom.now)
    assert len(store.get_due_channels(None)) == 2
    with store.transaction():  # its own channel works again
        store._connection.execute("UPDATE channels SET strikes = 0 WHERE stand_in IS NULL")
    assert check_health(store, newsroom.now)["stand_ins_ended"] == 1
    assert [row.stand_in for row in store.get_due_channels(None)] == [None]


# ── a portal that moves its feed ───────────────────────────────────────────────────────────────────────────────────


def move_feed(portal: LoopbackPortal) -> None:
    """The feed is where only the home page says, and the old address is empty."""
    feed = portal.answers.pop("/feed.xml")
    portal.answers["/kanal/terbaru.rss"] = feed
    portal.answers["/"] = Answer(
        b'<!DOCTYPE html><html lang="id"><head><title>Portal Uji</title>'
        b'<link rel="alternate" type="application/rss+xml" href="/kanal/terbaru.rss"></head><body>Beranda</body></html>'
    )


@pytest.mark.slow
def test_a_channel_that_was_gone_by_mistake_is_back_after_a_look(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        text = catalogue(portal).replace("uji.example", portal.base.removeprefix("http://"))
        setup, now = make_setup(tmp_path, text), NOW
        portal.answers["/"] = Answer(b"<!DOCTYPE html><html><title>Portal Uji</title><body>Beranda</body></html>")
        feed, portal.answers["/feed.xml"] = portal.answers["/feed.xml"], Answer(status=410)
        run_warm(setup, now=now - timedelta(hours=3))
        assert query(tmp_path, "SELECT retired_at IS NOT NULL FROM channels") == [(1,)]
        portal.answers["/feed.xml"] = feed
        with sqlite3.connect(setup.database) as db:  # a week later
            db.execute("DELETE FROM probes")
            db.execute("DELETE FROM jobs")
        run_warm(setup, now=now - timedelta(hours=1), due_only=True)  # it is not due, but looked into
        assert query(tmp_path, "SELECT retired_at, next_poll_at FROM channels") == [(None, "")]
        assert run_warm(setup, now=now, due_only=True).articles == 1


@pytest.mark.slow
def test_another_way_in_is_found_for_a_dead_channel_and_let_go_when_it_lives(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        text = catalogue(portal).replace("uji.example", portal.base.removeprefix("http://"))
        setup = make_setup(tmp_path, text)
        now = NOW
        run_warm(setup, now=now - timedelta(days=5))
        with sqlite3.connect(setup.database) as db:  # the machine's clock gave it today's date
            db.execute("UPDATE channels SET last_success_at = '2026-01-01T00:00:00Z'")
        fill(portal, ["rakernas", "dasbor"], etag='"2"')
        move_feed(portal)
        for day in (4, 3, 2, 1):
            summary = run_warm(setup, now=now - timedelta(days=day))
            assert summary.articles == 0
        assert query(tmp_path, "SELECT url FROM channels WHERE stand_in IS NOT NULL") == [
            (f"{portal.base}/kanal/terbaru.rss",)
        ]
        assert run_warm(setup, now=now).articles == 1
        portal.answers["/feed.xml"] = portal.answers["/kanal/terbaru.rss"]
        run_warm(setup, now=now + timedelta(days=1))
        with Store.open_writer(setup.database) as store:
            assert [row.url for row in store.get_due_channels(None)] == [f"{portal.base}/feed.xml"]
