"""Small portals of our own for the tests, on loopback, and a setup that may reach them."""

from __future__ import annotations

import ipaddress
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aggregator.settings import AggregatorSettings
from crawler.settings import CrawlSettings
from schedules.config import Setup


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A crawler that was killed is no news; whatever else goes wrong is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@dataclass
class Answer:
    """What a path answers."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    breaks: int = 0  # times that the connection is closed instead
    gate: threading.Event | None = None  # nothing is answered until it is set


class LoopbackPortal:
    """A web server whose paths can be changed while it runs; it counts what it was asked."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        self.conditional: Counter[str] = Counter()
        self.asked_at: list[float] = []
        self.askers: set[str] = set()  # addresses
        portal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                portal.askers.add(self.client_address[0])

            def do_GET(self) -> None:
                portal.asked[self.path] += 1
                portal.asked_at.append(time.monotonic())
                answer = portal.answers.get(self.path, Answer(b"tidak ditemukan", 404))
                if answer.gate is not None:
                    answer.gate.wait(120)
                if answer.breaks > 0:
                    answer.breaks -= 1
                    self.close_connection = True
                    return
                etag = answer.headers.get("ETag")
                if etag and self.headers.get("If-None-Match") == etag:
                    portal.conditional[self.path] += 1
                    answer = Answer(status=304, headers=answer.headers)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.status != 304:
                    self.send_header("Content-Type", answer.content_type)
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                pass

        self._server = _Server((address, 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.base = f"http://{address}:{self.port}"

    def run(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serve_portal(address: str = "127.0.0.1") -> Iterator[LoopbackPortal]:
    portal = LoopbackPortal(address)
    thread = threading.Thread(target=portal.run, daemon=True)
    thread.start()
    try:
        yield portal
    finally:
        portal.stop()
        thread.join()


def make_setup(folder: Path, catalogue: str | None = None, **crawl: Any) -> Setup:
    """A setup with loopback opened and no waiting; `catalogue` is written into the folder."""
    path = None
    if catalogue is not None:
        path = folder / "catalogue.toml"
        path.write_text(catalogue, encoding="utf-8")
    options: dict[str, Any] = {
        "allow_networks": (ipaddress.ip_network("127.0.0.0/8"),),
        "delay_seconds": 0,
        "requests_per_domain": 50,
        "max_requests": 1000,
        "contact": "test@example.org",
        "timeout_seconds": 10,
    }
    return Setup(
        data_folder=folder / "data",
        catalogue_path=path,
        crawl=CrawlSettings(**options | crawl),
        aggregator=AggregatorSettings(empty_feeds=False),
    )
