"""`kabarkota digest` and `alerts`, the service that sends by itself, and what status and doctor tell of it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alert_room import AlertRoom, open_room
from click.testing import Result
from newsdesk import OTHER
from portals import LoopbackPortal, serve_portal
from post_office import SECRET, Mailbox, Receiver, run_mail_server, run_receiver, run_silent_server
from test_serve import CONFIGURATION, TEXT, wait_for
from test_service import keep_time, make_feed
from test_websub import poll_until
from typer.testing import CliRunner

from aggregator.store import Store
from schedules.cli import app

ALERTS = """
[targets.humas]
url_env = "KLIPING_MAIL"
[targets.sistem]
webhook = "{url}"
secret_env = "KLIPING_SECRET"
[digests.harian]
office = "Kominfo Gorontalo"
topic = "apeksi"
at = "{at}"
to = ["humas", "sistem"]
[digests.kosong]
topic = "smart-city"
city = "kota-bima"
at = "{at}"
to = "humas"
[alerts.apeksi]
topic = "apeksi"
to = ["humas", "sistem"]
"""
PASSWORD = "s3mb4rang-rahasia"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with run_mail_server() as box:
        yield box


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as receiver:
        yield receiver


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as portal:
        portal.answers["/feed"] = make_feed(portal)
        yield portal


@pytest.fixture
def room(tmp_path: Path, box: Mailbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlertRoom]:
    """Its news came in minutes ago by the machine's clock, and its digests were due an hour ago."""
    monkeypatch.setenv("KLIPING_MAIL", box.url("humas@kota.example"))
    monkeypatch.setenv("KLIPING_SECRET", SECRET)
    (tmp_path / "kabarkota.toml").write_text(CONFIGURATION)
    with open_room(tmp_path, ALERTS.format(url=receiver.url, at=f"{find_hour(-1):%H:%M}")) as room:
        room.minutes = int((datetime.now(UTC) - room.now).total_seconds() // 60) - 20
        room.bring("satu", "Wali kota anggota APEKSI bertemu", portals=2)
        yield room


def find_hour(hours: int) -> datetime:
    """So many hours from now, by the clock of Jakarta."""
    return datetime.now(UTC) + timedelta(hours=7 + hours)


def call(folder: Path, *words: str) -> Result:
    options = ("--config", str(folder / "kabarkota.toml"), "--data", str(folder))
    return CliRunner().invoke(app, [*options, *words])


def examine(room: AlertRoom) -> dict[str, dict[str, str]]:
    told = json.loads(call(room.folder, "doctor", "--offline", "--json").stdout)
    return {check["name"]: check for check in told["checks"]}


@pytest.mark.slow
def test_dry_run_shows_it_and_changes_nothing(room: AlertRoom, box: Mailbox, receiver: Receiver) -> None:
    before = list(room.store._connection.iterdump())
    shown = call(room.folder, "digest", "harian", "--dry-run")
    assert shown.exit_code == 0, shown.stderr
    assert "Wali kota anggota APEKSI bertemu" in shown.stdout
    assert shown.stderr == "to humas (humas@kota.example via 127.0.0.1); sistem (webhook 127.0.0.1)\n"
    forms = {"html": "<!doctype html>", "whatsapp": "*", "telegram": "<b>", "markdown": "**", "print": "@page"}
    for form, words in forms.items():
        assert words in call(room.folder, "digest", "harian", "--dry-run", "--format", form).stdout
    told = json.loads(call(room.folder, "digest", "harian", "--dry-run", "--json").stdout)
    assert (told["digest"], told["news"], told["portals"]) == ("harian", 1, 2)
    file = room.folder / "kliping.docx"
    assert call(room.folder, "digest", "harian", "--dry-run", "--format", "docx", "--output", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"PK")
    recent = (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="seconds")
    nothing = call(room.folder, "digest", "harian", "--dry-run", "--since", recent)
    assert "nothing is new" in nothing.stderr
    rows = json.loads(call(room.folder, "digest", "--dry-run", "--json").stdout)
    assert [(row["digest"], row["due"], row["news"]) for row in rows] == [("harian", True, 1), ("kosong", True, 0)]
    assert list(room.store._connection.iterdump()) == before
    assert (box.mails, receiver.posts) == ([], [])


@pytest.mark.slow
def test_what_is_due_is_sent_once_and_can_be_sent_again_by_name(
    room: AlertRoom, box: Mailbox, receiver: Receiver
) -> None:
    sent = call(room.folder, "digest", "--json")
    assert sent.exit_code == 0, sent.stderr
    told = json.loads(sent.stdout)
    assert told["digests"] == ["harian"]
    assert {(row["target"], row["state"]) for row in told["deliveries"]} == {("humas", "sent"), ("sistem", "sent")}
    assert box.recipients == ["humas@kota.example"]
    assert receiver.messages[0]["data"]["stories"][0]["news"][0]["title"] == "Wali kota anggota APEKSI bertemu"
    assert call(room.folder, "digest").stdout == "nothing is due, or nothing is new\n"
    assert call(room.folder, "digest", "harian").exit_code == 0
    assert len(box.mails) == 1
    since = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    again = call(room.folder, "digest", "harian", "--send", "--since", since)
    assert again.exit_code == 0, again.stderr
    assert len(box.mails) == 2


@pytest.mark.slow
def test_what_did_not_arrive_is_told_by_exit_code_status_and_doctor(
    room: AlertRoom, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.refused["humas@kota.example"] = "550 unknown humas@kota.example"
    sent = call(room.folder, "digest")
    assert sent.exit_code == 1
    assert "harian to humas: failed: recipient: 550 unknown ****" in sent.stderr
    assert "Target humas: 1 messages were refused or given up: recipient: 550" in call(room.folder, "status").stdout
    told = json.loads(call(room.folder, "status", "--json").stdout)
    assert [(each["target"], each["state"]) for each in told["troubled_targets"]] == [("humas", "failed")]
    checks = {
        check["name"]: check
        for check in json.loads(call(room.folder, "doctor", "--offline", "--json").stdout)["checks"]
    }
    assert checks["alerts"]["found"].startswith("2 digests, 1 alerts, 2 targets")
    assert (checks["messages"]["level"], "humas: 1 failed" in checks["messages"]["found"]) == ("warning", True)
    monkeypatch.delenv("KLIPING_SECRET")
    checks = examine(room)
    assert checks["alerts"]["level"] == "fault"
    assert "targets.sistem.secret_env: the variable KLIPING_SECRET is not set" in checks["alerts"]["found"]


@pytest.mark.slow
def test_alerts_are_listed_checked_and_tried_without_secrets(
    room: AlertRoom, box: Mailbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLIPING_MAIL", box.url("humas@kota.example", "b@kota.example", password=PASSWORD))
    listed = call(room.folder, "alerts", "list", "--json")
    assert [row["name"] for row in json.loads(listed.stdout)] == ["harian", "kosong", "apeksi", "humas", "sistem"]
    assert call(room.folder, "alerts", "check").stdout == "2 digests, 1 alerts, 2 targets\n"
    tried = call(room.folder, "alerts", "test", "sistem")
    assert (tried.exit_code, tried.stdout) == (0, "sistem (webhook 127.0.0.1): sent\n")
    assert receiver.messages[0]["type"] == "test"
    assert "uji coba" in receiver.messages[0]["text"]
    tried = call(room.folder, "alerts", "test", "apeksi")  # the server knows no logins
    assert tried.exit_code == 1
    assert len(tried.stderr.splitlines()) == 2
    for result in (listed, tried):
        assert PASSWORD not in result.output
        assert SECRET not in result.output
    monkeypatch.setenv("KLIPING_MAIL", box.url("humas@kota.example"))
    assert call(room.folder, "alerts", "test", "apeksi").exit_code == 0
    assert box.mails[0][1]["Subject"] == "UJI COBA: apeksi"
    assert room.ask("SELECT * FROM deliveries") == []


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("digest", "hari"), "alerts.toml has no digest 'hari'; did you mean harian?"),
        (("alerts", "test", "x"), "alerts.toml has no digest, alert or target 'x'; there are "),
        (("digest", "--send"), "digest: --send needs the NAME of a digest"),
        (("digest", "harian", "--send", "--dry-run"), "digest: --dry-run or --send, not both"),
        (("digest", "harian", "--send", "--since", "9999-12-31"), "--since 9999-12-31: is yet to come"),
        (("digest", "--since", "2026-01-01"), "digest: --since is for NAME --dry-run or NAME --send"),
        (("digest", "harian", "--format", "text"), "digest: --format and --output are for NAME --dry-run"),
        (("digest", "harian", "--dry-run", "--format", "docx"), "digest: --format docx needs --output FILE"),
    ],
)
def test_wrong_use_is_one_line(room: AlertRoom, words: tuple[str, ...], problem: str) -> None:
    result = call(room.folder, *words)
    assert result.exit_code != 0
    assert str(result.exception).startswith(problem)


def test_without_a_file_the_commands_say_what_to_do(tmp_path: Path) -> None:
    for words in (("digest",), ("alerts", "check")):
        result = CliRunner().invoke(app, ["--data", str(tmp_path), *words])
        assert "`kabarkota alerts example`" in str(result.exception)
    assert "[targets.humas]" in CliRunner().invoke(app, ["alerts", "example"]).stdout


def test_misspelt_topic_is_told_before_anything_is_due(room: AlertRoom) -> None:
    path = room.folder / "alerts.toml"
    path.write_text(path.read_text().replace('topic = "apeksi"', 'topic = "apaksi"', 1))
    checked = call(room.folder, "alerts", "check")
    problem = "digests.harian.topic: there is no topic apaksi; did you mean apeksi?"
    assert (checked.exit_code, problem in str(checked.exception)) == (1, True)
    assert problem in examine(room)["alerts"]["found"]
    assert call(room.folder, "digest").exit_code == 1


def test_what_needs_no_secret_works_without_it(room: AlertRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KLIPING_MAIL")
    for words in (("alerts", "list"), ("digest", "--dry-run"), ("alerts", "test", "sistem")):
        assert call(room.folder, *words).exit_code == 0
    checked = call(room.folder, "alerts", "check")
    assert str(checked.exception).endswith("targets.humas.url_env: the variable KLIPING_MAIL is not set")


# ── the service ────────────────────────────────────────────────────────────────────────────────────────────────────

TIMES = """
[poll]
every_seconds = 1
[digest]
every_seconds = 1
[alerts]
every_seconds = 1
"""
SERVED = """
[targets.humas]
url = "{url}"
[targets.bisu]
url = "mailto://kabar.example:{silent}/x@kota.example?smtp=127.0.0.1&mode=insecure&from=r@kabar.example"
[alerts.apeksi]
topic = "apeksi"
to = ["bisu", "humas"]
[digests.harian]
at = "{at}"
to = ["bisu", "humas"]
"""


def write_alerts(folder: Path, text: str) -> None:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data/alerts.toml").write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_service_tells_is_killed_and_tells_nothing_twice(tmp_path: Path, portal: LoopbackPortal, box: Mailbox) -> None:
    with run_silent_server() as silent:
        hour = f"{find_hour(-1):%H:%M}"  # the same in both files: a minute later there would be another digest
        values: dict[str, Any] = {"url": box.url("humas@kota.example"), "silent": silent, "at": hour}
        write_alerts(tmp_path, SERVED.format(**values))
        write_alerts_seen(tmp_path)
        with keep_time(tmp_path, portal, TIMES) as serving:
            wait_for(lambda: len(box.mails) == 2)  # the digest that was due, and the alert; the silent one delays none
            told = len(box.mails)
            other = make_feed(portal, "Bursa kerja APEKSI di Jakarta")
            other.body = other.body.replace(TEXT.encode(), " ".join(OTHER).encode())  # no copy of the first
            portal.answers["/feed"] = other
            poll_until(tmp_path, lambda: len(box.mails) == told + 1)
            write_alerts(tmp_path, "[alerts.x]\nto = 'tiada'\n")
            serving.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "nothing was reloaded: " in serving.errors)
            assert "alerts.x.to: there is no target tiada" in serving.errors
            write_alerts(tmp_path, SERVED.format(**values))
            serving.process.kill()
            serving.process.wait()
        with keep_time(tmp_path, portal, TIMES) as serving:
            wait_for(lambda: serving.errors.count("alerts has ended") >= 3)
            serving.process.terminate()
            assert serving.process.wait(30) == 0, serving.errors
    assert len(box.mails) == told + 1, [mail["Subject"] for _, mail in box.mails]
    assert " ERROR" not in serving.errors


def write_alerts_seen(folder: Path) -> None:
    """As if the service had run yesterday: its digest and alert are not new."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with Store.open_writer(folder / "data/news.db") as store, store.transaction():
        store.write_run("harian", slot=yesterday, since=yesterday, until=yesterday, state="begun")
        store.write_look("apeksi", 0, yesterday)
