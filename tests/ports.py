"""Ports for servers that bind them themselves, a moment after they were chosen."""

from __future__ import annotations

import os
import socket
from itertools import count

# Below those that the kernel gives to whoever asks for any: what was free a moment ago may be a connection's by now.
_LOWEST, _MANY = 20_000, 12_000
_STEP = 1_009  # tests run in several processes, whose ids follow on one another: each begins elsewhere
_numbers = count(os.getpid() * _STEP)


def find_port() -> int:
    """A port of 127.0.0.1 that is free, and that no other process of the tests is about to take. Raises OSError."""
    for _ in range(_MANY):
        port = _LOWEST + next(_numbers) % _MANY
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise OSError(f"none of the ports from {_LOWEST} on is free")
