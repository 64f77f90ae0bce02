"""Receivers of messages on loopback: a mail server, one that says nothing, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
import email
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

SECRET = "rahasia-yang-cukup-panjang"


@dataclass
class Mailbox:
    """What a mail server was given, and what it refuses."""

    port: int = 0
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)  # (recipients, message)
    refused: dict[str, str] = field(default_factory=dict)  # recipient → answer
    answers: list[str] = field(default_factory=list)  # to messages, one after the other; then all are taken
    gate: threading.Event | None = None  # until it is set, messages are not answered

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.gate is not None:
            await asyncio.to_thread(self.gate.wait)
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == "hang up":
            assert server.transport is not None
            server.transport.abort()
        if answer in {"250 OK", "hang up"}:
            message = email.message_from_bytes(cast("bytes", envelope.content), policy=default)
            self.mails.append((envelope.rcpt_tos, message))
        return answer

    @property
    def recipients(self) -> list[str]:
        return [address for addresses, _ in self.mails for address in addresses]

    def url(self, *recipients: str, password: str = "") -> str:
        """An address of Apprise's for mail by this server."""
        login = f"redaksi:{password}@" if password else ""
        return (
            f"mailto://{login}kabar.example:{self.port}/{'/'.join(recipients)}"
            "?smtp=127.0.0.1&from=redaksi@kabar.example&mode=insecure"
        )


class _Controller(Controller):
    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # the one that was free
        super()._trigger_server()


@contextmanager
def run_mail_server() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = _Controller(box, hostname="127.0.0.1", port=0)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


@contextmanager
def run_silent_server() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


class Receiver:
    """Notes what it is posted, and answers as it is set to."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []  # (headers, body)
        self.answers: list[tuple[int, dict[str, str]]] = []  # one after the other; then all are taken
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((dict(self.headers), body))
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/kait?kunci=rahasia-alamat"

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.posts]


@contextmanager
def run_receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()
