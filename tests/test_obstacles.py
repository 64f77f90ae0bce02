"""When disk or database fail under a running service: what was published stays served, the reason is shown, it is said
once, and the next turn works when the trouble is over, without a restart."""

from __future__ import annotations

import logging
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from feed_room import FeedRoom
from newsdesk import NOW, RELEASE, Newsroom
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from test_serve import CONFIGURATION, Serving, serve, wait_for
from test_service import SHORT, write_timetable

from aggregator.backups import list_backups
from aggregator.bulletin import Bulletin, read_bulletin
from aggregator.ingest import PageFolder
from aggregator.obstacles import Notice, Obstacle, classify_obstacle
from aggregator.publish.files import PublishError
from aggregator.repeated import RepeatFilter
from aggregator.store import Store, StoreError
from aggregator.web.health import check_health
from aggregator.web.reading import Reading
from schedules.commands.status import find_obstacle
from schedules.cycle import run_cycle
from schedules.doctor.check import Level
from schedules.doctor.setup import check_folder
from schedules.obstacles import Obstacles

WORDS = [
    "lurah",
    "pasar",
    "sekolah",
    "taman",
    "sungai",
    "terminal",
    "listrik",
    "trotoar",
    "warga",
    "petani",
    "guru",
    "gedung",
    "rapat",
    "lomba",
    "musik",
    "kopi",
]
SETTINGS = f"{CONFIGURATION}\n[aggregator]\nempty_feeds = false\nlate_hours = 999999\n"


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as portal:
        announce(portal, "Rapat awal")
        yield portal


def announce(portal: LoopbackPortal, *titles: str, path: str = "/feed") -> None:
    """The portal's feed has these, each of its own words."""
    items = []
    for title in titles:
        words = random.Random(title)
        text = ". ".join(" ".join(words.sample(WORDS, 9)).capitalize() for _ in range(14))
        items.append(
            f"<item><title>{title}</title><link>{portal.base}/{title.replace(' ', '-').lower()}</link>"
            f"<pubDate>{format_datetime(datetime.now(UTC))}</pubDate>"
            f"<content:encoded><![CDATA[<p>APEKSI dan kota cerdas. {text}</p>]]></content:encoded></item>"
        )
    body = '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Uji</title>'
    portal.answers[path] = Answer(f"{body}{''.join(items)}</channel></rss>".encode(), content_type="text/xml")


# ── a whole service ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Scene:
    """A data folder, and what is done to it."""

    data: Path
    kept: dict[str, bytes] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        return self.data / "news.db"

    def keep(self) -> None:
        """What is put back later."""
        with Store.open_reader(self.database) as store:
            store.copy_to(self.data / "kept.db")

    def put_back(self) -> None:
        """As `restore` does, and as an operator may."""
        for end in ("", "-wal", "-shm"):
            path = self.data / f"news.db{end}"
            if path.is_dir():
                path.rmdir()
            path.unlink(missing_ok=True)
        shutil.copy(self.data / "kept.db", self.data / "copy.db")
        (self.data / "copy.db").rename(self.database)

    def replace(self, content: bytes) -> None:
        (self.data / "garbage").write_bytes(content)
        (self.data / "garbage").rename(self.database)

    def fill(self) -> None:
        """The disk: it is a small one of its own."""
        with suppress(OSError), (self.data / "ballast").open("wb", buffering=0) as file:
            while file.write(bytes(4_096)):
                pass

    def use_up_names(self) -> None:
        (self.data / "many").mkdir()
        with suppress(OSError):
            for number in range(100_000):
                (self.data / "many" / str(number)).touch()


def change_database(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, timeout=30)) as database, database:
        for statement in statements:
            database.execute(statement)


def is_all_in_the_file(path: Path) -> bool:
    with closing(sqlite3.connect(path, timeout=30)) as database:
        return not database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def replace_by_folder(scene: Scene) -> None:
    scene.database.unlink()
    scene.database.mkdir()


def delete_backed_up(scene: Scene) -> None:
    (scene.data / "backups").mkdir()
    shutil.copy(scene.data / "kept.db", scene.data / "backups/news-20260101T000000Z.db")
    scene.database.unlink()


def hide_public(scene: Scene) -> None:
    """Nothing can be made in a file."""
    (scene.data / "public/feeds").rename(scene.data / "feeds-before")
    (scene.data / "public/feeds").touch()


def show_public(scene: Scene) -> None:
    (scene.data / "public/feeds").unlink()
    (scene.data / "feeds-before").rename(scene.data / "public/feeds")


DUE = "UPDATE channels SET next_poll_at = '2000-01-01T00:00:00Z'"
HARMS: dict[str, tuple[Callable[[Scene], object], Callable[[Scene], object], str]] = {
    # what happens → (it, its end, the reasons that may be told)
    "garbage": (lambda scene: scene.replace(b"bukan basis data" * 900), Scene.put_back, "damaged|disk-error"),
    "cut off": (lambda scene: os.truncate(scene.database, 40_000), Scene.put_back, "damaged|disk-error"),
    "a folder": (replace_by_folder, Scene.put_back, "missing|disk-error|damaged"),
    "deleted": (delete_backed_up, Scene.put_back, "damaged|missing|disk-error"),
    "deleted without a backup": (lambda scene: scene.database.unlink(), Scene.put_back, "missing"),
    "a table dropped": (
        lambda scene: change_database(scene.database, "PRAGMA foreign_keys = OFF", "DROP TABLE polls"),
        Scene.put_back,
        "damaged",
    ),
    "feeds cannot be written": (hide_public, show_public, "missing|not-writable|other"),
}
ON_SMALL_DISKS: dict[str, tuple[str, Callable[[Scene], object], Callable[[Scene], object], str]] = {
    # the same, with the options of the disk
    "disk full": (
        "size=64m",
        Scene.fill,
        lambda scene: (scene.data / "ballast").unlink(),
        "disk-full|disk-error",
    ),
    "no names left": (
        "size=64m,nr_inodes=800",
        Scene.use_up_names,
        lambda scene: shutil.rmtree(scene.data / "many"),
        "disk-full|disk-error|missing",
    ),
}


def act(
    folder: Path, portal: LoopbackPortal, harm: Callable[[Scene], object], end: Callable[[Scene], object], reasons: str
) -> None:
    """The trouble comes while the service runs, and goes."""
    write_timetable(folder, SHORT)
    scene = Scene(folder / "data")
    with serve(folder, portal, configuration=SETTINGS) as serving:
        wait_for(lambda: read_health(serving).get("last_cycle"))
        assert has(serving, "Rapat awal")
        scene.keep()
        announce(portal, "Rapat awal", "Rapat kedua")
        change_database(scene.database, DUE)
        wait_for(lambda: is_all_in_the_file(scene.database))  # else all is read from the log, and is unharmed
        harm(scene)
        wait_for(lambda: read_health(serving).get("reason"))
        served = [serving.ask("/feed.xml") for _ in range(30)]
        assert all(answer is not None and answer.status_code == 200 for answer in served)
        health, page = serving.ask("/healthz"), serving.ask("/")
        assert health is not None
        assert page is not None
        assert health.status_code == 503
        assert re.fullmatch(reasons, health.json()["reason"]), health.text
        assert str(folder) not in health.text
        assert page.status_code == 200 or "Feed RSS tetap dapat dibaca" in page.text
        end(scene)
        change_database(scene.database, DUE)
        announce(portal, "Rapat awal", "Rapat kedua", "Rapat sesudahnya")
        wait_for(lambda: has(serving, "Rapat sesudahnya"))
        wait_for(lambda: read_health(serving).get("status") == "ok")
    lines = [line for line in serving.errors.splitlines() if "ERROR" in line]
    assert 0 < len(lines) == len(set(lines)) < 9, serving.errors
    assert "Traceback" not in serving.errors
    assert len(portal.asked_at) < 12  # nobody was asked again and again for what could not be kept


def read_health(serving: Serving) -> dict[str, Any]:
    answer = serving.ask("/healthz")
    return dict(answer.json()) if answer is not None else {}


def has(serving: Serving, title: str) -> bool:
    answer = serving.ask("/feed.xml")
    return answer is not None and answer.status_code == 200 and title in answer.text


@pytest.mark.slow
@pytest.mark.parametrize("name", HARMS)
def test_trouble_with_the_files_comes_and_goes(tmp_path: Path, portal: LoopbackPortal, name: str) -> None:
    act(tmp_path, portal, *HARMS[name])


@contextmanager
def mount(place: Path, *options: str) -> Iterator[None]:
    """Skips the test where nothing can be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@needs_root
@pytest.mark.slow
@pytest.mark.parametrize("name", ON_SMALL_DISKS)
def test_trouble_with_the_disk_comes_and_goes(tmp_path: Path, portal: LoopbackPortal, name: str) -> None:
    options, *harm = ON_SMALL_DISKS[name]
    with mount(tmp_path / "data", "-t", "tmpfs", "-o", options, "none"):
        act(tmp_path, portal, *harm)


def remove_log(serving: Serving, log: Path) -> bool:
    """Whether there was one: who closes the database as the last takes it away."""
    read_health(serving)  # the web server has it open now
    with suppress(FileNotFoundError):
        log.unlink()
        return True
    return False


@pytest.mark.slow
def test_the_log_of_what_was_written_vanishes_again_and_again_and_nothing_is_lost(
    tmp_path: Path, portal: LoopbackPortal
) -> None:
    """Nobody but the service writes meanwhile: of two logs of one database SQLite promises nothing."""
    write_timetable(tmp_path, SHORT)
    database, log = tmp_path / "data/news.db", tmp_path / "data/news.db-wal"
    with serve(tmp_path, portal, configuration=SETTINGS) as serving:
        wait_for(lambda: read_health(serving).get("last_cycle"))
        sources = ""
        for number in range(5):
            title, path = f"Rapat ke-{number}", f"/lain{number}"
            announce(portal, title, path=path)
            sources += f'[sources.lain{number}]\nname = "Lain"\ndomain = "lain{number}.example"\n'
            sources += f'channels = [{{ kind = "feed", url = "{portal.base}{path}" }}]\n'
            wait_for(lambda: remove_log(serving, log))
            (tmp_path / "data/sources.toml").write_text(sources, encoding="utf-8")
            serving.process.send_signal(signal.SIGHUP)
            wait_for(lambda title=title: has(serving, title))
            wait_for(lambda: read_health(serving).get("status") == "ok")
        assert all(has(serving, f"Rapat ke-{number}") for number in range(5))
    assert "Traceback" not in serving.errors
    complaints = [line for line in serving.errors.splitlines() if "ERROR" in line]
    # none of the writer's; a page that is asked for while a turn still has the old log cannot be read
    assert all("aggregator.web." in line and "disk I/O error" in line for line in complaints), serving.errors
    assert f"{log} was removed while it was in use" in serving.errors
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM articles WHERE title LIKE 'Rapat%'").fetchone() == (6,)


def publish_before(data: Path) -> None:
    """A database with an article, and its feeds."""
    room = FeedRoom(data)
    room.publish_at("pemkot", "rilis", RELEASE)
    room.press()
    room.store.close()


@pytest.mark.slow
def test_a_service_that_starts_over_a_damaged_database_serves_its_feeds_and_works_when_it_is_mended(
    tmp_path: Path, portal: LoopbackPortal
) -> None:
    write_timetable(tmp_path, SHORT)
    scene = Scene(tmp_path / "data")
    publish_before(scene.data)
    scene.keep()
    scene.replace(b"bukan basis data" * 900)
    announce(portal, "Rapat awal", "Rapat sesudahnya")
    with serve(tmp_path, portal, configuration=SETTINGS) as serving:
        wait_for(lambda: has(serving, "rilis menurut pemkot"))
        assert read_health(serving)["reason"] in ("damaged", "disk-error")
        page = serving.ask("/status?lang=en")
        assert page is not None
        assert page.status_code == 503
        assert "The database is damaged" in page.text
        wait_for(lambda: "the feeds stay served as they were" in serving.errors)  # the web server began before
        scene.put_back()
        wait_for(lambda: has(serving, "Rapat sesudahnya"))
        wait_for(lambda: read_health(serving)["status"] == "ok")


@needs_root
@pytest.mark.slow
def test_a_service_that_starts_on_a_read_only_disk_serves_its_feeds_and_gathers_when_it_can(
    tmp_path: Path, portal: LoopbackPortal
) -> None:
    write_timetable(tmp_path, SHORT)
    data = tmp_path / "data"
    publish_before(data)
    announce(portal, "Rapat awal", "Rapat sesudahnya")
    with mount(data, "--bind", str(data)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(data)], check=True)
        with serve(tmp_path, portal, configuration=SETTINGS) as serving:
            wait_for(lambda: has(serving, "rilis menurut pemkot"))
            wait_for(lambda: "the feeds stay served" in serving.errors)  # which are there before all is opened
            assert read_health(serving)["status"] in ("gathering fails", "database unreadable")
            subprocess.run(["mount", "-o", "remount,rw,bind", str(data)], check=True)
            wait_for(lambda: has(serving, "Rapat sesudahnya"))
            wait_for(lambda: read_health(serving)["status"] == "ok")
            serving.process.terminate()
            assert serving.process.wait(30) == 0
    assert "Read-only file system; the feeds stay served" in serving.errors
    assert "can be written again: gathering begins" in serving.errors


# ── its parts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_the_matter_is_told_in_a_word(tmp_path: Path) -> None:
    def fail(cause: BaseException, wrap: Callable[[str], Exception] = StoreError) -> Exception:
        try:
            raise wrap("x") from cause
        except Exception as error:
            return error

    (tmp_path / "text").write_text("bukan basis data" * 99, encoding="utf-8")
    for path, expected in ((tmp_path / "text", Obstacle.DAMAGED), (tmp_path / "none", Obstacle.MISSING)):
        with pytest.raises(StoreError) as caught, Store.open_reader(path) as store:
            store.check_ours()
        assert classify_obstacle(caught.value) is expected
    full = OSError(28, "No space left on device")
    assert classify_obstacle(fail(full)) is Obstacle.DISK_FULL
    assert classify_obstacle(fail(full, lambda text: PublishError(tmp_path, text))) is Obstacle.DISK_FULL
    assert classify_obstacle(fail(OSError(30, "Read-only file system"))) is Obstacle.NOT_WRITABLE
    assert classify_obstacle(ValueError("x")) is Obstacle.OTHER
    with (
        closing(sqlite3.connect(tmp_path / "a.db")) as one,
        closing(sqlite3.connect(tmp_path / "a.db", timeout=0)) as two,
    ):
        one.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError) as locked:
            two.execute("BEGIN IMMEDIATE")
    assert classify_obstacle(fail(locked.value)) is Obstacle.LOCKED


def test_a_failure_is_said_once_then_each_hour_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    told: list[tuple[Notice, ...]] = []
    obstacles = Obstacles(told.append)
    error = StoreError("news.db: database or disk is full")
    for minute in range(125):
        for job in ("poll", "publish", "alerts"):
            obstacles.note_failure(job, error, NOW + timedelta(minutes=minute))
    assert [record.getMessage() for record in caplog.records] == [
        "poll failed: news.db: database or disk is full",
        "poll failed: news.db: database or disk is full (61 times since 08:00:00 UTC)",
        "poll failed: news.db: database or disk is full (121 times since 08:00:00 UTC)",
    ]
    assert len(told) == 3
    assert {notice.job: notice.since for notice in told[-1]} == dict.fromkeys(("poll", "publish", "alerts"), NOW)
    for job in ("poll", "publish", "alerts"):
        obstacles.note_success(job)
        obstacles.note_success(job)
    assert told[-1] == ()
    assert caplog.records[-1].getMessage() == "alerts works again; it had failed 125 times since 08:00:00 UTC"
    obstacles.note_failure("poll", error, NOW)
    assert caplog.records[-1].getMessage() == "poll failed: news.db: database or disk is full"


def test_a_failure_that_tells_other_figures_each_time_is_the_same(caplog: pytest.LogCaptureFixture) -> None:
    obstacles = Obstacles(lambda _: None)
    for free in range(20):
        obstacles.note_failure("backup", StoreError(f"backups: needs 1,200.5 MB, and the disk has {free} MB free"), NOW)
    assert len(caplog.records) == 1


def test_the_bulletin_reaches_who_inherits_it_and_tells_no_half_of_it() -> None:
    bulletin = Bulletin()
    assert read_bulletin(bulletin.descriptor) == ()
    notices = tuple(Notice(job=f"job{number}", obstacle=Obstacle.LOCKED, since=NOW) for number in range(20))
    bulletin.write(notices)
    assert read_bulletin(bulletin.descriptor) == notices
    bulletin.write(notices[:1])
    assert read_bulletin(bulletin.descriptor) == notices[:1]
    bulletin.close()
    assert read_bulletin(bulletin.descriptor) == ()


def test_health_tells_of_jobs_that_fail_and_is_bad_where_nothing_is_gathered_or_published(tmp_path: Path) -> None:
    room = Newsroom(tmp_path)
    room.publish_at("pemkot", "rilis", RELEASE)
    room.store.close()

    def ask(*notices: Notice) -> tuple[int, str, str | None, dict[str, str]]:
        code, facts = check_health(
            Store.open_reader,
            database=tmp_path / "news.db",
            feed=tmp_path / "feed.xml",
            now=NOW,
            late_after=timedelta(days=999),
            notices=notices,
        )
        return code, facts["status"], facts["reason"], facts["failing"]

    backup = Notice(job="backup", obstacle=Obstacle.DISK_FULL, since=NOW)
    publish = Notice(job="publish", obstacle=Obstacle.NOT_WRITABLE, since=NOW)
    assert ask() == (200, "ok", None, {})
    assert ask(backup) == (200, "ok", None, {"backup": "disk-full"})
    told = {"backup": "disk-full", "publish": "not-writable"}
    assert ask(backup, publish) == (503, "publishing fails", "not-writable", told)


def test_a_database_that_is_still_to_come_is_no_error_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def ask() -> str | None:
        reason: str | None = check_health(
            Store.open_current_reader,
            database=tmp_path / "news.db",
            feed=tmp_path / "feed.xml",
            now=NOW,
            late_after=timedelta(days=999),
        )[1]["reason"]
        return reason

    assert ask() == "missing"
    assert not [each for each in caplog.records if each.levelno > logging.INFO]
    (tmp_path / "news.db").write_bytes(b"no database, but something else" * 99)
    assert ask() == "damaged"
    assert [each.levelname for each in caplog.records if each.levelno > logging.INFO] == ["ERROR"]


def test_a_line_that_was_just_logged_is_held_back_and_counted() -> None:
    lines: list[str] = []
    logger = logging.Logger("here")
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    filter_ = RepeatFilter(every=3600)
    handler.addFilter(filter_)
    logger.addHandler(handler)
    for number in range(1_000):
        logger.error("%s: cannot be read", "news.db")
        logger.error("page %d", number)
    assert lines.count("news.db: cannot be read") == 1
    assert len(lines) == 1_001
    filter_._every = 0
    logger.error("%s: cannot be read", "news.db")
    assert lines[-1] == "news.db: cannot be read (and 999 times before)"
    assert len(filter_._said) <= 256


@pytest.mark.parametrize("end", ["-wal", "-shm"])
def test_stores_over_a_log_that_is_no_more_are_let_go(tmp_path: Path, end: str) -> None:
    room = Newsroom(tmp_path)
    room.publish_at("pemkot", "rilis", RELEASE)
    path, read = tmp_path / "news.db", Reading(Store.open_reader)
    with read(path) as first:
        first.get_health()
    with read(path) as again:
        assert again is first
    (tmp_path / f"news.db{end}").rename(tmp_path / "away")
    with read(path) as fresh:
        assert fresh is not first
    with read(path) as again:
        assert again is fresh
    read._is_troubled = lambda: True
    for _ in range(2):
        with read(path) as other:
            assert other is not fresh
    assert read._idle == []
    room.store.close()


def note(store: Store, *words: str) -> None:
    for word in words:
        store.write_job(word, NOW, {"text": word * 200})


def read_notes(path: Path) -> set[str]:
    """As somebody reads them who has nothing open before; the file is sound."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {name for (name,) in database.execute("SELECT DISTINCT name FROM jobs")}


READER = """
import sqlite3, sys
database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
if sys.argv[2:]:
    database.execute("BEGIN")
print(database.execute("SELECT count(*) FROM jobs").fetchone(), flush=True)
sys.stdin.read()
"""


@contextmanager
def read_meanwhile(path: Path, *options: str) -> Iterator[None]:
    """Another process has the database open; with the option `long`, it is in the midst of reading one state."""
    command = [sys.executable, "-c", READER, str(path), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline()
        yield
        process.stdin.close()


def test_who_writes_loses_nothing_with_the_log_while_others_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who reads keeps the index of the log in use: it goes on telling of the log that is no more."""
    path, log = tmp_path / "news.db", tmp_path / "news.db-wal"
    with Store.open_writer(path) as store:
        note(store, "satu")
    with read_meanwhile(path):
        with Store.open_writer(path) as store:
            note(store, "dua")
        log.unlink()  # between two turns
        with Store.open_writer(path) as store:
            note(store, "tiga")
            log.unlink()  # in the midst of one
            note(store, "empat")
        with Store.open_writer(path) as store:
            assert store.get_last_job("empat") == NOW
            note(store, "lima")
        with Store.open_reader(path) as late:
            assert late.get_last_job("lima") == NOW
    assert read_notes(path) == {"satu", "dua", "tiga", "empat", "lima"}
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # then nobody has the new index open
    assert caplog.records[0].getMessage().startswith(f"{log} was removed while it was in use")


def test_of_a_log_that_is_gone_only_what_others_kept_from_the_file_is_lost(tmp_path: Path) -> None:
    """Who reads one state for long keeps later ones from being copied out of the log."""
    path, log = tmp_path / "news.db", tmp_path / "news.db-wal"
    with Store.open_writer(path) as store:
        note(store, "satu")
    with read_meanwhile(path, "long"):
        for words in (("dua", "tiga"), ("empat",)):
            with Store.open_writer(path) as store:
                note(store, *words)
        log.unlink()
        for word in ("lima", "enam"):
            with Store.open_writer(path) as store:
                note(store, word)
    with Store.open_writer(path) as store:
        note(store, "tujuh")
    assert read_notes(path) >= {"satu", "lima", "enam", "tujuh"}


def read_over_lost_log(path: Path) -> Store:
    """A reader in this process, under whom the log was removed."""
    with Store.open_writer(path) as store:
        note(store, "satu")
    reader = Store.open_reader(path)
    reader.get_health()
    with Store.open_writer(path) as store:
        note(store, "dua")
    path.with_name(f"{path.name}-wal").unlink()
    return reader


def test_a_log_that_this_process_still_reads_is_a_reason_not_to_write(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "news.db"
    with read_over_lost_log(path):
        with pytest.raises(StoreError, match=r"news\.db-wal was removed") as caught:
            Store.open_writer(path)
        assert classify_obstacle(caught.value) is Obstacle.DISK
        assert len(caplog.records) == 1
    with Store.open_writer(path) as store:
        note(store, "tiga")
    assert read_notes(path) == {"satu", "dua", "tiga"}


def test_who_leaves_off_reading_a_log_that_is_gone_does_not_keep_others_from_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the thread does that looks for hubs to be told whenever a turn begins."""
    path = tmp_path / "news.db"
    reader = read_over_lost_log(path)
    monkeypatch.setattr(time, "sleep", lambda _: reader.close())
    with Store.open_writer(path) as store:
        note(store, "tiga")
    assert read_notes(path) == {"satu", "dua", "tiga"}


def test_a_page_that_cannot_be_kept_costs_no_article(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    room = Newsroom(tmp_path)
    (tmp_path / "pages").touch()  # no folder can be made there
    assert PageFolder(tmp_path / "pages").folder == tmp_path / "pages"
    room.publish_at("pemkot", "rilis", RELEASE, raw=b"x")
    assert room.ask("SELECT count(*), max(page_file) FROM articles") == [(1, "")]
    assert [record.getMessage().partition(": [")[0] for record in caplog.records] == [
        f"{tmp_path / 'pages'}: pages cannot be kept, their articles are"
    ]
    room.store.close()


def test_where_the_disk_has_no_room_portals_are_not_asked(
    tmp_path: Path, portal: LoopbackPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = make_setup(
        tmp_path, f'[sources.uji]\nname = "U"\ndomain = "u.example"\nchannels = ["{portal.base}/feed"]\n'
    )
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1_000))
    with Store.open_writer(setup.database) as store, pytest.raises(StoreError, match="the disk is full") as caught:
        run_cycle(setup, store, now=NOW)
    assert classify_obstacle(caught.value) is Obstacle.DISK_FULL
    assert not portal.asked


@needs_root
def test_status_and_doctor_tell_that_nothing_can_be_written(tmp_path: Path) -> None:
    assert find_obstacle(tmp_path) == ""
    place = tmp_path / "data"
    with mount(place, "-t", "tmpfs", "-o", "size=1m", "none"):
        Scene(place).fill()
        for reason, change in (("No space left on device", ""), ("Read-only file system", "remount,ro")):
            if change:
                subprocess.run(["mount", "-o", change, str(place)], check=True)
            assert (
                find_obstacle(place)
                == f"Nothing can be written to {place}: {reason}. `kabarkota doctor` says what to do."
            )
            assert check_folder(place).level is Level.FAULT
    assert list_backups(place, NOW) == []
