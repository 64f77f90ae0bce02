"""Keeps the crawler off private networks, on every hop, at the moment of connecting.

A portal can point a link, a redirect or its own DNS name at 127.0.0.1 or at a cloud's metadata address. Checking
names or URLs beforehand leaves a gap that DNS rebinding uses, so the check sits where the socket is opened: on the
reactor of the crawl process, under everything that connects.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_CAUSES = 20
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all that IANA has given out; what is outside is local or nobody's
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: how IPv4 is reached from a network without it
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")  # RFC 9637, newer than Python 3.11's tables


class AddressRefusedError(OSError):
    """The address is private and no setting opens it."""


def is_public(address: IPAddress) -> bool:
    """Whether `address` is reachable by anyone: global unicast, also where it is an IPv4 address in an IPv6 form."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None and not is_public(inner):
            return False
        if address.sixtofour:
            return True  # as the address inside; Python's own tables changed their mind between 3.11.2 and 3.11.7
        if address not in _GLOBAL_UNICAST or address in _DOCUMENTATION:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def find_refusal(error: BaseException) -> AddressRefusedError | None:
    """The guard's refusal behind a failed connection, however Twisted and Scrapy have wrapped it."""
    queue: list[Any] = [error]
    seen: list[BaseException] = []
    while queue and len(seen) < MAX_CAUSES:
        cause = queue.pop(0)
        cause = getattr(cause, "value", cause)  # a Twisted Failure
        if isinstance(cause, AddressRefusedError):
            return cause
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            queue += [cause.__cause__, cause.__context__, *(getattr(cause, "reasons", None) or ())]
    return None


class AddressGuard:
    """Decides which addresses may be connected to: public ones and those inside `allow_networks`."""

    def __init__(self, allow_networks: Iterable[IPNetwork] = ()) -> None:
        self._allowed = tuple(allow_networks)

    def check(self, host: str) -> None:
        """Raises AddressRefusedError unless `host`, an IP address, may be connected to."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError as error:
            raise AddressRefusedError(f"{host} is not an IP address") from error
        if not (is_public(address) or any(address in network for network in self._allowed)):
            raise AddressRefusedError(f"{host} is a private address (allow_networks opens one)")


def install_guard(reactor: Any, guard: Callable[[], AddressGuard]) -> None:
    """Puts the guard under every TCP connection that `reactor` makes from now on.

    `guard` is asked each time, since a warm crawl process may be given other settings.
    """
    connect = reactor.connectTCP

    def connect_guarded(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        guard().check(host)
        return connect(host, port, *args, **kwargs)

    reactor.connectTCP = connect_guarded
