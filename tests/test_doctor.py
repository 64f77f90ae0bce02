"""`kabarkota doctor`: each check over what it is there to find."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from certificates import make_authority
from command_line import run_here
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from newsroom import add_channel, add_poll, finish_cycle
from portals import LoopbackPortal, make_setup, serve_portal
from ports import find_port
from pydantic import SecretStr
from test_command_errors import run
from test_migrations import LEVELS, make_old
from test_serve import wait_for

from aggregator.backups import name_backup
from aggregator.models import Channel, ChannelKind, Source
from aggregator.processes import read_command
from aggregator.settings import AggregatorSettings
from aggregator.store import Store
from schedules.config import Setup
from schedules.doctor import backups, database, machine, network
from schedules.doctor import setup as folders
from schedules.doctor.check import Check, Level
from schedules.doctor.network import Portal
from schedules.errors import UsageFailure
from schedules.lock import hold_writer_lock
from schedules.web_server import WebServer

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
LIMIT = timedelta(hours=6)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    setup = make_setup(tmp_path)
    setup.data_folder.mkdir()
    return setup


def summarize(check: Check) -> tuple[str, Level]:
    assert check.advice or check.level is Level.OK
    return check.name, check.level


# ── the command ────────────────────────────────────────────────────────────────────────────────────────────────────


def examine(folder: Path, *options: str, **environ: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = run_here(folder, *options, "doctor", "--offline", "--json", **environ)
    assert "Traceback" not in result.stderr, result.stderr
    return result.returncode, {check["name"]: check for check in json.loads(result.stdout)["checks"]}


def test_a_fresh_installation_has_no_faults(tmp_path: Path) -> None:
    code, checks = examine(tmp_path, KABARKOTA_CONTACT="redaksi@kabar.example")
    assert code == 0, checks
    assert {name for name, check in checks.items() if check["level"] == "fault"} == set()
    assert checks["contact"]["found"] == "redaksi@kabar.example"
    assert "there is none yet" in checks["database"]["found"]
    assert checks["backups"]["found"] == "none are needed before there is a database"
    assert not (tmp_path / ".local").exists()  # looking leaves nothing behind


@pytest.mark.parametrize(
    ("content", "environ", "found"),
    [
        pytest.param("colour = 1\n", {}, "kabarkota.toml: colour: unknown key", id="unknown key"),
        pytest.param("contact = \n", {}, "not valid TOML", id="broken TOML"),
        pytest.param("", {"KABARKOTA_COLOUR": "1"}, "KABARKOTA_COLOUR: unknown key", id="unknown variable"),
        pytest.param("", {"KABARKOTA_CONFIG": "tidak-ada.toml"}, "no such configuration file", id="missing file"),
    ],
)
def test_a_broken_configuration_is_a_fault_and_the_machine_is_looked_at_all_the_same(
    tmp_path: Path, content: str, environ: dict[str, str], found: str
) -> None:
    (tmp_path / "kabarkota.toml").write_text(content, encoding="utf-8")
    code, checks = examine(tmp_path, **environ)
    assert code == 1
    assert checks["configuration"]["level"] == "fault"
    assert found in checks["configuration"]["found"]
    assert {"SQLite", "time zones", "clock"} < set(checks)
    assert "database" not in checks


def test_options_before_the_name_count(tmp_path: Path) -> None:
    (tmp_path / "k.toml").write_text('contact = "a@b.example"\n', encoding="utf-8")
    code, checks = examine(tmp_path, "--config", "k.toml", "--data", "sini", "--catalogue", "tidak-ada.toml")
    assert code == 1
    assert "tidak-ada.toml" in checks["catalogue"]["found"]
    assert "k.toml" in checks["configuration"]["found"]
    assert checks["data folder"]["found"].startswith("sini")


def test_people_get_a_line_for_each_check_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("sebuah berkas", encoding="utf-8")
    result = run(tmp_path, "--data", "data", "doctor", "--offline")
    assert result.returncode == 1
    assert "fault    data folder: data: is not a folder\n         → move the file away" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("faults")
    assert "DNS" not in result.stdout


# ── configuration, folder, files ───────────────────────────────────────────────────────────────────────────────────


def test_contact(setup: Setup) -> None:
    assert summarize(folders.check_contact(setup)) == ("contact", Level.OK)
    assert summarize(folders.check_contact(make_setup(setup.data_folder, contact=""))) == ("contact", Level.WARNING)
    assert summarize(folders.check_site(setup)) == ("site", Level.WARNING)
    located = replace(setup, aggregator=AggregatorSettings(site_url="https://kabar.example"))
    assert summarize(folders.check_site(located)) == ("site", Level.OK)


PASSWORD = SecretStr("kata sandi yang panjang")


@pytest.mark.parametrize(
    ("settings", "level", "found"),
    [
        ({}, Level.OK, "public, on this machine only"),
        ({"site_url": "http://127.0.0.1:8000/"}, Level.OK, "public, on this machine only"),
        ({"site_url": "http://kabar.localhost/"}, Level.OK, "public, on this machine only"),
        ({"site_url": "https://kabar.example/"}, Level.WARNING, "status, sources, metrics at https://kabar.example/"),
        ({"site_url": "https://kabar.example/", "private_pages": ("metrics",)}, Level.WARNING, "status, sources at"),
        ({"site_url": "https://kabar.example/", "private_pages": ("status",)}, Level.OK, "private: status"),
        ({"site_url": "http://kabar.example/", "private_pages": ("status",)}, Level.WARNING, "over http://"),
    ],
)
def test_pages_that_everybody_can_read(setup: Setup, settings: dict[str, Any], level: Level, found: str) -> None:
    aggregator = AggregatorSettings(operator_password=PASSWORD, **settings)
    check = folders.check_protection(replace(setup, aggregator=aggregator))
    assert summarize(check) == ("operator's pages", level)
    assert found in check.found


def test_private_pages_that_nobody_could_read(setup: Setup) -> None:
    locked = replace(setup, aggregator=AggregatorSettings(private_pages=("status",)))
    assert "`serve` does not start" in folders.check_protection(locked).found
    with pytest.raises(UsageFailure, match=r"aggregator\.private_pages: nobody could read them"):
        WebServer(locked, host="127.0.0.1", port=find_port())


def test_service_that_listens_to_others_is_seen(setup: Setup) -> None:
    script = "import sys; sys.stdin.read()"
    with (setup.data_folder / "writer.lock").open("w") as lock:  # inherited: the one process that holds it open
        command = [sys.executable, "-c", script, "serve", "--host", "0.0.0.0"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[lock.fileno()])
    try:
        wait_for(lambda: "0.0.0.0" in read_command(process.pid))
        assert "at 0.0.0.0" in folders.check_protection(setup).found
    finally:
        process.kill()
        process.communicate()


def test_contact_for_takedowns(setup: Setup) -> None:
    assert summarize(folders.check_publisher_contact(setup)) == ("takedown contact", Level.OK)
    for contact, level in (("", Level.WARNING), ("redaksi@kabar.example", Level.OK)):
        aggregator = AggregatorSettings(site_url="https://kabar.example/", contact=contact)
        check = folders.check_publisher_contact(replace(setup, aggregator=aggregator))
        assert summarize(check) == ("takedown contact", level)


def test_folder_that_is_there_or_can_be_made(setup: Setup) -> None:
    assert summarize(folders.check_folder(setup.data_folder)) == ("data folder", Level.OK)
    assert "first cycle makes it" in folders.check_folder(setup.data_folder / "baru" / "lagi").found


def test_folder_that_cannot_be_made(setup: Setup) -> None:
    (setup.data_folder / "berkas").touch()
    assert summarize(folders.check_folder(setup.data_folder / "berkas" / "data")) == ("data folder", Level.FAULT)


@pytest.mark.parametrize("closed", ["backups", "lifted", "", "news.db", "public"])
def test_folder_that_cannot_be_written(setup: Setup, monkeypatch: pytest.MonkeyPatch, closed: str) -> None:
    (setup.data_folder / "news.db").touch()
    for folder in (setup.public, setup.backups, setup.data_folder / "lifted"):
        folder.mkdir()
    shut = setup.data_folder / closed  # root may write everywhere, so that modes would show nothing here
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != shut)
    check = folders.check_folder(setup.data_folder)
    assert summarize(check) == ("data folder", Level.FAULT)
    assert check.found.startswith(f"{shut}: ")


def test_folder_of_somebody_else(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    check = folders.check_folder(setup.data_folder)
    assert summarize(check) == ("data folder", Level.WARNING)
    assert "4711" in check.advice


@pytest.mark.parametrize(
    ("name", "level"), [("FLOOR", Level.WARNING), ("LEAST", Level.FAULT)], ids=["little room", "no room"]
)
def test_disk_that_is_full(setup: Setup, monkeypatch: pytest.MonkeyPatch, name: str, level: Level) -> None:
    monkeypatch.setattr(folders, name, 10**18)
    assert summarize(folders.check_disk(setup.data_folder, setup.database)) == ("disk", level)


def test_disk_must_hold_the_database_thrice(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "FLOOR", 0)
    with setup.database.open("wb") as file:
        file.truncate(10**12)  # sparse
    assert summarize(folders.check_disk(setup.data_folder, setup.database)) == ("disk", Level.WARNING)


def test_disk_without_room_for_more_files(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "FLOOR", 0)
    monkeypatch.setattr(folders, "LEAST", 0)
    monkeypatch.setattr(folders, "INODES", 10**18)
    check = folders.check_disk(setup.data_folder, setup.database)
    is_limited = os.statvfs(setup.data_folder).f_files > 0
    assert summarize(check) == ("disk", Level.WARNING if is_limited else Level.OK)


def test_disk_without_room_for_more_files_nor_bytes_is_told_as_both(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FLOOR", "INODES", "FEW_INODES"):
        monkeypatch.setattr(folders, name, 10**18)
    few = SimpleNamespace(f_files=1_000, f_favail=7, f_bavail=3, f_blocks=9, f_bfree=3, f_frsize=4_096)
    monkeypatch.setattr(os, "statvfs", lambda _: few)
    check = folders.check_disk(setup.data_folder, setup.database)
    assert summarize(check) == ("disk", Level.FAULT)
    assert check.found.endswith(" free, and only 7 more files")
    assert check.advice.startswith("make room on the disk of ")
    assert check.advice.endswith("; remove small files, or use another disk")


# ── backups ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["backups", "lifted"])
def test_folders_that_are_no_folders(setup: Setup, name: str) -> None:
    (setup.data_folder / name).touch()
    check = folders.check_folder(setup.data_folder)
    assert summarize(check) == ("data folder", Level.FAULT)
    assert check.found == f"{setup.data_folder / name}: is not a folder"


def lay_backup(setup: Setup, at: datetime, level: str = "") -> None:
    setup.backups.mkdir(exist_ok=True)
    name_backup(setup.backups, at, level).write_bytes(b"x")


def test_backups_that_are_not_made(setup: Setup) -> None:
    def check(found: str, level: Level) -> None:
        made = backups.check_backups(setup, NOW)
        assert summarize(made) == ("backups", level), made
        assert found in made.found

    check("none are needed before there is a database", Level.OK)
    finish_cycle(setup.database, NOW - timedelta(days=1))
    check("none yet", Level.OK)
    change(setup, f"UPDATE cycles SET started_at = '{NOW - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}'")
    check("none, though the installation is 3 days old", Level.WARNING)
    lay_backup(setup, NOW - timedelta(hours=1), "m001_x")
    check("none, though", Level.WARNING)  # that was made before a migration, and is no nightly one
    lay_backup(setup, NOW + timedelta(days=900))
    check("but 1 of a time that is still to come", Level.WARNING)
    lay_backup(setup, NOW - timedelta(days=4))
    check("4 days ago", Level.WARNING)
    (setup.data_folder / "timetable.toml").write_text("[backup]\nenabled = false\n", encoding="utf-8")
    check("has them switched off", Level.OK)
    (setup.data_folder / "timetable.toml").unlink()
    lay_backup(setup, NOW - timedelta(hours=30))
    check("the newest of 3: ", Level.OK)


def test_an_older_database_that_cannot_be_copied(setup: Setup) -> None:
    make_old(setup.database, LEVELS[-3])
    assert backups.check_backups(setup, NOW).level is Level.OK
    with setup.database.open("ab") as file:
        file.truncate(10**13)  # sparse
    check = backups.check_backups(setup, NOW)
    assert summarize(check) == ("backups", Level.FAULT)
    assert "a copy of the database needs" in check.found
    assert "--no-backup" in check.advice


def test_network_file_systems_are_warned_of(tmp_path: Path) -> None:
    data = tmp_path / "data folder"
    data.mkdir()
    mounts = tmp_path / "mountinfo"
    place = str(data.resolve()).replace(" ", "\\040")
    lines = [
        "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw",
        f"23 22 0:30 / {place} rw,relatime shared:2 - nfs4 server:/srv rw",
        f"24 22 0:31 / {place}-other rw - cifs //server/share rw",
    ]
    mounts.write_text("\n".join(lines), encoding="utf-8")
    check = folders.check_file_system(data / "nanti", mounts)
    assert summarize(check) == ("file system", Level.WARNING)
    assert check.found.startswith("nfs4")
    assert folders.check_file_system(tmp_path, mounts).found == "ext4"
    assert folders.check_file_system(tmp_path, tmp_path / "tidak-ada").level is Level.OK


@pytest.mark.parametrize(
    ("file", "name"), [("sources.toml", "catalogue"), ("topics.toml", "topics"), ("profiles.toml", "profiles")]
)
def test_a_faulty_file_of_the_operator_is_named(setup: Setup, file: str, name: str) -> None:
    levels = {check.name: check.level for check in folders.check_tables(setup)}
    assert set(levels.values()) == {Level.OK}
    (setup.data_folder / file).write_text("rusak = \n", encoding="utf-8")
    checks = {check.name: check for check in folders.check_tables(setup)}
    assert {name for name, check in checks.items() if check.level is Level.FAULT} == {name}
    assert file in checks[name].found


def test_a_catalogue_that_is_off_is_warned_of(tmp_path: Path) -> None:
    source = (
        '[sources.uji]\nname = "Uji"\ndomain = "uji.example"\nenabled = false\n'
        'channels = [{ kind = "feed", url = "https://uji.example/f" }]\n'
    )
    (check, *_) = folders.check_tables(make_setup(tmp_path, source))
    assert summarize(check) == ("catalogue", Level.WARNING)
    assert check.found == "1 sources, 0 on"


def test_certificates_of_a_source_that_cannot_be_used_are_warned_of(tmp_path: Path) -> None:
    source = (
        '[sources.uji]\nname = "Uji"\ndomain = "uji.example"\nca_bundle = "tidak-ada.pem"\n'
        'channels = [{ kind = "feed", url = "https://uji.example/f" }]\n'
    )
    setup = make_setup(tmp_path, source)
    (check, *_) = folders.check_tables(setup)
    assert summarize(check) == ("catalogue", Level.WARNING)
    assert "sources.uji: TLS: ca_bundle 'tidak-ada.pem': there is no such file" in check.found
    (setup.data_folder).mkdir(exist_ok=True)
    (setup.data_folder / "tidak-ada.pem").write_bytes(make_authority().pem)
    (check, *_) = folders.check_tables(setup)
    assert check.level is Level.OK


# ── the database ───────────────────────────────────────────────────────────────────────────────────────────────────


def look(setup: Setup, *, now: datetime = NOW) -> dict[str, Check]:
    checks = list(database.check_database(setup.database, now, LIMIT))
    for check in checks:
        summarize(check)
    return {check.name: check for check in checks}


@pytest.fixture
def kept(setup: Setup) -> Setup:
    """A database with a channel that was polled a moment ago."""
    add_channel(setup.database, 1, due=NOW + timedelta(minutes=10))
    add_poll(setup.database, 1, NOW - timedelta(minutes=5))
    return setup


def change(setup: Setup, *statements: str) -> None:
    """As somebody with another tool might."""
    connection = sqlite3.connect(setup.database)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_sound_database(kept: Setup) -> None:
    checks = look(kept)
    assert {check.level for check in checks.values()} == {Level.OK}
    looks = {"database", "integrity", "references", "write-ahead log", "search index", "cycles", "clock and database"}
    assert set(checks) == {*looks, "quarantine", "messages"}
    assert checks["cycles"].found == "the last one 2026-10-05 14:55 WIB, 5 min ago"


def test_what_is_no_database(setup: Setup) -> None:
    setup.database.write_bytes(b"bukan basis data" * 100)
    assert look(setup)["database"].level is Level.FAULT


def test_a_database_of_something_else(setup: Setup) -> None:
    change(setup, "CREATE TABLE lain (isi TEXT)")
    assert {name: check.level for name, check in look(setup).items() if check.level is Level.FAULT} == {
        "database": Level.FAULT
    }


def test_a_damaged_database(kept: Setup) -> None:
    change(kept, "PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(kept.database.read_bytes())
    connection = sqlite3.connect(kept.database)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'polls_of_channel'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    content[(page - 1) * size : page * size] = b"\xff" * size
    kept.database.write_bytes(content)
    checks = look(kept)
    assert Level.FAULT in {check.level for check in checks.values()}
    assert any("backup" in check.advice for check in checks.values() if check.level is Level.FAULT)


def test_a_database_of_a_newer_version(kept: Setup) -> None:
    change(kept, "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('kabarkota', 'm999_masa_depan')")
    checks = look(kept)
    assert checks["database"].level is Level.FAULT
    assert "m999_masa_depan" in checks["database"].found
    assert "cycles" not in checks  # its tables may be others


def test_a_database_of_an_older_version(kept: Setup) -> None:
    change(kept, "DELETE FROM _sqlite_migrations WHERE name = 'm007_operation'", "DROP TABLE alarms")
    checks = look(kept)
    assert checks["database"].level is Level.WARNING
    assert "cycles" not in checks


def test_rows_that_point_nowhere(kept: Setup) -> None:
    change(kept, "DELETE FROM channels")
    check = look(kept)["references"]
    assert check.level is Level.FAULT
    assert "polls ─▶ channels" in check.found


def test_a_write_ahead_log_that_is_off_or_too_large(kept: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAL_LARGE", -1)
    assert look(kept)["write-ahead log"].level is Level.WARNING
    change(kept, "PRAGMA journal_mode = DELETE")
    assert "journal mode delete" in look(kept)["write-ahead log"].found


def test_cycles_that_stopped(kept: Setup) -> None:
    check = look(kept, now=NOW + timedelta(hours=7))["cycles"]
    assert check.level is Level.WARNING
    assert check.found.startswith(
        "cycles have stopped: the last one 2026-10-05 14:55 WIB, 7 h ago, and a channel waits"
    )


def test_a_clock_that_was_turned_back(kept: Setup) -> None:
    assert look(kept, now=NOW - timedelta(hours=3))["clock and database"].level is Level.FAULT
    assert look(kept, now=NOW - timedelta(minutes=6))["clock and database"].level is Level.OK


def test_who_is_writing(setup: Setup) -> None:
    assert database.check_writer(setup.data_folder).found == "nobody is writing just now"
    with hold_writer_lock(setup.data_folder):
        assert f"process {os.getpid()} holds the lock" in database.check_writer(setup.data_folder).found
        with Store.open_writer(setup.database) as store, store.transaction():
            assert look(setup)["database"].level is Level.OK  # looking needs no lock
    assert database.check_writer(setup.data_folder).found == "nobody is writing just now"


def test_a_writer_that_cannot_be_seen(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "find_writer", lambda _folder: None)
    with hold_writer_lock(setup.data_folder):
        assert "cannot see" in database.check_writer(setup.data_folder).found


# ── the machine ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("version", "has_search", "level", "advice"),
    [
        pytest.param((3, 36, 9), True, Level.FAULT, "3.37", id="too old"),
        pytest.param((3, 51, 2), True, Level.OK, "mode=ro", id="one writer only"),
        pytest.param((3, 51, 3), True, Level.OK, "", id="new"),
        pytest.param((3, 51, 3), False, Level.FAULT, "another build", id="no search"),
    ],
)
def test_versions_of_sqlite(version: tuple[int, int, int], has_search: bool, level: Level, advice: str) -> None:
    check = machine.check_sqlite(version, has_search=has_search)
    assert summarize(check) == ("SQLite", level)
    assert advice in check.advice


def test_this_machine_can_run_kabarkota() -> None:
    checks = [machine.check_sqlite(), machine.check_libraries(), machine.check_zones()]
    assert {check.level for check in checks} == {Level.OK}
    assert sqlite3.sqlite_version in checks[0].found


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["scrapy>=2", "tidak-ada[x]>=1,<2", "datasette>=1; extra == 'analysis'"]
    monkeypatch.setattr(machine.metadata, "requires", lambda _name: wanted)
    check = machine.check_libraries()
    assert summarize(check) == ("libraries", Level.FAULT)
    assert check.found.endswith("missing: tidak-ada")


@pytest.mark.parametrize("zones", [{"Asia/Tidakada": 7}, {"Asia/Jakarta": 9}], ids=["missing", "wrong"])
def test_time_zones(monkeypatch: pytest.MonkeyPatch, zones: dict[str, int]) -> None:
    monkeypatch.setattr(machine, "ZONES", zones)
    assert summarize(machine.check_zones()) == ("time zones", Level.FAULT)


def test_a_clock_in_another_age() -> None:
    assert summarize(machine.check_clock(datetime(1970, 1, 1, tzinfo=UTC))) == ("clock", Level.FAULT)
    assert summarize(machine.check_clock(NOW)) == ("clock", Level.OK)


def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tidak-ada"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert summarize(machine.check_certificates(empty)) == ("certificates", Level.FAULT)
    (tmp_path / "0a1b2c3d.0").touch()
    assert summarize(machine.check_certificates(empty)) == ("certificates", Level.OK)


def test_a_proxy_is_named_without_its_password() -> None:
    check = machine.check_proxy({"HTTPS_PROXY": "http://user:rahasia@proxy:3128", "NO_PROXY": "x", "http_proxy": ""})
    assert summarize(check) == ("proxy", Level.WARNING)
    assert "HTTPS_PROXY" in check.found
    assert "rahasia" not in check.found + check.advice
    assert machine.check_proxy({}).level is Level.OK


# ── the network ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Site:
    """A site over https on loopback, with a certificate of an authority of our own."""

    portal: Portal
    authority: ssl.SSLContext  # that knows the authority
    clock: timedelta = timedelta(0)  # how far the site's is ahead
    asked: str = ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    file = tmp_path_factory.mktemp("tls") / "site.pem"
    certificate = write_certificate(file, "uji.localhost")

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            site.asked = f"{self.command} {self.path} {self.headers['User-Agent']}"
            self.send_response(200)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + site.clock, usegmt=True)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, _request: Any, _address: Any) -> None:
            """A client that does not trust the certificate breaks off, which is no matter."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    site = Site(
        portal=Portal(host="uji.localhost", port=server.server_address[1], is_secure=True),
        authority=ssl.create_default_context(cadata=certificate),
    )
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


def write_certificate(file: Path, host: str) -> str:
    """Key and certificate in one file; returns the certificate, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoded = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + encoded)
    return encoded.decode()


def visit(setup: Setup, *portals: Portal, context: ssl.SSLContext | None = None) -> dict[str, Check]:
    visits = network.visit_portals(portals, setup.crawl, context or ssl.create_default_context())
    checks = network.judge_visits(visits)
    for check in checks:
        summarize(check)
    return {check.name: check for check in checks}


def test_a_network_that_works(setup: Setup, site: Site) -> None:
    checks = visit(setup, site.portal, context=site.authority)
    assert {check.level for check in checks.values()} == {Level.OK}
    assert list(checks) == ["DNS", "connections", "TLS", "answers", "clock and portals"]
    assert site.asked == f"HEAD /robots.txt {setup.crawl.user_agent}"


def test_plain_http_is_asked_as_well(setup: Setup) -> None:
    with serve_portal() as portal:
        checks = visit(setup, Portal(host="127.0.0.1", port=portal.port, is_secure=False))
    assert set(checks) == {"DNS", "connections", "answers", "clock and portals"}
    assert {check.level for check in checks.values()} == {Level.OK}


def test_a_certificate_that_nobody_vouches_for(setup: Setup, site: Site) -> None:
    checks = visit(setup, site.portal)
    assert checks["TLS"].level is Level.FAULT
    assert "certificate is not valid" in checks["TLS"].found
    assert "answers" not in checks


def test_a_certificate_of_another_host(setup: Setup, site: Site) -> None:
    other = Portal(host="lain.localhost", port=site.portal.port, is_secure=True)
    assert "certificate is not valid" in visit(setup, other, context=site.authority)["TLS"].found


@pytest.mark.parametrize(
    ("clock", "level"),
    [(timedelta(minutes=-1), Level.OK), (timedelta(minutes=30), Level.WARNING), (timedelta(hours=-7), Level.FAULT)],
    ids=["right", "odd", "in local time"],
)
def test_our_clock_is_held_against_those_of_portals(setup: Setup, site: Site, clock: timedelta, level: Level) -> None:
    site.clock = clock
    try:
        assert visit(setup, site.portal, context=site.authority)["clock and portals"].level is level
    finally:
        site.clock = timedelta(0)


def test_one_portal_with_an_odd_clock_is_no_matter() -> None:
    offsets = [timedelta(seconds=1), timedelta(hours=7), timedelta(seconds=-2)]
    assert network.judge_offsets(offsets).level is Level.OK


def test_names_that_do_not_exist(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    checks = visit(setup, Portal(host="a.invalid", port=443, is_secure=True))
    assert list(checks) == ["DNS"]
    assert checks["DNS"].level is Level.FAULT
    assert "a.invalid: Name or service not known" in checks["DNS"].found


def test_a_name_server_that_never_answers_is_not_waited_for(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    def wait(*_: object, **__: object) -> None:
        never.wait(60)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(network, "STEP_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", wait)
    try:
        checks = visit(setup, Portal(host="lambat.invalid", port=443, is_secure=True))
    finally:
        never.set()
    assert checks["DNS"].found == "none of 1 portals: lambat.invalid: no answer in time"


def test_a_portal_that_refuses_connections(setup: Setup, site: Site) -> None:
    closed = Portal(host="tutup.localhost", port=find_port(), is_secure=True)
    checks = visit(setup, closed, site.portal, context=site.authority)
    assert checks["connections"].level is Level.WARNING
    assert "1 of 2 portals; tutup.localhost: Connection refused" in checks["connections"].found
    assert visit(setup, closed)["connections"].level is Level.FAULT


@contextmanager
def keep_silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("is_secure", "step"), [(True, "TLS"), (False, "answers")])
def test_a_portal_that_says_nothing(setup: Setup, monkeypatch: pytest.MonkeyPatch, is_secure: bool, step: str) -> None:
    monkeypatch.setattr(network, "STEP_SECONDS", 0.2)
    with keep_silent() as port:
        checks = visit(setup, Portal(host="diam.localhost", port=port, is_secure=is_secure))
    assert checks[step].found.endswith("diam.localhost: no answer in time") or "timed out" in checks[step].found
    assert checks[step].level is Level.FAULT


def test_a_private_address_is_not_asked(setup: Setup, tmp_path: Path) -> None:
    with serve_portal() as portal:
        strict = make_setup(tmp_path, allow_networks=())
        checks = visit(strict, Portal(host="127.0.0.1", port=portal.port, is_secure=False))
    assert checks["addresses"].level is Level.FAULT
    assert "private address" in checks["addresses"].found
    assert portal.asked == {}


def test_nobody_is_asked_when_every_source_is_off(setup: Setup) -> None:
    assert visit(setup)["network"].level is Level.WARNING


def make_source(number: int, scheme: str = "https", *, enabled: bool = True) -> Source:
    channel = Channel(kind=ChannelKind.FEED, url=f"{scheme}://s{number:02}.example/feed")
    return Source(id=f"s{number}", name="S", domain=f"s{number:02}.example", channels=(channel,), enabled=enabled)


def test_few_portals_are_asked_and_others_each_day() -> None:
    sources = [make_source(number) for number in range(40)] + [make_source(90, "http"), make_source(91, enabled=False)]
    days = [[portal.host for portal in network.choose_portals(sources, NOW + timedelta(days=day))] for day in range(10)]
    assert all(len(set(hosts)) == 4 for hosts in days)
    assert {host for hosts in days for host in hosts} == {f"s{number:02}.example" for number in range(40)}
    assert network.choose_portals(sources, NOW) == network.choose_portals(sources[::-1], NOW)


def test_portals_without_https_are_asked_where_there_are_no_others() -> None:
    assert network.choose_portals([make_source(1, "http")], NOW) == [
        Portal(host="s01.example", port=80, is_secure=False)
    ]
    assert network.choose_portals([], NOW) == []


@pytest.mark.slow
def test_the_command_asks_the_portals_of_the_catalogue(tmp_path: Path) -> None:
    with serve_portal() as portal:
        result = examine_online(tmp_path, portal)
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["answers"]["found"].startswith("1 of 1 portals")
    assert result.returncode == 0, result.stdout


def examine_online(folder: Path, portal: LoopbackPortal) -> subprocess.CompletedProcess[str]:
    (folder / "kabarkota.toml").write_text('allow_networks = ["127.0.0.0/8"]\n', encoding="utf-8")
    channel = f'channels = [{{ kind = "feed", url = "{portal.base}/feed" }}]'
    (folder / "c.toml").write_text(
        f'[sources.uji]\nname = "Uji"\ndomain = "uji.example"\n{channel}\n', encoding="utf-8"
    )
    return run(folder, "--catalogue", "c.toml", "--data", "data", "doctor", "--json")
