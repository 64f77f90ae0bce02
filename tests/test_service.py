"""`kabarkota serve` by a timetable of short intervals: turns, deadlines, signals, and what systemd is told."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from fresh_database import open_fresh
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from test_serve import CONFIGURATION, PATIENCE, TEXT, Serving, is_running, serve, wait_for

from schedules.gathering import Gatherer, TurnStuck
from schedules.jobs import Desk, Job
from schedules.notify import Notifier
from schedules.timetable import load_timetable
from schedules.writer import ALL_JOBS, Writer

SHORT = """
[poll]
every_seconds = 1
[publish]
every_seconds = 1
"""
PATIENT = f"{CONFIGURATION}\ntimeout_seconds = 600\n"  # towards a portal that does not answer


def make_feed(portal: LoopbackPortal, title: str = "Rapat APEKSI bahas kota cerdas") -> Answer:
    slug = title.lower().replace(" ", "-")
    item = (
        f"<item><title>{title}</title><link>{portal.base}/berita/{slug}</link>"
        f"<pubDate>{format_datetime(datetime.now(UTC))}</pubDate>"
        f"<content:encoded><![CDATA[{f'<p>{title}. {TEXT}</p>' * 4}]]></content:encoded></item>"
    )
    return Answer(
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>Kabar Uji</title>{item}</channel></rss>".encode(),
        content_type="application/rss+xml",
    )


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as portal:
        portal.answers["/feed"] = make_feed(portal)
        yield portal


@contextmanager
def keep_time(folder: Path, portal: LoopbackPortal, timetable: str = SHORT, **more: Any) -> Iterator[Serving]:
    """`kabarkota --debug serve` with a timetable of the operator's."""
    write_timetable(folder, timetable)
    with serve(folder, portal, start=("-m", "schedules", "--debug"), **more) as serving:
        yield serving


def write_timetable(folder: Path, text: str) -> None:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data/timetable.toml").write_text(text, encoding="utf-8")


def ask_database(folder: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "data/news.db", timeout=30)) as db, db:
        return db.execute(sql).fetchall()


def make_due(folder: Path) -> None:
    ask_database(folder, "UPDATE channels SET next_poll_at = '2000-01-01T00:00:00Z'")


def list_turns(serving: Serving, job: str) -> list[str]:
    return re.findall(rf"schedules\.writer: {job} (begins|has ended)", serving.errors)


@contextmanager
def hang(portal: LoopbackPortal) -> Iterator[threading.Event]:
    """The portal's feed is not answered before the gate is opened."""
    gate = threading.Event()
    answer = make_feed(portal)
    answer.gate = gate
    portal.answers["/feed"] = answer
    try:
        yield gate
    finally:
        gate.set()


def test_channels_that_are_due_are_polled_at_the_next_tick(tmp_path: Path, portal: LoopbackPortal) -> None:
    with keep_time(tmp_path, portal) as serving:
        for polls in range(1, 4):
            wait_for(lambda polls=polls: portal.asked["/feed"] == polls)
            wait_for(lambda polls=polls: ask_database(tmp_path, "SELECT count(*) FROM polls") == [(polls,)])
            make_due(tmp_path)
        command = [word for word in serving.command("run") if word != "--debug"]
        rival = subprocess.run(command, capture_output=True, text=True, check=False)
        assert rival.returncode == 3, rival.stderr
        wait_for(lambda: len(list_turns(serving, "publish")) >= 4)
    assert " ERROR" not in serving.errors
    assert "WARNING apscheduler" not in serving.errors


@pytest.mark.slow
def test_job_longer_than_its_interval_is_not_overlapped_and_what_it_missed_is_made_up(
    tmp_path: Path, portal: LoopbackPortal
) -> None:
    with hang(portal) as gate, keep_time(tmp_path, portal, configuration=PATIENT) as serving:
        wait_for(lambda: portal.asked["/feed"] == 1)
        wait_for(lambda: "poll is waiting already" in serving.errors)  # so two ticks came meanwhile
        assert list_turns(serving, "poll") == ["begins"]
        gate.set()
        wait_for(serving.has_news)
        wait_for(lambda: len(list_turns(serving, "poll")) >= 6)
    turns = list_turns(serving, "poll")
    assert turns[0::2] == ["begins"] * len(turns[0::2])  # never one within another
    assert turns[1::2] == ["has ended"] * len(turns[1::2])
    assert portal.asked["/feed"] == 1  # no channel was due again: the turn that was made up cost its portal nothing


@pytest.mark.slow
def test_hung_job_is_ended_by_its_deadline_and_the_next_works(tmp_path: Path, portal: LoopbackPortal) -> None:
    with hang(portal) as gate, keep_time(tmp_path, portal, configuration=PATIENT) as serving:
        wait_for(lambda: portal.asked["/feed"] == 1)
        write_timetable(tmp_path, "[poll]\nevery_seconds = 1\ndeadline_seconds = 1\n")
        serving.process.send_signal(signal.SIGHUP)  # a deadline holds for the turn under way, too
        wait_for(lambda: "poll has passed its deadline of 1 s" in serving.errors)
        gate.set()
        write_timetable(tmp_path, SHORT)
        serving.process.send_signal(signal.SIGHUP)
        wait_for(serving.has_news)
    complaints = [line for line in serving.errors.splitlines() if "ERROR" in line]
    assert all("poll has passed its deadline" in line for line in complaints)  # one line for each turn, no more
    assert "Traceback" not in serving.errors


@pytest.mark.slow
def test_hangup_brings_a_new_source_and_another_interval(tmp_path: Path, portal: LoopbackPortal) -> None:
    portal.answers["/lain"] = make_feed(portal, "Wali kota APEKSI resmikan kota cerdas")
    with keep_time(tmp_path, portal, "[poll]\nevery_seconds = 3600\n") as serving:
        wait_for(serving.has_news)
        (tmp_path / "data/sources.toml").write_text(
            '[sources.lain]\nname = "Lain"\ndomain = "lain.example"\n'
            f'channels = [{{ kind = "feed", url = "{portal.base}/lain" }}]\n',
            encoding="utf-8",
        )
        write_timetable(tmp_path, SHORT)
        serving.process.send_signal(signal.SIGHUP)
        wait_for(lambda: portal.asked["/lain"])
        wait_for(lambda: ask_database(tmp_path, "SELECT count(*) FROM articles") == [(2,)])
        assert serving.process.poll() is None
    assert "ERROR" not in serving.errors


@pytest.mark.slow
def test_faulty_file_leaves_all_as_it_was(tmp_path: Path, portal: LoopbackPortal) -> None:
    with keep_time(tmp_path, portal) as serving:
        wait_for(serving.has_news)
        faults = {
            "timetable.toml": "[poll]\nevery_seconds = -1\n",
            "sources.toml": "[sources.uji]\nnam = 1\n",
            "topics.toml": "colour = 1\n",
            "profiles.toml": "[a",
        }
        for name, text in faults.items():
            path = tmp_path / "data" / name
            before = path.read_text() if path.exists() else None
            path.write_text(text, encoding="utf-8")
            serving.process.send_signal(signal.SIGHUP)
            wait_for(lambda path=path: f"nothing was reloaded: {path}: " in serving.errors)
            path.unlink() if before is None else path.write_text(before, encoding="utf-8")
        seen = len(list_turns(serving, "poll"))
        wait_for(lambda: len(list_turns(serving, "poll")) > seen + 3)  # each second, as before
        make_due(tmp_path)
        wait_for(lambda: portal.asked["/feed"] == 2)
    assert "Traceback" not in serving.errors


@pytest.mark.slow
def test_web_server_gets_what_changed_of_the_configuration(tmp_path: Path, portal: LoopbackPortal) -> None:
    with keep_time(tmp_path, portal) as serving:
        wait_for(serving.has_news)
        (tmp_path / "kabarkota.toml").write_text(
            f'{CONFIGURATION}[aggregator]\nsite_name = "Kabar Lain"\n', encoding="utf-8"
        )
        serving.process.send_signal(signal.SIGHUP)
        wait_for(lambda: (answer := serving.ask("/")) is not None and "Kabar Lain" in answer.text)
        wait_for(lambda: (answer := serving.ask("/feed.xml")) is not None and "Kabar Lain" in answer.text)


@pytest.mark.slow
def test_faulty_timetable_is_told_before_anything_starts(tmp_path: Path, portal: LoopbackPortal) -> None:
    write_timetable(tmp_path, '[poll]\nat = "1"\n')
    with serve(tmp_path, portal) as serving:
        assert serving.process.wait(PATIENCE) == 2
    *hints, line = serving.errors.splitlines()
    assert line.startswith(f"kabarkota: {tmp_path / 'data/timetable.toml'}: poll.at: '1': not an hour")
    assert [hint.split(";")[0] for hint in hints] == ["kabarkota: no site_url is set"]
    assert not (tmp_path / "data/news.db").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_told_to_stop_in_a_hanging_crawl_it_ends_in_order(
    tmp_path: Path, portal: LoopbackPortal, number: signal.Signals
) -> None:
    with hang(portal), keep_time(tmp_path, portal, configuration=PATIENT) as serving:
        wait_for(lambda: portal.asked["/feed"] and serving.ask("/healthz"))
        children = serving.list_children()
        assert len(children) >= 2
        serving.process.send_signal(number)
        serving.process.send_signal(number)  # whoever is impatient changes nothing
        assert serving.process.wait(PATIENCE) == 0, serving.errors
        wait_for(lambda: not any(is_running(pid) for pid in children))
    assert "Traceback" not in serving.errors
    assert "could not be broken off" not in serving.errors  # after 7 s it would be: in order, and within 10 s
    assert ask_database(tmp_path, "PRAGMA integrity_check") == [("ok",)]


STUCK = """
import sys, time
import schedules.gathering, schedules.writer
from schedules.jobs import Job
schedules.gathering.GRACE_SECONDS = schedules.gathering.END_SECONDS = 1
def hang(desk):
    while True:
        time.sleep(60)
schedules.writer.ALL_JOBS["poll"] = Job("hanging", hang)
from schedules.cli import main
main()
"""


@pytest.mark.slow
def test_job_that_cannot_be_broken_off_ends_the_service(tmp_path: Path, portal: LoopbackPortal) -> None:
    write_timetable(tmp_path, "[poll]\ndeadline_seconds = 1\n")
    with serve(tmp_path, portal, start=("-c", STUCK)) as serving:
        assert serving.process.wait(PATIENCE) == 1
    assert "poll did not end when it was cut short at its deadline" in serving.errors.splitlines()[-1]


@pytest.mark.slow
def test_told_to_stop_it_ends_even_so(tmp_path: Path, portal: LoopbackPortal) -> None:
    with serve(tmp_path, portal, start=("-c", STUCK)) as serving:
        wait_for(lambda: serving.ask("/healthz"))
        children = serving.list_children()
        serving.process.terminate()
        assert serving.process.wait(PATIENCE) == 0
        wait_for(lambda: not any(is_running(pid) for pid in children))
    assert "poll could not be broken off in time" in serving.errors.splitlines()[-1]


# ── the writer ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(make_setup(tmp_path), lambda: None)
    writer.start()
    yield writer
    writer.end()
    assert writer.join(PATIENCE)


def test_what_falls_due_while_it_is_done_is_done_once_more(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, done = threading.Event(), []
    monkeypatch.setitem(ALL_JOBS, "poll", Job("", lambda _: (done.append("poll"), gate.wait(PATIENCE))))
    monkeypatch.setitem(ALL_JOBS, "tend", Job("", lambda _: done.append("tend")))
    writer.ask("poll")
    wait_for(lambda: done == ["poll"])
    for name in ("poll", "poll", "tend", "poll", "tend"):
        writer.ask(name)
    gate.set()
    wait_for(lambda: len(done) == 3 and writer.turn is None)
    assert done == ["poll", "poll", "tend"]


def test_a_fault_of_ours_costs_one_turn(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[int] = []

    def stumble(_: Desk) -> None:
        done.append(1)
        raise KeyError("colour")

    monkeypatch.setitem(ALL_JOBS, "poll", Job("", stumble))
    for turns in (1, 2):
        writer.ask("poll")
        wait_for(lambda turns=turns: len(done) == turns)
    wait_for(lambda: len(caplog.messages) == 2)
    assert caplog.messages == ["poll failed: KeyError: 'colour'"] * 2


def count_for_ever(desk: Desk) -> None:
    """A transaction with one statement that never ends."""
    store = desk.store
    with store.transaction():
        store._connection.execute("INSERT INTO jobs (name, done_at, summary) VALUES ('half', '2026', '{}')")
        store._rows("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")


def insert_for_ever(desk: Desk) -> None:
    """A transaction of small statements that never ends."""
    with desk.store.transaction():
        while True:
            desk.store._connection.execute("INSERT INTO jobs (name, done_at, summary) VALUES ('half', '2026', '{}')")


@pytest.mark.parametrize("work", [count_for_ever, insert_for_ever])
def test_long_work_in_the_database_is_broken_off_and_rolled_back(
    tmp_path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch, work: Any
) -> None:
    monkeypatch.setitem(ALL_JOBS, "tend", Job("", work))
    writer.ask("tend")
    wait_for(lambda: writer.turn is not None)

    def is_broken_off() -> bool:
        if turn := writer.turn:
            turn.break_off(gently=True)  # it fetches nothing, so there is nothing to be gentle with
        return writer.turn is None

    wait_for(is_broken_off)
    monkeypatch.setitem(ALL_JOBS, "poll", Job("", lambda desk: desk.store.write_job("whole", datetime.now(UTC), {})))
    writer.ask("poll")
    wait_for(lambda: ask_database(tmp_path, "SELECT name FROM jobs") == [("whole",)])


@pytest.mark.slow
def test_an_ended_turn_is_left_alone(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = []
    monkeypatch.setitem(ALL_JOBS, "poll", Job("", lambda desk: (turns.append(writer.turn), desk.get_crawler())))
    writer.ask("poll")
    wait_for(lambda: turns and writer.turn is None)
    crawler = writer._crawler
    turns[0].break_off(gently=False)
    writer.ask("poll")
    wait_for(lambda: len(turns) == 2 and writer.turn is None)
    assert crawler is not None
    assert writer._crawler is crawler
    assert crawler.is_alive


@pytest.mark.slow
def test_what_has_arrived_before_a_crawl_is_broken_off_is_written(
    tmp_path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def work(desk: Desk) -> None:
        desk.get_crawler()
        gate.wait(PATIENCE)
        desk.store.write_job("arrived", desk.now, {})

    monkeypatch.setitem(ALL_JOBS, "poll", Job("", work))
    writer.ask("poll")
    wait_for(lambda: writer._crawler is not None and writer.turn is not None)
    turn = writer.turn
    assert turn is not None
    wait_for(lambda: turn._crawler is not None)
    turn.break_off(gently=True)
    gate.set()
    wait_for(lambda: writer.turn is None)
    assert ask_database(tmp_path, "SELECT name FROM jobs") == [("arrived",)]
    assert writer._crawler is None  # it would take no further batch


def test_service_ends_in_the_middle_of_a_long_look_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ALL_JOBS, "poll", Job("", count_for_ever))
    gatherer = Gatherer(make_setup(tmp_path), load_timetable(), lambda: None)
    gatherer.start()
    wait_for(lambda: gatherer._writer.turn is not None)
    gatherer.end()  # raises TurnStuck after END_SECONDS
    assert ask_database(tmp_path, "SELECT * FROM jobs") == []


def test_turns_missed_while_nothing_ran_are_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = make_setup(tmp_path)
    with open_fresh(setup.database) as store:
        store.write_job("tend", datetime(2026, 1, 1, tzinfo=UTC), {})
        store.write_job("backup", datetime.now(UTC), {})
    done: list[str] = []
    for name in load_timetable():
        monkeypatch.setitem(ALL_JOBS, name, Job("", lambda _, name=name: done.append(name)))
    gatherer = Gatherer(setup, load_timetable(), lambda: None)
    gatherer.start()
    wait_for(lambda: len(done) == 2)
    wait_for(lambda: gatherer.is_running)
    assert gatherer.trouble == ""
    assert gatherer.describe().startswith("waiting; next is poll, ")
    gatherer.end()
    assert sorted(done) == ["poll", "tend"]


def test_deadline_of_a_turn_is_its_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setitem(ALL_JOBS, "poll", Job("", lambda _: gate.wait(PATIENCE)))
    monkeypatch.setattr("schedules.gathering.GRACE_SECONDS", 0)
    timetable = dict(load_timetable())
    timetable["poll"] = timetable["poll"].model_copy(update={"deadline_seconds": 900})
    gatherer = Gatherer(make_setup(tmp_path), timetable, lambda: None)
    gatherer.start()
    wait_for(lambda: gatherer._writer.turn is not None)
    assert 0 < gatherer.watch() <= 900
    gatherer._timetable = {**timetable, "poll": timetable["poll"].model_copy(update={"deadline_seconds": 0})}
    with pytest.raises(TurnStuck, match="poll did not end"):
        gatherer.watch()
    gate.set()
    gatherer.end()


# ── what systemd is told ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, str]]:
    """A socket as systemd has it, and its name in NOTIFY_SOCKET."""
    with tempfile.TemporaryDirectory(prefix="kk-") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        name = f"{folder}/notify"
        own.bind(name if request.param == "path" else f"\0{name}")
        own.settimeout(PATIENCE)
        yield own, name if request.param == "path" else f"@{name}"


def read_until(own: socket.socket, wanted: str) -> list[str]:
    """The lines told up to the wanted one."""
    lines: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while wanted not in lines:
        assert time.monotonic() < deadline, lines
        lines += own.recv(4096).decode().split("\n")
    return lines


@pytest.mark.slow
def test_systemd_is_told_what_becomes_of_the_service(
    tmp_path: Path, portal: LoopbackPortal, systemd: tuple[socket.socket, str]
) -> None:
    own, name = systemd
    environ = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"}
    with keep_time(tmp_path, portal, "[poll]\nevery_seconds = 3600\n", environ=environ) as serving:
        told = read_until(own, "READY=1")
        assert serving.ask("/healthz") is not None  # ready means that it answers
        for _ in range(3):
            told += read_until(own, "WATCHDOG=1")
        while not any(line.startswith("STATUS=waiting; next is ") for line in told):  # told once, at some time
            told += read_until(own, "WATCHDOG=1")
        serving.process.send_signal(signal.SIGHUP)
        (since,) = [line for line in read_until(own, "RELOADING=1") if line.startswith("MONOTONIC_USEC=")]
        assert int(since.partition("=")[2]) <= time.monotonic_ns() // 1000
        read_until(own, "READY=1")
        serving.process.terminate()
        told = read_until(own, "STOPPING=1")
        assert "WATCHDOG=1" not in told[told.index("STOPPING=1") :]
        assert serving.process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_watchdog_hears_nothing_while_a_job_is_stuck(tmp_path: Path, portal: LoopbackPortal) -> None:
    write_timetable(tmp_path, "[poll]\ndeadline_seconds = 1\n")
    with tempfile.TemporaryDirectory(prefix="kk-") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.bind(f"{folder}/notify")
        own.settimeout(PATIENCE)
        environ = {"NOTIFY_SOCKET": f"{folder}/notify"}
        with serve(tmp_path, portal, start=("-c", STUCK), environ=environ) as serving:
            told = read_until(own, "STOPPING=1")
            assert serving.process.wait(PATIENCE) == 1
    assert any(line.startswith("STATUS=hanging since") for line in told)


def test_nobody_to_tell_is_no_failure(tmp_path: Path) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "never"}):
        notifier = Notifier(environ)
        notifier.send("READY=1")
        notifier.ping()
        assert notifier.ping_seconds is None


def test_watchdog_of_another_process_is_not_ours() -> None:
    assert Notifier({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}).ping_seconds is None
    assert Notifier({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}).ping_seconds == 1
