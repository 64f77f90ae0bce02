"""Answers searches, newest first. A part of `Store`; reads only.

A search walks down the shortest of the feeds that it names, and looks each item up in the others. With words there are
two ways, for SQLite's full-text index is in the order of articles, not of feeds:

    few articles have the words    all of them are looked up, and sorted
    many have them                 the walk goes on, and asks of each stretch of it which articles have the words
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice

from aggregator.feed_rows import make_place
from aggregator.instants import from_text, to_text
from aggregator.store_base import StoreBase

FEW_ARTICLES = 2_000
STRETCHED = 1.25  # a stretch is so much longer than what will do if the words are spread evenly
SHORTEST_STRETCH = 50  # items; each is four times as long as the one before, up to the
LONGEST_STRETCH = 5_000
LATEST_DATE = timedelta(days=1)  # a date further ahead than that is not believed: nothing is out before it is found

Place = tuple[int, int]  # place in feeds, group
_END: Place = (2**62, 0)

_CONDITIONS = " AND (i.place, i.group_id) < (:place, :group) AND i.place >= :since_place"
_SINCE = " AND EXISTS (SELECT * FROM articles AS a WHERE a.id = i.article_id AND a.published_at >= :since)"
_ALSO_IN = """
    AND EXISTS (SELECT * FROM feed_items AS o WHERE o.feed_id IN ({ids}) AND o.archived = i.archived
        AND o.place = i.place AND o.group_id = i.group_id)
"""
_FIRST_OF_STORY = """
    AND NOT EXISTS (SELECT * FROM duplicate_groups AS g CROSS JOIN duplicate_groups AS e ON e.story_id = g.story_id
        WHERE g.id = i.group_id AND e.guid IS NOT NULL
        AND e.merged_into IS NULL AND e.withdrawn_at IS NULL AND e.archived <= :archived
        AND (e.first_published_at, e.id) < (g.first_published_at, g.id))
"""
_WALK = """
    SELECT i.place, i.group_id, i.article_id FROM feed_items AS i
    WHERE i.feed_id = :feed AND i.archived = :archived {conditions}
    ORDER BY i.place DESC, i.group_id DESC LIMIT :most
"""
_LOOK_UP = """
    SELECT DISTINCT i.place, i.group_id FROM json_each(:articles) AS k
    CROSS JOIN feed_items AS i ON i.article_id = k.value AND i.feed_id IN ({feeds})
    WHERE i.archived <= :archived {conditions}
    ORDER BY i.place DESC, i.group_id DESC LIMIT :most
"""
_HAVE = "SELECT rowid FROM articles_fts WHERE articles_fts MATCH :match ORDER BY rowid DESC LIMIT :most"
_HAVE_OF = """
    SELECT rowid FROM articles_fts WHERE articles_fts MATCH :match AND rowid BETWEEN :first AND :last
    AND +rowid IN (SELECT value FROM json_each(:ids))
"""  # the plus: each look-up of a single row costs as much as a thousand that follow one another

BEGIN_MARK, END_MARK = "\x02", "\x03"  # around words that were found; no text from a portal has them
PASSAGE_WORDS = 36
_MARKS: dict[str, str | int] = {"begin": BEGIN_MARK, "end": END_MARK, "gap": "…", "words": PASSAGE_WORDS}
_PASSAGES = """
    SELECT rowid, highlight(articles_fts, 1, :begin, :end) AS title,
        snippet(articles_fts, 0, :begin, :end, :gap, :words) AS text
    FROM articles_fts WHERE articles_fts MATCH :match AND rowid BETWEEN :first AND :last
    AND +rowid IN (SELECT value FROM json_each(:ids))
"""  # in one go, as above: a beginning that fits many words would be looked up anew for each row
_CANONICAL = """
    SELECT g.id, a.id AS article_id, a.snippet_limit FROM json_each(:groups) AS k
    CROSS JOIN duplicate_groups AS g ON g.id = k.value CROSS JOIN articles AS a ON a.id = g.canonical_id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """Where the words of a search stand in an article, between BEGIN_MARK and END_MARK."""

    title: str
    text: str  # the passage that has most of them
    limit: int | None  # characters of it that the page allows to quote; None: any


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """A question in the numbers of the database."""

    feeds: tuple[tuple[int, ...], ...]  # in any of each
    match: str
    since: datetime | None
    with_archive: bool
    by_story: bool  # of each story only its first piece of news
    before: Place | None
    from_place: int = -1  # not below that place


class SearchRows(StoreBase):
    """Searches."""

    def find_place(self, guid: str) -> Place | None:
        """The place of the item with that guid, whatever became of it."""
        rows = self._rows("SELECT id, first_published_at FROM duplicate_groups WHERE guid = :guid", guid=guid)
        return (make_place(from_text(rows[0]["first_published_at"])), rows[0]["id"]) if rows else None

    def search(self, search: Search, *, limit: int) -> list[int]:
        """The groups that answer it, newest first by first publication; belongs into a `snapshot`."""
        return [group_id for _, group_id in self.walk(search, limit=limit)]

    def walk(self, search: Search, *, limit: int, recent: int = 0, most: int = 0) -> list[Place]:
        """The same with their places; beyond `limit` those from the place `recent` on, up to `most` in all."""
        feeds = self._sort_feeds(search.feeds)
        if not search.match:
            found = ((place, group) for place, group, _ in self._walk(feeds, search, limit))
            return list(_take(found, limit, recent, most))
        few = [row["rowid"] for row in self._rows(_HAVE, match=search.match, most=FEW_ARTICLES + 1)]
        if len(few) <= FEW_ARTICLES:
            return list(_take(self._look_up(few, feeds, search, max(limit, most)), limit, recent, most))
        share = len(few) / (few[0] - few[-1] + 1)  # of the newest articles have the words
        stretch = max(SHORTEST_STRETCH, min(round(STRETCHED * limit / share), LONGEST_STRETCH))
        return list(_take(self._walk_with_words(feeds, search, stretch), limit, recent, most))

    def find_among(self, articles: Sequence[int], search: Search) -> list[Place]:
        """Those that answer it of the groups whose canonical articles these are, newest first."""
        if search.match:
            articles = [row["rowid"] for row in self._look_in(_HAVE_OF, articles, search.match)]
        return self._look_up(articles, self._sort_feeds(search.feeds), search, len(articles)) if articles else []

    def get_passages(self, groups: Sequence[int], match: str) -> dict[int, Passage]:
        """group → what to show of it as found, of those that have the words."""
        shown = self._rows(_CANONICAL, groups=json.dumps(groups))
        found = {
            row["rowid"]: row for row in self._look_in(_PASSAGES, [row["article_id"] for row in shown], match, **_MARKS)
        }
        return {
            row["id"]: Passage(
                title=found[row["article_id"]]["title"],
                text=found[row["article_id"]]["text"],
                limit=row["snippet_limit"],
            )
            for row in shown
            if row["article_id"] in found
        }

    def _look_in(self, sql: str, articles: Sequence[int], match: str, **marks: str | int) -> list[sqlite3.Row]:
        """What `sql` asks of those of these articles that have the words."""
        if not articles:
            return []
        bounds = {"first": min(articles), "last": max(articles), "ids": json.dumps(articles)}
        return self._rows(sql, match=match, **bounds, **marks)

    def _sort_feeds(self, feeds: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """The shortest first; of everything where no feed is named."""
        if not feeds:
            return [(int(self._value("SELECT id FROM feeds WHERE name = 'all'") or 0),)]
        ids = json.dumps([feed for each in feeds for feed in each])
        rows = self._rows("SELECT id, items FROM feeds WHERE id IN (SELECT value FROM json_each(:ids))", ids=ids)
        items = {row["id"]: row["items"] for row in rows}
        return sorted(feeds, key=lambda each: sum(items.get(feed, 0) for feed in each))

    def _walk(self, feeds: Sequence[tuple[int, ...]], search: Search, stretch: int) -> Iterator[tuple[int, int, int]]:
        """(place, group, canonical article), from the newest on."""
        ways = [
            self._walk_feed(feed, archived, feeds[1:], search, stretch)
            for feed in feeds[0]
            for archived in range(1 + search.with_archive)
        ]
        if len(ways) == 1:
            yield from ways[0]
            return
        last = None
        for found in merge(*ways, reverse=True):
            if found != last:  # it may be in several of the feeds of which any will do
                yield found
            last = found

    def _walk_feed(
        self, feed: int, archived: int, others: Sequence[tuple[int, ...]], search: Search, stretch: int
    ) -> Iterator[tuple[int, int, int]]:
        sql = _WALK.format(conditions=_make_conditions(others, search))
        place, group = search.before or _END
        while True:
            rows = self._rows(sql, feed=feed, archived=archived, **_make_bounds(search, (place, group)), most=stretch)
            yield from map(tuple, rows)
            if len(rows) < stretch:
                return
            place, group = rows[-1]["place"], rows[-1]["group_id"]
            stretch = min(stretch * 4, LONGEST_STRETCH)

    def _walk_with_words(self, feeds: Sequence[tuple[int, ...]], search: Search, stretch: int) -> Iterator[Place]:
        walk = self._walk(feeds, search, stretch)
        while rows := list(islice(walk, stretch)):
            ids = [article_id for *_, article_id in rows]
            matching = {article_id for (article_id,) in self._look_in(_HAVE_OF, ids, search.match)}
            yield from ((place, group) for place, group, article_id in rows if article_id in matching)
            stretch = min(stretch * 4, LONGEST_STRETCH)

    def _look_up(
        self, article_ids: Sequence[int], feeds: Sequence[tuple[int, ...]], search: Search, limit: int
    ) -> list[Place]:
        rows = self._rows(
            _LOOK_UP.format(conditions=_make_conditions(feeds[1:], search), feeds=_write(feeds[0])),
            articles=json.dumps(article_ids),
            archived=int(search.with_archive),
            **_make_bounds(search, search.before or _END),
            most=limit,
        )
        return [(row["place"], row["group_id"]) for row in rows]


def _take(places: Iterable[Place], limit: int, recent: int, most: int) -> Iterator[Place]:
    for count, found in enumerate(places, start=1):
        if count > max(limit, most) or (count > limit and found[0] < recent):
            return
        yield found
        if count == limit >= most:  # asks for no more than it gives
            return


def _make_conditions(others: Sequence[tuple[int, ...]], search: Search) -> str:
    also = "".join(_ALSO_IN.format(ids=_write(ids)) for ids in others)
    return _CONDITIONS + also + (_SINCE if search.since else "") + (_FIRST_OF_STORY if search.by_story else "")


def _write(feeds: Sequence[int]) -> str:
    return ", ".join(str(int(feed)) for feed in feeds)


def _make_bounds(search: Search, before: Place) -> dict[str, int | str | None]:
    since = search.since
    return {
        "place": before[0],
        "group": before[1],
        "since": to_text(since) if since else None,
        "since_place": max(make_place(since - LATEST_DATE) if since else -1, search.from_place),
    }
