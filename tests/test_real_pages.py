"""Real pages, served as portals by the development data's origin server."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from portals import make_setup

from schedules.commands.run import run_once


@contextmanager
def serve_origin(script: Path, folder: Path, portals: int, port: int) -> Iterator[dict[str, Any]]:
    manifest = folder / "manifest.json"
    arguments = ("--portals", portals, "--port", port, "--manifest", manifest)
    process = subprocess.Popen([sys.executable, str(script), *map(str, arguments)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), "the origin server did not start"
        while not manifest.exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield json.loads(manifest.read_text(encoding="utf-8"))
    finally:
        process.terminate()
        process.communicate()


def write_catalogue(manifest: dict[str, Any]) -> str:
    return "\n".join(
        f'[sources.portal-{portal["portal"]}]\nname = "Portal {portal["portal"]}"\n'
        f'domain = "portal-{portal["portal"]}.example"\nchannels = [\n'
        f'  {{ kind = "feed", url = "{portal["feed"]}" }},\n'
        f'  {{ kind = "sitemap", url = "{portal["sitemap"]}" }},\n]\n'
        for portal in manifest["portals"]
    )


def check_real_pages(tmp_path: Path, dev_data: Path, portals: int, port: int) -> None:
    script = dev_data.parent / "bench" / "origin.py"
    if not script.is_file():
        pytest.skip(f"no origin server at {script}")
    with serve_origin(script, tmp_path, portals, port) as manifest:
        setup = make_setup(tmp_path, write_catalogue(manifest), keep="all")
        first = run_once(setup, now=datetime.now(UTC), quiet=True)
        second = run_once(setup, now=datetime.now(UTC), quiet=True)
        with urllib.request.urlopen(f"{manifest['portals'][0]['base']}stats") as answer:
            stats = json.load(answer)
    wanted = {url for portal in manifest["portals"] for url in portal["articles"]}
    db = sqlite3.connect(setup.database)
    kept = {url for (url,) in db.execute("SELECT url FROM articles")}
    db.close()
    assert len(wanted & kept) >= 0.99 * len(wanted)
    assert first.failed_sources == second.failed_sources == []
    assert second.polls == {"unchanged": 2 * portals}
    assert stats["kinds"]["article"] == len(wanted)
    assert stats["statuses"]["304"] == portals
    assert stats["most_in_flight_at_one_portal"] == 1


@pytest.mark.slow
def test_articles_of_real_pages_are_stored_and_fetched_once(tmp_path: Path, dev_data: Path) -> None:
    check_real_pages(tmp_path, dev_data, portals=2, port=18931)


@pytest.mark.slow
def test_articles_of_many_real_portals_are_stored_and_fetched_once(tmp_path: Path, dev_data: Path) -> None:
    check_real_pages(tmp_path, dev_data, portals=20, port=18932)
