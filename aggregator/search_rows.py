"""Answers searches, newest first. A part of `Store`; reads only.

A search walks down the shortest of the feeds that it names, and looks each item up in the others. SQLite's full-text
index is in the order of articles, not of feeds; so with words there is a first look at the newest articles that have
them, which says how frequent they are (but where the time that is asked for is short):

    the time is short     the walk asks of all of it which articles have the words
    those are all         they are looked up, and sorted
    the page is near      the walk goes on from stretch to stretch, and asks of each which articles have the words
    it is far, or was     all articles with the words are looked up and sorted, if they are few; else the walk goes on
    farther than thought

What a look costs is the way back to the last article that it asks for: of a phrase 0.25 µs for each article that has
all of its words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice

from aggregator.feed_rows import make_place
from aggregator.instants import from_text, to_text
from aggregator.passage_rows import SHARE_USUAL, PassageRows
from aggregator.search_terms import Term

FIRST_LOOK = 100  # articles; how far back they go says how many there are
FEW_ARTICLES = 2_000
STRETCHED = 1.25  # a stretch is so much longer than what will do if the words are spread evenly
SHORTEST_STRETCH = 50  # items; each is four times as long as the one before, up to the
LONGEST_STRETCH = 5_000
FAR = 20_000  # items of a walk: a fiftieth of a second
LATEST_DATE = timedelta(days=1)  # a date further ahead than that is not believed: nothing is out before it is found

Place = tuple[int, int]  # place in feeds, group
_END: Place = (2**62, 0)

_CONDITIONS = " AND (i.place, i.group_id) < (:place, :group) AND i.place >= :since_place"
_PUBLISHED = """
    AND EXISTS (SELECT * FROM articles AS a WHERE a.id = i.article_id
        AND a.published_at >= :since AND a.published_at < :until)
"""
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
_COUNT = """
    SELECT count(*) FROM (SELECT 1 FROM feed_items WHERE feed_id IN ({feeds}) AND archived IN (0, :archived)
        AND place BETWEEN :since_place AND :place LIMIT :most)
"""
_HAVE = "SELECT rowid FROM articles_fts WHERE articles_fts MATCH :match ORDER BY rowid DESC LIMIT :most"
_HAVE_OF = """
    SELECT rowid FROM articles_fts WHERE articles_fts MATCH :match AND rowid BETWEEN :first AND :last
    AND +rowid IN (SELECT value FROM json_each(:ids))
"""  # the plus: see passage_rows

_LEADS = """
    SELECT g.id, a.title, substr(a.text, 1, :length) AS lead FROM json_each(:groups) AS k
    CROSS JOIN duplicate_groups AS g ON g.id = k.value CROSS JOIN articles AS a ON a.id = g.canonical_id
"""
SHARE_FROM = 100  # of the newest articles with a word; how far back they go says how many have it


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
    until: datetime | None = None  # published before; it costs a walk through all that is newer


class SearchRows(PassageRows):
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
        if self._is_short(feeds[0], search):
            rows = list(self._walk(feeds, search, LONGEST_STRETCH))
            return list(_take(self._pick(rows, search.match, SHARE_USUAL), limit, recent, most))
        first = self._have(search.match, max(FIRST_LOOK, 2 * limit))
        if len(first) < max(FIRST_LOOK, 2 * limit):
            return list(_take(self._look_up(first, feeds, search, max(limit, most)), limit, recent, most))
        share = len(first) / (first[0] - first[-1] + 1)  # of the newest articles have the words
        return list(_take(self._walk_with_words(feeds, search, limit, share), limit, recent, most))

    def find_among(self, articles: Sequence[int], search: Search) -> list[Place]:
        """Those that answer it of the groups whose canonical articles these are, newest first."""
        if search.match:
            articles = [row["rowid"] for row in self._look_in(_HAVE_OF, articles, search.match)]
        return self._look_up(articles, self._sort_feeds(search.feeds), search, len(articles)) if articles else []

    def get_leads(self, groups: Sequence[int], length: int) -> dict[int, tuple[str, str]]:
        """group → (title, the first `length` characters of its text)."""
        rows = self._rows(_LEADS, groups=json.dumps(groups), length=length)
        return {row["id"]: (row["title"], row["lead"]) for row in rows}

    def estimate_shares(self, words: Iterable[str]) -> dict[str, float]:
        """word → about which share of all articles has it, from 0 to 1: counting them all costs too much."""
        newest = int(self._value("SELECT max(id) FROM articles") or 0)
        shares = {}
        for word in words:
            found = self._have(Term(words=(word,)).match, SHARE_FROM)
            span = newest - found[-1] + 1 if len(found) == SHARE_FROM else newest
            shares[word] = len(found) / max(span, 1)
        return shares

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

    def _walk_with_words(
        self, feeds: Sequence[tuple[int, ...]], search: Search, limit: int, share: float
    ) -> Iterator[Place]:
        """By walking as far as will do if the words are spread evenly, then on; where that is far, and not many articles
        have the words, by looking those up."""
        stretch = max(SHORTEST_STRETCH, round(STRETCHED * limit / share))
        walk = self._walk(feeds, search, min(stretch, LONGEST_STRETCH))
        before, walked, may_be_few = search.before, 0, True
        while True:
            if may_be_few and walked + stretch > FAR:
                few = self._have(search.match, FEW_ARTICLES + 1)
                if len(few) <= FEW_ARTICLES:
                    yield from self._look_up(few, feeds, replace(search, before=before), len(few))
                    return
                may_be_few = False
            rows = list(islice(walk, min(stretch, LONGEST_STRETCH)))
            if not rows:
                return
            yield from self._pick(rows, search.match, share)
            before, walked = rows[-1][:2], walked + len(rows)
            stretch = max(stretch - len(rows), walked)

    def _is_short(self, feeds: Sequence[int], search: Search) -> bool:
        """Whether the way back to the time that is asked for is one stretch; then nothing older need be looked at."""
        since_place = _find_oldest_place(search)
        if since_place < 0:
            return False
        found = self._value(
            _COUNT.format(feeds=_write(feeds)),
            archived=int(search.with_archive),
            place=(search.before or _END)[0],
            since_place=since_place,
            most=LONGEST_STRETCH,
        )
        return bool(found < LONGEST_STRETCH)

    def _have(self, match: str, most: int) -> list[int]:
        """The newest articles that have the words."""
        return [row["rowid"] for row in self._rows(_HAVE, match=match, most=most)]

    def _pick(self, rows: Sequence[tuple[int, int, int]], match: str, share: float) -> Iterator[Place]:
        """Of a stretch those that have the words."""
        ids = [article_id for *_, article_id in rows]
        matching = {row["rowid"] for row in self._look_in(_HAVE_OF, ids, match, share=share)}
        return ((place, group) for place, group, article_id in rows if article_id in matching)

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
    published = _PUBLISHED if search.since or search.until else ""
    return _CONDITIONS + also + published + (_FIRST_OF_STORY if search.by_story else "")


def _write(feeds: Sequence[int]) -> str:
    return ", ".join(str(int(feed)) for feed in feeds)


def _make_bounds(search: Search, before: Place) -> dict[str, int | str]:
    return {
        "place": before[0],
        "group": before[1],
        "since": to_text(search.since) if search.since else "",
        "until": to_text(search.until) if search.until else "9999",
        "since_place": _find_oldest_place(search),
    }


def _find_oldest_place(search: Search) -> int:
    """No item below it answers the search; -1 where any may."""
    return max(make_place(search.since - LATEST_DATE) if search.since else -1, search.from_place)
