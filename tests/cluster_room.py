"""A PostgreSQL of our own, portals, a store node and workers as processes, for the tests of the cluster."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from cluster_portals import ARTICLES, TOLD
from ports import find_port

TESTS = Path(__file__).parent
CYCLE = ("run", "--json", "--now", "2026-11-20T10:00:00+07:00", "--no-backup", "--no-alerts")
USER = "postgres"  # PostgreSQL refuses to run as root
START_SECONDS = 60.0


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps them out of PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


NO_POSTGRES = "no PostgreSQL here (Debian: postgresql)"


def wait_until(condition: Callable[[], bool], seconds: float = START_SECONDS, pause: float = 0.05) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def name_dsn(port: int, database: str = "postgres") -> str:
    return f"postgresql://{USER}@127.0.0.1:{port}/{database}"


class Postgres:
    """A server in a folder and on a port of its own."""

    def __init__(self, folder: Path) -> None:
        programs = find_postgres()
        assert programs is not None
        self._programs, self._folder = programs, folder
        self.port = find_port()
        self._run_as: dict[str, Any] = {"user": USER, "group": USER} if os.geteuid() == 0 else {}
        if self._run_as:
            shutil.chown(folder, USER, USER)
        self._data = folder / "data"
        self._do("initdb", "-D", self._data, "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def dsn(self) -> str:
        return self.name_database("postgres")

    def name_database(self, name: str) -> str:
        return name_dsn(self.port, name)

    def make_database(self, name: str) -> str:
        """Its connection string."""
        self._do("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name)
        return self.name_database(name)

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "port": self.port}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *arguments],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._run_as,
            )
        if not wait_until(self.is_ready):
            raise RuntimeError((self._folder / "log").read_text(errors="replace")[-2000:])

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def is_ready(self) -> bool:
        ask = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ask, check=False).returncode == 0

    def stop(self, number: int = signal.SIGINT) -> None:
        """SIGINT: at once, in order; SIGQUIT: as in a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def restart(self, number: int = signal.SIGQUIT) -> None:
        self.stop(number)
        self.start()

    def _do(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder, **self._run_as)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


@contextmanager
def run_postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="kabarkota-postgres-"))
    postgres = None
    try:
        postgres = Postgres(folder)
        yield postgres
    finally:
        if postgres is not None:
            postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Portals:
    """The process of `cluster_portals`."""

    def __init__(self, count: int, *, articles: int = ARTICLES, latency: float = 0.0, delay: float = 0.0) -> None:
        command = [sys.executable, str(TESTS / "cluster_portals.py")]
        options = {"--portals": count, "--articles": articles, "--latency": latency, "--delay": delay}
        self._process = subprocess.Popen(
            [*command, *(str(part) for pair in options.items() for part in pair)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.bases: list[str] = json.loads(self._process.stdout.readline())

    def tell_seen(self) -> dict[str, Any]:
        """What was seen since this was last asked."""
        told: dict[str, Any] = httpx.get(f"{self.bases[0]}{TOLD}", trust_env=False).json()
        return told

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Cable:
    """Between a worker and PostgreSQL: it can be cut, and mended."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._is_cut = False
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                if self._is_cut:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                with self._lock:
                    self._sockets |= {near, far}
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._sockets.discard(source)
        source.close()


@contextmanager
def run_portals(count: int, **options: Any) -> Iterator[Portals]:
    """`options`: of Portals."""
    portals = Portals(count, **options)
    try:
        yield portals
    finally:
        portals.end()


CONFIGURATION = """
contact = "cluster@example.org"
allow_networks = ["127.0.0.0/8"]
[crawl]
delay_seconds = {delay}
timeout_seconds = 10
deadline_seconds = 900
parser_workers = 1
[aggregator]
requests_per_day = 100000
[cluster]
{dsn}
heartbeat_seconds = 0.5
stalled_seconds = 3
drain_seconds = 20
polls_at_once = {polls}
"""


def write_catalogue(path: Path, bases: list[str]) -> None:
    path.write_text(
        "".join(
            f'[sources.portal-{number:03}]\nname = "Kabar {number}"\ndomain = "{base.removeprefix("http://")}"\n'
            f'channels = [{{ kind = "feed", url = "{base}/feed" }}]\n'
            for number, base in enumerate(bases)
        ),
        encoding="utf-8",
    )


class Machine:
    """A folder that is a machine of the cluster: a store node, or a worker's."""

    def __init__(self, folder: Path, dsn: str, *, delay: float = 0.0, polls: int = 200, address: str = "") -> None:
        """`address`: of the loopback network, which it asks portals from."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        (folder / "data").mkdir(exist_ok=True)
        line = f'dsn = "{dsn}"' if dsn else ""
        text = CONFIGURATION.format(dsn=line, delay=delay, polls=polls)
        (folder / "kabarkota.toml").write_text(text, encoding="utf-8")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KABARKOTA_")},
            "KABARKOTA_CONFIG": str(folder / "kabarkota.toml"),
            "KABARKOTA_DATA": str(folder / "data"),
            "KABARKOTA_AGGREGATOR__EMPTY_FEEDS": "false",
        }
        if address:
            self.environment["KABARKOTA_CRAWL__SOURCE_ADDRESS"] = address

    @property
    def database(self) -> Path:
        return self.folder / "data" / "news.db"

    def start(self, *arguments: str, log: str = "log") -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "schedules", *arguments],
                cwd=self.folder,
                env={**self.environment, "PYTHONPATH": str(TESTS.parent)},
                stdout=out,
                stderr=out,
            )

    def run(self, *arguments: str, code: int | None = 0, through: Sequence[str] = ()) -> str:
        """What the command says. `through`: a script of Python's, with its arguments, that runs it."""
        whole = [sys.executable, *through, sys.executable] if through else [sys.executable]
        done = subprocess.run(
            [*whole, "-m", "schedules", *arguments],
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": str(TESTS.parent)},
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        if code is not None and done.returncode != code:
            raise AssertionError(f"exit code {done.returncode}: {done.stdout}\n{done.stderr}")
        return done.stderr if code else done.stdout

    def read_log(self, log: str = "log") -> str:
        path = self.folder / log
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def end_process(process: subprocess.Popen[bytes], number: int = signal.SIGTERM, seconds: float = 60) -> int:
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
