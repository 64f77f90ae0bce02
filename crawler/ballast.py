"""Room for large bodies: a few at a time over all spiders, from their second megabyte to the end of their parsing.

Each body is bounded, but eighty that come at once are not; so the others pause, unread, until there is a place.
"""

from __future__ import annotations

import asyncio

LARGE_BYTES = 1024 * 1024  # what is smaller needs no place: 99 of 100 pages and feeds
PLACES = 6
UNPACKED_AT_ONCE = 2  # in threads
LONGEST_WAIT = 30.0  # seconds that a body may wait for its place, beside its own time


class Place:
    """One place; it is given back once."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places: asyncio.Semaphore | None = places

    def release(self) -> None:
        places, self._places = self._places, None
        if places is not None:
            places.release()


class Ballast:
    """The places of one crawl."""

    def __init__(self, places: int = PLACES) -> None:
        self._places = asyncio.Semaphore(places)
        self.unpacking = asyncio.Semaphore(UNPACKED_AT_ONCE)  # to be held by who unpacks a body in a thread

    async def take(self) -> Place:
        """Waits for a place."""
        await self._places.acquire()
        return Place(self._places)


def release_all(places: list[Place]) -> None:
    for place in places:
        place.release()
