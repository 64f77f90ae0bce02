"""The webhook of our own: JSON by POST, signed, the same id on each attempt. docs/alerts.md tells receivers of it."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from aggregator.alerts.letters import Letter
from crawler.address_guard import AddressGuard, AddressRefusedError
from crawler.retry_after import parse_retry_after
from schedules.alerts.attempts import Attempt, again, refused, sent
from schedules.alerts.deadline import limit_time

VERSION = 1
TIMEOUT_SECONDS = 10.0
_PASSING = frozenset({408, 425, 429})  # refusals that pass: waited in vain, too early, too many
_USER_AGENT = "KabarKota (webhook)"


def make_body(letter: Letter, uid: str, created: datetime) -> bytes:
    """What is posted. PURE."""
    content: dict[str, Any] = {
        "version": VERSION,
        "type": letter.kind,
        "id": uid,
        "created": created.isoformat(),
        "subject": letter.subject,
        "text": letter.plain,
        "data": letter.data,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-KabarKota-Signature. PURE."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def make_headers(secret: str, body: bytes, *, event: str, uid: str, now: datetime) -> dict[str, str]:
    """All that go with the body. PURE."""
    timestamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": _USER_AGENT,
        "X-KabarKota-Event": event,
        "X-KabarKota-Delivery": uid,
        "X-KabarKota-Timestamp": timestamp,
        "X-KabarKota-Signature": sign(secret, timestamp, body),
    }


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    guard: AddressGuard,
    now: datetime,
    *,
    timeout: float = TIMEOUT_SECONDS,
) -> Attempt:
    """Posts once; follows no redirect, uses no proxy, and connects to no address that the guard refuses."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _open(parts.scheme, parts.hostname or "", parts.port, guard, timeout)
    try:
        with limit_time(lambda: connection.sock):
            connection.request("POST", path, body=body, headers=dict(headers))
            answer = connection.getresponse()
        return judge(answer.status, answer.headers.get("Retry-After"), now)
    except AddressRefusedError as error:
        return refused(str(error))
    except TimeoutError:
        return again("the receiver does not answer", is_dead=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return again(getattr(error, "strerror", None) or str(error) or type(error).__name__, is_dead=True)
    finally:
        connection.close()


def judge(status: int, retry_after: str | None, now: datetime) -> Attempt:
    """What an answer means. PURE."""
    if 200 <= status < 300:
        return sent()
    if 300 <= status < 400:
        return refused(f"HTTP {status}: redirects are not followed; write the new address into alerts.toml")
    if status < 500 and status not in _PASSING:
        return refused(f"HTTP {status}")
    seconds = parse_retry_after(retry_after.encode("latin-1", "replace") if retry_after else None, now)
    wait = timedelta(seconds=seconds) if seconds is not None else None
    return again(f"HTTP {status}", is_dead=status in {429, 503}, retry_after=wait)


class _Plain(http.client.HTTPConnection):
    guard: AddressGuard

    def connect(self) -> None:
        self.sock = _connect(self.host, self.port, self.guard, self.timeout)


class _Secure(http.client.HTTPSConnection):
    guard: AddressGuard

    def connect(self) -> None:
        plain = _connect(self.host, self.port, self.guard, self.timeout)
        try:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _open(scheme: str, host: str, port: int | None, guard: AddressGuard, timeout: float) -> http.client.HTTPConnection:
    connection = (_Secure if scheme == "https" else _Plain)(host, port, timeout=timeout)
    connection.guard = guard
    return connection


def _connect(host: str, port: int, guard: AddressGuard, timeout: float | None) -> socket.socket:
    """Connects to the first of the host's addresses that may be. Raises OSError, AddressRefusedError."""
    name = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host  # RFC 6761, 6.3
    last: OSError = OSError(f"{host} has no address")
    for _, _, _, _, address in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM):
        try:
            guard.check(str(address[0]))
            return socket.create_connection((str(address[0]), port), timeout)
        except OSError as error:
            last = error
    raise last
