"""The portals that a benchmark reads: real pages where the development data is there, else our own samples.

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT

DEV_DATA = Path(os.environ.get("KABARKOTA_DEV_DATA", ROOT.parent / "shared" / "data"))
REAL_ORIGIN = DEV_DATA.parent / "bench" / "origin.py"
PORT = 8931
PATIENCE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Portals:
    """What is served: feeds, and the number of articles that they name."""

    feeds: list[str]
    articles: int
    kind: str


@contextmanager
def serve(folder: Path, portals: int) -> Iterator[Portals]:
    """Serves portals from another process, so that their CPU counts for nobody."""
    if REAL_ORIGIN.is_file() and (DEV_DATA / "extraction").is_dir():
        manifest = folder / "manifest.json"
        command = [REAL_ORIGIN, "--portals", portals, "--port", PORT, "--manifest", manifest]
        with _run(command, manifest):
            named = json.loads(manifest.read_text(encoding="utf-8"))["portals"]
            feeds = [portal["feed"] for portal in named]
            yield Portals(feeds=feeds, articles=_count_entries(feeds), kind="real pages")
    else:
        listing = folder / "feeds.json"
        with _run(["-m", "benchmarks.sample_portals", portals, listing], listing):
            feeds = json.loads(listing.read_text(encoding="utf-8"))
            yield Portals(feeds=feeds, articles=_count_entries(feeds), kind="sample pages")


@contextmanager
def _run(command: list[object], ready: Path) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, *map(str, command)], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ready.is_file():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the portals did not start")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def _count_entries(feeds: list[str]) -> int:
    import io
    import urllib.request

    import feedparser

    links = set()
    for feed in feeds:
        with urllib.request.urlopen(feed, timeout=30) as answer:
            links |= {entry.link for entry in feedparser.parse(io.BytesIO(answer.read())).entries}
    return len(links)
