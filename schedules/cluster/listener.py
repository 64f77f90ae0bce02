"""Hears that workers have brought something, and has the service look, now and then rather than at each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg
from pydantic import SecretStr

from schedules.cluster.postgres import connect
from schedules.errors import KabarKotaError

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0  # between two looks: each publishes
LISTEN_SECONDS = 1.0  # after which it looks whether it is to end
RETRY_SECONDS = 10.0


class Listener:
    """A thread of its own."""

    def __init__(self, dsn: SecretStr, ask: Callable[[], object]) -> None:
        self._dsn, self._ask = dsn, ask
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._is_ending.set()

    def _run(self) -> None:
        while not self._is_ending.is_set():
            try:
                self._listen()
            except (psycopg.Error, KabarKotaError) as error:
                logger.info("what workers bring is found at the next look: %s", error)
                self._is_ending.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        """Raises psycopg.Error, KabarKotaError."""
        with connect(self._dsn) as connection:
            connection.execute("LISTEN kabarkota_harvests")
            while not self._is_ending.is_set():
                if list(connection.notifies(timeout=LISTEN_SECONDS, stop_after=1)):  # all that came meanwhile
                    self._ask()
                    self._is_ending.wait(PAUSE_SECONDS)
