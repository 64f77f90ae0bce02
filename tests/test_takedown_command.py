"""`kabarkota takedown` and `explain`, over a database that real cycles wrote; and beside a running service."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from test_serve import wait_for
from test_service import ask_database, keep_time, make_feed
from typer.testing import CliRunner, Result
from warm import get_process, run_warm

from aggregator.store import Store
from aggregator.takedown_log import LOG_FILE, Action, Order, append_orders
from schedules.cli import app
from schedules.cycle import run_cycle
from schedules.errors import RunFailure, UsageFailure, WriterBusy
from schedules.lock import hold_takedown_lock, hold_writer_lock

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
RELEASE = (
    "BALIKPAPAN – Wali kota dari 30 kota menghadiri Rapat Kerja Nasional APEKSI di Kota Balikpapan. Sidang membahas "
    "dana kelurahan, angkutan umum, dan kerja sama pengelolaan sampah antarkota. Panitia menyiapkan tiga ruang sidang."
)
DASHBOARD = (
    "Pemerintah Kota Bogor meluncurkan dasbor smart city yang menyatukan data kemacetan dan banjir. Kepala dinas "
    "menyebut warga dapat memantau titik genangan melalui telepon genggam masing-masing setiap hari."
)
Run = Callable[..., Result]


def write_page(title: str, text: str, *, canonical: str = "") -> Answer:
    paragraphs = "".join(f"<p>{sentence.strip()}.</p>" for sentence in text.split(". ") if sentence.strip())
    link = f'<link rel=canonical href="{canonical}">' if canonical else ""
    return Answer(
        f"<!DOCTYPE html><html lang=id><head><meta charset=utf-8>{link}<title>{title}</title></head>"
        f"<body><article><h1>{title}</h1><div class=entry-content>{paragraphs}</div></article></body></html>".encode()
    )


def write_feed(portal: LoopbackPortal, *names: str) -> Answer:
    items = "".join(
        f"<item><title>Berita</title><link>{portal.base}/{name}/</link>"
        f"<pubDate>{format_datetime(NOW - timedelta(hours=3))}</pubDate></item>"
        for name in names
    )
    return Answer(
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Portal</title>{items}</channel></rss>'.encode(),
        content_type="application/rss+xml",
    )


@pytest.fixture(scope="module")
def portal() -> Iterator[LoopbackPortal]:
    """Three sources at one address: two carry the same release, one tells of something else."""
    with serve_portal() as portal:
        for source, name in (("a", "rakernas"), ("b", "salinan"), ("c", "dasbor-bogor")):
            portal.answers[f"/feed-{source}"] = write_feed(portal, name)
        portal.answers["/rakernas/"] = write_page("Rakernas APEKSI Dibuka di Balikpapan", RELEASE)
        portal.answers["/salinan/"] = write_page("Wali Kota Berkumpul, APEKSI Bahas Sampah", RELEASE)
        portal.answers["/dasbor-bogor/"] = write_page(
            "Pemkot Bogor Luncurkan Dasbor Smart City", DASHBOARD, canonical=f"{portal.base}/baca/dasbor-bogor/"
        )
        yield portal


def write_catalogue(portal: LoopbackPortal) -> str:
    return "".join(
        f'[sources.{source}]\nname = "Portal {source}"\ndomain = "{source}.example"\n'
        f'channels = [{{ kind = "feed", url = "{portal.base}/feed-{source}" }}]\n'
        for source in "abc"
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, portal: LoopbackPortal) -> Path:
    """A data folder after one cycle."""
    folder = tmp_path_factory.mktemp("takedown")
    summary = run_warm(make_setup(folder, write_catalogue(portal)), now=NOW)
    assert (summary.articles, summary.new_items) == (3, 2)
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    """A copy of it, for a test to change."""
    shutil.copytree(filled / "data", tmp_path / "data")
    shutil.copy(filled / "catalogue.toml", tmp_path / "catalogue.toml")
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(folder)
    options = ["--data", str(folder / "data"), "--catalogue", str(folder / "catalogue.toml")]
    return lambda *arguments: CliRunner().invoke(app, [*options, *map(str, arguments)])


def read(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def query(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "data/news.db")) as db:
        return db.execute(sql).fetchall()


def list_feed(folder: Path) -> set[str]:
    feed = feedparser.parse((folder / "data/public/feed.xml").read_bytes())
    return {entry.link for entry in feed.entries}


def list_pages(folder: Path) -> int:
    return len(list((folder / "data/pages").rglob("*.zst")))


def test_article_is_out_of_the_feed_at_once_and_its_copy_in_its_place(
    folder: Path, run: Run, portal: LoopbackPortal
) -> None:
    assert list_pages(folder) == 3
    out = read(run("takedown", f"{portal.base}/rakernas/?utm_source=x", "--reason", "permintaan  penerbit"))
    assert f"taken down: {portal.base}/rakernas/  Rakernas APEKSI Dibuka di Balikpapan" in out
    assert f"{portal.base}/rakernas/" not in list_feed(folder)
    assert f"{portal.base}/salinan/" in list_feed(folder)
    assert list_pages(folder) == 2
    (line,) = (folder / "data" / LOG_FILE).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["reason"] == "permintaan penerbit"
    assert json.loads(line)["source"] == "a"
    assert len(json.loads(line)["text_hash"]) == 32


@pytest.mark.slow
def test_copies_go_along_and_come_back_along(folder: Path, run: Run, portal: LoopbackPortal) -> None:
    ((number,),) = query(folder, "SELECT id FROM articles WHERE source_id = 'b'")
    told = json.loads(read(run("takedown", number, "--copies", "--reason", "x", "--json")))
    assert told["applied"]
    assert {(order["source"], order["copy_of"]) for order in told["orders"]} == {
        ("b", ""),
        ("a", f"{portal.base}/salinan/"),
    }
    assert len(list_feed(folder)) == 1
    assert query(folder, "SELECT source_id FROM articles") == [("c",)]
    shown = json.loads(read(run("takedown", "--list", "--json")))
    assert [(row["source"], row["reason"], bool(row["done_at"])) for row in shown] == [
        ("b", "x", True),
        ("a", "x", True),
    ]
    read(run("takedown", number, "--undo", "--copies"))
    assert json.loads(read(run("takedown", "--list", "--json"))) == []
    assert run_warm(make_setup(folder, write_catalogue(portal)), now=NOW + timedelta(hours=1)).articles == 2
    assert len(list_feed(folder)) == 2


@pytest.mark.slow
def test_older_copies_of_the_database_are_named(folder: Path, run: Run, portal: LoopbackPortal) -> None:
    assert "Older copies" not in read(run("takedown", f"{portal.base}/salinan/", "--reason", "putusan"))
    made = json.loads(read(run("backup", "--json")))["path"]
    aside = folder / "data/before-restore-20261101T000000Z"
    aside.mkdir()
    told = read(run("takedown", f"{portal.base}/rakernas/", "--reason", "putusan", "--copies"))
    assert f"Older copies of the database may still hold it: {made}, {aside}. A backup goes" in told
    told = read(run("takedown", f"{portal.base}/baca/dasbor-bogor/", "--reason", "putusan", "--json"))
    assert json.loads(told)["older_copies"] == [made, str(aside)]
    assert "Older copies" not in read(run("takedown", f"{portal.base}/rakernas/", "--undo"))


def test_cycle_neither_asks_for_it_again_nor_takes_it(folder: Path, run: Run, portal: LoopbackPortal) -> None:
    read(
        run("takedown", f"{portal.base}/dasbor-bogor/", "--reason", "x")
    )  # kept under what its page names as canonical
    asked = portal.asked["/dasbor-bogor/"]
    summary = run_warm(make_setup(folder, write_catalogue(portal)), now=NOW + timedelta(hours=1))
    assert (summary.articles, portal.asked["/dasbor-bogor/"]) == (0, asked)
    links = query(folder, "SELECT state, substr(reason, 1, 10) FROM links WHERE source_id = 'c'")
    assert links == [("refused", "taken down")] * 2
    assert list_pages(folder) == 2


@pytest.mark.slow
def test_undone_article_is_read_by_the_next_cycle(folder: Path, run: Run, portal: LoopbackPortal) -> None:
    before = query(folder, "SELECT guid, url FROM news ORDER BY guid")
    read(run("takedown", f"{portal.base}/dasbor-bogor/", "--reason", "x"))
    assert len(list_feed(folder)) == 1
    portal.answers["/baca/dasbor-bogor/"] = portal.answers["/dasbor-bogor/"]
    out = read(run("takedown", f"{portal.base}/baca/dasbor-bogor/", "--undo"))
    assert "let in again" in out
    assert run_warm(make_setup(folder, write_catalogue(portal)), now=NOW + timedelta(hours=1)).articles == 1
    assert query(folder, "SELECT guid, url FROM news ORDER BY guid") == before


@pytest.mark.slow
def test_what_is_nearly_the_text_is_told_of_and_can_be_let_in(folder: Path, run: Run) -> None:
    with serve_portal() as portal:
        moved = f"{portal.base}/arsip/rakernas-2/"
        portal.answers["/feed-a"] = write_feed(portal, "rakernas")
        portal.answers["/rakernas/"] = write_page("Rakernas APEKSI Dibuka di Balikpapan", RELEASE)
        setup = make_setup(folder, write_catalogue(portal))
        shutil.rmtree(folder / "data")
        assert run_warm(setup, now=NOW).articles == 1
        read(run("takedown", f"{portal.base}/rakernas/", "--reason", "x"))
        portal.answers["/feed-a"] = write_feed(portal, "arsip/rakernas-2")
        portal.answers["/arsip/rakernas-2/"] = write_page("Judul Lain", f"Diperbarui pukul 15.00. {RELEASE} Selesai.")
        assert run_warm(setup, now=NOW + timedelta(hours=2)).articles == 0
        assert f"kept out: {moved}  (nearly the text of {portal.base}/rakernas/; `--undo`" in read(
            run("takedown", "--list")
        )
        (told,) = json.loads(read(run("takedown", "--list", "--json")))
        assert (told["url"], told["kept_out"]) == (f"{portal.base}/rakernas/", [moved])
        assert "out: not to be read (taken down: nearly the text of" in read(run("explain", moved))
        assert "would be let in again: " in read(run("takedown", moved, "--undo", "--dry-run"))
        assert f"let in again: {moved}" in read(run("takedown", moved, "--undo"))
        assert run_warm(setup, now=NOW + timedelta(hours=4)).articles == 1
        assert query(folder, "SELECT url FROM news") == [(moved,)]
        assert "kept out:" not in read(run("takedown", "--list"))


def test_dry_run_says_what_would_go_and_changes_nothing(folder: Path, run: Run, portal: LoopbackPortal) -> None:
    before = list_feed(folder)
    with hold_writer_lock(folder / "data"):
        out = read(run("takedown", f"{portal.base}/rakernas/", "--copies", "--reason", "x", "--dry-run"))
    assert out.count("would be taken down: ") == 2
    assert not (folder / "data" / LOG_FILE).exists()
    assert list_feed(folder) == before
    assert len(query(folder, "SELECT * FROM articles")) == 3


def test_while_another_writes_it_is_noted_and_done_by_the_next_cycle(
    folder: Path, run: Run, portal: LoopbackPortal
) -> None:
    with hold_writer_lock(folder / "data"):
        out = read(run("takedown", f"{portal.base}/rakernas/", "--reason", "x"))
        assert f"noted in {folder / 'data' / LOG_FILE}; whoever is writing now does it" in out
        assert "not yet" in read(run("takedown", "--list"))
        assert "is taken down already" not in read(run("takedown", f"{portal.base}/rakernas/", "--reason", "y"))
    assert len(query(folder, "SELECT * FROM articles")) == 3
    run_warm(make_setup(folder, write_catalogue(portal)), now=NOW + timedelta(hours=1))
    assert f"{portal.base}/rakernas/" not in list_feed(folder)
    assert query(folder, "SELECT reason FROM takedowns") == [("y",)]


def test_taken_down_already_is_no_error_and_no_line(folder: Path, run: Run, portal: LoopbackPortal) -> None:
    read(run("takedown", f"{portal.base}/rakernas/", "--reason", "x"))
    log = (folder / "data" / LOG_FILE).read_bytes()
    assert "is taken down already" in read(run("takedown", f"{portal.base}/rakernas/", "--reason", "x"))
    assert (folder / "data" / LOG_FILE).read_bytes() == log


@pytest.mark.parametrize("url", ["https://mana.example/berita", "berita"])
def test_address_that_is_not_here(folder: Path, run: Run, url: str) -> None:
    result = run("takedown", url, "--reason", "x")
    if url == "berita":
        assert isinstance(result.exception, UsageFailure)
        assert "neither an http(s) address nor the id of an article" in str(result.exception)
        return
    assert "no such article is here; it is kept out" in read(result)
    told = json.loads(read(run("explain", url, "--json")))
    assert (told["state"], told["reason"]) == ("refused", "taken down")
    assert told["taken_down"]["reason"] == "x"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["999", "--reason", "x"], "999: there is no article with this id", id="unknown id"),
        pytest.param(["9" * 40, "--reason", "x"], "there is no article with this id", id="long id"),
        pytest.param(["ftp://a.example/x", "--reason", "x"], "neither an http", id="another scheme"),
        pytest.param(["https://u:p@a.example/x", "--reason", "x"], "neither an http", id="credentials"),
        pytest.param(["https://a.example/x"], "--reason", id="no reason"),
        pytest.param(["https://a.example/x", "--reason", " \n"], "--reason", id="empty reason"),
        pytest.param(["https://a.example/x", "--undo"], "is not taken down", id="undo of what is not taken down"),
        pytest.param(["1", "--undo"], "is not taken down", id="undo of an id that is not taken down"),
        pytest.param([], "give an address or id, or --list", id="nothing"),
        pytest.param(["1", "--list"], "give an address or id, or --list", id="both"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    folder: Path, run: Run, arguments: list[str], says: str
) -> None:
    result = run("takedown", *arguments)
    assert isinstance(result.exception, UsageFailure)
    assert result.exception.exit_code == 2
    assert says in str(result.exception)
    assert not (folder / "data" / LOG_FILE).exists()


def test_kept_under_another_address_that_cannot_be_found(folder: Path, run: Run, portal: LoopbackPortal) -> None:
    with closing(sqlite3.connect(folder / "data/news.db")) as db, db:
        db.execute("UPDATE articles SET page_file = ''")
    result = run("takedown", f"{portal.base}/dasbor-bogor/", "--reason", "x")
    assert isinstance(result.exception, UsageFailure)
    assert "kept under another address" in str(result.exception)


def test_explain_says_when_and_why(folder: Path, run: Run, portal: LoopbackPortal) -> None:
    read(run("takedown", f"{portal.base}/rakernas/", "--reason", "hak jawab"))
    out = read(run("explain", f"{portal.base}/rakernas/"))
    assert "out: not to be read (taken down)" in out
    assert "because: hak jawab" in out
    assert "Rakernas" not in out
    assert "Try:" not in out


def test_without_a_database_it_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portal: LoopbackPortal
) -> None:
    monkeypatch.chdir(tmp_path)
    setup = make_setup(tmp_path, write_catalogue(portal))
    arguments = ["--data", str(setup.data_folder), "takedown", f"{portal.base}/dasbor-bogor/", "--reason", "x"]
    assert "there is no database yet" in read(CliRunner().invoke(app, arguments))
    assert run_warm(setup, now=NOW).articles == 2
    assert query(tmp_path, "SELECT DISTINCT source_id FROM articles ORDER BY 1") == [("a",), ("b",)]


def test_bad_line_is_told_and_does_no_harm(folder: Path, run: Run, portal: LoopbackPortal) -> None:
    (folder / "data" / LOG_FILE).write_text("takedown x\n", encoding="utf-8")
    result = run("takedown", f"{portal.base}/dasbor-bogor/", "--reason", "x")
    assert f"{LOG_FILE}, line 1: " in result.stderr
    read(result)
    assert len(list_feed(folder)) == 1


def test_two_at_once_wait_for_each_other(
    folder: Path, run: Run, portal: LoopbackPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedules.lock.TAKEDOWN_PATIENCE", 0)
    with hold_takedown_lock(folder / "data"):
        result = run("takedown", f"{portal.base}/dasbor-bogor/", "--reason", "x")
    assert isinstance(result.exception, WriterBusy)
    assert "another takedown is being written" in str(result.exception)


def test_unknown_address_is_still_unknown(run: Run) -> None:
    assert isinstance(run("explain", "https://mana.example/lain").exception, RunFailure)


def test_cycle_under_way_publishes_it_with_the_next_harvest(folder: Path, portal: LoopbackPortal) -> None:
    setup = make_setup(folder, write_catalogue(portal))
    url = f"{portal.base}/rakernas/"
    feeds: list[bool] = []

    def watch(done: int, *_: object) -> None:
        if done == 1:
            order = Order(asked_at=NOW, action=Action.TAKEDOWN, url=url, reason="x")
            append_orders(setup.data_folder / LOG_FILE, [order])
        feeds.append(url in list_feed(folder))

    with hold_writer_lock(setup.data_folder), Store.open_writer(setup.database) as store:
        run_cycle(setup, store, now=NOW + timedelta(hours=1), process=get_process(), progress=watch)
    assert feeds == [True, False, False]


# ── beside a running service ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_running_service_takes_it_out_though_no_channel_is_due(tmp_path: Path) -> None:
    with serve_portal() as portal:
        portal.answers["/feed"] = make_feed(portal)
        timetable = "[poll]\nevery_seconds = 1\n"
        with keep_time(tmp_path, portal, timetable=timetable) as serving:
            wait_for(serving.has_news)
            ((url, story),) = ask_database(tmp_path, "SELECT url, story_id FROM news")
            assert serving.ask(f"/story/{story}").status_code == 200  # type: ignore[union-attr]
            command = [word for word in serving.command("takedown") if word != "--debug"]
            told = subprocess.run([*command, url, "--reason", "x"], capture_output=True, text=True, check=True)
            assert f"the running service (process {serving.process.pid}) does it within a minute" in told.stdout
            wait_for(lambda: not serving.has_news())
            assert ask_database(tmp_path, "SELECT count(*) FROM articles") == [(0,)]
            assert serving.ask(f"/story/{story}").status_code in (404, 410)  # type: ignore[union-attr]
            assert "Rapat APEKSI" not in serving.ask("/").text  # type: ignore[union-attr]
            assert portal.asked["/feed"] == 1
            subprocess.run([*command, url, "--undo"], capture_output=True, text=True, check=True)
            wait_for(lambda: ask_database(tmp_path, "SELECT state FROM links") == [("pending",)])
    assert " ERROR" not in serving.errors
