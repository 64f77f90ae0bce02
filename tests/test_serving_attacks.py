"""Clients that mean harm: each gets an answer or the end of its connection, costs little, and others are served."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from test_protocol import BODY, Answers, Running, check_refusal, make_request, read_all, run, run_process, wait_for

from aggregator.processes import list_descendants, read_memory
from aggregator.publish.files import write_public
from aggregator.web.crowd import Crowd
from aggregator.web.protocol import PIECE_BYTES
from aggregator.web.server import UNSENT_BYTES, raise_file_limit

MEBIBYTE = 2**20
UNSENT = 0x5411  # the ioctl SIOCOUTQ: what the kernel holds of what was sent


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with run(tmp_path_factory.mktemp("public")) as running:
        yield running


# ── requests that are none ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("GET /feed.xml HTTP/1.1|Host: kabar.example:8000", 200),
        ("GET /feed.xml HTTP/1.1|Host: [2001:db8::1]:8000", 200),
        ("GET /feed.xml HTTP/1.1|Host:", 200),
        ("GET http://evil.example/feed.xml HTTP/1.1|Host: evil.example", 200),
        ("GET /feed.xml HTTP/1.0", 200),
        ("GET /feed.xml HTTP/1.1", 400),
        ("GET /feed.xml HTTP/1.1|Host: a|Host: evil.example", 400),
        ("GET /feed.xml HTTP/1.0|Host: a|Host: a", 400),
        ("GET /feed.xml HTTP/1.1|Host: evil.example/path?x", 400),
        ("GET /feed.xml HTTP/1.1|Host: user@evil.example", 400),
        ('GET /feed.xml HTTP/1.1|Host: "><script>', 400),
        ("GET /feed.xml HTTP/1.1|Host: a b", 400),
        ("CONNECT evil.example:443 HTTP/1.1|Host: evil.example:443", 400),
        ("POST / HTTP/1.1|Host: a|Transfer-Encoding: chunked||zz", 400),
        ("GET /feed.xml", 505),
        ("GET /feed.xml HTTP/2.0|Host: a", 505),
        ("GET /feed.xml HTTP/1.1|Host: a|" + "|".join(f"h{number}: v" for number in range(10_000)), 431),
        ("GET /feed.xml HTTP/1.1|Host: a|Cookie: " + "a=b;" * 12_000, 431),
        ("GET /search?q=" + "x" * 60_000 + " HTTP/1.1|Host: a", 431),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_asked_in_a_forbidden_way_is_refused(running: Running, lines: str, status: int) -> None:
    with running.connect() as connection:
        connection.sendall(lines.replace("|", "\r\n").encode() + b"\r\n\r\n")
        if status != 200:
            check_refusal(Answers(connection), status)
            return
        told, headers, body = Answers(connection).read()
        assert (told, body) == (200, BODY)
        assert not any("evil" in value for value in headers.values())


def test_what_is_not_spoken_here_is_answered_plainly_and_ends_the_connection(running: Running) -> None:
    for upgrade in ("websocket", "h2c"):
        with running.connect() as connection:
            request = make_request("/page", f"Upgrade: {upgrade}", "Connection: Upgrade", "Sec-WebSocket-Key: x")
            connection.sendall(request + b"\0garbage" * 1_000)
            with suppress(ConnectionResetError):
                assert read_all(connection).startswith(b"HTTP/1.1 200 OK")
    assert running.is_well()


def test_a_good_request_before_a_bad_one_is_answered(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(make_request("/page") + b"rubbish\r\n\r\n")
        answers = Answers(connection)
        assert answers.read()[2].startswith(b"app GET /page")
        assert answers.is_at_end()


# ── what never ends ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/feed.xml", "/page"])
@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param("Content-Length: 100000000000", b"y" * 65_536, id="length"),
        pytest.param("Transfer-Encoding: chunked", b"10000\r\n" + b"y" * 65_536 + b"\r\n", id="chunks"),
        pytest.param("Transfer-Encoding: chunked\r\n\r\n1;x", b"y" * 65_536, id="a chunk's extension"),
        pytest.param("Transfer-Encoding: chunked\r\n\r\n0\r\nx: y", b"\r\nx: y" * 10_000, id="trailers"),
    ],
)
def test_a_body_without_end_is_not_taken(running: Running, path: str, begin: str, piece: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(make_request(path, begin, method="DELETE").removesuffix(b"\r\n"))
        sent = 0
        with pytest.raises(OSError):  # noqa: PT011, PT012 - reset or broken pipe, as the moment will have it
            while sent < 100 * MEBIBYTE:
                connection.sendall(piece)
                sent += len(piece)
    assert sent < 20 * MEBIBYTE  # most of it in the kernel's buffers
    assert running.is_well()


@pytest.mark.parametrize("drop", [b"y", b"\r\n"], ids=["of a body", "of nothing"])
def test_drops_do_not_keep_a_connection_that_was_answered(tmp_path: Path, drop: bytes) -> None:
    with run(tmp_path, head_seconds=0.3) as running, running.connect() as connection:
        body = ("Content-Length: 100000",) if drop == b"y" else ()
        connection.sendall(make_request("/none", *body, method="DELETE"))
        answers = Answers(connection)
        assert answers.read()[0] == 405
        connection.sendall(drop)
        assert answers.is_at_end()


@pytest.mark.slow
def test_thousands_of_waiting_requests_are_not_even_read(tmp_path: Path) -> None:
    count = 3_000
    request = b"GET /gate HTTP/1.1\r\nHost:\r\n\r\n"
    with run(tmp_path) as running, running.connect() as connection:
        connection.sendall(request * count)
        wait_for(lambda: running.server.server_state.connections)
        (waiting,) = running.server.server_state.connections
        wait_for(lambda: waiting.pipeline and waiting.flow.read_paused)
        assert len(waiting.pipeline) <= PIECE_BYTES // len(request)
        assert running.is_well()
        running.gate.set()
        answers = Answers(connection)
        for _ in range(count):
            assert answers.read()[2] == b"gate"


def test_of_what_a_client_does_not_read_the_kernel_holds_little(running: Running) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        connection.connect(("127.0.0.1", running.port))
        connection.sendall(make_request("/feed.xml") * 200)
        wait_for(lambda: any(each.flow.write_paused for each in running.server.server_state.connections))
        (slow,) = [each for each in running.server.server_state.connections if each.flow.write_paused]
        raw = slow.transport.get_extra_info("socket")
        held = struct.unpack("i", fcntl.ioctl(raw.fileno(), UNSENT, b"\0" * 4))[0]
        assert held <= UNSENT_BYTES + 2 * len(BODY)
        assert slow.transport.get_write_buffer_size() <= 2 * len(BODY)


# ── too many ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Guest:
    def __init__(self, name: str, gone: list[str]) -> None:
        self.name, self.gone = name, gone

    def part(self) -> None:
        self.gone.append(self.name)


def test_who_makes_room_is_who_asks_for_nothing_and_then_who_is_answered_for_longest() -> None:
    gone: list[str] = []
    crowd = Crowd(most=3)
    a, b, c, d, e, f = (Guest(name, gone) for name in "abcdef")
    for guest in (a, b, c):
        crowd.enter(guest)
    crowd.begin(a)
    crowd.begin(b)
    crowd.end(b)  # now behind c
    for guest in (d, e):
        crowd.enter(guest)
    assert gone == ["c", "b"]
    crowd.begin(d)
    crowd.begin(e)
    crowd.begin(b)  # who has gone comes back by nothing
    crowd.enter(f)
    assert gone == ["c", "b", "a"]
    crowd.leave(f)
    assert len(crowd) == 2


def test_a_crowd_of_idlers_keeps_nobody_out(tmp_path: Path) -> None:
    with run(tmp_path, crowd=Crowd(most=5)) as running, ExitStack() as stack:
        asking = stack.enter_context(running.connect())
        asking.sendall(make_request("/gate"))
        wait_for(lambda: running.handed_on)
        for _ in range(30):
            idler = stack.enter_context(running.connect())
            idler.sendall(b"GET /feed.xml HT")
            assert running.is_well()
            wait_for(lambda: len(running.server.server_state.connections) <= 5)
        running.gate.set()
        assert Answers(asking).read()[2] == b"gate"  # it was never parted with


# ── the log ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_the_log_has_nothing_of_those_who_ask(tmp_path: Path) -> None:
    """No address, no question, no name of a program; and nothing with which anybody could fill it."""
    log = tmp_path / "log"
    with log.open("wb") as stderr, run_process(tmp_path, stderr) as port:
        for request in (
            make_request("/search?q=rahasia", "User-Agent: rahasia", "Authorization: Basic cmFoYXNpYTpyYWhhc2lh"),
            make_request("/tidak-ada%0aERROR:rahasia%1b[31m"),
            make_request("/status", "Authorization: rahasia"),
            make_request("/", "Connection: Upgrade", "Upgrade: websocket"),
            b"\x16\x03\x01rahasia\r\n\r\n",
            make_request("/", "Content-Length: x"),
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.sendall(request)
                assert connection.recv(100)
        for _ in range(20):  # who vanish while a page is made for them, and more are to be
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.sendall(make_request("/data") * 20)
                connection.recv(10)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(make_request("/", "Connection: close"))
            assert b" 200 " in read_all(connection)[:20]
    assert log.read_text(encoding="utf-8") == ""


# ── a thousand at once ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.alone
def test_a_thousand_of_each_kind_cost_little_memory_and_keep_nobody_waiting(tmp_path: Path) -> None:
    public = tmp_path / "public"
    write_public(public / "feed.xml", BODY)
    (public / "data").mkdir()
    (public / "data" / "news.db").write_bytes(os.urandom(20 * MEBIBYTE))
    raise_file_limit()
    with run_process(tmp_path) as port:
        (process,) = [pid for pid in list_descendants(os.getpid()) if is_server(pid, port)]
        for begin in (
            b"",
            b"GET /feed.xml HTTP/1.1\r\nX: " + b"y" * 30_000,
            make_request("/", "Content-Length: 60000", method="POST") + b"y" * 30_000,
            make_request("/feed.xml") * 100,
            b"GET / HTTP/1.1\r\nHost:\r\n\r\n" * 2_000,
            make_request("/data/news.db"),
        ):
            before = len(list_files(process))
            with ExitStack() as stack:
                for _ in range(1_000):
                    connection = stack.enter_context(socket.socket())
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
                    connection.connect(("127.0.0.1", port))
                    connection.setblocking(False)
                    with suppress(OSError):
                        connection.send(begin)
                for _ in range(5):
                    with socket.create_connection(("127.0.0.1", port), timeout=60) as stranger:
                        stranger.sendall(make_request("/feed.xml", "Connection: close"))
                        assert read_all(stranger).endswith(BODY)
                    assert read_memory(process) < 250 * MEBIBYTE
            wait_for(lambda: len(list_files(process)) <= before + 8)  # noqa: B023 - databases may stay open


def is_server(pid: int, port: int) -> bool:
    """Whether that process listens there."""
    wanted = f":{port:04X}"
    for line in Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, _, state, *_, inode = line.split()[:10]
        if local.endswith(wanted) and state == "0A":
            return f"socket:[{inode}]" in list_files(pid)
    return False


def list_files(pid: int) -> list[str]:
    """What that process has open."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return found
