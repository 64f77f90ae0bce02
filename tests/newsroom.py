"""News to show, and a database to show it from. Portals, people and events are invented."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from fresh_database import open_fresh

from aggregator.instants import get_offset_minutes, to_text, to_text_exactly
from aggregator.models import DatePrecision, FeedItem, LinkState, RegionMatch, TopicMatch
from aggregator.store import Store

WITA = timezone(timedelta(hours=8))
NEWEST = datetime(2026, 10, 5, 7, 40, tzinfo=UTC)

_REPOSTERS = (
    *("Gorontalo Membangun", "Hulondalo Kini", "Portal Tomini", "Sulut Ekspres"),
    *("Kabar Poso", "Manado Harian", "Nusa Utara", "Teluk Berita"),
)


def write_news(database: Path, items: Sequence[FeedItem]) -> None:
    """A new database at `database` that shows these items, each a group with its copies."""
    for old in database.parent.glob(f"{database.name}*"):
        old.unlink()
    with open_fresh(database) as store, store.transaction():
        groups = [_write_item(store, item) for item in items]
        store.place_groups(groups, NEWEST)


def finish_cycle(database: Path, at: datetime) -> None:
    """Records a cycle that ended at `at`."""
    with open_fresh(database) as store:
        store.finish_cycle(store.start_cycle(at), at, {})


def add_channel(database: Path, number: int, *, due: datetime | None, **columns: Any) -> None:
    """A source and its channel, due then (None: it was never asked). `columns` of the channel, as stored."""
    source = {"id": f"sumber-{number}", "name": f"Sumber {number}", "domain": f"sumber{number}.example"}
    channel = {
        "id": number,
        "source_id": source["id"],
        "kind": "feed",
        "url": f"https://sumber{number}.example/feed",
        "next_poll_at": to_text(due) if due else "",
        **columns,
    }
    with open_fresh(database) as store, store.transaction():
        store._insert_or_replace(
            "sources", {**source, "kind": "regional", "timezone": "Asia/Jakarta", "language": "id"}
        )
        store._insert_or_replace("channels", channel)


def add_poll(database: Path, channel: int, at: datetime, **columns: Any) -> None:
    """A poll of that channel, failed where `reason` is given. `columns` as stored."""
    with open_fresh(database) as store:
        cycle = store.start_cycle(at)
        store.finish_cycle(cycle, at, {})
        poll = {"outcome": "failed" if columns.get("reason") else "changed", "http_status": 0, "reason": "", **columns}
        moments = {"started_at": to_text(at), "finished_at": to_text(at)}
        counts = {name: columns.get(name, 0) for name in ("links", "articles")} | {"requests": 1}
        with store.transaction():
            store._insert_or_replace("polls", {"cycle_id": cycle, "channel_id": channel, **moments, **counts, **poll})


def add_alarm(database: Path, source_id: str, code: str, since: datetime, **columns: Any) -> None:
    """An alarm; open, unless `columns` says until when it was."""
    with open_fresh(database) as store, store.transaction():
        row = {"source_id": source_id, "code": code, "since": to_text(since), "detail": "", **columns}
        store._insert_or_replace("alarms", row)


def _write_item(store: Store, item: FeedItem) -> int:
    group = store.add_group(0, item.updated)
    canonical = _write_article(store, item, group, item.source_name, item.url)
    for name, url in item.also_at:
        _write_article(store, item, group, name, url)
    store.write_matches(
        canonical, [TopicMatch(topic=topic, score=1) for topic in item.topics], _match_regions(store, item)
    )
    store._connection.execute(
        "UPDATE duplicate_groups SET guid = ?, canonical_id = ?, first_published_at = ? WHERE id = ?",
        (item.guid, canonical, to_text_exactly(item.first_published), group),
    )
    return group


def _write_article(store: Store, item: FeedItem, group: int, source_name: str, url: str) -> int:
    key = f"{item.guid} {url}"
    source = source_name.lower().replace(" ", "-")
    store._connection.execute(
        "INSERT OR IGNORE INTO sources (id, name, domain, kind, timezone, language)"
        " VALUES (?, ?, '', 'regional', '', 'id')",
        (source, source_name),
    )
    store.write_link(key=key, url=url, source_id=source, state=LinkState.KEPT, now=item.updated)
    return store.add_article(
        {
            "url": f"{url}#{key}" if "://" not in url else url,
            "url_key": key,
            "source_id": source,
            "group_id": group,
            "title": item.title,
            "author": item.author,
            "published_at": to_text(item.published),
            "published_offset": get_offset_minutes(item.published),
            "published_precision": item.published_precision.value if item.published_precision else "none",
            "published_raw": "",
            "published_method": "",
            "text": item.excerpt,
            "summary": "",
            "image": "",
            "language": item.language,
            "tags": "[]",
            "declared_url": "",
            "extraction_method": "",
            "first_seen_at": to_text(item.first_published),
        }
    )


def _match_regions(store: Store, item: FeedItem) -> list[RegionMatch]:
    known = {
        (kind, name): code for kind, name, code in store._connection.execute("SELECT kind, name, code FROM regions")
    }
    matches = []
    for place, name in enumerate(item.regions):
        kind = "city" if name.startswith("Kota ") else "province"
        code = known.get((kind, name), name)
        store._connection.execute(
            "INSERT OR IGNORE INTO regions (code, name, slug, kind, province) VALUES (?, ?, ?, ?, '')",
            (code, name, name, kind),
        )
        matches.append(RegionMatch(code=code, name=name, kind=kind, role="event", score=1 / (place + 1)))
    return matches


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
    table = tomllib.loads(Path(__file__).with_name("newsroom_news.toml").read_text(encoding="utf-8"))
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
        also_at=_make_reposts(number, entry.get("reposts", 0)),
    )
    published = item.published.astimezone(timezone(timedelta(hours=entry["zone"])))
    published -= timedelta(days=entry.get("days_late", 0))
    if not entry.get("without_hour"):
        return replace(item, published=published)
    midnight = published.replace(hour=0, minute=0)
    return replace(item, published=midnight, published_precision=DatePrecision.DAY)


def _make_reposts(number: int, count: int) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, f"https://{name.lower().replace(' ', '')}.example/rilis-{number}") for name in _REPOSTERS[:count]
    )
