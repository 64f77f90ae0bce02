"""Portals that write bytes instead of HTTP: each is a function of the connection, on a loopback port of its own."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

LONGEST_REQUEST = 64 * 1024
PATIENCE = 5  # seconds that one call of a socket may take


@dataclass
class Connection:
    """One connection, whose request has been read."""

    socket: socket.socket
    path: str
    request: bytes
    stopped: threading.Event

    def send(self, *parts: bytes) -> None:
        """Raises OSError when the other side has gone."""
        for part in parts:
            self.socket.sendall(part)

    def repeat(self, part: bytes, pause: float = 0) -> None:
        """Sends `part` for as long as the other side takes it."""
        while not self.stopped.wait(pause) if pause else not self.stopped.is_set():
            self.socket.sendall(part)

    def wait(self) -> None:
        """Says nothing until the other side hangs up."""
        self.socket.settimeout(0.2)
        while not self.stopped.is_set():
            try:
                if not self.socket.recv(4096):
                    return
            except TimeoutError:
                continue


Talk = Callable[[Connection], None]


@dataclass
class RawPortal:
    """What a test may ask of a portal that runs."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def head(status: str = "200 OK", *headers: str, content_type: str = "application/rss+xml") -> bytes:
    """The head of an answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def whole(body: bytes, *headers: str, status: str = "200 OK", content_type: str = "application/rss+xml") -> bytes:
    """A well-made answer, after which the connection is closed."""
    own = ("Connection: close", f"Content-Length: {len(body)}", *headers)
    return head(status, *own, content_type=content_type) + body


def answer(*parts: bytes) -> Talk:
    """Sends the parts and hangs up."""
    return lambda connection: connection.send(*parts)


NO_ROBOTS = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def serve_raw(talk: Talk, *, robots: Talk | None = None, tls: ssl.SSLContext | None = None) -> Iterator[RawPortal]:
    """Serves `talk` to every connection, and `robots` where robots.txt is asked for."""
    stopped = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        portal = RawPortal(listener.getsockname()[1])

        def serve(accepted: socket.socket) -> None:
            with contextlib.suppress(OSError), accepted as plain:
                plain.settimeout(PATIENCE)
                connected = tls.wrap_socket(plain, server_side=True) if tls else plain
                with connected:
                    request = _read_request(connected)
                    path = request.split(b" ")[1].decode("latin-1") if request.count(b" ") > 1 else ""
                    portal.requests.append(request)
                    portal.asked[path] += 1
                    chosen = (robots or answer(NO_ROBOTS)) if path == "/robots.txt" else talk
                    chosen(Connection(connected, path, request, stopped))

        def listen() -> None:
            while not stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    accepted, _ = listener.accept()
                    portal.connections += 1
                    threads.append(threading.Thread(target=serve, args=(accepted,), daemon=True))
                    threads[-1].start()

        threads.append(threading.Thread(target=listen, daemon=True))
        threads[0].start()
        try:
            yield portal
        finally:
            stopped.set()
            for thread in tuple(threads):
                thread.join(10)


@contextmanager
def serve_all(talks: Mapping[str, Talk]) -> Iterator[dict[str, RawPortal]]:
    """A portal for each case, all at once."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(serve_raw(talk)) for name, talk in talks.items()}


def _read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request and len(request) < LONGEST_REQUEST:
        received = connection.recv(4096)
        if not received:
            break
        request += received
    return request
