"""A database that is gone: everybody says the same of it, and it is begun anew only where nothing is missed."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from command_line import run_here
from feed_room import FeedRoom
from newsdesk import RELEASE
from page_room import Stage
from test_command_errors import check
from test_migrations import LEVELS, make_old
from test_obstacles import mount, needs_root
from test_web import SITE

from aggregator.lost import find_loss
from aggregator.obstacles import Obstacle, classify_obstacle
from aggregator.publish.files import MARK_FILE
from aggregator.store import OlderDatabaseError, Store, StoreError
from aggregator.web.app import create_app
from schedules.backups import back_up
from schedules.config import load_setup
from schedules.doctor.check import Level
from schedules.doctor.database import check_database

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
HARMS: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
}
LATER = timedelta(days=9)
NOTHING_ON = """
[sources.uji]
name = "Uji"
domain = "uji.example"
enabled = false
channels = [{ kind = "feed", url = "https://uji.example/feed" }]
"""


@pytest.fixture
def app() -> None:
    """Each test has its own."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """With an article that is published."""
    room = FeedRoom(tmp_path / "data")
    room.publish_at("pemkot", "rilis", RELEASE)
    room.press()
    room.store.close()
    return tmp_path / "data"


def make_backup(data: Path) -> None:
    with Store.open_writer(data / "news.db") as store:
        back_up(load_setup(flags={"data": data}, environ={}), store, NOW)


def say(data: Path, *arguments: str) -> str:
    catalogue = data.parent / "catalogue.toml"
    catalogue.write_text(NOTHING_ON, encoding="utf-8")  # whatever goes wrong, no portal is asked
    result = run_here(data.parent, "--data", str(data), "--catalogue", str(catalogue), *arguments)
    check(result, 1)
    assert not result.stdout
    return result.stderr.splitlines()[-1].removeprefix("kabarkota: ")


@pytest.mark.slow
@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("is_backed_up", [True, False])
def test_everybody_says_what_run_says(data: Path, harm: str, is_backed_up: bool) -> None:
    if is_backed_up:
        make_backup(data)
    HARMS[harm](data / "news.db")
    is_there = (data / "news.db").exists()
    told = say(data, "run")
    assert "to begin anew, move" in told
    assert str(data / "public") in told
    assert (f"{data / 'backups'} and {data / 'public'} away" in told) is is_backed_up
    assert ("`kabarkota restore` puts the newest in place" in told) is is_backed_up
    if is_backed_up:
        (data / "public").rename(data / "public-before")
        assert " and " not in say(data, "serve", "--no-crawl", "--port", "0").partition("to begin anew")[2]
        (data / "public-before").rename(data / "public")
    for command in ("status", "status --json", "publish", "search apeksi", "backup", "explain 1", "replay", "prune"):
        assert say(data, *command.split()) == told, command
    assert (data / "news.db").exists() is is_there
    assert not any((data / f"news.db-{end}").exists() for end in ("wal", "shm", "journal"))
    (fault,) = check_database(data / "news.db", NOW + LATER, LATER)
    assert fault.level is Level.FAULT
    assert " restore " in fault.advice


@pytest.mark.parametrize("harm", HARMS)
def test_pages_answer_503_with_the_reason_and_feeds_stay(
    data: Path, harm: str, stage: Stage, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    HARMS[harm](data / "news.db")
    told = say(data, "status")
    stage.app = create_app(database=data / "news.db", public=data / "public", site=SITE)
    for path in (
        "/",
        "/status",
        "/sources",
        "/source/pemkot",
        "/search?q=apeksi",
        "/kliping",
        "/cities",
        "/trends",
        "/map",
        "/feeds",
    ):
        answer = client.get(f"{path}{'&' if '?' in path else '?'}lang=en")
        assert answer.status_code == 503, path
        assert "The database is not there" in answer.text, path
        assert "kabarkota run" not in answer.text, path
    assert client.get("/api/v1/news").status_code == 503
    assert client.get("/feeds/search.xml?q=apeksi").status_code == 503
    health = client.get("/healthz")
    assert (health.status_code, health.json()["reason"]) == (503, "missing")
    assert client.get("/feed.xml").status_code == 200
    assert {record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR} == {told}


def test_kept_pages_tell_of_it_too(tmp_path: Path) -> None:
    (tmp_path / "pages/2026-11-27").mkdir(parents=True)
    assert find_loss(tmp_path / "news.db") is None
    (tmp_path / "pages/2026-11-27/kunci.html.zst").touch()
    loss = find_loss(tmp_path / "news.db")
    assert loss is not None
    assert f"move {tmp_path / 'pages'} away" in loss.advice


def test_what_is_moved_away_as_it_says_is_begun_anew(data: Path) -> None:
    make_backup(data)
    (data / "news.db").unlink()
    told = say(data, "publish")
    for name in ("backups", "public"):
        assert str(data / name) in told
        (data / name).rename(data / f"{name}-before")
    Store.open_writer(data / "news.db").close()
    assert find_loss(data / "news.db") is None


def test_where_nothing_is_missed_it_is_begun_anew(tmp_path: Path) -> None:
    """A folder of which the first cycle published no news; feeds of somebody else; pages that are no pages."""
    room = FeedRoom(tmp_path / "data", empty_feeds=True)
    room.press()
    room.store.close()
    assert (room.public / MARK_FILE).stat().st_size
    for path in room.folder.glob("news.db*"):
        path.unlink()
    (room.folder / "pages/2026-11-27").mkdir(parents=True)
    Store.open_writer(room.folder / "news.db").close()

    other = tmp_path / "other"
    (other / "public").mkdir(parents=True)
    (other / "public/feed.xml").write_text("<rss><channel><item/></channel></rss>", encoding="utf-8")
    Store.open_writer(other / "news.db").close()


def test_a_first_cycle_that_is_killed_before_it_wrote_anything_is_no_loss(tmp_path: Path) -> None:
    """At any step of the making of the database, nothing is beside it that could tell of another."""
    database = tmp_path / "data/news.db"
    database.parent.mkdir()
    database.touch()  # what SQLite makes first
    assert find_loss(database) is None
    Store.open_writer(database).close()


def test_backups_that_are_all_damaged_are_told(data: Path) -> None:
    make_backup(data)
    for backup in (data / "backups").glob("news-*.db"):
        backup.write_bytes(b"bukan basis data" * 900)
    (data / "news.db").unlink()
    (fault,) = check_database(data / "news.db", NOW + LATER, LATER)
    assert "there are backups of it, none of them sound" in fault.found
    assert fault.advice.startswith("`kabarkota restore FILE` puts a copy from elsewhere in place")


def test_a_takedown_beside_a_lost_database_is_noted_and_sends_nobody_to_run(data: Path) -> None:
    (data / "news.db").unlink()
    result = run_here(
        data.parent, "--data", str(data), "takedown", "https://portal.example/berita/1", "--reason", "putusan"
    )
    assert result.returncode == 0, result.stderr
    assert "`kabarkota restore FILE`" in result.stdout
    assert "putusan" in (data / "takedowns.jsonl").read_text(encoding="utf-8")


def test_a_database_that_is_just_being_made_is_no_old_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "news.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(OlderDatabaseError, match=r"news\.db: is just being made$"):
        Store.open_current_reader(tmp_path / "news.db")


# ── of an older version ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_older_one_that_cannot_be_copied_has_its_own_reason_and_is_announced_once(
    tmp_path: Path, stage: Stage, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "news.db"
    make_old(database, LEVELS[-4])
    (tmp_path / "backups").write_text("a file in its place", encoding="utf-8")
    for _ in range(3):
        with pytest.raises(StoreError, match="no copy of it could be made first") as caught:
            Store.open_writer(database)
        assert classify_obstacle(caught.value) is Obstacle.OLDER
    assert [record.getMessage() for record in caplog.records] == [
        f"{database}: of an older version; before it is brought up to date a copy is made in {tmp_path / 'backups'}"
    ]
    stage.app = create_app(database=database, public=tmp_path / "public", site=SITE)
    assert "The database is of an older version" in client.get("/status?lang=en").text
    assert "Basis data dari versi lama" in client.get("/status").text
    assert client.get("/healthz").json()["reason"] == "older"


# ── what cannot be written ─────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def seal(folder: Path) -> Iterator[None]:
    """Its disk is read-only meanwhile."""
    with mount(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


@pytest.mark.slow
@needs_root
def test_on_a_read_only_disk_all_is_still_read_and_nothing_written_is_code_1(
    data: Path, stage: Stage, client: httpx.Client
) -> None:
    stage.app = create_app(database=data / "news.db", public=data / "public", site=SITE)
    with seal(data):
        assert client.get("/status").status_code == 200
        assert "rilis menurut pemkot" in client.get("/").text
        assert client.get("/healthz").json()["reason"] is None
        assert run_here(data.parent, "--data", str(data), "search", "apeksi").returncode == 0
        shown = run_here(data.parent, "--data", str(data), "status")
        assert (shown.returncode, "Read-only file system" in shown.stdout) == (0, True), shown.stderr
        for command in ("run", "publish", "backup", "restore --yes", "demo --once"):
            told = say(data, *command.split())
            assert "Read-only file system" in told or "there are no backups" in told, told
    with Store.open_writer(data / "news.db") as store, store.transaction():  # which leaves no log beside it
        store._connection.execute("UPDATE sources SET name = 'Nama Baru'")
    assert "Nama Baru" in client.get("/sources").text


@needs_root
def test_a_database_that_cannot_be_opened_where_it_is_is_not_called_missing(
    data: Path, stage: Stage, client: httpx.Client
) -> None:
    """A process that was killed has left a log, in which there may be more."""
    stage.app = create_app(database=data / "news.db", public=data / "public", site=SITE)
    kept = sqlite3.connect(data / "news.db")
    kept.execute("CREATE TABLE lebih (satu)")
    body = (data / "news.db-wal").read_bytes()
    kept.close()
    (data / "news.db-wal").write_bytes(body)
    with seal(data):
        assert client.get("/healthz").json()["reason"] == "not-writable"
        answer = client.get("/status?lang=en")
        assert (answer.status_code, "The data folder cannot be written" in answer.text) == (503, True)
