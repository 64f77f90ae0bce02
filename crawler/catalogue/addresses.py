"""Addresses of channels: whether one is usable, and whether two are the same."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

MAX_ADDRESS_LENGTH = 2048

# Host names, also international ones, and IP addresses; urlsplit has taken the brackets off an IPv6 address.
_HOST = re.compile(r"[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)*\.?|[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
# RFC 3986 allows none of these unescaped, and `{…}` is a placeholder that somebody forgot to fill in.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\s<>\"{}|\\^`]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_address(url: str) -> str:
    """Return `url` as it is. Raises ValueError unless it is an http or https address with a host."""
    if len(url) > MAX_ADDRESS_LENGTH:
        raise ValueError(f"is longer than {MAX_ADDRESS_LENGTH} characters")
    if found := _FORBIDDEN.search(url):
        raise ValueError(f"{found.group()!r} cannot stand in an address")
    try:
        parts = urlsplit(url)
        _ = parts.port  # read for its check: it must be a number up to 65535
    except ValueError as error:
        raise ValueError("not an address: its host or port is malformed") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("not an http or https address")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError("an address needs a host name")
    if parts.username is not None:
        raise ValueError("an address must not carry a user name or password: addresses are published")
    return url


def make_address_key(url: str) -> str:
    """What two spellings of one channel address have in common. `url` has passed `check_address`.

    The scheme, the case of the host, a port that is the default, a slash at the end and a fragment make no other
    channel: read twice, it would bring everything twice.
    """
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{read_host(url)}{_format_port(parts)}{parts.path.rstrip('/')}{query}"


def read_host(url: str) -> str:
    """The host of an address that has passed `check_address`, in lower case, without the port."""
    return (urlsplit(url).hostname or "").rstrip(".")


def _format_port(parts: SplitResult) -> str:
    return "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
