"""A store without a database, and news to put into it. Portals, people and events are invented."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from aggregator.models import FeedItem

WITA = timezone(timedelta(hours=8))
NEWEST = datetime(2026, 10, 5, 7, 40, tzinfo=UTC)

_REPOSTERS = (
    *("Gorontalo Membangun", "Hulondalo Kini", "Portal Tomini", "Sulut Ekspres"),
    *("Kabar Poso", "Manado Harian", "Nusa Utara", "Teluk Berita"),
)


@dataclass
class FakeHealth:
    last_cycle_finished_at: datetime | None = NEWEST
    articles: int = 0
    groups: int = 0


@dataclass
class FakeStore:
    """What the pages use of `aggregator.store.Store`, over a list, newest first."""

    items: Sequence[FeedItem] = ()
    health: FakeHealth = field(default_factory=FakeHealth)

    def __enter__(self) -> FakeStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def get_feed_items(self, *, limit: int = 50, before: str | None = None) -> list[FeedItem]:
        if before is None:
            return list(self.items[:limit])
        guids = [item.guid for item in self.items]
        start = guids.index(before) + 1 if before in guids else len(guids)
        return list(self.items[start : start + limit])

    def get_health(self) -> FakeHealth:
        return self.health


def make_item(number: int = 1, **changes: Any) -> FeedItem:
    """An ordinary item; the higher `number`, the older."""
    entered = NEWEST - timedelta(hours=2 * (number - 1))
    defaults: dict[str, Any] = {
        "guid": f"tag:kabar.example,2026:{number:04}",
        "title": f"Pemkot Gorontalo siapkan rapat APEKSI ke-{number}",
        "url": f"https://suaragorontalo.example/berita/{number}",
        "source_id": "suara-gorontalo",
        "source_name": "Suara Gorontalo",
        "source_url": "https://suaragorontalo.example/",
        "published": (entered - timedelta(minutes=35)).astimezone(WITA),
        "first_published": entered,
        "updated": entered,
        "excerpt": "Pemerintah Kota Gorontalo menyiapkan pertemuan para wali kota.",
    }
    return FeedItem(**(defaults | changes))


def make_news() -> list[FeedItem]:
    """Fifteen items as a good day brings them: zones, quotations, reposts, a date without an hour, an older article."""
    table = tomllib.loads(Path(__file__).with_name("fakestore_news.toml").read_text(encoding="utf-8"))
    return [_make_entry(number, entry) for number, entry in enumerate(table["news"], start=1)]


def _make_entry(number: int, entry: dict[str, Any]) -> FeedItem:
    host = entry["host"]
    item = make_item(
        number,
        title=entry["title"],
        url=f"https://{host}/2026/10/berita-{number}",
        source_id=host.partition(".")[0],
        source_name=entry["source"],
        source_url=f"https://{host}/",
        excerpt=entry["excerpt"],
        author=entry.get("author", ""),
        regions=tuple(entry["regions"]),
        topics=tuple(entry["topics"]),
        also_at=_make_reposts(entry.get("reposts", 0)),
    )
    published = item.published.astimezone(timezone(timedelta(hours=entry["zone"])))
    published -= timedelta(days=entry.get("days_late", 0))
    return replace(item, published=published.replace(hour=0, minute=0) if entry.get("without_hour") else published)


def _make_reposts(count: int) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"https://{name.lower().replace(' ', '')}.example/rilis") for name in _REPOSTERS[:count])
