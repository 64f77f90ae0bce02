"""Who is connected: no more than can be borne, and who comes newly is let in at the cost of who waits for nothing."""

from __future__ import annotations

from itertools import chain
from typing import Protocol

CONNECTIONS_MOST = 2_048  # a connection that does its worst costs 150 kB


class Guest(Protocol):
    """A connection."""

    def part(self) -> None:
        """Ends it at once."""


class Crowd:
    """The open connections, those first that are parted with first: who asks for nothing, or has been asking for
    longest, before who is being answered."""

    def __init__(self, most: int = CONNECTIONS_MOST) -> None:
        self.most = most
        self._idle: dict[Guest, None] = {}
        self._busy: dict[Guest, None] = {}

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy)

    def enter(self, guest: Guest) -> None:
        """Whoever has to make room for it is parted with."""
        if len(self) >= self.most:
            gone = next(chain(self._idle, self._busy))
            self.leave(gone)
            gone.part()
        self._idle[guest] = None

    def leave(self, guest: Guest) -> None:
        self._idle.pop(guest, None)
        self._busy.pop(guest, None)

    def begin(self, guest: Guest) -> None:
        """It has asked, and is being answered."""
        if guest in self._idle:
            del self._idle[guest]
            self._busy[guest] = None

    def end(self, guest: Guest) -> None:
        """It is answered."""
        if guest in self._busy:
            del self._busy[guest]
            self._idle[guest] = None
