"""Where processes are killed: portals that publish more and more, a data folder, and what can be seen from outside."""

from __future__ import annotations

import fcntl
import http.client
import os
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from battery.news import make_news
from battery.writing import RSS, write_feed, write_item, write_page
from portals import Answer, LoopbackPortal
from ports import find_port
from post_office import SECRET

from aggregator.instants import to_text
from aggregator.processes import list_descendants, read_command

PATIENCE = 300.0  # seconds; a machine that is shared may need many
LOOK = 0.004  # seconds between two looks for something that may be over soon
SOURCES, PER_SECOND = 60, 1  # so many portals, of which so many fall due in each second of a service's life
LIFE = SOURCES / PER_SECOND - 15  # seconds of it in which its processes are killed
MARKS = {"web": "aggregator.web", "crawl": "-m crawler ", "parser": "crawler.parser_worker"}  # in command lines
PHASES = {  # what `systemctl status` says → what we call it; a poll is looked at more closely
    "making a backup": "backup",
    "publishing": "publish",
    "looking back": "tend",
    "pruning": "prune",
    "making a snapshot": "snapshot",
    "telling alerts": "alerts",
    "recording what became": "alerts",
}
CONFIGURATION = """
allow_networks = ["127.0.0.0/8"]
contact = "uji@kabar.example"
[crawl]
delay_seconds = 0
requests_per_domain = 32
max_requests = 500
[aggregator]
backups_kept = 2
empty_feeds = false
requests_per_day = 1000000
"""
ALERTS = """
[targets.sistem]
webhook = "{url}"
secret_file = "hook.secret"
[alerts.semua]
to = "sistem"
"""
_LOCK = "hhqqi"  # struct flock
_WRITE_LOCK = 120  # the byte of the -shm file that a writer of WAL holds: <https://sqlite.org/walformat.html#wal_locks>


@dataclass
class Record:
    """What was seen."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)  # (target, phase)
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # until it goes on
    seen: Counter[str] = field(default_factory=Counter)  # what was compared with the truth
    faults: list[str] = field(default_factory=list)

    def note(self, target: str, phase: str) -> None:
        self.kills[target, phase] += 1
        print(f"{time.strftime('%H:%M:%S')} {target}: {phase}", file=sys.stderr, flush=True)

    def count(self, target: str) -> int:
        return sum(count for (killed, _), count in self.kills.items() if killed == target)

    def add(self, other: Record) -> None:
        self.kills += other.kills
        self.seen += other.seen
        self.faults += other.faults
        for name, found in other.seconds.items():
            self.seconds[name] += found


class Listener:
    """What the service tells systemd of itself."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)
        self._status = ""
        self._is_ready = False

    @property
    def status(self) -> str:
        self._hear()
        return self._status

    @property
    def is_ready(self) -> bool:
        self._hear()
        return self._is_ready

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            while True:
                for line in self._socket.recv(4_096).decode().splitlines():
                    if line.startswith("STATUS="):
                        self._status = line.removeprefix("STATUS=")
                    self._is_ready |= line == "READY=1"

    def close(self) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)


class Service:
    """`serve`, killed at the end of its block if it is still there; then none of its children may be left."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._parser: int | None = None
        self.listener = Listener(room.folder)
        self.started = time.monotonic()
        self.process = room.start("serve", "--port", str(room.port), notify=self.listener.path)

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        children = list_descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        self.listener.close()
        if not wait_for(lambda: not any(map(_is_ours, children))):
            self._room.complain("a child outlived the service")

    @property
    def age(self) -> float:
        return time.monotonic() - self.started

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def find(self, target: str) -> int | None:
        """The newest process of that kind."""
        found = [pid for pid in list_descendants(self.process.pid) if MARKS[target] in read_command(pid)]
        return max(found, default=None)

    def tell_phase(self) -> str:
        """What it is doing, as far as can be seen from outside."""
        status = self.listener.status
        for words, phase in PHASES.items():
            if words in status:
                return phase
        if "polling" not in status:
            return "waiting" if status else "start"
        if self._room.is_publishing():
            return "publish"
        if is_writing(self._room.database):
            return "ingest"
        if self._parser is None or not read_command(self._parser):
            self._parser = self.find("parser")
        if self._parser is not None and is_running(self._parser):
            return "parse"
        return "fetch" if self._room.was_just_asked() else "poll, between"


class Room:
    def __init__(self, folder: Path, portal: LoopbackPortal, hook: str, record: Record) -> None:
        self.folder, self.portal, self.record = folder, portal, record
        self.data, self.database = folder / "data", folder / "data/news.db"
        self.news: Counter[int] = Counter()  # how many each portal has published
        self._fresh: set[int] = set()  # who has published in this life
        self.port = find_port()
        self.data.mkdir(parents=True)
        (folder / "kabarkota.toml").write_text(CONFIGURATION, encoding="utf-8")
        (self.data / "alerts.toml").write_text(ALERTS.format(url=hook), encoding="utf-8")
        (self.data / "hook.secret").write_text(SECRET, encoding="utf-8")
        (self.data / "hook.secret").chmod(0o600)
        (folder / "catalogue.toml").write_text(
            "".join(
                f'[sources.p{n}]\nname = "Portal {n}"\ndomain = "p{n}.example"\n'
                f'channels = [{{ kind = "feed", url = "{self.base(n)}/feed" }}]\n'
                for n in range(SOURCES)
            ),
            encoding="utf-8",
        )
        for n in range(SOURCES):
            self._write_feed(n)

    def base(self, n: int) -> str:
        return f"{self.portal.base}/{self.folder.name}/p{n}"

    def expected(self) -> set[str]:
        """The addresses of all that was published."""
        return {f"{self.base(n)}/news/{number}" for n, count in self.news.items() for number in range(1, count + 1)}

    def publish_more(self, age: float, *, ahead: float = 3) -> None:
        """Who falls due in the next seconds has one more; with every other portal the whole text is in the feed."""
        for n in range(min(SOURCES, int((age + ahead) * PER_SECOND))):
            if n not in self._fresh and (n >= int(age * PER_SECOND) or not self._fresh):
                self._fresh.add(n)
                self.news[n] += 1
                news = make_news(f"{self.folder.name}/p{n}", self.news[n])
                self.portal.answers[f"/{self.folder.name}/p{n}/news/{news.number}"] = Answer(
                    write_page(news, self.base(n))
                )
                self._write_feed(n)

    def _write_feed(self, n: int) -> None:
        items = []
        for number in range(self.news[n], 0, -1):
            news = make_news(f"{self.folder.name}/p{n}", number)
            text = f"<![CDATA[{news.html}]]>" if n % 2 else ""
            items.append(write_item(news, self.base(n), **{"content:encoded": text}))
        body = write_feed(items, base=self.base(n))
        self.portal.answers[f"/{self.folder.name}/p{n}/feed"] = Answer(body, content_type=RSS)

    def make_due(self, *, at_once: bool = False) -> None:
        """Spreads the channels over the next service's life; nobody else writes now."""
        self._fresh.clear()
        with closing(sqlite3.connect(self.database)) as db, db:
            now = datetime.now(UTC)
            db.execute("UPDATE channels SET failures = 0, strikes = 0")
            db.executemany(
                "UPDATE channels SET next_poll_at = ? WHERE source_id = ?",
                [(to_text(now + timedelta(seconds=0 if at_once else n / PER_SECOND)), f"p{n}") for n in range(SOURCES)],
            )
            db.execute("UPDATE links SET retry_at = '2020-01-01T00:00:00Z' WHERE state = 'pending'")
            # as a quarter of an hour later, when nobody can be at it any more
            db.execute("UPDATE deliveries SET tried_at = '2020-01-01T00:00:00Z' WHERE state = 'trying'")
            db.execute("UPDATE deliveries SET due_at = '2020-01-01T00:00:00Z' WHERE state = 'waiting'")

    def write_timetable(self, hasty: str = "") -> None:
        """One job each second, beside polls and alerts; the others not at all."""
        seconds = dict.fromkeys(("publish", "backup", "tend", "prune", "snapshot", "health", "mend", "probe"), 86_400)
        if hasty in seconds:
            seconds[hasty] = 1
        (self.data / "timetable.toml").write_text(
            "".join(
                f"{job} = {{ every_seconds = {each} }}\n" for job, each in {**seconds, "poll": 1, "alerts": 2}.items()
            ),
            encoding="utf-8",
        )

    def start(self, *arguments: str, notify: Path | None = None) -> subprocess.Popen[bytes]:
        options = ("--config", self.folder / "kabarkota.toml", "--data", self.data)
        catalogue = ("--catalogue", self.folder / "catalogue.toml")
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "schedules", *map(str, options + catalogue), *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, **({"NOTIFY_SOCKET": str(notify)} if notify else {})},
            )

    def run(self, *arguments: str) -> None:
        """A command to its end, in peace."""
        if code := self.start(*arguments).wait(PATIENCE):
            log = (self.folder / "log").read_text(encoding="utf-8").splitlines()
            raise RuntimeError(f"{' '.join(arguments)} ended with {code}: {log[-1]}")

    @contextmanager
    def open(self, path: Path | None = None) -> Iterator[sqlite3.Connection]:
        """As any reader."""
        with closing(sqlite3.connect(f"{(path or self.database).as_uri()}?mode=ro", uri=True, timeout=30)) as db:
            yield db

    def read(self, sql: str, path: Path | None = None) -> list[tuple[object, ...]]:
        with self.open(path) as db:
            return db.execute(sql).fetchall()

    def count_articles(self) -> int:
        with suppress(sqlite3.OperationalError):
            return int(str(self.read("SELECT count(*) FROM articles")[0][0]))
        return -1

    def has_answered(self) -> bool:
        """With the feed, where one is published."""
        wanted = (200,) if (self.data / "public/feed.xml").exists() else (200, 404, 503)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with suppress(OSError, http.client.HTTPException), closing(connection):
            connection.request("GET", "/feed.xml")
            return connection.getresponse().status in wanted
        return False

    def watch_for(self, pattern: str) -> Callable[[], bool]:
        """Says, when it is called, whether there is such a file in the data folder that is not there now."""
        before = set(self.data.glob(pattern))
        return lambda: bool(set(self.data.glob(pattern)) - before)

    def is_publishing(self) -> bool:
        with suppress(OSError):
            beside = [entry for entry in os.scandir(self.data / "public") if entry.name.endswith(".tmp")]
            return any(time.time() - entry.stat().st_mtime < 0.5 for entry in beside)  # else an earlier kill left it
        return False

    def was_just_asked(self) -> bool:
        return bool(self.portal.asked_at) and time.monotonic() - self.portal.asked_at[-1] < 0.03

    def complain(self, fault: str) -> None:
        self.record.faults.append(f"{self.folder.name}: {fault}")
        print(f"FAULT {self.record.faults[-1]}", file=sys.stderr, flush=True)


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE, *, look: float = 0.03) -> bool:
    """Whether it came true in that time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(look)
    return True


def kill(pid: int) -> bool:
    """Whether there was anybody left to kill."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def is_writing(database: Path) -> bool:
    """Whether some process is in a transaction that writes. Nothing is locked for it."""
    with suppress(OSError), database.with_name(f"{database.name}-shm").open("rb") as file:
        asked = struct.pack(_LOCK, fcntl.F_RDLCK, os.SEEK_SET, _WRITE_LOCK, 1, 0)
        return struct.unpack(_LOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK
    return False


def is_running(pid: int) -> bool:
    """Whether it is at work, or would be if it had a processor."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "R"
    return False


def read_cpu(pid: int | None) -> float:
    """Seconds of a processor that it has had: how long it takes on a machine that is shared tells little."""
    with suppress(OSError):
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _is_ours(pid: int) -> bool:
    return bool(re.search(r"-m (crawler|aggregator|schedules)", read_command(pid)))
