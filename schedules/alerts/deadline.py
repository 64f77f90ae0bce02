"""A receiver may take its time, and say a little now and then, but not for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

DEADLINE_SECONDS = 120.0  # of a whole attempt


@contextmanager
def limit_time(get_socket: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shuts the connection down when the time is over; whoever reads from it then finds its end."""

    def shut() -> None:
        if (found := get_socket()) is not None:
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)  # that of TLS would wait for the other side

    timer = threading.Timer(DEADLINE_SECONDS, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
