"""`kabarkota serve` against the origin: one cycle over all cases, its time and the memory of all processes."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving_folder import LOG, start_serve

from aggregator.processes import list_descendants, read_command
from battery.case import NETWORK, Case, address_of

TESTS = Path(__file__).resolve().parent.parent
CYCLE_SECONDS_MOST = 900
SAMPLE_SECONDS = 0.5
CONFIGURATION = f"""
allow_networks = ["{NETWORK}"]
contact = "uji@kabar.example"
[crawl]
delay_seconds = 0.1
[aggregator]
site_url = "https://kabar.example/"
"""
TIMETABLE = "".join(
    f"[{job}]\n{times}\n"
    for job, times in {
        "poll": "every_seconds = 3600",
        **dict.fromkeys(
            ("publish", "digest", "alerts", "probe", "health", "mend", "tend", "prune", "snapshot", "backup"),
            "every_seconds = 3600\nenabled = false",
        ),
    }.items()
)


@dataclass
class Outcome:
    """What was seen."""

    folder: Path
    seconds: float = 0.0  # of the cycle
    summary: dict[str, Any] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)  # bytes: "steady" (scheduler and web), "all"
    asked: dict[str, dict[str, int]] = field(default_factory=dict)  # by case and path
    canary: list[str] = field(default_factory=list)  # addresses outside the network that were connected to
    faults: list[str] = field(default_factory=list)  # of the origin itself
    log: str = ""
    feed_waits: list[float] = field(default_factory=list)  # seconds until /feed.xml was answered meanwhile

    @property
    def database(self) -> Path:
        return self.folder / "data/news.db"

    @property
    def public(self) -> Path:
        return self.folder / "data/public"

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        db = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        db.row_factory = sqlite3.Row
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()


@contextmanager
def play_origin(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """Runs the origin, the healthy portals in a process of their own, and gives what it says of itself.

    What it counted is in `outcome` afterwards.
    """
    with _start_origin(outcome) as origin, _start_origin(outcome, str(origin["ports"][""]), "controls"):
        yield origin


@contextmanager
def _start_origin(outcome: Outcome, *arguments: str) -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "battery.origin", *arguments],
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield json.loads(process.stdout.readline())
        process.stdin.close()
        counted = json.loads(process.stdout.readline() or "{}")
        outcome.asked |= counted["asked"]
        outcome.canary += counted["canary"]
        outcome.faults += counted["faults"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def run_battery(folder: Path, cases: Mapping[str, Case], wanted: set[str] | None = None) -> Outcome:
    """One cycle over the wanted cases (all) by a real `serve`. Raises TimeoutError when it does not end."""
    outcome = Outcome(folder=folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir()
    (folder / "kabarkota.toml").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "data/timetable.toml").write_text(TIMETABLE, encoding="utf-8")
    with play_origin(outcome) as origin:
        (folder / "data/authority.pem").write_text(origin["authority"], encoding="ascii")
        (folder / "catalogue.toml").write_text(write_catalogue(cases, origin["ports"], wanted), encoding="utf-8")
        _serve(outcome)
    return outcome


def write_catalogue(cases: Mapping[str, Case], ports: Mapping[str, int], wanted: set[str] | None) -> str:
    entries = []
    for position, case in enumerate(cases.values()):
        if wanted is not None and case.name not in wanted:
            continue
        host = (
            f"https://{address_of(position)}:{ports[case.name]}"
            if case.tls
            else f"http://{address_of(position)}:{ports['']}"
        )
        entries.append(
            f'[sources.{case.name}]\nname = "{case.name}"\ndomain = "{address_of(position)}"\n{case.entry}\n'
            f'channels = [{{ kind = "{case.kind}", url = "{host}{case.path}" }}]\n'
        )
    return "\n".join(entries)


def _serve(outcome: Outcome) -> None:
    log = outcome.folder / LOG
    process, port = start_serve(outcome.folder, {"KABARKOTA_AGGREGATOR__EMPTY_FEEDS": "false"})
    started = time.monotonic()
    try:
        while not (done := _find_cycle(outcome)):
            if process.poll() is not None:
                raise ChildProcessError(f"serve ended with {process.returncode}: {log.read_text()}")
            if time.monotonic() - started > CYCLE_SECONDS_MOST:
                raise TimeoutError(f"the cycle did not end within {CYCLE_SECONDS_MOST} s")
            _sample(outcome, process.pid)
            _ask_feed(outcome, port)
            time.sleep(SAMPLE_SECONDS)
        outcome.seconds = time.monotonic() - started
        outcome.summary = done
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    outcome.log = log.read_text(encoding="utf-8", errors="replace")


def _find_cycle(outcome: Outcome) -> dict[str, Any]:
    """The summary of the finished cycle; {}: not yet."""
    if not outcome.database.exists():
        return {}
    try:
        rows = outcome.rows("SELECT summary FROM cycles WHERE finished_at IS NOT NULL")
    except sqlite3.OperationalError:  # its tables are being made
        return {}
    return dict(json.loads(rows[0]["summary"])) if rows else {}


def _sample(outcome: Outcome, pid: int) -> None:
    """Takes the peaks: proportional set sizes, for the workers share much."""
    sizes = {each: read_pss(each) for each in {pid, *list_descendants(pid)}}
    steady = sum(size for each, size in sizes.items() if each == pid or "aggregator.web" in read_command(each))
    for name, value in (("steady", steady), ("all", sum(sizes.values()))):
        outcome.peak[name] = max(value, outcome.peak.get(name, 0))


def read_pss(pid: int) -> int:
    """Bytes of memory of the process, what it shares divided among those that share it; 0: it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _ask_feed(outcome: Outcome, port: int) -> None:
    """A subscriber meanwhile: whether and when the feed is answered."""
    started = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while connection.recv(65536):
                pass
    except ConnectionRefusedError:
        return  # not up yet
    outcome.feed_waits.append(time.monotonic() - started)
