"""Who may see the operator's pages: a password by HTTP Basic, or a reverse proxy that says whom it let in.

    route of a private page ─▶ Gate.judge ─▶ in: the page, never cached     stranger: 401 (403 where no password is set)
                                          └▶ too many wrong guesses: 429, whatever the password

/healthz stays open, for monitors; strangers are told how things are and nothing else. Published files are everybody's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.settings import AggregatorSettings, PrivatePages
from aggregator.web.guesses import REFILL_SECONDS, Guesses

logger = logging.getLogger(__name__)

PATHS = {
    "/status": PrivatePages.STATUS,
    "/sources": PrivatePages.SOURCES,
    "/source/{source_id}": PrivatePages.SOURCES,
    "/metrics": PrivatePages.METRICS,
}
# Each of them tells which sources fail, and why: one alone would keep nothing to itself.
_ALIKE = frozenset({PrivatePages.STATUS, PrivatePages.SOURCES})
LET_IN = "is_operator"  # in the scope of a request for /healthz
_CREDENTIALS_MOST = 1_024  # characters


@dataclass(frozen=True, kw_only=True)
class Protection:
    """What the operator has set."""

    private: frozenset[PrivatePages] = frozenset()
    password: str = field(default="", repr=False)  # "": none
    header: str = ""  # in lower case; "": none
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()  # whose header is believed

    @classmethod
    def from_settings(cls, settings: AggregatorSettings) -> Protection:
        password = settings.operator_password
        private = frozenset(settings.private_pages)
        if private & _ALIKE:
            private |= _ALIKE
        return cls(
            private=private,
            password=password.get_secret_value() if password else "",
            header=settings.operator_header,
            proxies=settings.trusted_proxies,
        )


class Entry(Enum):
    IN = auto()
    STRANGER = auto()
    TOO_MANY_GUESSES = auto()


class Gate:
    """Tells the operator from others. Asked on the event loop only."""

    def __init__(self, protection: Protection, guesses: Guesses | None = None) -> None:
        self._protection = protection
        self._guesses = guesses or Guesses()
        self._digest = _digest(protection.password.encode()) if protection.password else None

    def list_guards(self, path: str) -> list[Middleware]:
        """What stands before the route with this path."""
        is_private = PATHS.get(path) in self._protection.private
        return [Middleware(_Guard, gate=self)] if is_private else []

    def list_recognizers(self) -> list[Middleware]:
        """For /healthz, whose details are as private as /status."""
        is_private = PrivatePages.STATUS in self._protection.private
        return [Middleware(_Recognizer, gate=self)] if is_private else []

    def judge(self, scope: Scope) -> Entry:
        """Whether the request is the operator's. A wrong password is counted."""
        peer = _read_address(scope["client"][0] if scope.get("client") else "")
        if self._is_let_in_by_proxy(scope, peer):
            return Entry.IN
        given = _collect(scope, b"authorization")
        if self._digest is None or not given:
            return Entry.STRANGER
        address = self._find_client(scope, peer)
        client = _describe(address)
        if not self._guesses.may_guess(client):
            return Entry.TOO_MANY_GUESSES
        if hmac.compare_digest(_digest(_read_password(given)), self._digest):
            return Entry.IN
        self._guesses.count_wrong(client)
        logger.warning("wrong password for the operator's pages from %s", _blur(address))
        return Entry.STRANGER

    def refuse(self, entry: Entry) -> HTTPException:
        """What to answer to whoever is not let in."""
        if entry is Entry.TOO_MANY_GUESSES:
            return HTTPException(429, headers={"retry-after": str(int(REFILL_SECONDS))})
        if self._digest is None:
            return HTTPException(403)
        return HTTPException(401, headers={"www-authenticate": 'Basic realm="Kabar Kota", charset="UTF-8"'})

    def _is_let_in_by_proxy(self, scope: Scope, peer: _Address | None) -> bool:
        if not self._protection.header or not self._is_proxy(peer):
            return False
        named = _collect(scope, self._protection.header.encode())
        return len(named) == 1 and bool(named[0].strip())  # twice: one of them came from outside

    def _find_client(self, scope: Scope, peer: _Address | None) -> _Address | None:
        """Whom a proxy of ours speaks for: the last in its list that is none of ours."""
        if not self._is_proxy(peer):
            return peer
        for part in reversed(b",".join(_collect(scope, b"x-forwarded-for")).decode("latin-1").split(",")[-20:]):
            address = _read_address(part.strip())
            if address is None or not self._is_proxy(address):
                return address or peer
        return peer

    def _is_proxy(self, address: _Address | None) -> bool:
        return address is not None and any(address in network for network in self._protection.proxies)


class _Guard:
    """Lets the operator pass, and has nobody keep what was answered. Raises HTTPException."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        entry = self._gate.judge(scope)
        if entry is not Entry.IN:
            raise self._gate.refuse(entry)

        async def send_unkept(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0].lower() not in (b"cache-control", b"etag")]
                message["headers"] = [*kept, (b"cache-control", b"no-store")]
            await send(message)

        await self._app(scope, receive, send_unkept)


class _Recognizer:
    """Says in the scope whether it is the operator who asks."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[LET_IN] = self._gate.judge(scope) is Entry.IN
        await self._app(scope, receive, send)


_Address = IPv4Address | IPv6Address


def _read_address(text: str) -> _Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _describe(address: _Address | None) -> str:
    """By what a client is counted: of IPv6 the network, for each household has a whole one."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address or "an unknown address")


def _blur(address: _Address | None) -> str:
    """What the log may keep of who came: whose network it was, not who."""
    if address is None:
        return "an unknown address"
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def _collect(scope: Scope, name: bytes) -> list[bytes]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value for key, value in headers if key == name]


def _read_password(given: list[bytes]) -> bytes:
    """Of the credentials, whatever the name in them; b"" where they cannot be read."""
    scheme, _, encoded = given[0][:_CREDENTIALS_MOST].partition(b" ")
    if len(given) > 1 or scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def _digest(password: bytes) -> bytes:
    """Of one length, whatever the password's: what is compared takes always as long."""
    return hashlib.sha256(password).digest()
