"""`make soak`: `kabarkota serve` over hundreds of portals with faults: is its memory flat, does it leak descriptors,
are its feeds well-formed all the while? Prints a table; exit code 1 where something is wrong.

    portals (a process) ◀── serve (short intervals, all jobs) ◀── readers
                                   └── sampled every ten seconds: memory and descriptors of each process
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
from lxml import etree
from serving_folder import LOG, start_serve
from soak_judging import HEAD, MEBIBYTE, Sample, Use, judge, tell

from aggregator.processes import list_descendants, list_zombies, read_command, read_memory
from schedules.signals import heed_end

SAMPLE_SECONDS = 10.0
START_SECONDS = 120.0  # for the first feed
END_SECONDS = 30.0
CONFIGURATION = """
contact = "soak@example.org"
allow_networks = ["127.0.0.0/8"]
[crawl]
delay_seconds = 0
timeout_seconds = 3
visit_seconds = 10
deadline_seconds = 60
[aggregator]
poll_minutes = 1
requests_per_day = 100000
"""
EVERY_SECONDS = {
    **dict.fromkeys(("poll",), 5),
    **dict.fromkeys(("publish",), 20),
    **dict.fromkeys(("digest", "alerts"), 30),
    **dict.fromkeys(("health", "probe", "mend", "tend", "prune", "snapshot", "backup"), 120),
}
TIMETABLE = "\n".join(f"[{job}]\nevery_seconds = {seconds}" for job, seconds in EVERY_SECONDS.items())
FEEDS = (
    "/feed.xml",
    "/feed.atom",
    "/feed.json",
    "/opml.xml",
    "/feeds/topic/apeksi.xml",
    "/feeds/city/kota-gorontalo.atom",
)
PAGES = (
    "/",
    "/search?q=kota+cerdas",
    "/sources",
    "/status",
    "/map",
    "/trends",
    "/feeds",
    "/data",
    "/metrics",
    "/healthz",
)
API = ("/api/v1/articles?limit=50", "/feeds/search.json?q=apeksi")


@contextmanager
def run_portals(count: int) -> Iterator[tuple[list[str], dict[str, int]]]:
    """(addresses, what was asked: filled when it ends)"""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("soak_portals.py")), "--portals", str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    tally: dict[str, int] = {}
    try:
        yield json.loads(process.stdout.readline()), tally
    finally:
        process.stdin.close()
        tally |= json.loads(process.stdout.readline() or "{}")
        process.wait()


def prepare(folder: Path, portals: list[str]) -> None:
    (folder / "data").mkdir()
    (folder / "kabarkota.toml").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "data/timetable.toml").write_text(TIMETABLE, encoding="utf-8")
    sources = (
        f'[sources.portal-{number}]\nname = "Kabar {number}"\ndomain = "kabar{number}.example"\n'
        f'channels = [{{ kind = "feed", url = "{base}/feed" }}]\n'
        for number, base in enumerate(portals)
    )
    (folder / "catalogue.toml").write_text("".join(sources), encoding="utf-8")


class Soaked:
    """A running service, and what its readers see."""

    def __init__(self, folder: Path) -> None:
        self.process, port = start_serve(folder)
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)
        self._random = random.Random(11)

    def is_publishing(self) -> bool:
        with suppress(httpx.HTTPError):
            feed, lists = (self._client.get(path) for path in ("/feed.xml", "/opml.xml"))
            return b"<item>" in feed.content and lists.status_code == 200
        return False

    def take_sample(self, minutes: float) -> Sample:
        members: dict[str, list[int]] = defaultdict(list)
        for pid in (self.process.pid, *list_descendants(self.process.pid)):
            if role := self._find_role(pid):
                members[role].append(pid)
        uses = {
            role: Use(
                megabytes=sum(map(read_memory, pids)) / MEBIBYTE,
                descriptors=sum(map(count_descriptors, pids)),
                processes=len(pids),
            )
            for role, pids in members.items()
        }
        faults = [*self._read(), *self._check_processes()]
        return Sample(minutes=minutes, uses=uses, faults=tuple(faults))

    def end(self) -> str:
        """What is wrong with how it ended."""
        self.process.terminate()
        began = time.monotonic()
        try:
            code = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return f"it did not end within {END_SECONDS:.0f} s"
        took = time.monotonic() - began
        return "" if code == 0 and took < 10 else f"it ended with exit code {code} after {took:.0f} s"

    def _find_role(self, pid: int) -> str:
        if pid == self.process.pid:
            return "scheduler"
        command = read_command(pid)
        marks = {"aggregator.web": "web", "crawler.parser_worker": "parsers", "-m crawler": "crawl"}
        return next((role for mark, role in marks.items() if mark in command), "")

    def _read(self) -> Iterator[str]:
        """What is wrong with what is served now."""
        for path in (*FEEDS, *API, *self._random.sample(PAGES, 4)):
            try:
                answer = self._client.get(path)
                if answer.status_code != 200:
                    yield f"{path} answers {answer.status_code}"
                elif path.partition("?")[0].endswith((".xml", ".atom")):
                    etree.fromstring(answer.content, etree.XMLParser(resolve_entities=False, no_network=True))
                elif path.startswith("/api") or path.partition("?")[0].endswith(".json"):
                    json.loads(answer.content)
                if b"<script>alert" in answer.content or b"javascript:alert" in answer.content:
                    yield f"{path} has a live payload"
            except (httpx.HTTPError, etree.XMLSyntaxError, ValueError) as error:
                yield f"{path}: {type(error).__name__}: {error}"

    def _check_processes(self) -> Iterator[str]:
        if self.process.poll() is not None:
            yield f"the service has ended with exit code {self.process.returncode}"
        elif len(list_zombies(self.process.pid)) > 3:
            yield "zombies"


def count_descriptors(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0


def soak(soaked: Soaked, minutes: float) -> list[Sample]:
    """The samples, told as they are taken."""
    deadline = time.monotonic() + START_SECONDS
    while not soaked.is_publishing():
        if time.monotonic() > deadline or soaked.process.poll() is not None:
            return []
        time.sleep(0.5)
    print(HEAD, flush=True)
    samples: list[Sample] = []
    began = time.monotonic()
    while (passed := time.monotonic() - began) < minutes * 60:
        samples.append(soaked.take_sample(passed / 60))
        print(tell(samples[-1]), flush=True)
        if soaked.process.poll() is not None:
            break
        time.sleep(max(SAMPLE_SECONDS - (time.monotonic() - began - passed), 0))
    return samples


def describe(database: Path) -> str:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        sound = db.execute("PRAGMA integrity_check").fetchone()[0]
        polls = dict(db.execute("SELECT outcome, count(*) FROM polls GROUP BY outcome ORDER BY outcome"))
        articles, items = (
            db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("articles", "cycles")
        )
    return f"database: {sound}; polls: {polls}; {articles} articles in {items} cycles"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--portals", type=int, default=300)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kabarkota-soak-"))
    os.environ.pop("KABARKOTA_DATA", None)
    with heed_end(), run_portals(options.portals) as (portals, tally):  # told to end, it leaves no service behind
        prepare(folder, portals)
        soaked = Soaked(folder)
        try:
            samples = soak(soaked, options.minutes)
        finally:
            trouble = soaked.end()
    problems = [*judge(samples), *filter(None, [trouble])]
    told = describe(folder / "data/news.db")
    print(f"asked: {tally}\n{told}")
    if tally.get("canary"):
        problems.append(f"a forbidden address was connected to {tally['canary']} times")
    if "database: ok" not in told:
        problems.append(told)
    print(
        "\n".join(problems)
        or f"well: memory flat, no descriptors lost, feeds well-formed, over {options.minutes:g} minutes"
    )
    if problems:
        print(f"the log: {folder / LOG}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
