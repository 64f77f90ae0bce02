"""How often somebody may guess a password. Its memory is bounded, whoever asks from however many addresses."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

MOST = 10  # wrong guesses at a time …
REFILL_SECONDS = 60.0  # … and then one in so long
SLOTS = 1_024  # addresses are spread over them: all together guess 17 times a second at most


class Guesses:
    """Counts wrong guesses by address. Addresses that share a slot share its guesses; which do, nobody can know."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(16)
        self._spent = [0.0] * SLOTS
        self._counted_at = [clock()] * SLOTS

    def may_guess(self, address: str) -> bool:
        return self._settle(self._find_slot(address)) <= MOST - 1

    def count_wrong(self, address: str) -> None:
        slot = self._find_slot(address)
        self._spent[slot] = self._settle(slot) + 1

    def _settle(self, slot: int) -> float:
        """What is spent now."""
        now = self._clock()
        passed, self._counted_at[slot] = now - self._counted_at[slot], now
        self._spent[slot] = max(self._spent[slot] - passed / REFILL_SECONDS, 0.0)
        return self._spent[slot]

    def _find_slot(self, address: str) -> int:
        digest = hashlib.blake2b(address.encode(), key=self._key, digest_size=4).digest()
        return int.from_bytes(digest) % SLOTS
