"""Snapshots: whole, few, and nothing in them that strangers may not have."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import zstandard
from analyst_room import ask, change, fill, read
from command_line import run_here
from page_room import Stage
from portals import make_setup

from aggregator.models import Language
from aggregator.publish.item_content import make_content
from aggregator.schema import VERSION
from aggregator.schema.views import load_views
from aggregator.settings import AggregatorSettings
from aggregator.snapshot_rows import PARTS
from aggregator.store import Store, StoreError
from aggregator.takedown_log import LOG_FILE, Action, Order, append_orders
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from crawler.process import CrawlProcess
from schedules.config import Setup
from schedules.errors import RunFailure, WriterBusy
from schedules.jobs import JOBS, Desk
from schedules.lock import hold_snapshot_lock
from schedules.publishing import publish
from schedules.snapshot_files import MARK, SUMS, Snapshot
from schedules.snapshots import is_snapshot_due, make_snapshot, snapshot_after_cycle

NOW = datetime(2026, 10, 8, 20, 40, tzinfo=UTC)  # the 9th in Jakarta
SECRET = "RAHASIA"
# What no stranger needs or may have. A new table must be put here, or among PARTS.
LEFT_OUT = {
    *("alert_groups", "alert_looks", "alert_silences", "alert_stories", "archive_pages", "backfill_links"),
    *("backfill_steps", "backfills", "boilerplate", "catalogue_state", "changed_groups", "coverage_due"),
    *("article_changes", "change_history", "news_changes"),
    *("deliveries", "digest_runs", "feed_items", "feeds", "foreign_links", "host_days", "hosts", "jobs"),
    *("links", "pings", "postings"),
    *("probes", "publishing_state", "quarantines", "scans", "sketches", "story_likeness", "story_terms", "takedowns"),
    "takedown_exceptions",
    "taken_harvests",
    "cluster_figures",
}
STATUS = {"alarms", "channels", "polls", "rejected_pages", "source_days"}
STATUS_VIEWS = {"source_health", "sources_down", "field_coverage", "hijacked_sources"}  # sums of days are told to all


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a secret wherever one can be."""
    database = fill(tmp_path_factory.mktemp("snapshots") / "data")
    change(
        database,
        "UPDATE sources SET full_text = 1 WHERE id IN ('bursa', 'portal')",
        "UPDATE articles SET snippet_limit = 0 WHERE id = 2",
        "UPDATE articles SET snippet_limit = 40 WHERE id = 3",
        f"UPDATE articles SET text = text || char(10) || '{SECRET}', page_file = '{SECRET}' WHERE id < 4",
        f"UPDATE article_revisions SET text = '{SECRET}', difference = json_set(difference, '$.added[0]', '{SECRET}')",
        "UPDATE sources SET hijacked_at = '2026-10-01T00:00:00Z' WHERE id = 'bursa'",
        f"UPDATE sources SET definition = '{SECRET}'",
        f"UPDATE cycles SET summary = '{SECRET}'",
        f"UPDATE channels SET etag = '{SECRET}', last_modified = '{SECRET}', body_hash = '{SECRET}',"
        f" validator_parts = '{SECRET}', rhythm = '{SECRET}', definition = '{SECRET}'",
        f"UPDATE channels SET stand_in = '{SECRET}' WHERE source_id = 'bandung'",
        f"INSERT INTO links (key, url, source_id, state, first_seen_at) VALUES ('x', '{SECRET}', 'bursa', 'spam', '')",
        "INSERT INTO rejected_pages VALUES"
        f" ('x', 'bursa', '{SECRET}', '{SECRET}', '{SECRET}', 'spam', '{SECRET}', '', '{SECRET}', '{SECRET}')",
        "INSERT INTO alarms (source_id, code, since, detail) VALUES ('bandung', 'dns', '2026-10-07T00:00:00Z', '3')",
        *_hide_secrets(database),
    )
    return database.parent


def _hide_secrets(database: Path) -> list[str]:
    """A row with a secret for every table that is left out."""
    found = ["PRAGMA ignore_check_constraints = ON"]
    for table in sorted(LEFT_OUT):
        columns = ask(database, "SELECT name, type FROM pragma_table_info(?)", table)
        values = {"TEXT": f"'{SECRET}'", "BLOB": f"CAST('{SECRET}' AS BLOB)", "INTEGER": "1", "REAL": "1"}
        chosen = ", ".join("'2026-10-01T00:00:00Z'" if at.endswith("_at") else values[kind] for at, kind in columns)
        found.append(f"INSERT OR REPLACE INTO {table} VALUES ({chosen})")
    return found


@pytest.fixture
def setup(original: Path, tmp_path: Path) -> Setup:
    """A copy of it, to be written to."""
    setup = make_setup(tmp_path)
    setup.data_folder.mkdir(parents=True, exist_ok=True)
    copy_database(original, setup)
    return setup


def copy_database(original: Path, setup: Setup) -> None:
    with read(original / "news.db") as connection:
        connection.execute("VACUUM INTO ?", (str(setup.database),))
    change(setup.database, "PRAGMA journal_mode = WAL")


def configure(setup: Setup, **settings: Any) -> Setup:
    return replace(setup, aggregator=AggregatorSettings(**settings))


def make(setup: Setup, now: datetime = NOW, say: Callable[[str], object] = lambda _: None) -> Snapshot:
    with Store.open_reader(setup.database) as store:
        return make_snapshot(setup, store, now, say=say)


def list_files(setup: Setup) -> set[str]:
    return {path.name for path in (setup.public / "data").iterdir()}


# ── what is in it ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def made(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """The snapshot of the original, in a folder of its own, for tests that only look."""
    setup = make_setup(tmp_path_factory.mktemp("made"))
    setup.data_folder.mkdir(parents=True, exist_ok=True)
    copy_database(original, setup)
    make(setup)
    return setup


@pytest.fixture
def snapshot(made: Setup) -> Path:
    return made.public / "data" / "news.db"


def test_every_table_was_thought_of(original: Path) -> None:
    tables = {
        name
        for (name,) in ask(original / "news.db", "SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not name.startswith(("_", "sqlite_", "articles_fts"))
    }
    assert tables == {*PARTS, *LEFT_OUT, "schema_docs"}


@pytest.mark.parametrize("private", [(), ("sources",)])
def test_no_secret_is_anywhere_in_the_file(setup: Setup, private: tuple[str, ...]) -> None:
    setup = configure(setup, private_pages=private, operator_header="X-User")
    assert SECRET.encode() in setup.database.read_bytes()
    make(setup)
    for path in (setup.public / "data").iterdir():
        body = path.read_bytes()
        assert SECRET.encode() not in body, path.name
        if path.suffix == ".zst":
            assert SECRET.encode() not in zstandard.ZstdDecompressor().decompress(body)
    tables = {name for (name,) in ask(setup.public / "data/news.db", "SELECT name FROM sqlite_schema")}
    assert not tables & LEFT_OUT


def test_it_is_a_sound_database_in_one_file(snapshot: Path) -> None:
    assert ask(snapshot, "PRAGMA integrity_check") == [("ok",)]
    assert ask(snapshot, "PRAGMA foreign_key_check") == []
    assert ask(snapshot, "PRAGMA journal_mode") == [("delete",)]
    assert ask(snapshot, "PRAGMA freelist_count") == [(0,)]
    assert ask(snapshot, "SELECT count(*) FROM sqlite_stat1")[0][0] > 10
    assert ask(snapshot, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'") == [(0,)]
    with Store.open_current_reader(snapshot) as store:
        assert store.get_info()["schema_version"] == VERSION
        assert len(store.get_items([1, 2, 3])) == 3
        assert store.get_health().articles == 4


@pytest.mark.parametrize("view", load_views())
def test_views_say_what_they_say_in_the_database(original: Path, snapshot: Path, view: str) -> None:
    with read(snapshot) as theirs, read(original / "news.db") as ours:
        found, wanted = (each.execute(f"SELECT * FROM {view}") for each in (theirs, ours))
        names = [column[0] for column in wanted.description]
        assert [column[0] for column in found.description] == names
        changed = {"text_dropped_at", "has_text", "summary"} if view == "article_overview" else set()
        places = [at for at, name in enumerate(names) if name not in changed]
        rows = [[tuple(row[at] for at in places) for row in each] for each in (found, wanted)]
    if view == "field_provenance":  # bodies are shorter, and pages are not there
        rows = [[row for row in each if row[1] not in {"body", "page"}] for each in rows]
    assert sorted(rows[0], key=repr) == sorted(rows[1], key=repr)
    assert rows[0] or view in {"provenance", "pickups"}


def test_datasette_describes_it(made: Setup) -> None:
    told = run_here(made.data_folder.parent, "datasette", "--snapshot", "latest", "--metadata")
    assert told.returncode == 0, told.stderr
    (database,) = json.loads(told.stdout)["databases"].values()
    for name, query in database["queries"].items():
        sql = query["sql"] if isinstance(query, dict) else query
        with read(made.public / "data/news.db") as connection:
            values = dict.fromkeys(re.findall(r":(\w+)", sql), "apeksi")
            assert connection.execute(sql, values).fetchall() is not None, name


def test_texts_are_what_feeds_show(original: Path, snapshot: Path) -> None:
    texts = dict(ask(snapshot, "SELECT id, text FROM articles"))
    whole = dict(ask(original / "news.db", "SELECT id, text FROM articles"))
    with Store.open_reader(original / "news.db") as store:
        items = store.get_items([1, 2])
    excerpts = {item.url: make_content(item, Language.INDONESIAN).excerpt for item in items.values()}
    urls = dict(ask(snapshot, "SELECT id, url FROM articles"))
    assert texts[1] == excerpts[urls[1]]
    assert texts[3] == excerpts[urls[3]]
    assert 0 < len(texts[3]) <= 40  # its page allows no more
    assert texts[2] == ""  # its page allows nothing, its source everything
    assert texts[4] == whole[4]
    assert ask(snapshot, "SELECT article_id, has_text, text_dropped_at IS NULL FROM article_overview") == [
        (1, 0, 0),
        (2, 0, 0),
        (3, 0, 0),
        (4, 1, 1),
    ]


def test_full_text_search_finds_what_is_there(snapshot: Path) -> None:
    search = "SELECT rowid FROM articles_fts WHERE articles_fts MATCH ? ORDER BY rowid"
    assert ask(snapshot, search, "apeksi")
    assert ask(snapshot, search, "retribusi") == [(4,)]
    assert ask(snapshot, search, "genangan") == []  # in a text that may not be passed on
    connection = sqlite3.connect(snapshot)
    connection.execute("INSERT INTO articles_fts (articles_fts) VALUES ('integrity-check')")
    connection.close()


def test_revisions_are_counted_without_their_texts(snapshot: Path) -> None:
    ((text, difference),) = ask(snapshot, "SELECT text, difference FROM article_revisions")
    assert text == ""
    assert json.loads(difference) == {
        "title": ["APEKSI bertemu di Gorontalo", "Apeksi berubah"],
        "removed": [],
        "added": [""],
    }
    assert ask(snapshot, "SELECT paragraphs_added, title_before FROM revisions") == [(1, "APEKSI bertemu di Gorontalo")]


def test_spam_is_counted_and_channels_keep_no_validators(snapshot: Path) -> None:
    assert ask(snapshot, "SELECT source_id, pages FROM hijacked_sources") == [("bursa", 1)]
    assert ask(snapshot, "SELECT DISTINCT etag, rhythm, definition FROM channels") == [("", "", "")]
    assert ask(snapshot, "SELECT source_id FROM source_health WHERE is_stand_in") == [("bandung",)]
    assert ask(snapshot, "SELECT count(*), count(DISTINCT channel_id) FROM polls") == [(4, 4)]  # of six


def test_it_says_what_it_is(setup: Setup) -> None:
    site = {"site_url": "https://kabar.example/", "operator": "Kominfo", "contact": "redaksi@kabar.example"}
    make(configure(setup, **site))
    info = dict(ask(setup.public / "data/news.db", "SELECT key, value FROM database_info"))
    assert {key: info[key] for key in site} == site
    assert (info["snapshot_made_at"], info["snapshot_day_wib"]) == ("2026-10-08T20:40:00Z", "2026-10-09")
    assert "full texts" in info["snapshot_left_out"]
    assert "CC BY 4.0" in info["terms"]
    described = {name for (name,) in ask(setup.public / "data/news.db", "SELECT DISTINCT relation FROM schema_docs")}
    assert described == {*PARTS, *load_views(), "schema_docs", "articles_fts"}


@pytest.mark.parametrize("page", ["sources", "status"])
def test_what_is_private_here_is_not_in_it(setup: Setup, page: str) -> None:
    setup = configure(setup, private_pages=(page,), operator_header="X-User")
    change(setup.database, "INSERT INTO sources (id, name, domain, kind, timezone, language) VALUES"
                           " ('unread', 'Unread', 'u.example', 'regional', 'Asia/Jakarta', 'id')")  # fmt: skip
    make(setup)
    snapshot = setup.public / "data/news.db"
    for relation in STATUS | STATUS_VIEWS:
        assert ask(snapshot, f"SELECT * FROM {relation}") == [], relation
    assert ask(snapshot, "SELECT id, hijacked_at, evidence FROM sources ORDER BY id") == [
        (name, None, "given") for name in ("bandung", "bursa", "pemkot", "portal")
    ]
    assert ask(snapshot, "SELECT count(*) FROM news") == [(3,)]
    assert "not public here" in ask(snapshot, "SELECT value FROM database_info WHERE key = 'snapshot_left_out'")[0][0]


# ── its files ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_files_beside_it_tell_of_it(made: Setup) -> None:
    folder = made.public / "data"
    dated = folder / "news-2026-10-09.db"
    assert list_files(made) == {"news.db", dated.name, f"{dated.name}.zst", "schema.json", SUMS, MARK}
    assert dated.samefile(folder / "news.db")
    packed = (folder / f"{dated.name}.zst").read_bytes()
    assert zstandard.ZstdDecompressor().decompress(packed) == dated.read_bytes()
    checked = subprocess.run(["sha256sum", "-c", SUMS], cwd=folder, capture_output=True, text=True, check=False)
    assert checked.stdout.splitlines() == [f"{n}: OK" for n in sorted(list_files(made) - {SUMS, MARK})]
    told = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    assert told["files"][0] == {
        "name": dated.name,
        "bytes": dated.stat().st_size,
        "sha256": hashlib.sha256(dated.read_bytes()).hexdigest(),
    }
    relations = {each["name"]: each for each in told["relations"]}
    assert relations["articles"]["rows"] == 4
    assert "rows" not in relations["news"]
    for name, relation in relations.items():
        there = [column for (column,) in ask(dated, "SELECT name FROM pragma_table_info(?)", name)]
        assert [column["name"] for column in relation["columns"]] == there
        assert all(column["description"] for column in relation["columns"])
    assert told["labels"]["topic"]["smart-city"] == {"id": "Kota cerdas", "en": "Smart city"}
    assert (told["schema_version"], told["snapshot_day_wib"]) == (VERSION, "2026-10-09")


def test_page_of_data_lists_and_gives_them(made: Setup, stage: Stage) -> None:
    stage.app = create_app(database=made.database, public=made.public, site=SiteInfo(url=""))
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        page = client.get("/data").text
        for name in list_files(made) - {MARK}:
            assert f'href="/data/{name}"' in page
            assert client.get(f"/data/{name}").content == (made.public / "data" / name).read_bytes()
        assert client.get(f"/data/{MARK}").status_code == 404


def test_newest_are_kept_and_what_is_not_ours_stays(setup: Setup) -> None:
    setup = configure(setup, snapshots_kept=2)
    folder = setup.public / "data"
    folder.mkdir(parents=True)
    (folder / "news-2026-10-01.db").mkdir()
    (folder / "news-2026-10-02.db").symlink_to("notes.csv")
    for name in ("notes.csv", "news-2026-10-20.db", ".snapshot-work", ".snapshot-news-2026-10-09.db.zst"):
        (folder / name).write_text("left by somebody", encoding="utf-8")
    made = [make(setup, NOW + timedelta(days=day)) for day in range(4)]
    assert made[3].removed == ("news-2026-10-10.db", "news-2026-10-10.db.zst")
    days = [f"news-2026-10-{day}.db{ending}" for day in (11, 12) for ending in ("", ".zst")]
    for name in ("news-2026-10-01.db", "news-2026-10-02.db"):  # somebody else's, whatever they are called
        assert (folder / name).exists()
    (folder / "news-2026-10-01.db").rmdir()
    (folder / "news-2026-10-02.db").unlink()
    assert list_files(setup) == {*days, "news.db", "schema.json", SUMS, MARK, "notes.csv"}
    subprocess.run(["sha256sum", "--status", "-c", SUMS], cwd=folder, check=True)
    again = make(setup, NOW + timedelta(days=3))  # the same day: in its place
    assert (again.removed, len(list_files(setup))) == ((), 9)
    assert (folder / "news.db").samefile(again.path)
    turned = make(setup, NOW)  # the clock was set back: what is ahead of it goes
    assert list_files(setup) == {
        turned.path.name,
        f"{turned.path.name}.zst",
        "news.db",
        "schema.json",
        SUMS,
        MARK,
        "notes.csv",
    }


def test_snapshot_is_of_one_moment_whoever_writes_meanwhile(setup: Setup) -> None:
    script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('DELETE FROM articles'); c.commit()"

    def write(step: str) -> None:
        if step == "article_topics":  # the first are copied
            subprocess.run([sys.executable, "-c", script, setup.database], check=True)

    assert make(setup, say=write).articles == 4
    assert ask(setup.public / "data/news.db", "SELECT count(*) FROM news") == [(3,)]
    assert ask(setup.database, "SELECT count(*) FROM articles") == [(0,)]


def test_full_disk_leaves_the_last_one(setup: Setup) -> None:
    make(setup, NOW - timedelta(days=1))
    before = list_files(setup)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"public/data/\.snapshot-work: "):
            make(setup)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list_files(setup) == before


def test_a_disk_that_may_be_full_is_said(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000))
    try:
        with pytest.raises(StoreError, match="the disk may be full"):
            make(setup)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_killed_between_two_renames_there_are_no_wrong_sums(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    make(setup)
    real = Path.replace

    def fail(path: Path, target: Path) -> Path:
        if path.name.endswith("schema.json"):
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        make(setup, NOW + timedelta(hours=1))
    assert SUMS not in list_files(setup)
    monkeypatch.undo()
    make(setup)
    subprocess.run(["sha256sum", "--status", "-c", SUMS], cwd=setup.public / "data", check=True)


@pytest.mark.parametrize("at", ["articles", "full-text index", "packing", "checking", "compressing"])
def test_cut_short_leaves_the_last_one(setup: Setup, at: str) -> None:
    make(setup, NOW - timedelta(days=1))
    before = list_files(setup)
    with Store.open_reader(setup.database) as store, pytest.raises(StoreError, match="interrupted"):
        make_snapshot(setup, store, NOW, say=lambda step: store.cut_short() if step == at else None)
    assert list_files(setup) == before


def test_folder_that_cannot_be_written_is_named(setup: Setup) -> None:
    setup.public.mkdir()
    (setup.public / "data").write_text("a file in its place", encoding="utf-8")
    with pytest.raises(StoreError, match=r"public/data: File exists"):
        make(setup)


def test_two_at_once_are_not_made(setup: Setup) -> None:
    with hold_snapshot_lock(setup.data_folder), pytest.raises(WriterBusy, match="another snapshot is being made"):
        make(setup)


# ── takedowns ──────────────────────────────────────────────────────────────────────────────────────────────────────


def order_takedown(setup: Setup, url: str = "https://bandung.example/kunjungan", **facts: Any) -> None:
    order = Order(**{"asked_at": NOW, "action": Action.TAKEDOWN, "url": url, "reason": "court order", **facts})
    append_orders(setup.data_folder / LOG_FILE, [order])


@pytest.fixture
def clean(setup: Setup) -> Setup:
    """Without the rows that no program would have written."""
    change(
        setup.database,
        "PRAGMA foreign_keys = OFF",
        *(f"DELETE FROM {table}" for table in sorted(LEFT_OUT - {"links", "feeds"})),
    )
    return setup


def test_what_is_taken_down_leaves_the_snapshots_too(clean: Setup, caplog: pytest.LogCaptureFixture) -> None:
    make(clean)
    with Store.open_writer(clean.database) as store:
        publish(clean, store, NOW)
        assert "news.db" in list_files(clean)
        order_takedown(clean)
        with pytest.raises(RunFailure, match="takedowns wait to be carried out"):
            make_snapshot(clean, store, NOW)
        publish(clean, store, NOW)
        assert list_files(clean) == set()
        assert "something in them was taken down" in caplog.text
        store.start_cycle(NOW - timedelta(days=2))
        assert is_snapshot_due(clean, store, NOW) is True
        made = make_snapshot(clean, store, NOW)
        publish(clean, store, NOW)
    assert made.articles == 3
    assert b"bandung.example/kunjungan" not in made.path.read_bytes()


def test_taken_down_meanwhile_makes_no_snapshot(clean: Setup) -> None:
    def take_down(step: str) -> None:
        if step == "compressing":
            order_takedown(clean)
            with Store.open_writer(clean.database) as store:
                publish(clean, store, NOW)

    with pytest.raises(RunFailure, match="taken down while the snapshot was made"):
        make(clean, say=take_down)
    assert list_files(clean) == set()


def test_ordered_meanwhile_makes_no_snapshot(clean: Setup) -> None:
    with pytest.raises(RunFailure, match="taken down while the snapshot was made"):
        make(clean, say=lambda step: order_takedown(clean) if step == "compressing" else None)
    assert list_files(clean) == set()


# ── when ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("first", "last", "there", "due"),
    [
        (None, None, False, False),  # nothing was gathered yet
        (0, None, False, False),  # a new database waits a day
        (25, None, False, True),
        (25, 1, True, False),
        (25, 1, False, True),  # it was taken away
        (50, 25, True, True),
        (50, -1, True, True),  # by a clock that was wrong
        (25, None, True, True),  # made by hand
    ],
)
def test_when_one_is_due(tmp_path: Path, first: int | None, last: int | None, there: bool, due: bool) -> None:
    setup = make_setup(tmp_path)
    with Store.open_writer(setup.database) as store:
        if first is not None:
            store.start_cycle(NOW - timedelta(hours=first))
        if last is not None:
            store.write_job("snapshot", NOW - timedelta(hours=last), {})
        if there:
            (setup.public / "data").mkdir(parents=True)
            (setup.public / "data/news.db").touch()
        assert is_snapshot_due(setup, store, NOW) is due
        assert is_snapshot_due(configure(setup, snapshots_kept=0), store, NOW) is False


def test_after_a_cycle_one_is_made_when_due_and_a_failure_is_logged(
    clean: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    change(clean.database, "INSERT INTO cycles (started_at) VALUES ('2026-10-05T08:00:00Z')")
    snapshot_after_cycle(clean, NOW)
    with Store.open_reader(clean.database) as store:
        assert store.get_last_job("snapshot") == NOW
    times = (clean.public / "data/news.db").stat()
    snapshot_after_cycle(clean, NOW + timedelta(hours=1))
    assert (clean.public / "data/news.db").stat() == times
    with hold_snapshot_lock(clean.data_folder), caplog.at_level(logging.ERROR):
        snapshot_after_cycle(clean, NOW + timedelta(days=2))
    assert "no snapshot was made: " in caplog.text


def test_job_of_the_timetable(clean: Setup) -> None:
    def refuse() -> CrawlProcess:
        raise AssertionError

    with Store.open_writer(clean.database) as store:
        desk = Desk(setup=clean, store=store, now=NOW, get_crawler=refuse)
        order_takedown(clean)
        JOBS["snapshot"].work(desk)  # what waits to be taken down is, first
        assert ask(clean.public / "data/news.db", "SELECT count(*) FROM articles") == [(3,)]
        (job,) = [job for job in store.list_last_jobs() if job["name"] == "snapshot"]
        assert json.loads(job["summary"])["file"] == "news-2026-10-09.db"
        JOBS["snapshot"].work(replace(desk, setup=configure(clean, snapshots_kept=0)))
    assert list_files(clean) == set()


# ── by hand ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_command_makes_it_without_the_writers_lock(setup: Setup) -> None:
    here = setup.data_folder.parent
    with Store.open_writer(setup.database) as store, store.transaction():  # somebody is writing
        told = json.loads(run_here(here, "export", "snapshot", "--json").stdout)
    assert (told["articles"], told["bytes"]) == (4, (setup.public / "data" / told["file"]).stat().st_size)
    said = run_here(here, "export", "snapshot")
    assert "4 articles" in said.stdout
    for arguments, words in (
        (["--topic", "apeksi"], "snapshot takes no option but --json"),
        (["--format", "csv"], "snapshot takes no option but --json"),
    ):
        refused = run_here(here, "export", "snapshot", *arguments)
        assert (refused.returncode, words in refused.stderr) == (2, True)
    none = run_here(here, "export", "snapshot", KABARKOTA_AGGREGATOR__SNAPSHOTS_KEPT="0")
    assert (none.returncode, "snapshots_kept is 0" in none.stderr) == (1, True)


_SLOW = """
import sys
from contextlib import contextmanager
from threading import Event
from aggregator.store import Store
from schedules.commands import export_snapshot
cut, cut_short = Event(), Store.cut_short
def tell_of_cut(store):
    cut_short(store)
    cut.set()
Store.cut_short = tell_of_cut  # it is called when the signal came
@contextmanager
def show():
    def say(step):
        print(step, flush=True)
        if step == "articles":
            assert cut.wait(60)
    yield say
export_snapshot._show_steps = show
sys.argv = ["kabarkota", "export", "snapshot"]
from schedules.cli import main
main()
"""


@pytest.mark.slow
def test_command_that_is_interrupted_leaves_all_as_it_was(setup: Setup) -> None:
    make(setup)
    before = list_files(setup)
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW],
        cwd=setup.data_folder.parent,
        env={**os.environ, "HOME": str(setup.data_folder.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while process.stdout.readline() != "articles\n":
        pass
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, said.count("\n")) == (130, 1), said
    assert list_files(setup) == before
