"""CPU per request of our web server and of nginx for the same feed: `python -m benchmarks.serving`.

Both serve a feed of 50 items (46 kB) from one folder, on loopback, each one process; the same client drives them in
turn over kept connections. What is counted is what the servers use, in user and system mode. Skipped where there is no
nginx.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aggregator.processes import list_descendants
from aggregator.publish.files import write_public
from aggregator.web.order import WebOrder
from aggregator.web.site import SiteInfo
from benchmarks.contests import BenchmarkError, Cost, Figure, Result, compare
from benchmarks.report import render_json, render_table

PATH = "/feed.xml"
CONNECTIONS = 16
REQUESTS = 20_000  # in a turn: CPU time is told in hundredths of a second
TARGET = 6.0
PATIENCE_SECONDS = 30
TICKS = os.sysconf("SC_CLK_TCK")
WORDS = """
pemerintah kota apeksi rapat kerja nasional wali layanan publik data cerdas gorontalo makassar program anggaran digital
warga daerah kepala dinas komunikasi informatika sekretaris membahas meresmikan aplikasi pelayanan
"""
NGINX_CONFIGURATION = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    {gzip}
    types {{ application/rss+xml xml; }}
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; root {public}; }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running server."""

    pid: int
    port: int

    def read_cpu(self) -> float:
        """Seconds that its processes have used."""
        return sum(map(read_cpu, {self.pid} | list_descendants(self.pid)))

    def ask(self, headers: dict[str, str]) -> http.client.HTTPResponse:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)) as connection:
            connection.request("GET", PATH, headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What readers ask for."""

    id: str
    what: str
    status: int
    coding: str = ""

    def make_headers(self, served: Served) -> dict[str, str]:
        """Raises BenchmarkError when the server would do other work than is to be measured."""
        headers = {"Accept-Encoding": self.coding} if self.coding else {}
        if self.status == 304:
            headers["If-None-Match"] = served.ask(headers).headers["etag"]
        answer = served.ask(headers)
        if (answer.status, answer.headers.get("content-encoding", "")) != (self.status, self.coding):
            raise BenchmarkError(f"{self.id}: {answer.status} {answer.headers.get('content-encoding')}")
        return headers


SCENARIOS = (
    Scenario(id="serve-200", what="the whole feed", status=200),
    Scenario(id="serve-200-gzip", what="its compressed twin", status=200, coding="gzip"),
    Scenario(id="serve-304", what="that nothing is new", status=304),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, also when a target is missed; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--times", type=int, default=3, metavar="N", help="turns of both servers; the median counts")
    parser.add_argument("--requests", type=int, default=REQUESTS, metavar="N", help="in each turn")
    options = parser.parse_args(arguments)
    nginx = find_nginx()
    try:
        if nginx is None:
            results = [Result(figure=make_figure(each), skipped="nginx is not installed") for each in SCENARIOS]
        else:
            results = measure_all(nginx, turns=options.times, requests=options.requests)
    except (BenchmarkError, OSError) as error:
        print(f"benchmarks.serving: {error}", file=sys.stderr)
        return 1
    print(render_table(results))
    print(render_json(results, "sample"))
    return 0


def measure_all(nginx: str, *, turns: int, requests: int) -> list[Result]:
    """All scenarios. Raises BenchmarkError, OSError."""
    with tempfile.TemporaryDirectory(prefix="kabarkota-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        write_public(folder / "public" / PATH[1:], make_feed())
        has_twins = has_gzip_static(nginx)
        peer = stack.enter_context(serve_by_nginx(nginx, folder, has_twins=has_twins))
        ours = stack.enter_context(serve_ourselves(folder))
        return [
            measure_scenario(each, ours, peer, turns=turns, requests=requests)
            if has_twins or not each.coding
            else Result(figure=make_figure(each), skipped="this nginx was built without gzip_static")
            for each in SCENARIOS
        ]


def measure_scenario(scenario: Scenario, ours: Served, peer: Served, *, turns: int, requests: int) -> Result:
    """The servers take turns. Raises BenchmarkError, OSError."""
    print(f"{scenario.id} …", file=sys.stderr)
    costs: dict[int, list[Cost]] = {ours.pid: [], peer.pid: []}
    for _ in range(turns):
        for served in (peer, ours):
            request = make_request(scenario.make_headers(served))
            costs[served.pid].append(measure(served, request, status=scenario.status, requests=requests))
    return compare(make_figure(scenario), costs[ours.pid], costs[peer.pid])


def measure(served: Served, request: bytes, *, status: int, requests: int) -> Cost:
    """So many requests, on several connections at once. Raises BenchmarkError, OSError."""
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_SECONDS))
            for _ in range(CONNECTIONS)
        ]
        length = measure_answer(connections[0], request)
        buffer = memoryview(bytearray(length))
        begin = f"HTTP/1.1 {status} ".encode()
        rounds = max(requests // CONNECTIONS, 1)
        before = served.read_cpu()
        for _ in range(rounds):
            for connection in connections:
                connection.sendall(request)
            for connection in connections:
                receive(connection, buffer)
                if buffer[: len(begin)] != begin:
                    raise BenchmarkError(f"not {status}: {bytes(buffer[:40])!r}")
        cpu_seconds = served.read_cpu() - before
    if not cpu_seconds:
        raise BenchmarkError(f"{requests} requests are too few to measure")
    return Cost(cpu_seconds=cpu_seconds, units=rounds * CONNECTIONS)


def measure_answer(connection: socket.socket, request: bytes) -> int:
    """The length of an answer, which is the same each time: so the client has nothing to parse."""
    connection.sendall(request)
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536) or refuse_end()
    head = got[: got.index(b"\r\n\r\n") + 4]
    fields = dict(line.lower().split(b": ", 1) for line in head.splitlines()[1:] if line)
    length = len(head) + int(fields.get(b"content-length", b"0"))
    while len(got) < length:
        got += connection.recv(65536) or refuse_end()
    return length


def receive(connection: socket.socket, buffer: memoryview) -> None:
    got = 0
    while got < len(buffer):
        got += connection.recv_into(buffer[got:]) or len(refuse_end())


def refuse_end() -> bytes:
    raise BenchmarkError("the server closed a connection")


def make_request(headers: dict[str, str]) -> bytes:
    """As a feed reader sends it."""
    told = {"Host": "127.0.0.1", "User-Agent": "benchmark/1", "Accept": "*/*", **headers}
    return "\r\n".join([f"GET {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]).encode()


def make_figure(scenario: Scenario) -> Figure:
    return Figure(
        id=scenario.id,
        what=scenario.what,
        peer="nginx, static file",
        unit="request",
        ours="ours",
        theirs="nginx",
        target=TARGET,
    )


def make_feed(items: int = 50) -> bytes:
    """A feed of the usual size; the words are always the same."""
    chance = random.Random(50)
    parts = []
    for number in range(items):
        site = f"https://portal-{number}.example"
        title, text = (" ".join(chance.choices(WORDS.split(), k=count)).capitalize() for count in (9, 44))
        parts.append(
            f"<item><title>{title}</title><link>{site}/berita/{chance.getrandbits(40)}</link>"
            f"<description>&lt;p&gt;{text}.&lt;/p&gt;&lt;p&gt;Sumber: &lt;a href='{site}/'&gt;Portal {number}&lt;/a&gt;"
            f"&lt;/p&gt;</description><category>APEKSI</category>"
            f'<guid isPermaLink="false">tag:kabar.example,2026:{chance.getrandbits(128):032x}</guid>'
            f"<pubDate>Mon, 05 Oct 2026 14:05:{number:02d} +0800</pubDate>"
            f'<source url="{site}/feed">Portal {number}</source></item>\n'
        )
    channel = "".join(["<title>Kabar Kota</title><link>https://kabar.example/</link>", *parts])
    return f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>{channel}</channel></rss>\n'.encode()


def find_nginx() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def has_gzip_static(nginx: str) -> bool:
    built = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=True).stderr
    return "with-http_gzip_static_module" in built


@contextmanager
def serve_by_nginx(nginx: str, folder: Path, *, has_twins: bool) -> Iterator[Served]:
    """nginx over the public folder in `folder`."""
    port = find_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        NGINX_CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "",  # else its worker may not read our folder
            folder=folder,
            public=folder / "public",
            port=port,
            gzip="gzip_static on; gzip_vary on;" if has_twins else "",
        ),
        encoding="utf-8",
    )
    with run([nginx, "-c", str(configuration), "-p", str(folder), "-e", "stderr"], port) as served:
        yield served


@contextmanager
def serve_ourselves(folder: Path) -> Iterator[Served]:
    """The web server's process, as `kabarkota serve` starts it."""
    port = find_port()
    site = SiteInfo(url="")
    order = WebOrder(database=folder / "news.db", public=folder / "public", host="127.0.0.1", port=port, site=site)
    with run([sys.executable, "-P", "-m", "aggregator.web"], port, told=order.to_json()) as served:
        yield served


@contextmanager
def run(command: Sequence[str], port: int, *, told: bytes = b"") -> Iterator[Served]:
    """The command's process, which is `told` that on its standard input, until it is left."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(told)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchmarkError(f"{command[0]} does not serve")
            time.sleep(0.05)
        yield Served(pid=process.pid, port=port)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS).close()
    except OSError:
        return False
    return True


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def read_cpu(pid: int) -> float:
    """Seconds in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    sys.exit(main())
