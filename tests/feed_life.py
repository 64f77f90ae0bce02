"""What happens to a feed in its life, one thing after the other, for readers to look on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from feed_room import FeedRoom
from newsdesk import OTHER, RELEASE

from aggregator.takedown_log import Action, Order, append_orders
from aggregator.takedowns import find_log

ITEMS = 5  # that the feed holds
HOURS = 72


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Something happened, and it was published."""

    name: str
    new: frozenset[str]  # guids that were never published before
    shown: tuple[str, ...]  # guids in the feed
    changed: bool  # the feed


def live(room: FeedRoom) -> Iterator[Step]:
    """A room that holds `ITEMS` items or what came in `HOURS`."""
    known: set[str] = set()
    before = b""
    for name in _happen(room):
        room.press()
        feed = (room.public / "feed.xml").read_bytes()
        ever = {guid for (guid,) in room.ask("SELECT guid FROM duplicate_groups WHERE guid NOT NULL")}
        yield Step(name=name, new=frozenset(ever - known), shown=tuple(room.read("feed.xml")), changed=feed != before)
        known |= ever
        before = feed


def _happen(room: FeedRoom) -> Iterator[str]:
    for number in range(3):
        _tell(room, number)
    yield "news"
    yield "nothing"
    _tell(room, 1, source="kabar-dua", hour=9)
    yield "a copy"
    room.publish_at("awal", "bagian-satu", RELEASE[:3], hour=6)
    room.publish_at("akhir", "bagian-dua", RELEASE[3:], hour=5)
    yield "two parts"
    room.publish_at("utuh", "lengkap", RELEASE, hour=4)
    yield "a merge"
    room.publish_at("utuh", "lengkap", OTHER, hour=4)
    yield "a split"
    room.publish_at("awal", "bagian-satu", [*RELEASE[:3], "Ralat: jumlah ruas jalan sudah diperbaiki."], hour=6)
    yield "a revision"
    with room.store.transaction():
        ((group,),) = room.ask("SELECT group_id FROM articles WHERE title = 'APEKSI urusan 2'")
        room.store.withdraw_group(group, room.now)
    yield "a withdrawal"
    order = Order(asked_at=room.now, action=Action.TAKEDOWN, url="https://akhir.example/bagian-dua", reason="putusan")
    append_orders(find_log(room.store), [order])
    yield "a takedown"
    room.minutes += (HOURS + 1) * 60
    for number in range(10, 14):
        _tell(room, number)
    yield "news that pushes others out"
    with room.store.transaction():
        ((group,),) = room.ask("SELECT group_id FROM articles WHERE title = 'APEKSI urusan 11'")
        room.store.withdraw_group(group, room.now)
    yield "a withdrawal that lets an older one in"
    yield "nothing at all"


def _tell(room: FeedRoom, number: int, *, source: str = "kabar-satu", hour: int | None = None) -> None:
    """A piece of news that is unlike all others, at an hour of its own: of the same hour, readers put first what they
    read last."""
    words = [f"Kata{number}x{place} membahas agenda nomor {number * 37 + place}" for place in range(12)]
    text = [f"Pengurus APEKSI bertemu di Gorontalo untuk urusan {number}.", *words]
    title = f"APEKSI urusan {number}"
    room.publish_at(source, f"berita-{number}", text, title=title, hour=number if hour is None else hour)
