"""The rows of feeds: what is in which, their archives, and what has to be written. A part of `Store`.

    a group changes ─▶ changed_groups (triggers) ─▶ place_groups: feed_items ─▶ feeds and archive_pages that are due

What is due stays due until its files are written, so that a process that dies in between leaves nothing out.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aggregator.archive_rows import PAGE_ITEMS
from aggregator.feed_shares import SHARES, Window, share_out
from aggregator.feeds import ALL, FeedKind, GroupFacts, name_feeds, split_name
from aggregator.instants import from_text, to_text
from aggregator.store_base import StoreBase, wrap_errors

FEED_MOST = 500  # items of a feed's own document, unless it shall hold more at least
PUBLISHED_AT_ONCE = timedelta(seconds=10)  # by the microsecond that each item of a publish takes, ten million
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_PUBLISHED = """
    SELECT g.id, g.first_published_at, g.archived, g.canonical_id
    FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
    CROSS JOIN articles AS a ON a.id = g.canonical_id
    WHERE g.guid IS NOT NULL AND g.merged_into IS NULL AND g.withdrawn_at IS NULL
"""
_SOURCES = """
    SELECT DISTINCT a.group_id, a.source_id, s.kind
    FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.group_id = k.value JOIN sources AS s ON s.id = a.source_id
"""
_PLACED = """
    SELECT i.group_id, i.feed_id, i.archived, i.place, i.article_id
    FROM json_each(:ids) AS k CROSS JOIN feed_items AS i ON i.group_id = k.value
"""
_CREDITED = """
    SELECT i.place, i.group_id, a.source_id FROM feed_items AS i CROSS JOIN articles AS a ON a.id = i.article_id
    WHERE i.feed_id = :feed AND i.archived = 0 ORDER BY i.place DESC, i.group_id DESC
"""


class UnknownFeedError(LookupError):
    """A question names a city, topic, source … that there is not: `name` as of its feed, "city/kota-x"."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedRow:
    """A feed that is published as files."""

    id: int
    name: str
    title: str
    began: datetime
    items: int
    shown: int
    left_out_until: int  # up to this place, its document leaves news out that is beyond its source's share


def should_list(feed: FeedRow) -> bool:
    """Whether it is worth a line in a list of feeds: those of sources are once there is something in them."""
    return bool(feed.items) or split_name(feed.name)[0] != FeedKind.SOURCE


def sort_feeds(feeds: Iterable[FeedRow]) -> list[FeedRow]:
    """In the order in which people look for them: everything, topics, cities …, by name within each."""
    order = {ALL: -1, **{kind.value: place for place, kind in enumerate(FeedKind)}}
    return sorted(feeds, key=lambda feed: (order.get(split_name(feed.name)[0], len(order)), feed.title, feed.name))


def make_place(first_published: datetime) -> int:
    """The place of an item in every feed: microseconds since 1970 of its first publication."""
    return (first_published - _EPOCH) // _MICROSECOND


class FeedRows(StoreBase):
    """Feeds, their items and archives; writes belong into the caller's transaction."""

    # ── which feeds there are ──────────────────────────────────────────────────────────────────────────────────────

    def get_feeds(self) -> dict[str, FeedRow]:
        """All of them, by name."""
        return {row["name"]: _make_feed(row) for row in self._rows("SELECT * FROM feeds ORDER BY name")}

    def find_feed(self, name: str) -> FeedRow | None:
        rows = self._rows("SELECT * FROM feeds WHERE name = :name", name=name)
        return _make_feed(rows[0]) if rows else None

    def find_feeds(self, names: Iterable[Iterable[str]]) -> list[list[FeedRow]]:
        """The feeds of a question, in its order. Raises UnknownFeedError."""
        return [[self._get_feed(name) for name in either] for either in names]

    def _get_feed(self, name: str) -> FeedRow:
        found = self.find_feed(name)
        if found is None:
            raise UnknownFeedError(name)
        return found

    def write_feeds(self, titles: Mapping[str, str], now: datetime) -> None:
        """Adds the feeds that are new, and renames those whose subject was renamed."""
        known = {row["name"]: row["title"] for row in self._rows("SELECT name, title FROM feeds")}
        self._connection.executemany(
            "INSERT INTO feeds (name, title, began_at) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET title = excluded.title, is_due = 1",
            [(name, title, to_text(now)) for name, title in titles.items() if known.get(name) != title],
        )

    def get_published_sources(self) -> dict[str, str]:
        """id → name of the sources that have a feed: those that are on, and those of which we have something."""
        rows = self._rows(
            """
            SELECT id, name FROM sources AS s
            WHERE enabled OR EXISTS (SELECT * FROM articles AS a WHERE a.source_id = s.id) ORDER BY id
            """
        )
        return {row["id"]: row["name"] for row in rows}

    def get_source_feeds(self) -> list[dict[str, str]]:
        """name, url, home, province of the feeds of our sources that are read."""
        rows = self._rows(
            """
            SELECT s.name, c.url, 'https://' || s.domain || '/' AS home, coalesce(s.province, '') AS province
            FROM channels AS c JOIN sources AS s ON s.id = c.source_id
            WHERE c.kind = 'feed' AND c.enabled AND s.enabled AND c.retired_at IS NULL AND c.stand_in IS NULL
            ORDER BY s.name, c.url
            """
        )
        return [dict(row) for row in rows]

    # ── what is in which ───────────────────────────────────────────────────────────────────────────────────────────

    def take_changed_groups(self, *, most: int) -> list[int]:
        """Some groups that changed; they count as unchanged from now on."""
        rows = self._rows(
            "SELECT c.group_id FROM changed_groups AS c LEFT JOIN duplicate_groups AS g ON g.id = c.group_id"
            " ORDER BY g.first_published_at LIMIT :most",
            most=most,
        )
        ids = [row["group_id"] for row in rows]
        self._connection.execute(
            "DELETE FROM changed_groups WHERE group_id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
        )
        return ids

    def place_groups(self, group_ids: Sequence[int], now: datetime) -> set[int]:
        """Puts groups into the feeds that they belong in by now, and out of others; what shows them is due.

        Returns the feeds that one was put into.
        """
        feeds = {name: feed.id for name, feed in self.get_feeds().items()}
        wanted = self._find_places(group_ids)
        placed: defaultdict[int, set[tuple[int, int, int, int]]] = defaultdict(set)
        for row in self._rows(_PLACED, ids=json.dumps(group_ids)):
            placed[row["group_id"]].add((row["feed_id"], row["archived"], row["place"], row["article_id"]))
        gone, come = [], []
        shown: set[tuple[int, int, int]] = set()  # feed, archived, place
        for group_id in group_ids:
            names, *key = wanted.get(group_id, (frozenset[str](), 0, 0, 0))
            new = {(self._get_feed_id(feeds, name, now), *key) for name in names}
            gone += [(*key[:3], group_id) for key in placed[group_id] - new]
            come += [(*key[:3], group_id, key[3]) for key in new - placed[group_id]]
            shown |= {(feed_id, archived, place) for feed_id, archived, place, _ in placed[group_id] | new}
        self._connection.executemany(
            "DELETE FROM feed_items WHERE feed_id = ? AND archived = ? AND place = ? AND group_id = ?", gone
        )
        self._connection.executemany("INSERT INTO feed_items VALUES (?, ?, ?, ?, ?)", come)
        self._count_items(come, 1)
        self._count_items(gone, -1)
        self._mark_due(shown)
        return {feed_id for feed_id, *_ in come}

    def _find_places(self, group_ids: Sequence[int]) -> dict[int, tuple[frozenset[str], int, int, int]]:
        """group → (names of its feeds, archived, place, canonical article), of those that are published."""
        rows = self._rows(_PUBLISHED, ids=json.dumps(group_ids))
        canonical = json.dumps([row["canonical_id"] for row in rows])
        topics = self._collect("SELECT article_id, topic FROM article_topics", canonical)
        regions = self._collect("SELECT article_id, code FROM article_regions", canonical, "AND role = 'event'")
        sources: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        for row in self._rows(_SOURCES, ids=json.dumps([row["id"] for row in rows])):
            sources[row["group_id"]].append((row["source_id"], row["kind"]))
        return {
            row["id"]: (
                name_feeds(
                    GroupFacts(
                        topics=topics[row["canonical_id"]],
                        regions=regions[row["canonical_id"]],
                        sources=sources[row["id"]],
                    )
                ),
                row["archived"],
                make_place(from_text(row["first_published_at"])),
                row["canonical_id"],
            )
            for row in rows
        }

    def _collect(self, select: str, article_ids: str, condition: str = "") -> defaultdict[int, list[str]]:
        """article → the second column of `select`."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        sql = f"{select} WHERE article_id IN (SELECT value FROM json_each(:ids)) {condition}"  # noqa: S608 - our own words
        for article_id, value in self._rows(sql, ids=article_ids):
            found[article_id].append(value)
        return found

    def _get_feed_id(self, feeds: dict[str, int], name: str, now: datetime) -> int:
        """A feed that nobody listed (of a topic or source that is gone from the tables) is one all the same."""
        if name not in feeds:
            self.write_feeds({name: ""}, now)
            feeds[name] = int(self._value("SELECT id FROM feeds WHERE name = :name", name=name))
        return feeds[name]

    def _count_items(self, keys: Iterable[tuple[int, ...]], change: int) -> None:
        counts: defaultdict[int, int] = defaultdict(int)
        for feed_id, *_ in keys:
            counts[feed_id] += change
        self._connection.executemany(
            "UPDATE feeds SET items = items + ? WHERE id = ?", [(count, feed) for feed, count in counts.items()]
        )

    def _mark_due(self, keys: Iterable[tuple[int, int, int]]) -> None:
        """Has the documents written that show these places of feeds."""
        keys = list(keys)
        self._connection.executemany(
            "UPDATE feeds SET is_due = 1 WHERE id = ? AND NOT is_due AND ? = 0 AND ? >= shown_from", keys
        )
        self._connection.executemany(
            "UPDATE archive_pages SET is_due = 1"
            " WHERE feed_id = :feed AND after_place < :place AND until_place >= :place",
            [{"feed": feed, "place": place} for feed, _, place in keys],
        )

    # ── what is due ────────────────────────────────────────────────────────────────────────────────────────────────

    def mark_all_due(self, stamp: str) -> bool:
        """Has everything written anew where what it was made with (code, settings) has changed; says whether it has."""
        if self._value("SELECT stamp FROM publishing_state") == stamp:
            return False
        self._connection.execute("UPDATE feeds SET is_due = 1")
        self._connection.execute("UPDATE archive_pages SET is_due = 1")
        self._insert_or_replace("publishing_state", {"id": 1, "stamp": stamp, "mark": ""})
        return True

    def get_mark(self) -> str:
        """What was last written into the published files beside the feeds; "" for nothing."""
        return str(self._value("SELECT mark FROM publishing_state") or "")

    def renew_mark(self) -> str:
        """Another one, that never was before."""
        mark = secrets.token_hex(8)
        self._connection.execute("UPDATE publishing_state SET mark = ?", (mark,))
        return mark

    def is_anything_due(self) -> bool:
        sql = "SELECT EXISTS (SELECT * FROM feeds WHERE is_due) OR EXISTS (SELECT * FROM archive_pages WHERE is_due)"
        return bool(self._value(sql))

    def mark_feed_due(self, feed_id: int) -> None:
        self._connection.execute("UPDATE feeds SET is_due = 1 WHERE id = ?", (feed_id,))

    def forget_stamp(self) -> None:
        """Has everything written anew at the next publish."""
        self._connection.execute("DELETE FROM publishing_state")

    def mark_aged_due(self, since: datetime, now: datetime, *, least: int) -> None:
        """Has the feeds written that show more than `least` items, some of which are older by now: those leave."""
        rows = self._rows("SELECT id, shown, shown_from FROM feeds WHERE shown > :least AND NOT is_due", least=least)
        for row in rows:
            is_aged = row["shown_from"] < make_place(since)  # where a source has but its share, others have older ones
            if is_aged or _limit_window(self._count_recent_items(row["id"], since, now), least) < row["shown"]:
                self._connection.execute("UPDATE feeds SET is_due = 1 WHERE id = ?", (row["id"],))

    def get_due_feeds(self) -> list[FeedRow]:
        return [_make_feed(row) for row in self._rows("SELECT * FROM feeds WHERE is_due ORDER BY id")]

    def list_window(self, feed: FeedRow, *, least: int, since: datetime, now: datetime) -> Window:
        """What a feed's own document shows.

        The newest `least`, and all that were first published since then, up to FEED_MOST: a source that floods us
        makes no document too large to fetch; the rest is in the archive. Where there are more than that, a source is
        sure of its share alone, so that its flood takes no place from others; in its own feed it has all places.
        (Places ahead of now are of a clock that was wrong: for as long as that lasts, a feed is not longer than usual.)
        """
        most, recent = max(least, FEED_MOST), self._count_recent_items(feed.id, since, now)
        limit = _limit_window(recent, least)
        newest = self.list_newest(feed.id, limit=limit)
        is_touched = bool(newest) and newest[-1][0] <= feed.left_out_until
        if split_name(feed.name)[0] == FeedKind.SOURCE or not (recent > most or is_touched):
            return Window(news=newest, is_full=len(newest) == limit, left_out_until=feed.left_out_until)
        with wrap_errors(self.path):
            return share_out(
                self._connection.execute(_CREDITED, {"feed": feed.id}),
                places=limit,
                share=max(most // SHARES, min(PAGE_ITEMS, least)),  # what is in no full document of the archive yet
                least=least,
                since=make_place(since),
                left_out_until=feed.left_out_until,
            )

    def _count_recent_items(self, feed_id: int, since: datetime, now: datetime) -> int:
        sql = "SELECT count(*) FROM feed_items WHERE feed_id = :feed AND archived = 0 AND place BETWEEN :since AND :now"
        return int(self._value(sql, feed=feed_id, since=make_place(since), now=make_place(now + PUBLISHED_AT_ONCE)))

    def list_newest(self, feed_id: int, *, limit: int) -> list[tuple[int, int]]:
        """(place, group) of a feed's own document, newest first."""
        rows = self._rows(
            "SELECT place, group_id FROM feed_items WHERE feed_id = :feed AND archived = 0"
            " ORDER BY place DESC, group_id DESC LIMIT :limit",
            feed=feed_id,
            limit=limit,
        )
        return [(row["place"], row["group_id"]) for row in rows]

    def settle_feed(self, feed_id: int, *, shown: int, shown_from: int, left_out_until: int = 0) -> None:
        """Records that a feed's document is written, and what it shows."""
        self._connection.execute(
            "UPDATE feeds SET is_due = 0, shown = ?, shown_from = ?, left_out_until = ? WHERE id = ?",
            (shown, shown_from, left_out_until, feed_id),
        )


def _limit_window(recent: int, least: int) -> int:
    """Items of a feed's own document, if there are so many, of which `recent` are recent."""
    return max(least, min(FEED_MOST, recent))


def _make_feed(row: sqlite3.Row) -> FeedRow:
    return FeedRow(
        id=row["id"],
        name=row["name"],
        title=row["title"],
        began=from_text(row["began_at"]),
        items=row["items"],
        shown=row["shown"],
        left_out_until=row["left_out_until"],
    )
