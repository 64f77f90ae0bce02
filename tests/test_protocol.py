"""The server over real sockets: published files answered ahead of the framework, as strictly as behind it."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aggregator.publish.files import write_public
from aggregator.web import server as web_server
from aggregator.web.headers import SECURITY_HEADERS
from aggregator.web.order import WebOrder
from aggregator.web.protocol import HEAD_BYTES, make_protocol
from aggregator.web.public_file import PublicFiles, PublicFilesMiddleware
from aggregator.web.server import Server, raise_file_limit
from aggregator.web.site import SiteInfo

BODY = b"<rss>kabar kota</rss>\n" * 2_000  # 44 kB
PATIENCE = 30


class Running:
    """A server over a folder of published files, and an application whose answers say where they are from."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.public = folder
        write_public(folder / "feed.xml", BODY)
        files = PublicFiles(folder)
        self.gate = threading.Event()
        self.handed_on = 0  # requests that reached the application
        self.app = Starlette(
            routes=[
                Route("/gate", self.wait),
                Route("/{rest:path}", echo, methods=["GET", "POST"]),
            ],
            middleware=[Middleware(PublicFilesMiddleware, files=files)],
        )
        head_seconds, crowd = options.pop("head_seconds", 60.0), options.pop("crowd", None)
        config = {
            "port": 0,
            "interface": "asgi3",
            "http": make_protocol(files, head_seconds=head_seconds, crowd=crowd),
            "log_level": "critical",
            "lifespan": "off",
            "ws": "none",
            "server_header": False,
        }
        self.server = Server(uvicorn.Config(self.count, **(config | options)))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    async def count(self, scope: Any, receive: Any, send: Any) -> None:
        self.handed_on += 1
        await self.app(scope, receive, send)

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    def wait(self, _request: Request) -> Response:
        assert self.gate.wait(PATIENCE)
        return PlainTextResponse("gate")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def is_well(self) -> bool:
        """Whether a stranger is served."""
        with self.connect() as stranger:
            stranger.sendall(make_request("/feed.xml", "Connection: close"))
            return read_all(stranger).endswith(b"\r\n\r\n" + BODY)


async def echo(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"app {request.method} {request.url.path}?{request.url.query} {body.decode()}")


@contextmanager
def run(folder: Path, **options: Any) -> Iterator[Running]:
    running = Running(folder, **options)
    running.thread.start()
    wait_for(lambda: running.server.started)
    try:
        yield running
    finally:
        running.gate.set()
        running.server.should_exit = running.server.force_exit = True
        running.thread.join(PATIENCE)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with run(tmp_path_factory.mktemp("public")) as running:
        yield running


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def make_request(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "Host: kabar.example", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


class Answers:
    """Reads answers off a connection, one after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._got = b""

    def read(self, *, is_head: bool = False) -> tuple[int, dict[str, str], bytes]:
        while b"\r\n\r\n" not in self._got:
            self._receive()
        head, _, self._got = self._got.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert len(headers) == len(lines), f"a header twice: {lines}"
        status = int(first.split()[1])
        length = 0 if is_head or status == 304 else int(headers["content-length"])
        while len(self._got) < length:
            self._receive()
        body, self._got = self._got[:length], self._got[length:]
        return status, headers, body

    def is_at_end(self) -> bool:
        return not self._got and not self._connection.recv(1)

    def _receive(self) -> None:
        piece = self._connection.recv(2**20)
        assert piece, f"ended after {self._got!r}"
        self._got += piece


def check_refusal(answers: Answers, status: int) -> None:
    told, headers, body = answers.read()
    assert (told, headers["connection"], body) == (status, "close", b"")
    assert SECURITY_HEADERS.items() <= headers.items()


# ── plain requests ────────────────────────────────────────────────────────────────────────────────────────────────


def test_answers_are_those_of_the_application_to_the_last_header(tmp_path: Path) -> None:
    requests = (
        make_request("/feed.xml"),
        make_request("/feed.xml?from=reader"),
        make_request("/feed.xml", "Accept-Encoding: gzip"),
        make_request("/feed.xml", "accept-encoding: br", "ACCEPT-ENCODING: gzip;q=0.5"),
        make_request("/feed.xml", "Accept: text/html,*/*;q=0.8", "If-None-Match: "),
        make_request("/feed.xml", "If-None-Match: *"),
        make_request("/feed.xml", "If-Modified-Since: Sat, 05 Oct 2999 06:05:00 GMT"),
        make_request("/feed.xml", method="HEAD"),
        make_request("/feed.xml", "If-None-Match: *", method="HEAD"),
        make_request("/feed.xml", "Connection: close"),
        make_request("/feed.xml", version="1.0"),
    )
    got: list[list[bytes]] = []
    for options in ({}, {"http": "httptools"}):
        with run(tmp_path, **options) as running:
            got.append([])
            for request in requests:
                with running.connect() as connection:
                    connection.sendall(request)
                    connection.shutdown(socket.SHUT_WR)
                    got[-1].append(re.sub(rb"date: [^\r]+", b"date", read_all(connection)))
    assert got[0] == got[1]
    assert [answer.split()[1] for answer in got[0]] == [b"200"] * 5 + [b"304"] * 2 + [b"200", b"304", b"200", b"200"]
    assert all(answer.count(b"\r\ndate") == 1 and b"\r\nserver:" not in answer for answer in got[0])


def test_one_connection_serves_many_requests_and_they_never_reach_the_application(running: Running) -> None:
    handed_on = running.handed_on
    with running.connect() as connection:
        answers = Answers(connection)
        for _ in range(3):
            connection.sendall(make_request("/feed.xml"))
            status, headers, body = answers.read()
            assert (status, body) == (200, BODY)
            assert "connection" not in headers
            connection.sendall(make_request("/feed.xml", f"If-None-Match: {headers['etag']}"))
            assert answers.read()[0] == 304
            connection.sendall(make_request("/feed.xml", method="HEAD"))
            status, headers, _ = answers.read(is_head=True)
            assert (status, headers["content-length"]) == (200, str(len(BODY)))
    assert running.handed_on == handed_on


def test_what_is_not_plain_is_answered_by_the_application(running: Running) -> None:
    for request, says in (
        (make_request("/feed.xml?group=story"), b"app GET /feed.xml?group=story "),
        (make_request("/feeds/topic/none.xml"), b"app GET /feeds/topic/none.xml? "),
        (make_request("/feed.xml", "Content-Length: 3", method="POST") + b"abc", b"app POST /feed.xml? abc"),
        (make_request("/feed%2Exml"), BODY),
        (make_request("http://elsewhere.example/feed.xml"), BODY),
        (make_request("/feed.xml", "Content-Length: 3") + b"abc", BODY),
        (make_request("/feed.xml", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n", BODY),
        (make_request("/feed.xml", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"), BODY),
    ):
        with running.connect() as connection:
            answers = Answers(connection)
            connection.sendall(request)
            status, _, body = answers.read()
            assert (status, body) == (200, says)
            if b"Upgrade" not in request:
                connection.sendall(make_request("/feed.xml"))  # the connection is still good
                assert answers.read()[2] == BODY


def test_a_feed_that_is_published_later_is_served_from_then_on(tmp_path: Path) -> None:
    with run(tmp_path) as running, running.connect() as connection:
        answers = Answers(connection)
        connection.sendall(make_request("/feeds/topic/apeksi.xml"))
        assert answers.read()[2].startswith(b"app GET")
        write_public(tmp_path / "feeds" / "topic" / "apeksi.xml", BODY)
        connection.sendall(make_request("/feeds/topic/apeksi.xml"))
        assert answers.read()[2] == BODY
        (tmp_path / "feeds" / "topic" / "apeksi.xml").unlink()
        connection.sendall(make_request("/feeds/topic/apeksi.xml"))
        assert answers.read()[2].startswith(b"app GET")


# ── connections ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("version", "header", "says"),
    [
        ("1.1", "", None),
        ("1.1", "Connection: keep-alive", None),
        ("1.1", "Connection: close", "close"),
        ("1.1", "Connection: TE, Close", "close"),
        ("1.0", "", "close"),
        ("1.0", "Connection: keep-alive", "keep-alive"),
    ],
)
@pytest.mark.parametrize("condition", ["", "If-None-Match: *"], ids=["200", "304"])
def test_connections_are_kept_as_the_client_asks(
    running: Running, version: str, header: str, says: str | None, condition: str
) -> None:
    headers = [each for each in (header, condition) if each]
    with running.connect() as connection:
        answers = Answers(connection)
        connection.sendall(make_request("/feed.xml", *headers, version=version))
        status, told, _ = answers.read()
        assert (status, told.get("connection")) == (304 if condition else 200, says)
        if says != "close":
            connection.sendall(make_request("/feed.xml", "Connection: close"))
            assert answers.read()[2] == BODY
        assert answers.is_at_end()


def test_nothing_is_answered_after_the_last_request(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(make_request("/feed.xml", "Connection: close") + make_request("/feed.xml") * 3)
        answers = Answers(connection)
        assert answers.read()[2] == BODY
        assert answers.is_at_end()


def test_pipelined_requests_are_answered_in_their_order(running: Running) -> None:
    running.gate.clear()
    with running.connect() as connection:
        answers = Answers(connection)
        connection.sendall(
            make_request("/feed.xml")
            + make_request("/gate")
            + b"".join(make_request("/feed.xml", "If-None-Match: *") + make_request(f"/page/{n}") for n in range(20))
            + make_request("/feed.xml", method="HEAD")
            + make_request("/feed.xml")
        )
        assert answers.read()[2] == BODY
        running.gate.set()
        assert answers.read()[2] == b"gate"
        for number in range(20):
            assert answers.read()[0] == 304
            assert answers.read()[2] == f"app GET /page/{number}? ".encode()
        assert answers.read(is_head=True)[0] == 200
        assert answers.read()[2] == BODY


@pytest.mark.slow
def test_a_request_under_way_outlives_the_time_of_an_idle_connection(tmp_path: Path) -> None:
    with run(tmp_path, timeout_keep_alive=0.2) as running, running.connect() as connection:
        answers = Answers(connection)
        connection.sendall(make_request("/feed.xml") + make_request("/gate"))
        assert answers.read()[2] == BODY
        time.sleep(0.5)  # longer than an idle connection is kept
        running.gate.set()
        assert answers.read()[2] == b"gate"
        assert answers.is_at_end()  # idle, it is closed


@pytest.mark.parametrize("size", [1, 7, 60])
def test_requests_that_come_in_pieces_are_answered(running: Running, size: int) -> None:
    request = make_request("/feed.xml", "Accept-Encoding: identity") + make_request("/page")
    with running.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request), size):
            connection.sendall(request[start : start + size])
        answers = Answers(connection)
        assert answers.read()[2] == BODY
        assert answers.read()[2] == b"app GET /page? "


def test_half_a_request_keeps_nobody_waiting(running: Running) -> None:
    request = make_request("/feed.xml")
    with running.connect() as slow:
        slow.sendall(request[:20])
        assert running.is_well()
        slow.sendall(request[20:])
        assert Answers(slow).read()[2] == BODY


@pytest.mark.parametrize(
    "begin", [b"", b"GET /feed", make_request("/feed.xml") + b"GET /feed.xml HTTP/1.1\r\nHost"], ids=["", "1st", "2nd"]
)
def test_a_request_that_does_not_end_is_given_up(tmp_path: Path, begin: bytes) -> None:
    with run(tmp_path, head_seconds=0.3) as running, running.connect() as connection:
        connection.sendall(begin)
        answers = Answers(connection)
        if begin.startswith(make_request("/feed.xml")):
            assert answers.read()[2] == BODY
        if begin:  # of whom nothing was heard nothing is told: browsers connect in advance
            check_refusal(answers, 408)
        assert answers.is_at_end()
        assert running.is_well()


def test_a_drop_at_a_time_does_not_keep_a_connection_open(tmp_path: Path) -> None:
    with run(tmp_path, head_seconds=0.3) as running, running.connect() as connection:
        connection.sendall(b"GET /feed.xml HTTP/1.1\r\n")
        with pytest.raises(OSError):  # noqa: PT011, PT012 - reset or broken pipe, as the moment will have it
            for _ in range(PATIENCE * 20):
                connection.sendall(b"a: b\r\n")
                time.sleep(0.05)


@pytest.mark.slow
def test_a_connection_between_two_requests_is_not_given_up(tmp_path: Path) -> None:
    with run(tmp_path, head_seconds=0.5) as running, running.connect() as connection:
        answers = Answers(connection)
        connection.sendall(make_request("/feed.xml"))
        assert answers.read()[2] == BODY
        time.sleep(0.7)
        connection.sendall(make_request("/feed.xml"))
        assert answers.read()[2] == BODY


@pytest.mark.parametrize(
    "begin",
    [b"GET /feed.xml HTTP/1.1\r\n", b"GET /feed.xml HTTP/1.1\r\nIf-None-Match: ", b"GET /", make_request("/feed.xml")],
    ids=["many headers", "a long header", "a long address", "after a request"],
)
def test_endless_heads_are_refused(running: Running, begin: bytes) -> None:
    piece = b"x: " + b"y" * 1_000 + b"\r\n" if begin.endswith(b"\r\n") else b"y" * 1_000
    if begin.startswith(make_request("/feed.xml")):
        begin += b"GET / HTTP/1.1\r\n"
    with running.connect() as connection:
        connection.sendall(begin)
        with pytest.raises(OSError):  # noqa: PT011, PT012 - reset or broken pipe, as the moment will have it
            for _ in range(100_000):
                connection.sendall(piece)
    assert running.is_well()


def test_a_long_head_says_why_it_is_refused(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"GET /feed.xml HTTP/1.1\r\n")
        wait_for(lambda: any(each._is_in_head for each in running.server.server_state.connections))
        connection.sendall(b"x: " + b"y" * HEAD_BYTES)
        check_refusal(Answers(connection), 431)


@pytest.mark.slow
def test_many_short_requests_at_once_are_no_long_head(running: Running) -> None:
    request = make_request("/feed.xml", "If-None-Match: *")
    count = 20 * HEAD_BYTES // len(request)
    with running.connect() as connection:
        sender = threading.Thread(target=connection.sendall, args=(request * count,))
        sender.start()
        answers = Answers(connection)
        assert {answers.read()[0] for _ in range(count)} == {304}
        sender.join()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /feed.xml HTTP/9.9\r\n\r\n",
        b"GET /feed.xml HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /feed.xml HTTP/1.1\r\n: x\r\n\r\n",
        b"GET /feed.xml HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET /feed.xml HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"G\xc3\x8bT /feed.xml HTTP/1.1\r\n\r\n",
    ],
)
def test_bad_requests_are_refused_and_harm_nobody(running: Running, request_bytes: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(request_bytes)
        status, headers, _ = Answers(connection).read()
        assert (status, headers["connection"]) == (400, "close")
    assert running.is_well()


def test_clients_that_vanish_harm_nobody(running: Running) -> None:
    for request in (b"", b"GET /fe", make_request("/feed.xml"), make_request("/feed.xml") * 200, make_request("/gate")):
        connection = running.connect()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
        connection.sendall(request)
        connection.close()
    running.gate.set()
    assert running.is_well()
    wait_for(lambda: not running.server.server_state.connections)


def test_a_client_that_does_not_read_is_waited_for_and_costs_no_memory(running: Running) -> None:
    count = 400  # 17 MB, more than the kernel takes
    with running.connect() as connection:
        sender = threading.Thread(target=connection.sendall, args=(make_request("/feed.xml") * count,))
        sender.start()
        wait_for(lambda: any(each.flow.write_paused for each in running.server.server_state.connections))
        for _ in range(5):
            assert running.is_well()
            for each in running.server.server_state.connections:
                assert each.transport.get_write_buffer_size() < 4 * len(BODY) + 65536
        answers = Answers(connection)
        for _ in range(count):
            assert answers.read()[2] == BODY
        sender.join()


@pytest.mark.slow
def test_a_slow_reader_gets_all_of_it_and_then_the_end(tmp_path: Path) -> None:
    long = os.urandom(8 * 2**20)
    with run(tmp_path, timeout_keep_alive=0.1) as running, closing(socket.socket()) as connection:
        write_public(tmp_path / "feed.json", long)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", running.port))
        connection.sendall(make_request("/feed.json"))
        time.sleep(0.3)  # longer than an idle connection is kept
        answers = Answers(connection)
        assert answers.read()[2] == long
        assert answers.is_at_end()


def test_a_client_that_never_reads_is_parted_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "UNREAD_SECONDS", 1)
    with run(tmp_path) as running, running.connect() as connection:
        sender = threading.Thread(target=send_in_vain, args=(connection, make_request("/feed.xml") * 2_000))
        sender.start()
        wait_for(lambda: any(each.flow.write_paused for each in running.server.server_state.connections))
        wait_for(lambda: not running.server.server_state.connections)
        sender.join()
        assert running.is_well()


def send_in_vain(connection: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        connection.sendall(data)


def test_the_server_stops_while_connections_are_open(tmp_path: Path) -> None:
    with run(tmp_path) as running, running.connect() as idle, running.connect() as used:
        used.sendall(make_request("/feed.xml"))
        answers = Answers(used)
        assert answers.read()[2] == BODY
        running.server.should_exit = True
        assert answers.is_at_end()
        assert read_all(idle) == b""
        running.thread.join(PATIENCE)
        assert not running.thread.is_alive()


# ── the process ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_limit_of_open_files_is_raised_as_far_as_is_allowed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        raise_file_limit(most=512)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, hard)
        raise_file_limit(most=300)  # never lowered
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def run_process(folder: Path, stderr: IO[bytes] | None = None) -> Iterator[int]:
    """`python -m aggregator.web` that was given 256 open files at first; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    site = SiteInfo(url="")
    order = WebOrder(database=folder / "news.db", public=folder / "public", host="127.0.0.1", port=port, site=site)
    command = ["sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh", sys.executable, "-P", "-m", "aggregator.web"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=stderr)
    assert process.stdin is not None
    with process.stdin as told:
        told.write(order.to_json())
    try:
        wait_for(lambda: process.poll() is not None or can_connect(port))
        assert process.poll() is None
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def can_connect(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.alone
def test_a_thousand_subscribers_at_once_are_served_without_an_error(tmp_path: Path) -> None:
    write_public(tmp_path / "public" / "feed.xml", BODY)
    raise_file_limit()
    with run_process(tmp_path) as port:
        got = asyncio.run(ask_together(port, count=1_000))
    assert got == [(200, BODY, 304)] * 1_000


async def ask_together(port: int, *, count: int) -> list[tuple[int, bytes, int]]:
    """All connect; then all ask for the feed; then all ask whether it is new."""
    connections = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(count)))
    got = await asyncio.gather(*(ask(reader, writer) for reader, writer in connections))
    for _, writer in connections:
        writer.close()
    return got


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, bytes, int]:
    writer.write(make_request("/feed.xml"))
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
    tag = re.findall(rb"etag: (.+)\r", head)[0].decode()
    writer.write(make_request("/feed.xml", f"If-None-Match: {tag}"))
    again = await reader.readuntil(b"\r\n\r\n")
    return int(head.split()[1]), body, int(again.split()[1])


@pytest.mark.slow
def test_the_process_serves_feeds_and_pages_without_knowing_its_address(tmp_path: Path) -> None:
    write_public(tmp_path / "public" / "feeds" / "komwil" / "6.json", b"{}")
    with run_process(tmp_path) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        for path, status in (("/feeds/komwil/6.json", 200), ("/feed.xml", 503), ("/opml.xml", 404), ("/", 200)):
            connection.request("GET", path, headers={"Host": "wrong.example"})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == status
            assert answer.headers["content-security-policy"]
            assert answer.headers.get_all("date")
            assert answer.headers["server"] is None
            assert b"wrong.example" not in body
        assert b'<link rel="canonical" href="/">' in body
        assert b'href="/feed.xml"' in body
        connection.close()
