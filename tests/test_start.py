"""How `kabarkota serve` starts: what is published is served while the database is brought up to date."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from portals import LoopbackPortal, make_setup, serve_portal
from ports import find_port
from test_obstacles import SETTINGS, announce, has, publish_before
from test_serve import PATIENCE, serve, wait_for
from test_service import read_until

from schedules.alerts.configuration import Alerts
from schedules.early_web import find_command
from schedules.lock import WriterLock
from schedules.service import Gathering, Service
from schedules.timetable import load_timetable

# A copy that takes its time: until the file `gate` is there.
SLOW = """
import time
from pathlib import Path
from schedules import notify
from schedules.early_web import begin_early, end_begun
import sys
notify.EXTEND_SECONDS = 0.1
begin_early(sys.argv[1:])
from aggregator import store
keep = store.keep_old_version
def keep_slowly(opened, level):
    while not opened.path.with_name("gate").exists():
        time.sleep(0.05)
    keep(opened, level)
store.keep_old_version = keep_slowly
from schedules.cli import main
try:
    main()
finally:
    end_begun()
"""


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as portal:
        announce(portal, "Rapat awal")
        yield portal


def make_older(database: Path) -> None:
    """As it was before the migration m019."""
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("DROP TABLE quarantines")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm019_quarantines'")


@pytest.mark.slow
def test_feeds_are_served_while_the_database_is_brought_up_to_date(tmp_path: Path, portal: LoopbackPortal) -> None:
    data = tmp_path / "data"
    publish_before(data)
    make_older(data / "news.db")
    with tempfile.TemporaryDirectory(prefix="kk-") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.bind(f"{folder}/notify")
        own.settimeout(PATIENCE)
        environ = {"NOTIFY_SOCKET": f"{folder}/notify"}
        with serve(tmp_path, portal, configuration=SETTINGS, environ=environ, start=("-c", SLOW)) as serving:
            wait_for(lambda: has(serving, "rilis menurut pemkot"))
            told = read_until(own, "EXTEND_TIMEOUT_USEC=120000000")
            page = serving.ask("/status?lang=en")
            assert page is not None
            assert page.status_code == 503
            web = serving.find_web()
            assert web is not None
            os.kill(web, signal.SIGKILL)
            wait_for(lambda: serving.find_web() not in (None, web) and has(serving, "rilis menurut pemkot"))
            web = serving.find_web()
            rival = subprocess.run(
                [*serving.command("serve"), "--port", str(find_port())], capture_output=True, text=True, check=False
            )
            assert (rival.returncode, rival.stderr.count("writing here")) == (3, 1)
            assert "serving http" not in rival.stderr
            serving.process.send_signal(signal.SIGHUP)  # is heeded when all is opened
            (data / "gate").touch()
            told += read_until(own, "READY=1")
            wait_for(lambda: (page := serving.ask("/status?lang=en")) is not None and page.status_code == 200)
            wait_for(lambda: has(serving, "Rapat awal"))
            assert serving.find_web() == web  # it outlives the thread that started it
            serving.process.terminate()
            assert serving.process.wait(PATIENCE) == 0
    assert "are read again" in serving.errors
    assert "Traceback" not in serving.errors


def test_what_is_reloaded_before_gathering_begins_holds_when_it_does(tmp_path: Path) -> None:
    setup = make_setup(tmp_path)
    web: Any = SimpleNamespace(apply=lambda _: False)
    with WriterLock(setup.data_folder) as lock:
        gathering = Gathering(lock=lock, timetable=load_timetable(setup.timetable_overlay), alerts=Alerts())
        service = Service(SimpleNamespace(), web, setup=setup, gathering=gathering, reload=lambda: setup)  # type: ignore[arg-type]
        setup.data_folder.mkdir()
        setup.timetable_overlay.write_text("[poll]\nevery_seconds = 77\n", encoding="utf-8")
        service._reload()
        assert service._gathering is not None
        assert service._gathering.timetable["poll"].every_seconds == 77


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["--debug", "--data", "serve", "run"], "run"),
        (["--config=x", "serve", "--port", "1"], "serve"),
        (["search", "serve"], "search"),
        (["--data"], ""),
    ],
)
def test_the_command_is_told_from_its_options(arguments: list[str], command: str) -> None:
    assert find_command(arguments) == command
