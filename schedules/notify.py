"""What systemd is told of the service (sd_notify): a datagram to the socket that it names. Without one, nothing."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

logger = logging.getLogger(__name__)

EXTEND_SECONDS = 10.0  # between two requests for more time …
EXTENDED_SECONDS = 120  # … and how much is asked for


class Notifier:
    """Speaks for this process. `environ` as systemd sets it: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._status = ""
        period = environ.get("WATCHDOG_USEC", "")
        is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # half of it, as sd_watchdog_enabled(3) advises
        self.ping_seconds = int(period) / 2e6 if is_ours and period.isdigit() and int(period) else None
        self._next_ping = 0.0

    def send(self, *lines: str) -> None:
        """Sends lines such as "READY=1". That nobody listens is no failure of the service."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
                connection.settimeout(1)
                connection.connect(self._address)
                connection.sendall("\n".join(lines).encode())
        except OSError as error:
            logger.debug("cannot tell systemd %s: %s", lines, error)

    @contextmanager
    def ask_for_time(self) -> Iterator[None]:
        """While it lasts a start that takes long is not broken off: TimeoutStartSec is for those that stand still."""
        if not self._address:
            yield
            return
        over = threading.Event()

        def ask() -> None:
            while not over.wait(EXTEND_SECONDS):
                self.send(f"EXTEND_TIMEOUT_USEC={EXTENDED_SECONDS * 1_000_000}")

        asking = threading.Thread(target=ask, name="start", daemon=True)
        asking.start()
        try:
            yield
        finally:
            over.set()
            asking.join()

    def send_reloading(self) -> None:
        self.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def send_status(self, status: str) -> None:
        """Tells what `systemctl status` shows, when it has changed."""
        if status != self._status:
            self._status = status
            self.send(f"STATUS={status}")

    def ping(self) -> None:
        """Tells the watchdog that all is well, when it is time to."""
        now = time.monotonic()
        if self.ping_seconds is not None and now >= self._next_ping:
            self.send("WATCHDOG=1")
            self._next_ping = now + self.ping_seconds
