"""The examples of docs/api.md run against a real server, and the copy that they make is equal to ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_room import ApiClient, make_app, make_room
from conftest import ROOT
from feed_room import PlainRoom
from newsdesk import RELEASE
from page_room import Stage
from test_feeds import publish_old, report

from aggregator.models import SourceKind

TEXT = (ROOT / "docs/api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", TEXT, re.DOTALL)
ADDRESS = "http://127.0.0.1:8000"
COMMANDS = [code for language, code in BLOCKS if language == "sh"]
WALK, COPY, PANDAS = [code for language, code in BLOCKS if language == "python"]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[PlainRoom]:
    room = make_room(tmp_path / "data")
    room.publish_at("pemkot", "rilis", RELEASE, hour=3, kind=SourceKind.CITY_GOVERNMENT)
    room.publish_at("kabar-satu", "rilis", RELEASE, hour=4)
    for number in range(30):
        report(room, number)
    publish_old(room, 100)
    room.press()
    yield room
    room.store.close()


def run(code: str, folder: Path, address: str, *, shell: bool = False) -> str:
    """What an example prints."""
    program = ["bash", "-e", "-c"] if shell else [sys.executable, "-W", "error", "-c"]
    plain = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    done = subprocess.run(
        [*program, code.replace(ADDRESS, address)],
        cwd=folder,
        env=plain,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), code
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_commands_answer(room: PlainRoom, stage: Stage, tmp_path: Path) -> None:
    stage.app = make_app(room.store.path)
    first, last = (run(code, tmp_path, stage.address, shell=True) for code in COMMANDS)
    answers = [json.loads(text) for text in re.sub(r"\}\{", "}\n{", first).splitlines()]
    assert len(answers) == first.count("}{") + 1 == COMMANDS[0].count("curl")
    assert all("status" not in answer for answer in answers)
    assert json.loads(last)["suggestions"] == ["kota-gorontalo"]


@pytest.mark.slow
def test_the_examples_make_a_copy_that_keeps_up(room: PlainRoom, stage: Stage, tmp_path: Path) -> None:
    stage.app = make_app(room.store.path)
    assert len(run(WALK, tmp_path, stage.address).splitlines()) == 32
    assert run(COPY, tmp_path, stage.address) == "32 pieces of news\n"
    with room.store.transaction():
        (one,), (other,), (third,) = room.ask("SELECT id FROM duplicate_groups ORDER BY id LIMIT 3")
        room.store.merge_group(one, other, room.now)
        room.store.withdraw_group(third, room.now)
    report(room, 50)
    room.press()
    assert run(COPY, tmp_path, stage.address) == "31 pieces of news\n"
    with ApiClient.over(stage.address) as api, sqlite3.connect(tmp_path / "copy.db") as copy:
        listed = {item["id"]: item for item in api.walk("/news?archive=yes&limit=200")}
        assert {key: json.loads(item) for key, item in copy.execute("SELECT * FROM news")} == listed
    with room.store.transaction():
        room.store.begin_history()
    assert run(COPY, tmp_path, stage.address) == "31 pieces of news\n"  # from the beginning


@pytest.mark.slow
def test_pandas_reads_the_copy(room: PlainRoom, stage: Stage, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    stage.app = make_app(room.store.path)
    run(COPY, tmp_path, stage.address)
    assert "city-government" in run(PANDAS, tmp_path, stage.address)
