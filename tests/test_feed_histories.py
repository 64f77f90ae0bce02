"""Feeds and archives through months of made-up events: a reader who comes by now and then misses nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from feed_room import FeedRoom
from test_feeds import publish_old, read_all, report, withdraw

TURNS = 25
ITEMS = 4  # of a feed, and of a document of its archive


class Reader:
    """Follows a feed as RFC 5005, appendix B, says: back to the first document that it knows already."""

    def __init__(self) -> None:
        self.pages: set[str] = set()
        self.seen: set[str] = set()

    def poll(self, room: FeedRoom) -> None:
        self.seen |= set(room.read("feed.atom"))
        for page in room.follow("feed.atom"):
            if page in self.pages:
                return
            self.pages.add(page)
            self.seen |= set(room.read(page))


class History:
    """A newsroom to which things happen, and what has been true of it so far."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.room = FeedRoom(folder, feed_items=ITEMS)
        self.chance = random.Random(seed)
        self.reported = 0
        self.gone: set[str] = set()
        self.held: dict[str, set[str]] = {}  # address of an archived document → all that it ever held
        self.readers: list[Reader] = []
        self.events: list[Callable[[], None]] = [
            self.come_new,
            self.come_new,
            self.come_late,
            self.copy,
            self.withdraw,
            self.come_back,
            self.wait,
            self.set_clock_back,
        ]

    def come_new(self) -> None:
        self.reported += 1
        report(self.room, self.reported, source=self.chance.choice(["kabar-satu", "kabar-dua"]))

    def come_late(self) -> None:
        self.reported += 1
        publish_old(self.room, self.reported)

    def copy(self) -> None:
        if self.reported:
            report(self.room, self.chance.randint(1, self.reported), source="kabar-tiga")

    def withdraw(self) -> None:
        if published := sorted(self.room.list_published()):
            guid = self.chance.choice(published)
            withdraw(self.room, guid)
            self.gone.add(guid)

    def come_back(self) -> None:
        rows = self.room.ask("SELECT id, canonical_id FROM duplicate_groups WHERE withdrawn_at NOT NULL")
        if rows:
            with self.room.store.transaction():
                self.room.store.restore_group(*self.chance.choice(rows), self.room.now)

    def wait(self) -> None:
        self.room.minutes += self.chance.randint(1, 6_000)

    def set_clock_back(self) -> None:
        self.room.minutes -= self.chance.randint(1, 200)

    def turn(self) -> None:
        """A few things happen, and a publish; sometimes at the very moment of the last one."""
        for _ in range(self.chance.randint(1, 3)):
            self.chance.choice(self.events)()
        self.room.press(minutes=self.chance.choice([0, 1, 1, 1]))
        if self.chance.random() < 0.3:
            self.readers.append(Reader())

    def check(self) -> None:
        published = self.room.list_published()
        assert set(read_all(self.room, "feed.atom")) == published
        for page in self.room.follow("feed.atom"):
            now = set(self.room.read(page))
            assert now - self.held.get(page, now) - self.gone == set(), f"{page} has grown"
            self.held[page] = self.held.get(page, set()) | now
        for reader in self.readers:
            reader.poll(self.room)
            assert published - reader.seen - self.gone == set()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_missed_whatever_happens(tmp_path: Path, seed: int) -> None:
    history = History(tmp_path, seed)
    try:
        for _ in range(TURNS):
            history.turn()
            history.check()
        assert history.held
        assert history.gone
    finally:
        history.room.store.close()
