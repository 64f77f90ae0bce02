"""`kill -9` at any moment of a cycle, then another cycle: nothing lost, nothing twice, the feed file whole."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

from schedules.demo import PortalServer, serve_portals

CONFIGURATION = """
allow_networks = ["127.0.0.0/8"]
contact = "test@example.org"
[crawl]
delay_seconds = 0
requests_per_domain = 32
max_requests = 200
"""


@pytest.fixture(scope="module")
def portals() -> Iterator[PortalServer]:
    with serve_portals(datetime.now(UTC)) as server:
        yield server


def start_cycle(folder: Path) -> subprocess.Popen[bytes]:
    arguments = ("--config", folder / "kabarkota.toml", "--data", folder / "data", "run", "--json")
    catalogue = ("--catalogue", folder / "catalogue.toml")
    return subprocess.Popen(
        [sys.executable, "-m", "schedules", *map(str, arguments + catalogue)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def prepare(folder: Path, portals: PortalServer) -> None:
    folder.mkdir()
    (folder / "kabarkota.toml").write_text(CONFIGURATION, encoding="utf-8")
    portals.write_catalogue(folder / "catalogue.toml")


def read_news(folder: Path) -> tuple[set[str], set[frozenset[str]]]:
    """(URLs of the articles, the duplicate groups as sets of URLs)"""
    db = sqlite3.connect(folder / "data/news.db")
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = db.execute("SELECT url, group_id FROM articles").fetchall()
    finally:
        db.close()
    groups: dict[int, set[str]] = {}
    for url, group in rows:
        groups.setdefault(group, set()).add(url)
    return {url for url, _ in rows}, {frozenset(group) for group in groups.values()}


def kill_and_recover(tmp_path: Path, portals: PortalServer, kills: int, seed: int) -> None:
    prepare(tmp_path / "calm", portals)
    started = time.monotonic()
    assert start_cycle(tmp_path / "calm").communicate()[0]
    length = time.monotonic() - started
    expected = read_news(tmp_path / "calm")
    chance = random.Random(seed)
    prepare(tmp_path / "killed", portals)
    feed = tmp_path / "killed/data/public/feed.xml"
    for _ in range(kills):
        process = start_cycle(tmp_path / "killed")
        try:
            process.wait(chance.uniform(0.1, length))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        if feed.exists():
            assert not feedparser.parse(feed.read_bytes()).bozo
    assert start_cycle(tmp_path / "killed").communicate()[0]
    assert read_news(tmp_path / "killed") == expected
    entries = feedparser.parse(feed.read_bytes()).entries
    assert len({entry.id for entry in entries}) == len(entries) == len({entry.link for entry in entries})
    assert len(entries) >= 40


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_after_a_few_kills(tmp_path: Path, portals: PortalServer) -> None:
    kill_and_recover(tmp_path, portals, kills=2, seed=1)


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_after_many_kills(tmp_path: Path, portals: PortalServer) -> None:
    kill_and_recover(tmp_path, portals, kills=25, seed=2)
