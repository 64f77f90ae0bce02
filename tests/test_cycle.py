"""Cycles over small portals: memory between cycles, failures, and the limits of a visit."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from warm import run_warm

from aggregator.store import Store
from schedules.commands.run import run_once
from schedules.jobs import Desk, poll

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TEXTS = {
    "rakernas": "Wali kota dari berbagai daerah menghadiri Rapat Kerja Nasional APEKSI di Surabaya pada pekan ini. "
    "Forum itu membahas keuangan daerah dan layanan dasar bagi warga perkotaan di seluruh Indonesia.",
    "dasbor": "Pemerintah Kota Bogor meluncurkan dasbor smart city yang menyatukan data kemacetan dan banjir. "
    "Kepala dinas menyebut warga dapat memantau titik genangan melalui telepon genggam masing-masing.",
    "panen": "Petani cabai di lereng gunung memanen lebih cepat karena musim hujan datang terlambat tahun ini. "
    "Harga di tingkat pengepul naik dan para pedagang pasar mengeluhkan pasokan yang belum merata.",
}


def write_page(title: str, text: str) -> bytes:
    paragraphs = "".join(f"<p>{sentence.strip()}.</p>" for sentence in (text * 3).split(". ") if sentence.strip())
    return (
        f"<!DOCTYPE html><html lang=id><head><meta charset=utf-8><title>{title}</title></head>"
        f"<body><article><h1>{title}</h1><div class=entry-content>{paragraphs}</div></article></body></html>"
    ).encode()


def write_feed(portal: LoopbackPortal, names: list[str]) -> bytes:
    items = "".join(
        f"<item><title>Berita {name}</title><link>{portal.base}/{name}/</link>"
        f"<pubDate>{format_datetime(NOW - timedelta(hours=3))}</pubDate></item>"
        for name in names
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Portal</title>{items}</channel></rss>'.encode()


def fill(portal: LoopbackPortal, names: list[str], etag: str = '"1"') -> None:
    portal.answers["/feed.xml"] = Answer(
        write_feed(portal, names), content_type="application/rss+xml", headers={"ETag": etag}
    )
    for name in names:
        portal.answers.setdefault(f"/{name}/", Answer(write_page(f"Berita {name}", TEXTS[name])))


def catalogue(portal: LoopbackPortal) -> str:
    return (
        f'[sources.uji]\nname = "Portal Uji"\ndomain = "uji.example"\n'
        f'channels = [{{ kind = "feed", url = "{portal.base}/feed.xml" }}]\n'
    )


def query(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(folder / "data" / "news.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def test_articles_are_kept_by_topic_and_published(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas", "dasbor", "panen"])
        summary = run_warm(make_setup(tmp_path, catalogue(portal)), now=NOW)
    assert (summary.articles, summary.new_items) == (2, 2)
    assert query(tmp_path, "SELECT topic FROM article_topics ORDER BY topic") == [("apeksi",), ("smart-city",)]
    assert dict(query(tmp_path, "SELECT state, count(*) FROM links GROUP BY state")) == {"kept": 2, "off-topic": 1}
    feed = feedparser.parse((tmp_path / "data/public/feed.xml").read_bytes())
    assert {entry.title for entry in feed.entries} == {"Berita rakernas", "Berita dasbor"}


def test_unchanged_feed_answers_304_and_no_page_is_fetched_again(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas", "panen"])
        setup = make_setup(tmp_path, catalogue(portal))
        run_warm(setup, now=NOW)
        summary = run_warm(setup, now=NOW + timedelta(minutes=20))
    assert summary.polls == {"unchanged": 1}
    assert portal.conditional["/feed.xml"] == 1
    assert (portal.asked["/rakernas/"], portal.asked["/panen/"], portal.asked["/robots.txt"]) == (1, 1, 1)


def test_new_entry_of_a_changed_feed_is_the_only_page_fetched(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        setup = make_setup(tmp_path, catalogue(portal))
        run_warm(setup, now=NOW)
        fill(portal, ["dasbor", "rakernas"], etag='"2"')
        summary = run_warm(setup, now=NOW + timedelta(minutes=20))
    assert summary.articles == 1
    assert (portal.asked["/rakernas/"], portal.asked["/dasbor/"]) == (1, 1)


@pytest.mark.slow
def test_links_over_the_limit_wait_for_the_next_cycle_though_the_feed_is_unchanged(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas", "dasbor", "panen"])
        setup = make_setup(tmp_path, catalogue(portal), max_new_items=1)
        counts = [run_warm(setup, now=NOW + timedelta(hours=hour)).polls for hour in range(3)]
    assert counts == [{"changed": 1}, {"unchanged": 1}, {"unchanged": 1}]
    assert query(tmp_path, "SELECT count(*) FROM links WHERE state = 'pending'") == [(0,)]
    assert query(tmp_path, "SELECT count(*) FROM articles") == [(2,)]


def test_page_that_fails_is_tried_again(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        page = portal.answers.pop("/rakernas/")
        portal.answers["/rakernas/"] = Answer(b"sibuk", 503)
        setup = make_setup(tmp_path, catalogue(portal))
        assert run_warm(setup, now=NOW).failed_pages == 1
        portal.answers["/rakernas/"] = page
        assert run_warm(setup, now=NOW + timedelta(hours=1)).articles == 1


def test_robots_txt_is_obeyed(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas", "dasbor"])
        portal.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /dasbor/\n", content_type="text/plain")
        run_warm(make_setup(tmp_path, catalogue(portal)), now=NOW)
    assert portal.asked["/dasbor/"] == 0
    assert query(tmp_path, "SELECT state FROM links WHERE url LIKE '%dasbor%'") == [("refused",)]


def test_robots_txt_that_is_a_server_error_means_nothing_is_asked(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        portal.answers["/robots.txt"] = Answer(b"", 500)
        summary = run_warm(make_setup(tmp_path, catalogue(portal)), now=NOW)
    assert portal.asked["/feed.xml"] == 0
    assert "robots.txt" in summary.failed_sources[0]["reason"]


@pytest.mark.parametrize("hop", ["direct", "redirect"])
def test_private_addresses_are_refused_on_every_hop(tmp_path: Path, hop: str) -> None:
    with serve_portal() as portal, serve_portal() as inner:
        inner.answers["/feed.xml"] = Answer(write_feed(inner, ["rakernas"]), content_type="application/rss+xml")
        allowed: dict[str, Any] = {"allow_networks": ()}
        source = catalogue(inner)
        if hop == "redirect":  # the portal itself may be reached, what it points to may not
            portal.answers["/feed.xml"] = Answer(
                status=302, headers={"Location": inner.base.replace("127.0.0.1", "127.9.9.9") + "/feed.xml"}
            )
            allowed = {"allow_networks": ("127.0.0.1/32",)}
            source = catalogue(portal)
        summary = run_warm(make_setup(tmp_path, source, **allowed), now=NOW)
    assert inner.asked["/feed.xml"] == 0
    assert len(summary.failed_sources) == 1


def test_revised_text_updates_the_row_and_keeps_the_guid(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        setup = make_setup(tmp_path, catalogue(portal))
        run_warm(setup, now=NOW)
        guid = query(tmp_path, "SELECT guid, first_published_at FROM duplicate_groups")
        body = write_feed(portal, ["rakernas"]).replace(
            b"</pubDate>", b"</pubDate><atom:updated>2026-12-31T00:00:00Z</atom:updated>"
        )
        body = body.replace(b'<rss version="2.0">', b'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">')
        portal.answers["/feed.xml"] = Answer(body, content_type="application/rss+xml", headers={"ETag": '"2"'})
        text = TEXTS["rakernas"].replace("pekan ini", "pekan depan")
        portal.answers["/rakernas/"] = Answer(write_page("Berita rakernas diperbarui", text))
        later = datetime(2026, 12, 31, 8, 0, tzinfo=UTC)
        summary = run_warm(setup, now=later)
    assert (summary.revised, summary.articles) == (1, 0)
    assert query(tmp_path, "SELECT title FROM articles") == [("Berita rakernas diperbarui",)]
    assert query(tmp_path, "SELECT guid, first_published_at FROM duplicate_groups") == guid
    assert query(tmp_path, "SELECT rowid FROM articles_fts WHERE articles_fts MATCH 'depan'") == [(1,)]


@pytest.mark.slow
def test_page_that_hangs_the_parser_costs_itself_only(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas", "dasbor"])
        portal.answers["/dasbor/"] = Answer(b"<html><body>smart city" + b"<div " + b" a=b" * 600_000 + b">")
        setup = make_setup(tmp_path, catalogue(portal), parse_cpu_seconds=1)
        summary = run_once(setup, now=NOW, quiet=True)  # a warm process has other limits
    assert summary.articles == 1
    assert query(tmp_path, "SELECT count(*) FROM articles WHERE title LIKE '%rakernas%'") == [(1,)]


# ── who may not be asked yet ───────────────────────────────────────────────────────────────────────────────────────


def read_due(folder: Path) -> datetime:
    ((due,),) = query(folder, "SELECT next_poll_at FROM channels")
    return datetime.fromisoformat(due)


def test_crawl_delay_holds_over_cycles_without_a_failure(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas", "dasbor"])
        portal.answers["/robots.txt"] = Answer(b"User-agent: *\nCrawl-delay: 3600\n", content_type="text/plain")
        setup = make_setup(tmp_path, catalogue(portal))
        assert run_warm(setup, now=NOW).articles == 0  # robots.txt, then the feed, and an hour's rest
        asked = portal.asked.copy()
        again = run_warm(setup, now=NOW + timedelta(minutes=1))
        assert portal.asked == asked
    assert (again.channels, again.failed_sources) == (0, [])
    assert read_due(tmp_path) > NOW + timedelta(minutes=55)
    assert query(tmp_path, "SELECT failures, strikes FROM channels") == [(0, 0.0)]
    assert query(tmp_path, "SELECT state, attempts FROM links") == [("pending", 0)] * 2


def test_host_whose_requests_are_used_up_is_left_alone(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        setup = make_setup(tmp_path, catalogue(portal))
        run_warm(setup, now=NOW)
        with sqlite3.connect(setup.database) as db:
            db.execute("UPDATE host_days SET requests = 2000")
        asked = portal.asked.copy()
        assert run_warm(setup, now=NOW + timedelta(hours=1)).channels == 0
        assert portal.asked == asked
    assert NOW.replace(hour=0) + timedelta(days=1) <= read_due(tmp_path) <= NOW.replace(hour=1) + timedelta(days=1)


def test_source_is_left_alone_in_its_blackout(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        setup = make_setup(tmp_path, catalogue(portal) + 'blackout = ["14:00-17:30"]\n')
        assert run_warm(setup, now=NOW).channels == 0  # 15:00 in Jakarta
        assert not portal.asked
        assert read_due(tmp_path) == NOW.replace(hour=10, minute=30)
        assert run_warm(setup, now=NOW.replace(hour=11)).articles == 1


def test_catalogue_is_read_when_it_changes(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        setup = make_setup(tmp_path, catalogue(portal))
        run_warm(setup, now=NOW)
        with sqlite3.connect(setup.database) as db:
            db.execute("UPDATE sources SET name = 'Tetap'")
        run_warm(setup, now=NOW + timedelta(hours=1))
        assert query(tmp_path, "SELECT name FROM sources") == [("Tetap",)]
        (setup.data_folder / "sources.toml").write_text('[sources.uji]\nname = "Baru"\n', encoding="utf-8")
        run_warm(setup, now=NOW + timedelta(hours=2))
        assert query(tmp_path, "SELECT name FROM sources") == [("Baru",)]
        (setup.data_folder / "sources.toml").write_text("[sources.uji]\nenabled = false\n", encoding="utf-8")
        assert run_warm(setup, now=NOW + timedelta(hours=3)).channels == 0


def test_a_poll_reads_the_catalogue_also_where_nothing_is_due(tmp_path: Path) -> None:
    """A backup that was put back under the service knows an older one."""
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        setup = make_setup(tmp_path, catalogue(portal))
        run_warm(setup, now=NOW)
        (setup.data_folder / "sources.toml").write_text("[sources.uji]\nenabled = false\n", encoding="utf-8")
        with Store.open_writer(setup.database) as store:
            poll(Desk(setup=setup, store=store, now=NOW + timedelta(seconds=1), get_crawler=pytest.fail))
        assert query(tmp_path, "SELECT enabled FROM sources") == [(0,)]


# ── our own network is down ────────────────────────────────────────────────────────────────────────────────────────


def silent_catalogue(hosts: int) -> str:
    """Sources at addresses where nobody listens."""
    return "".join(
        f'[sources.sunyi-{number}]\nname = "Sunyi {number}"\ndomain = "sunyi{number}.example"\n'
        f'channels = [{{ kind = "feed", url = "http://127.7.7.{number}:9/feed.xml" }}]\n'
        for number in range(1, hosts + 1)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("hosts", "cycles", "strikes"), [(5, 1, 0.0), (5, 3, 0.0), (4, 1, 0.5), (4, 3, 1.5)])
def test_silence_of_everybody_is_not_held_against_channels(
    tmp_path: Path, hosts: int, cycles: int, strikes: float
) -> None:
    setup = make_setup(tmp_path, silent_catalogue(hosts))
    for cycle in range(cycles):
        summary = run_warm(setup, now=NOW + timedelta(hours=cycle))
        assert summary.reached_nothing
    assert query(tmp_path, "SELECT strikes, failures FROM channels") == [(strikes, cycles)] * hosts
    ((latest,),) = query(tmp_path, "SELECT max(next_poll_at) FROM channels")
    within_an_interval = datetime.fromisoformat(latest) <= NOW + timedelta(hours=cycles - 1, minutes=17)
    assert within_an_interval is (strikes == 0)


def test_silence_of_some_is_held_against_them(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        summary = run_warm(make_setup(tmp_path, silent_catalogue(6) + catalogue(portal)), now=NOW)
    assert not summary.reached_nothing
    assert query(tmp_path, "SELECT DISTINCT strikes FROM channels WHERE source_id LIKE 'sunyi%'") == [(0.5,)]


def test_robots_txt_that_forbids_is_no_silence(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        portal.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /\n", content_type="text/plain")
        setup = make_setup(tmp_path, catalogue(portal))
        for hour in range(2):  # the second time robots.txt is remembered, and nothing is asked at all
            assert not run_warm(setup, now=NOW + timedelta(hours=hour)).reached_nothing


# ── other hosts, other clocks, other catalogues ────────────────────────────────────────────────────────────────────


def test_host_that_wants_a_rest_keeps_nobody_elses_articles_waiting(tmp_path: Path) -> None:
    with serve_portal() as portal, serve_portal() as other:
        fill(portal, ["rakernas", "dasbor"])
        feed = portal.answers["/feed.xml"]
        entry = f"<item><title>APEKSI</title><link>{other.base}/a/</link></item></channel>".encode()
        feed.body = feed.body.replace(b"</channel>", entry + entry.replace(b"/a/", b"/b/"))
        for path in ("/a/", "/b/"):
            other.answers[path] = Answer(b"sibuk", 503, headers={"Retry-After": "604800"})
        setup = make_setup(tmp_path, catalogue(portal))
        assert run_warm(setup, now=NOW).articles == 2
        assert read_due(tmp_path) < NOW + timedelta(hours=1)
        fill(portal, ["panen", "rakernas", "dasbor"], etag='"2"')
        assert run_warm(setup, now=NOW + timedelta(hours=1)).off_topic == 1
        assert other.asked["/a/"] + other.asked["/b/"] == 1
    waiting = query(tmp_path, "SELECT attempts FROM links WHERE state = 'pending' ORDER BY attempts")
    assert waiting == [(0,), (1,)]


@pytest.mark.slow
def test_cycle_of_a_clock_far_ahead_is_survived(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        setup = make_setup(tmp_path, catalogue(portal))
        run_warm(setup, now=NOW.replace(year=2036))
        fill(portal, ["rakernas", "dasbor"], etag='"2"')
        assert run_warm(setup, now=NOW, due_only=True).articles == 1
    assert read_due(tmp_path) < NOW + timedelta(hours=1)
    assert query(tmp_path, "SELECT count(*) FROM jobs WHERE done_at LIKE '2026%'") >= [(3,)]


@pytest.mark.parametrize("change", ["source", "selectors"])
def test_channel_of_another_definition_is_read_anew(tmp_path: Path, change: str) -> None:
    def describe(source: str, selectors: str) -> str:
        return (
            f'[sources.{source}]\nname = "Uji"\ndomain = "uji.example"\n'
            f'[[sources.{source}.channels]]\nkind = "listing"\nurl = "{portal.base}/indeks/"\n'
            f'selectors = {{ item = "{selectors}" }}\n'
        )

    with serve_portal() as portal:
        fill(portal, ["rakernas", "dasbor"])
        entries = "".join(
            f'<div class="{name}"><a href="/{name}/">Berita {name} kota</a></div>' for name in ("rakernas", "dasbor")
        )
        page = f"<!DOCTYPE html><html><body>{entries}</body></html>".encode()
        portal.answers["/indeks/"] = Answer(page, headers={"ETag": '"1"'})
        setup = make_setup(tmp_path, describe("lama", ".rakernas"))
        assert run_warm(setup, now=NOW).articles == 1
        again = describe("baru", ".rakernas") if change == "source" else describe("lama", ".dasbor")
        setup = make_setup(tmp_path, again)
        summary = run_warm(setup, now=NOW + timedelta(minutes=1), due_only=True)
        assert summary.polls == {"changed": 1}
        assert summary.articles == (0 if change == "source" else 1)  # the same article, or another one


def test_budget_of_a_host_holds_within_a_cycle_and_over_its_sources(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas", "dasbor"])
        text = catalogue(portal)
        for number in range(5):
            portal.answers[f"/feed-{number}.xml"] = portal.answers["/feed.xml"]
            text += catalogue(portal).replace("uji]", f"uji-{number}]").replace("/feed.xml", f"/feed-{number}.xml")
        setup = make_setup(tmp_path, text)
        setup = replace(setup, aggregator=setup.aggregator.model_copy(update={"requests_per_day": 4}))
        summary = run_warm(setup, now=NOW)
        assert portal.asked.total() == 4  # robots.txt and three more
    assert summary.channels == 6
    assert query(tmp_path, "SELECT count(*) FROM channels WHERE strikes > 0") == [(0,)]
    assert query(tmp_path, "SELECT requests FROM host_days") == [(4,)]


def test_host_at_rest_is_not_asked_for_its_robots_txt_either(tmp_path: Path) -> None:
    with serve_portal() as portal:
        fill(portal, ["rakernas"])
        setup = make_setup(tmp_path, catalogue(portal))
        setup = replace(setup, aggregator=setup.aggregator.model_copy(update={"requests_per_day": 3}))
        run_warm(setup, now=NOW)  # robots.txt, the feed, the page
        with sqlite3.connect(setup.database) as db:
            db.execute("DELETE FROM hosts")
            db.execute("UPDATE host_days SET requests = 2")
        asked = portal.asked.copy()
        portal.answers["/robots.txt"] = Answer(status=301, headers={"Location": "/robot.txt"})
        run_warm(setup, now=NOW + timedelta(hours=1))
        assert portal.asked.total() == asked.total() + 1
    assert query(tmp_path, "SELECT strikes FROM channels") == [(0.0,)]


@pytest.mark.slow
@pytest.mark.parametrize(("per_day", "most"), [(2000, 10), (40, 4)])
def test_links_to_another_host_leave_its_budget_to_its_own_channels(tmp_path: Path, per_day: int, most: int) -> None:
    """A hostile feed that lists a victim's pages is cut to its share, and a day's tenth."""
    with serve_portal() as hostile, serve_portal(address="127.0.0.2") as victim:
        names = [f"berita-{number}" for number in range(30)]
        hostile.answers["/feed.xml"] = Answer(write_feed(victim, names), content_type="application/rss+xml")
        fill(victim, ["rakernas"])
        for name in names:
            victim.answers[f"/{name}/"] = Answer(write_page(name, TEXTS["panen"]))
        setup = make_setup(tmp_path, catalogue(hostile), max_requests=50)
        setup = replace(setup, aggregator=setup.aggregator.model_copy(update={"requests_per_day": per_day}))
        run_warm(setup, now=NOW)
        assert victim.asked.total() == most
        if most == 4:
            run_warm(setup, now=NOW + timedelta(hours=1))
            assert victim.asked.total() == most  # nor in the next cycle
        assert dict(query(tmp_path, "SELECT state, count(*) FROM links GROUP BY state"))["pending"] == 31 - most
        both = catalogue(hostile) + catalogue(victim).replace("uji]", "korban]").replace(
            "uji.example", "korban.example"
        )
        setup = replace(make_setup(tmp_path, both, max_requests=50), aggregator=setup.aggregator)
        assert run_warm(setup, now=NOW + timedelta(hours=2)).articles == 1
        assert victim.asked["/rakernas/"] == 1


def test_due_channels_are_found_by_indexes(tmp_path: Path) -> None:
    with Store.open_writer(tmp_path / "news.db") as store:
        asked: list[str] = []
        store._connection.set_trace_callback(asked.append)
        assert store.get_due_channels(NOW) == []
        store._connection.set_trace_callback(None)
        (due,) = [sql for sql in asked if "next_poll_at" in sql]
        plan = [row[3] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {due}")]
    assert not [step for step in plan if step.startswith("SCAN") and "channels" in step]
    assert sum("SEARCH channels" in step for step in plan) == 3


@pytest.mark.slow
def test_links_that_wait_are_few_and_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed of new addresses and fat entries at each poll; what is new is read all the same."""
    monkeypatch.setattr("aggregator.link_writing.MOST_WAITING", 40)
    with serve_portal() as portal:
        setup = make_setup(tmp_path, catalogue(portal), max_new_items=2)
        for hour in range(3):
            names = [f"baru-{hour}-{number}" for number in range(30)]
            feed = write_feed(portal, names)
            fat = "<description>" + "panjang " * 20_000 + "</description></item>"
            portal.answers["/feed.xml"] = Answer(
                feed.replace(b"</item>", fat.encode()),
                content_type="application/rss+xml",
                headers={"ETag": f'"{hour}"'},
            )
            for name in names:
                portal.answers[f"/{name}/"] = Answer(write_page(name, TEXTS["panen"]))
            assert run_warm(setup, now=NOW + timedelta(hours=hour)).polls == {"changed": 1}
        assert portal.asked["/baru-2-0/"] == 1
    assert query(tmp_path, "SELECT count(*), max(length(link)) < 3000 FROM links WHERE state = 'pending'") == [(40, 1)]
    assert query(tmp_path, "SELECT etag FROM channels") == [("",)]  # it is read again for what was left out


def test_news_count_that_could_not_all_be_published_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("schedules.cycle.NEWS_SECONDS", 0.1)
    in_the_way = tmp_path / "data/public/feed.xml"
    in_the_way.mkdir(parents=True)
    with serve_portal() as portal, serve_portal("127.0.0.2") as slow:
        fill(portal, ["rakernas"])
        fill(slow, ["dasbor"])
        slow.answers["/feed.xml"].gate = gate = threading.Event()

        def await_failure() -> None:
            for _ in range(6_000):
                if "could be published meanwhile" in caplog.text:
                    break
                time.sleep(0.01)
            in_the_way.rmdir()
            gate.set()

        with ThreadPoolExecutor() as pool:
            failure = pool.submit(await_failure)
            summary = run_warm(
                make_setup(tmp_path, catalogue(portal) + catalogue(slow).replace("uji", "lambat")), now=NOW
            )
    failure.result()
    assert "not all news could be published meanwhile" in caplog.text
    assert (summary.articles, summary.new_items, summary.feed_items) == (2, 2, 2)


def test_news_are_out_while_a_slow_source_is_still_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.cycle.NEWS_SECONDS", 0.1)
    feed = tmp_path / "data/public/feed.xml"
    with serve_portal() as portal, serve_portal("127.0.0.2") as slow:
        fill(portal, ["rakernas"])
        fill(slow, ["dasbor"])
        slow.answers["/feed.xml"].gate = gate = threading.Event()
        setup = make_setup(tmp_path, catalogue(portal) + catalogue(slow).replace("uji", "lambat"))

        def await_news() -> str:
            try:
                for _ in range(900):
                    if feed.exists() and "Berita rakernas" in (text := feed.read_text()):
                        return text
                    time.sleep(0.01)
                return ""
            finally:
                gate.set()

        with ThreadPoolExecutor() as pool:
            early = pool.submit(await_news)
            summary = run_warm(setup, now=NOW)
    assert "Berita rakernas" in early.result()
    assert "Berita dasbor" not in early.result()
    assert (summary.articles, summary.new_items, summary.feed_items) == (2, 2, 2)
    entries = feedparser.parse(feed.read_bytes()).entries
    assert sorted(entry.title for entry in entries) == ["Berita dasbor", "Berita rakernas"]
    assert {entry.id for entry in feedparser.parse(early.result()).entries} < {entry.id for entry in entries}
