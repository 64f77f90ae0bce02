"""`kabarkota backup` and `kabarkota restore`: beside whoever writes; the old database or the new one, never none."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import run_here
from feed_room import FeedRoom
from newsdesk import OTHER, RELEASE
from test_command_errors import check
from test_migrations import make_old

from aggregator import replacing
from aggregator.backups import list_backups
from aggregator.change_rows import Told
from aggregator.replacing import READY
from aggregator.store import Store, StoreError
from aggregator.takedown_log import LOG_FILE, Action, Order, append_orders
from schedules.config import load_setup
from schedules.lock import hold_backfill_lock, hold_writer_lock
from schedules.restoring import check_backup, restore


class Desk:
    """A data folder with published feeds, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.room = FeedRoom(self.data)
        self.room.publish_at("pemkot", "rilis", RELEASE)
        self.room.press()

    @property
    def database(self) -> Path:
        return self.data / "news.db"

    def call(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """What the command says as JSON."""
        result = run_here(self.folder, "--data", str(self.data), *arguments, "--json")
        assert result.returncode == code, result.stderr
        return json.loads(result.stdout)

    def refuse(self, code: int, *arguments: str) -> str:
        """What it says where it does not do it; the database is as it was."""
        before = self.database.read_bytes()
        result = run_here(self.folder, "--data", str(self.data), *arguments)
        check(result, code)
        assert self.database.read_bytes() == before
        return result.stderr.strip()

    def back_up(self) -> Path:
        return Path(self.call("backup")["path"])

    def publish_more(self) -> None:
        """After the backup."""
        self.room.publish_at("kabar", "lain", OTHER, hour=7)
        self.room.press()

    def reopen(self) -> Store:
        """The database as it is now, for the newsroom that goes on."""
        self.room.store.close()
        self.room.store = Store.open_writer(self.database)
        self.room.store.write_catalogue(self.room.sources.values())
        return self.room.store

    def list_urls(self) -> list[str]:
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as database:
            found = [url for (url,) in database.execute("SELECT url FROM articles ORDER BY id")]
        database.close()
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.room.store.close()


# ── backup ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_backup_is_made_beside_who_writes_and_is_of_one_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Piece by piece, while another connection commits between any two of them."""
    monkeypatch.setattr("aggregator.backup_rows.PAGES", 5)
    ended, written = threading.Event(), [0]

    def write() -> None:
        with sqlite3.connect(desk.database, timeout=30) as connection:
            while not ended.is_set():
                connection.execute("INSERT INTO jobs (name, done_at, summary) VALUES ('a', '2026', '{}')")
                connection.execute("INSERT INTO jobs (name, done_at, summary) VALUES ('b', '2026', '{}')")
                connection.commit()
                written[0] += 1
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    with hold_writer_lock(desk.data):  # as `serve` does
        made = desk.call("backup")
    ended.set()
    thread.join()
    assert written[0] > 3
    assert (made["articles"], made["dropped"]) == (1, [])
    with sqlite3.connect(f"file:{made['path']}?mode=ro&immutable=1", uri=True) as copy:
        jobs = dict(copy.execute("SELECT name, count(*) FROM jobs GROUP BY name"))
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    assert jobs.get("a", 0) == jobs.get("b", 0) < written[0]
    assert [each.name for each in Path(made["path"]).parent.iterdir()] == [Path(made["path"]).name]


def test_what_is_the_operators_own_goes_along_and_comes_back_where_it_is_missing(desk: Desk) -> None:
    (desk.data / "topics.toml").write_text("# ours\n", encoding="utf-8")
    (desk.data / "sources.toml").write_text("# then\n", encoding="utf-8")
    made = desk.call("backup")
    assert made["files"] == ["sources.toml", "topics.toml"]
    (desk.data / "topics.toml").unlink()
    (desk.data / "sources.toml").write_text("# now\n", encoding="utf-8")
    done = desk.call("restore", "--yes")
    assert (done["files"], done["kept"]) == (["topics.toml"], ["sources.toml"])
    assert (desk.data / "topics.toml").read_text(encoding="utf-8") == "# ours\n"
    assert (desk.data / "sources.toml").read_text(encoding="utf-8") == "# now\n"


def test_a_restore_that_fails_leaves_the_operators_files_as_they_were(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.data / "topics.toml").write_text("# ours\n", encoding="utf-8")
    backup = Path(desk.call("backup")["path"])
    (desk.data / "topics.toml").unlink()

    def fail(folder: Path) -> None:
        raise StoreError(f"{folder}: full")

    monkeypatch.setattr("schedules.restoring.replace_database", fail)
    with pytest.raises(StoreError, match="full"):
        restore(load_setup(flags={"data": desk.data}, environ={}), backup, datetime.now(UTC))
    assert not (desk.data / "topics.toml").exists()
    assert not (desk.data / replacing.MAKING).exists()


@pytest.mark.slow
def test_a_backup_goes_where_it_is_told_to_and_replaces_backups_alone(desk: Desk) -> None:
    elsewhere = desk.folder / "usb"
    elsewhere.mkdir()
    (elsewhere / "letters.db").write_text("dear", encoding="utf-8")
    assert desk.call("backup", "--to", str(elsewhere / "copy.db"))["dropped"] == []
    first = (elsewhere / "copy.db").read_bytes()
    desk.publish_more()
    desk.call("backup", "--to", str(elsewhere / "copy.db"))
    assert (elsewhere / "copy.db").read_bytes() != first
    desk.call("backup", "--to", str(elsewhere))
    assert len(list_backups(elsewhere, desk.room.now + timedelta(days=9_999))) == 1
    assert "is there already, and is no backup" in desk.refuse(2, "backup", "--to", str(elsewhere / "letters.db"))
    assert "not in the data folder itself" in desk.refuse(2, "backup", "--to", str(desk.data / "copy.db"))
    assert "is there already" in desk.refuse(2, "backup", "--to", str(desk.database))
    assert "is no folder" in desk.refuse(2, "backup", "--to", str(elsewhere / "x/copy.db"))
    assert not (desk.data / "backups").exists()


def test_a_clock_that_was_wrong_costs_no_backup(desk: Desk) -> None:
    """Those that are named for years to come are dropped first, never the one just made."""
    (desk.data / "backups").mkdir()
    for year in range(2070, 2080):
        shutil.copy(desk.database, desk.data / f"backups/news-{year}0101T000000Z.db")
    made = desk.back_up()
    names = sorted(each.name for each in made.parent.iterdir())
    assert names == [made.name, *(f"news-{year}0101T000000Z.db" for year in range(2074, 2080))]
    assert desk.call("restore", "--list")[0]["path"] == str(made)


# ── restore ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_backup_takes_the_place_of_the_database_which_is_set_aside(desk: Desk) -> None:
    backup = desk.back_up()
    desk.publish_more()
    plan = desk.call("restore", "--dry-run")
    assert (plan["backup"]["articles"], plan["database"]["articles"]) == (1, 2)
    assert len(desk.list_urls()) == 2
    done = desk.call("restore", "--yes")
    assert (done["backup"], done["articles"], done["migrated"], done["taken_down"]) == (str(backup), 1, 0, 0)
    assert desk.list_urls() == ["https://pemkot.example/rilis"]
    with Store.open_reader(Path(done["aside"]) / "news.db") as store:
        assert store.get_health().articles == 2
    assert "`kabarkota run`" in done["next"]


def test_what_is_read_again_has_its_guid_and_followers_of_the_api_begin_anew(desk: Desk) -> None:
    desk.back_up()
    desk.publish_more()
    feed = desk.room.read("feed.json")
    assert len(feed) == 2
    with desk.room.store.snapshot():
        before = desk.room.store.get_history(Told.NEWS)
    desk.call("restore", "--yes")
    assert desk.room.read("feed.json") == feed  # what is served stays as it is
    store = desk.reopen()
    with store.snapshot():
        assert store.get_history(Told.NEWS).mark != before.mark
    desk.publish_more()  # the portal still lists it
    assert sorted(desk.room.read("feed.json")) == sorted(feed)
    assert desk.room.store.get_last_job("restore") is not None


def test_nothing_is_told_twice(desk: Desk) -> None:
    store = desk.room.store
    with store.transaction():
        store.write_look("siaga", 5, desk.room.now)
        store.write_run("pagi", slot=desk.room.now, since=desk.room.now, until=desk.room.now, state="begun")
        store._connection.execute(
            "INSERT INTO deliveries (uid, kind, name, target, part, key, message, created_at, due_at, state)"
            " VALUES ('u', 'news', 'siaga', 't', '', 'k', '{}', '2026', '2026', 'waiting')"
        )
    desk.back_up()
    desk.call("restore", "--yes")
    store = desk.reopen()
    assert store.get_look("siaga") is None
    assert store.get_last_run("pagi", desk.room.now) is None
    assert desk.room.ask("SELECT state FROM deliveries") == [("unknown",)]


def test_what_was_taken_down_since_stays_out(desk: Desk) -> None:
    desk.back_up()
    order = Order(asked_at=desk.room.now, action=Action.TAKEDOWN, url="https://pemkot.example/rilis", reason="x")
    append_orders(desk.data / LOG_FILE, [order])
    done = desk.call("restore", "--yes")
    assert (done["articles"], done["taken_down"]) == (0, 1)
    assert desk.list_urls() == []


def test_an_older_version_is_brought_up_to_date_and_a_newer_one_refused(desk: Desk) -> None:
    sound = desk.back_up()
    old = desk.folder / "old.db"
    make_old(old, "m004_stories")
    done = desk.call("restore", str(old), "--yes")
    assert (done["articles"], done["migrated"] > 5) == (1, True)
    newer = desk.folder / "newer.db"
    shutil.copy(sound, newer)
    with sqlite3.connect(newer) as database:
        database.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('kabarkota', 'm999_x')")
    database.close()
    said = desk.refuse(2, "restore", "--yes", str(newer))
    assert f"{newer}: written by a newer version of Kabar Kota (m999_x)" in said


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["cut off", "text", "index", "foreign", "empty"])
def test_a_damaged_backup_is_refused_and_the_next_sound_one_named(desk: Desk, harm: str) -> None:
    made = desk.back_up()
    sound = made.rename(made.with_name("news-20260101T000000Z.db"))
    bad = Path(shutil.copy(sound, made))
    if harm == "cut off":
        bad.write_bytes(bad.read_bytes()[:90_000])
    elif harm == "text":
        bad.write_bytes(b"bukan basis data" * 500)
    elif harm == "empty":
        bad.write_bytes(b"")
    else:
        with sqlite3.connect(bad) as database:
            if harm == "foreign":
                database.execute("PRAGMA foreign_keys = OFF")
                database.execute("DELETE FROM sources WHERE id = 'pemkot'")
            else:  # an entry of an index is gone, which only the longer check sees
                database.execute("PRAGMA writable_schema = ON")
                database.execute("UPDATE sqlite_schema SET sql = replace(sql, 'name', 'domain') WHERE name = 'x'")
                database.execute("CREATE INDEX x ON sources (name)")
                database.execute("UPDATE sqlite_schema SET sql = 'CREATE INDEX x ON sources (domain)' WHERE name = 'x'")
        database.close()
    for words in (("--yes",), ("--yes", bad.name), ("--dry-run",)):
        said = desk.refuse(1, "restore", *words)
        assert str(bad) in said
        assert f"the next sound one: `kabarkota restore {sound.name}`, of 2026-01-01 07:00 WIB" in said
    listed = {each["path"]: each["state"] for each in desk.call("restore", "--list")}
    assert listed[str(sound)] == ""
    sound.unlink()
    assert "there is no other sound backup" in desk.refuse(1, "restore", "--yes")


def test_nothing_is_restored_beside_who_writes_nor_without_a_yes(desk: Desk) -> None:
    backup = desk.back_up()
    assert "say --yes" in desk.refuse(2, "restore")
    with hold_writer_lock(desk.data):
        assert "another kabarkota process" in desk.refuse(3, "restore", "--yes")
    with hold_backfill_lock(desk.data, "pemkot"):
        assert "another backfill of pemkot is running" in desk.refuse(3, "restore", "--yes")
    assert "no such file" in desk.refuse(2, "restore", "--yes", "news-x.db")
    assert "is the database itself" in desk.refuse(2, "restore", "--yes", str(desk.database))
    backup.unlink()
    assert "there are no backups" in desk.refuse(1, "restore", "--yes")
    assert run_here(desk.folder, "--data", str(desk.data), "restore", "--list").returncode == 0


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of ours runs after it."""


def die_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """At the so-manieth change to a name of the data folder, before it is made."""
    left = [step]

    def wrap(change: Any) -> Any:
        def count(path: Path, *arguments: Any, **options: Any) -> Any:
            if not left[0]:
                raise KilledError
            left[0] -= 1
            return change(path, *arguments, **options)

        return count

    for name in ("rename", "replace", "mkdir", "unlink"):
        monkeypatch.setattr(f"aggregator.replacing.Path.{name}", wrap(getattr(Path, name)))


def test_killed_at_any_step_it_is_the_old_database_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = "CREATE TABLE old (a)", "CREATE TABLE new (a)"
    outcomes = []
    for step in range(30):
        folder = tmp_path / str(step)
        folder.mkdir()
        change(folder / "news.db", old)
        change(folder / replacing.MAKING, new)
        for end in ("-wal", "-journal"):  # as others may have left
            (folder / f"news.db{end}").touch()
        with monkeypatch.context() as patched, hold_writer_lock(folder):
            die_at(patched, step)
            with suppress(KilledError):
                replacing.replace_database(folder)
                outcomes.append("done")
                break
        was_ready = (folder / READY).exists()
        with hold_writer_lock(folder):  # whoever comes next
            pass
        kept = [path.name for path in folder.iterdir() if path.name.startswith("news.db")]
        assert kept == ["news.db"] if was_ready else {"news.db", "news.db-wal", "news.db-journal"} == set(kept)
        assert read_schema(folder / "news.db") == (new if was_ready else old)
        for path in folder.glob("before-restore-*/news.db"):
            assert read_schema(path) == old
        outcomes.append("new" if was_ready else "old")
    assert outcomes == sorted(outcomes, key=["old", "new", "done"].index)
    assert len(outcomes) > 8
    assert set(outcomes) == {"old", "new", "done"}


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()


def read_schema(path: Path) -> str:
    with sqlite3.connect(path) as database:
        (sql,) = database.execute("SELECT sql FROM sqlite_schema").fetchone()
    database.close()
    return str(sql)


def test_what_was_put_there_after_a_kill_is_set_aside_too(desk: Desk) -> None:
    shutil.copy(desk.back_up(), desk.data / READY)
    desk.database.rename(desk.data / "away")
    check(run_here(desk.folder, "--data", str(desk.data), "publish"), 1, "a restore was broken off")
    (desk.data / "away").rename(desk.database)
    for _ in range(2):
        shutil.copy(desk.data / READY, desk.data / "again")
        with hold_writer_lock(desk.data):
            pass
        (desk.data / "again").rename(desk.data / READY)
        shutil.copystat(desk.database, desk.data / READY)
    assert len(list(desk.data.glob("before-restore-*"))) == 2


@pytest.mark.slow
def test_kills_at_random_leave_a_sound_database_and_sound_backups(desk: Desk) -> None:
    """Real ones, of real processes: backup, restore, and the migration of an older version by a restore."""
    chance = random.Random(7)
    ballast = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
    change(desk.database, "CREATE TABLE ballast (b BLOB)")
    change(desk.database, f"{ballast} INSERT INTO ballast SELECT randomblob(4000) FROM n")
    desk.back_up()
    old = desk.folder / "old.db"
    make_old(old, "m004_stories")
    commands = [("backup",), ("restore", "--yes"), ("restore", "--yes", str(old)), ("restore", "--yes")]
    lengths = {}
    for command in commands:  # in peace
        started = time.monotonic()
        assert start(desk, *command).wait() == 0
        lengths[command] = time.monotonic() - started
    for command in commands * 4:
        process = start(desk, *command)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.3, 1) * lengths[command])
        process.kill()
        process.wait()
        with hold_writer_lock(desk.data), Store.open_writer(desk.database) as store:
            assert store.check_integrity(fully=True) == store.check_references() == []
            assert store.get_health().articles == 1
        for backup in list_backups(desk.data / "backups", desk.room.now + timedelta(days=9_999)):
            check_backup(backup.path)
    desk.back_up()
    assert not list((desk.data / "backups").glob(".*"))
    assert not (desk.data / READY).exists()


def start(desk: Desk, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "schedules", "--data", str(desk.data), *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
