"""`kill -9` of the service's processes, over and over, in every phase; afterwards nothing is lost, twice or torn.

    portals that publish more with each round ─▶ `serve`, everything due ─▶ wait for a phase ─▶ kill -9 ─▶ start again
    … at last one calm cycle, and the database is compared with what the portals have

`python crash_loop.py --kills 200` in this folder prints what was killed in which phase, and how soon the next was
ready.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import feedparser
import httpx
from battery.news import make_news
from battery.writing import RSS, write_feed, write_item, write_page
from portals import Answer, LoopbackPortal, serve_portal

from aggregator.processes import list_descendants, read_command

SOURCES, NEWS_MOST = 8, 40  # on each feed, so many at last
PATIENCE = 60.0
PHASES = {  # by the word of `systemctl status`
    "polling": "fetch, parse, ingest",
    "publishing": "publish",
    "making a backup": "backup",
    "looking back": "tend",
    "pruning": "prune",
    "making a snapshot": "snapshot",
}
TARGETS = ("service", "service", "crawl", "parser", "web")
CONFIGURATION = """
allow_networks = ["127.0.0.0/8"]
contact = "uji@kabar.example"
[crawl]
delay_seconds = 0
requests_per_domain = 32
max_requests = 500
[aggregator]
backups_kept = 2
"""
TIMETABLE = """
poll = { every_seconds = 1 }
publish = { every_seconds = 2 }
backup = { every_seconds = 3 }
tend = { every_seconds = 5 }
prune = { every_seconds = 5 }
snapshot = { every_seconds = 4 }
"""


@dataclass
class Record:
    """What was seen."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)  # (target, phase)
    ready: list[float] = field(default_factory=list)  # seconds from the start to the first answer
    recovered: list[float] = field(default_factory=list)  # seconds until the web server was there again
    faults: list[str] = field(default_factory=list)


class Listener:
    """What the service tells systemd of itself."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)
        self.status = ""

    def hear(self) -> str:
        with suppress(BlockingIOError):
            while True:
                for line in self._socket.recv(4_096).decode().splitlines():
                    if line.startswith("STATUS="):
                        self.status = line.removeprefix("STATUS=")
        return self.status

    def close(self) -> None:
        self._socket.close()


class Loop:
    def __init__(self, folder: Path, portal: LoopbackPortal, seed: int) -> None:
        self.folder, self.portal, self.record = folder, portal, Record()
        self._chance = random.Random(seed)
        self._news = 0
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        (folder / "data").mkdir(parents=True)
        (folder / "kabarkota.toml").write_text(CONFIGURATION, encoding="utf-8")
        (folder / "data/timetable.toml").write_text(TIMETABLE, encoding="utf-8")
        (folder / "catalogue.toml").write_text(
            "".join(
                f'[sources.p{n}]\nname = "Portal {n}"\ndomain = "p{n}.example"\n'
                f'channels = [{{ kind = "feed", url = "{portal.base}/p{n}/feed" }}]\n'
                for n in range(SOURCES)
            ),
            encoding="utf-8",
        )

    def publish_more(self) -> None:
        """Each portal has one more; with every other portal the whole text is in the feed."""
        self._news = min(self._news + 1, NEWS_MOST)
        for n in range(SOURCES):
            base, items = f"{self.portal.base}/p{n}", []
            for number in range(self._news, 0, -1):
                news = make_news(f"p{n}", number)
                text = f"<![CDATA[{news.html}]]>" if n % 2 else ""
                items.append(write_item(news, base, **{"content:encoded": text}))
                self.portal.answers[f"/p{n}/news/{number}"] = Answer(write_page(news, base))
            self.portal.answers[f"/p{n}/feed"] = Answer(write_feed(items, base=base), content_type=RSS)

    def run(self, kills: int) -> Record:
        while sum(self.record.kills.values()) < kills:
            self.publish_more()
            self._make_due()
            self._play_round()
            self.check_feed()
        self._end_calmly()
        return self.record

    def _play_round(self) -> None:
        target, wanted = self._chance.choice(TARGETS), self._chance.choice([*PHASES, "polling", "polling"])
        if target in ("crawl", "parser"):
            wanted = "polling"
        with self._serve() as (process, listener):
            started = time.monotonic()
            while wanted not in listener.hear() and time.monotonic() - started < PATIENCE:
                time.sleep(0.002)
            time.sleep(self._chance.uniform(0, 0.8 if wanted == "polling" else 0.05))
            while (pid := self._find(process.pid, target)) is None and time.monotonic() - started < PATIENCE:
                time.sleep(0.01)
            if pid is None:
                self.record.faults.append(f"no {target} was ever there")
                return
            phase = next((told for word, told in PHASES.items() if word in listener.hear()), "waiting")
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.record.kills[target, phase] += 1
            if target == "web":
                self.record.recovered.append(self._wait_for_answer(process))
            elif target != "service":
                self._wait_for_answer(process)
                if process.poll() is not None:
                    self.record.faults.append(f"the service ended with its {target}")

    @contextmanager
    def _serve(self) -> Iterator[tuple[subprocess.Popen[bytes], Listener]]:
        """A service that answers; killed at the end, if it is still there."""
        listener = Listener(self.folder)
        started = time.monotonic()
        with (self.folder / "serve.log").open("ab") as log:
            process = subprocess.Popen(
                self.command("serve", "--port", str(self._port)),
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(listener.path), "KABARKOTA_AGGREGATOR__EMPTY_FEEDS": "false"},
            )
        try:
            self._wait_for_answer(process)
            self.record.ready.append(time.monotonic() - started)
            yield process, listener
        finally:
            children = list_descendants(process.pid)
            process.kill()
            process.wait()
            listener.close()
            listener.path.unlink()
            self._wait_for_end(children)

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> float:
        started = time.monotonic()
        while time.monotonic() - started < PATIENCE:
            with suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{self._port}/feed.xml", trust_env=False).status_code in (200, 503):
                    return time.monotonic() - started
            if process.poll() is not None:
                self.record.faults.append(f"the service ended with {process.returncode}")
                return 0
            time.sleep(0.01)
        self.record.faults.append("the feed was not answered")
        return PATIENCE

    def _wait_for_end(self, children: set[int]) -> None:
        """None of ours may outlive the service."""
        started = time.monotonic()
        while any("kabarkota" in read_command(pid) or "crawler" in read_command(pid) for pid in children):
            if time.monotonic() - started > PATIENCE:
                self.record.faults.append("a child outlived the service")
                return
            time.sleep(0.01)

    @staticmethod
    def _find(pid: int, target: str) -> int | None:
        if target == "service":
            return pid
        mark = {"web": "aggregator.web", "crawl": "-m crawler ", "parser": "crawler.parser_worker"}[target]
        found = [child for child in sorted(list_descendants(pid)) if mark in read_command(child)]
        return found[-1] if found else None

    def command(self, *arguments: str) -> list[str]:
        options = ("--config", self.folder / "kabarkota.toml", "--data", self.folder / "data")
        catalogue = ("--catalogue", self.folder / "catalogue.toml")
        return [sys.executable, "-m", "schedules", *map(str, options + catalogue), *arguments]

    def _make_due(self) -> None:
        """So that the next service has something to do; nobody else writes now."""
        if not (self.folder / "data/news.db").exists():
            return
        db = sqlite3.connect(self.folder / "data/news.db")
        with suppress(sqlite3.OperationalError):  # killed before its tables were made
            db.execute("UPDATE channels SET next_poll_at = '', failures = 0, strikes = 0")
            db.execute("UPDATE links SET retry_at = '2020-01-01T00:00:00Z' WHERE state = 'pending'")
            db.commit()
        db.close()

    def check_feed(self) -> None:
        for path in (self.folder / "data/public").glob("feed*.xml"):
            if feedparser.parse(path.read_bytes()).bozo:
                self.record.faults.append(f"{path.name} is torn")

    def _end_calmly(self) -> None:
        """Cycles without kills until nothing waits, then the comparison."""
        for _ in range(12):
            self._make_due()
            subprocess.run(self.command("run", "--json"), capture_output=True, check=False)
            if len(self._read("SELECT 1 FROM articles")) >= SOURCES * self._news:
                break
        expected = {f"{self.portal.base}/p{n}/news/{k}" for n in range(SOURCES) for k in range(1, self._news + 1)}
        kept = Counter(url for (url,) in self._read("SELECT url FROM articles"))
        lost, doubled = expected - kept.keys(), [url for url, count in kept.items() if count > 1]
        grouped = "SELECT a.url FROM articles AS a JOIN duplicate_groups AS g ON g.id = a.group_id"
        items = Counter(url for (url,) in self._read(grouped))
        entries = feedparser.parse((self.folder / "data/public/feed.xml").read_bytes()).entries
        checks = {
            f"lost: {sorted(lost)[:5]} … {len(lost)}": bool(lost),
            f"twice: {doubled[:5]}": bool(doubled),
            "articles without a group": set(items) != set(kept),
            "groups of several": any(n > 1 for (n,) in self._read("SELECT count(*) FROM articles GROUP BY group_id")),
            "an item twice in the feed": len({entry.id for entry in entries}) != len(entries),
            "items missing from the feed": len(entries) < min(50, len(expected)),
            "damaged": self._read("PRAGMA integrity_check") != [("ok",)],
            "rows that refer to nothing": bool(self._read("PRAGMA foreign_key_check")),
        }
        self.record.faults += [fault for fault, holds in checks.items() if holds]
        for backup in (self.folder / "data/backups").glob("*.db"):
            if self._read("PRAGMA integrity_check", backup) != [("ok",)]:
                self.record.faults.append(f"{backup.name} is damaged")

    def _read(self, sql: str, path: Path | None = None) -> list[tuple[object, ...]]:
        db = sqlite3.connect(path or self.folder / "data/news.db")
        try:
            return [tuple(row) for row in db.execute(sql)]
        finally:
            db.close()


def run_crash_loop(folder: Path, kills: int, seed: int = 1) -> Record:
    with serve_portal() as portal:
        return Loop(folder, portal, seed).run(kills)


def describe(record: Record) -> str:
    by_target: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (target, phase), count in record.kills.items():
        by_target[target][phase] += count
    lines = [
        f"{target:<8} {sum(phases.values()):>4} kills: "
        + ", ".join(f"{phase} {n}" for phase, n in phases.most_common())
        for target, phases in sorted(by_target.items())
    ]
    ready, recovered = sorted(record.ready), sorted(record.recovered)
    lines.append(
        f"ready after a start: median {ready[len(ready) // 2]:.2f} s, longest {ready[-1]:.2f} s, of {len(ready)}"
    )
    if recovered:
        lines.append(f"web server back: median {recovered[len(recovered) // 2]:.2f} s, longest {recovered[-1]:.2f} s")
    return "\n".join([*lines, *(f"FAULT {fault}" for fault in record.faults)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="crash-loop-"))
    try:
        record = run_crash_loop(folder / "k", options.kills, options.seed)
        print(describe(record))
    finally:
        shutil.rmtree(folder)
    return int(bool(record.faults))


if __name__ == "__main__":
    sys.exit(main())
