"""Host names to addresses, of both kinds, for the reactor of the crawl process.

A name may have any number of addresses, some of them private: nothing is decided here, for whatever is connected to
passes the address guard.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

MAX_NAMES = 10_000
MAX_ADDRESSES = 6  # of one name, tried one after another: who is given 1,000 would knock at 1,000 doors
KEPT_SECONDS = 300.0
THREADS = 80  # as many look-ups as requests go on at once, so that dead name servers hold nobody else up

Address = tuple[socket.AddressFamily, str]  # family, and the address as text
_KINDS = {socket.AF_INET: IPv4Address, socket.AF_INET6: IPv6Address}


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """A look-up in a thread goes on; nobody waits for it."""


@implementer(IHostnameResolver)
class Resolver:
    """Asks the system, and remembers the answers for five minutes.

    Names under `.localhost` are this machine without asking anyone (RFC 6761, 6.3). IPv4 comes first: many portals
    have an IPv6 address that does not answer.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._known: dict[str, tuple[float, Sequence[Address]]] = {}
        reactor.suggestThreadPoolSize(THREADS)

    def resolveHostName(  # noqa: N802 - Twisted's name
        self,
        resolutionReceiver: Any,  # noqa: N803 - an IResolutionReceiver
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: object = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> _Resolution:
        """Tells `resolutionReceiver` the addresses; none where the name cannot be found, whatever the reason."""
        resolution = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)

        def tell(addresses: Sequence[Address]) -> None:
            for family, address in addresses:
                resolutionReceiver.addressResolved(_KINDS[family]("TCP", address, portNumber))
            resolutionReceiver.resolutionComplete()

        self._find(hostName, tell)
        return resolution

    def _find(self, name: str, tell: Callable[[Sequence[Address]], None]) -> None:
        if name == "localhost" or name.endswith(".localhost"):
            tell([(socket.AF_INET, "127.0.0.1")])
            return
        ends_at, addresses = self._known.get(name, (0.0, ()))
        if ends_at > self._reactor.seconds():
            tell(addresses)
            return

        def keep(found: Sequence[Address]) -> None:
            if len(self._known) >= MAX_NAMES:
                self._known.clear()
            self._known[name] = (self._reactor.seconds() + KEPT_SECONDS, found)
            tell(found)

        def fail(_: Failure) -> None:
            tell(())

        looking = deferToThreadPool(self._reactor, self._reactor.getThreadPool(), look_up, name)
        looking.addCallbacks(keep, fail)


def look_up(name: str) -> list[Address]:
    """The addresses of a name, IPv4 first. Raises OSError, UnicodeError."""
    found: dict[Address, None] = {}
    for family, _, _, _, address in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM):
        if family in _KINDS:
            found[family, str(address[0])] = None
    return sorted(found, key=lambda each: each[0] != socket.AF_INET)[:MAX_ADDRESSES]
