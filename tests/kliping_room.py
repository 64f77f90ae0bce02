"""Klipings for tests: made by hand, or gathered from news that was written for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from newsroom import NEWEST, write_news

from aggregator.feeds import list_feeds
from aggregator.instants import to_text
from aggregator.kliping.gathering import gather_kliping
from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.models import FeedItem, Language
from aggregator.publish.describing import Publisher
from aggregator.search import read_query
from aggregator.store import Store

WITA = ZoneInfo("Asia/Makassar")
PUBLISHER = Publisher(site_url="https://kabarkota.example/", name="Kabar Kota")
NOW = datetime(2026, 11, 27, 6, 5, tzinfo=UTC)  # 14.05 WITA


def make_clipping(number: int = 1, **changes: Any) -> Clipping:
    facts: dict[str, Any] = {
        "number": number,
        "title": f"Pemkot Gorontalo siapkan rapat ke-{number}",
        "medium": "Kabar Tomini",
        "kind": "portal daerah",
        "url": f"https://kabartomini.example/berita/{number}",
        "language": "id",
        "published": NOW.astimezone(WITA),
        "has_hour": True,
        "is_first_seen": False,
        "extract": "Para wali kota bertemu di Gorontalo.",
        "copies": (),
        "more_copies": 0,
    }
    return Clipping(**facts | changes)


def make_kliping(*stories: Sequence[Clipping], **changes: Any) -> Kliping:
    """Each argument: the clippings of a story."""
    count = sum(map(len, stories))
    facts: dict[str, Any] = {
        "title": "Kliping berita: Kota Gorontalo",
        "office": "Diskominfo Kota Gorontalo",
        "subject": "Kota Gorontalo",
        "zone": WITA,
        "since": NOW - timedelta(days=1),
        "until": NOW,
        "language": Language.INDONESIAN,
        "stories": tuple(
            KlipingStory(
                title=clippings[0].title,
                url=f"https://kabarkota.example/story/{number}",
                cities=("Kota Gorontalo",),
                topics=("APEKSI",),
                clippings=tuple(clippings),
            )
            for number, clippings in enumerate(stories, start=1)
        ),
        "events": len(stories),
        "news": count,
        "articles": count,
        "portals": 1,
        "left_out": 0,
        "page_url": "https://kabarkota.example/kliping?city=kota-gorontalo",
        "feed_url": "https://kabarkota.example/feeds/city/kota-gorontalo.xml",
        "publisher": "Kabar Kota",
        "file_name": "kliping-kota-gorontalo-2026-11-27",
    }
    return Kliping(**facts | changes)


def write_placed_news(database: Path, items: Sequence[FeedItem], stories: Mapping[str, int] | None = None) -> None:
    """A new database that has these items in the feeds; `stories`: guid → number of its story."""
    write_news(database, items)
    with Store.open_writer(database) as store, store.transaction():
        topics = {"apeksi": "APEKSI", "smart-city": "Kota cerdas"}
        store.write_feeds(list_feeds(topics, store.get_published_sources()), NEWEST)
        for guid, story in (stories or {}).items():
            at = to_text(NEWEST)
            store._connection.execute(
                "INSERT OR IGNORE INTO stories VALUES (?, 'Satu peristiwa', ?, ?, '[]', ?, NULL)", (story, at, at, at)
            )
            store._connection.execute("UPDATE duplicate_groups SET story_id = ? WHERE guid = ?", (story, guid))
        while ids := store.take_changed_groups(most=1_000):
            store.place_groups(ids, NEWEST)


def gather(database: Path, query: Sequence[tuple[str, str]] = (), **changes: Any) -> Kliping:
    """The kliping of the day before `NEWEST`, unless told otherwise."""
    facts: dict[str, Any] = {
        "office": "Diskominfo Kota Gorontalo",
        "zone": WITA,
        "since": NEWEST - timedelta(days=1),
        "until": NEWEST,
        "language": Language.INDONESIAN,
        "publisher": PUBLISHER,
    }
    with Store.open_reader(database) as store, store.snapshot():
        return gather_kliping(store, read_query(query, NEWEST), **facts | changes)
