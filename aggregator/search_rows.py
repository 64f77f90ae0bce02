"""Answers searches, newest first. A part of `Store`; reads only.

A search walks down the shortest of the feeds that it names, and looks each item up in the others. SQLite's full-text
index is in the order of articles, not of feeds (`reach_rows`); so with words there are two ways:

    a large share of all news is in the feed   the newest articles with the words are looked up in it, until there is a
                                               page, and it is sure that no other item is newer
    a small one                                the walk goes on from stretch to stretch, and asks of each which articles
                                               have the words; where it is far, and few articles have them, those are
                                               looked up
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from heapq import merge, nlargest
from itertools import islice

from aggregator.bounds import Bound
from aggregator.feed_rows import make_place
from aggregator.instants import from_text
from aggregator.reach_rows import END, EVERYTHING, HAVE_OF, LAST_ID, Place, Reach, ReachRows
from aggregator.rule_rows import IN_TIME, LIVE, make_time

DENSE = 0.05  # items to an article: a large share
FIRST_LOOK = 100  # articles with the words; how far back they go says how many there are
FEW_ARTICLES = 2_000
STRETCHED = 1.25  # a stretch is so much longer than what will do if the words are spread evenly
SHORTEST_STRETCH = 50  # items; each is four times as long as the one before, up to the
LONGEST_STRETCH = 5_000
FAR = 20_000  # items of a walk: a fiftieth of a second
LATEST_DATE = timedelta(days=1)  # a date further ahead than that is not believed: nothing is out before it is found

_CONDITIONS = " AND (i.place, i.group_id) < (:place, :group) AND i.place >= :since_place"
_PUBLISHED = f" AND EXISTS (SELECT * FROM articles AS a WHERE a.id = i.article_id AND {IN_TIME})"  # noqa: S608 - our own words
_ALSO_IN = """
    AND EXISTS (SELECT * FROM feed_items AS o WHERE o.feed_id IN ({ids}) AND o.archived = i.archived
        AND o.place = i.place AND o.group_id = i.group_id)
"""
_FIRST_OF_STORY = f"""
    AND NOT EXISTS (SELECT * FROM duplicate_groups AS own CROSS JOIN duplicate_groups AS g ON g.story_id = own.story_id
        WHERE own.id = i.group_id AND g.guid IS NOT NULL AND {LIVE} AND g.archived <= :archived
        AND (g.first_published_at, g.id) < (own.first_published_at, own.id))
"""  # noqa: S608 - our own words
_WALK = """
    SELECT i.place, i.group_id, i.article_id FROM feed_items AS i
    WHERE i.feed_id = :feed AND i.archived = :archived {conditions}
    ORDER BY i.place DESC, i.group_id DESC LIMIT :most
"""
_LOOK_UP = """
    SELECT DISTINCT i.place, i.group_id FROM json_each(:articles) AS k
    CROSS JOIN feed_items AS i ON i.article_id = k.value AND i.feed_id IN ({feeds})
    WHERE i.archived <= :archived {conditions} ORDER BY i.place DESC, i.group_id DESC
"""
_LEADS = """
    SELECT g.id, a.title, substr(a.text, 1, :length) AS lead FROM json_each(:groups) AS k
    CROSS JOIN duplicate_groups AS g ON g.id = k.value CROSS JOIN articles AS a ON a.id = g.canonical_id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """A question in the numbers of the database."""

    feeds: tuple[tuple[int, ...], ...]  # in any of each
    match: str
    since: Bound | None
    with_archive: bool
    by_story: bool  # of each story only its first piece of news
    before: Place | None
    from_place: int = -1  # not below that place
    until: Bound | None = None  # published before; it costs a walk through all that is newer


class SearchRows(ReachRows):
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
        reach = self._find_reach(
            _find_oldest_place(search), (search.before or END)[0], with_archive=search.with_archive
        )
        ways = self._collect_newest if self._is_dense(feeds[0]) else self._walk_with_words
        return list(_take(ways(feeds, search, max(limit, most), reach), limit, recent, most))

    def find_among(self, articles: Sequence[int], search: Search) -> list[Place]:
        """Those that answer it of the groups whose canonical articles these are, newest first."""
        if search.match:
            articles = [row["rowid"] for row in self._look_in(HAVE_OF, articles, search.match)]
        return self._look_up(articles, self._sort_feeds(search.feeds), search) if articles else []

    def get_leads(self, groups: Sequence[int], length: int) -> dict[int, tuple[str, str]]:
        """group → (title, the first `length` characters of its text)."""
        rows = self._rows(_LEADS, groups=json.dumps(groups), length=length)
        return {row["id"]: (row["title"], row["lead"]) for row in rows}

    def _sort_feeds(self, feeds: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """The shortest first; of everything where no feed is named."""
        if not feeds:
            return [(self._get_main_feed(),)]
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
        place, group = search.before or END
        while True:
            rows = self._rows(sql, feed=feed, archived=archived, **_make_bounds(search, (place, group)), most=stretch)
            yield from map(tuple, rows)
            if len(rows) < stretch:
                return
            place, group = rows[-1]["place"], rows[-1]["group_id"]
            stretch = min(stretch * 4, LONGEST_STRETCH)

    def _is_dense(self, feeds: Sequence[int]) -> bool:
        """Whether it is likely that an article that has the words is shown in one of these feeds."""
        ids = json.dumps(feeds)
        items = self._value("SELECT sum(items) FROM feeds WHERE id IN (SELECT value FROM json_each(:ids))", ids=ids)
        return bool((items or 0) >= DENSE * self._get_newest())

    def _collect_newest(
        self, feeds: Sequence[tuple[int, ...]], search: Search, limit: int, reach: Reach
    ) -> list[Place]:
        """Looks up articles that have the words, from the newest on, until so many items are found that no other is
        newer."""
        found: set[Place] = set()
        last, most = reach.last, max(FIRST_LOOK, 2 * limit)
        while True:
            ids = self._have(search.match, most, first=reach.first, last=last)
            found.update(self._look_up(ids, feeds, search))
            newest, are_all = nlargest(limit, found), len(ids) < most
            if are_all or len(newest) == limit:
                oldest = newest[-1][0] if len(newest) == limit else reach.oldest
                looked_at = replace(reach, oldest=oldest, first=reach.first if are_all else ids[-1])
                strays = self._list_strays(search.match, looked_at)
                if strays is not None:
                    return nlargest(limit, found.union(self._look_up(strays, feeds, search)))
                if are_all:
                    return self._collect_newest(feeds, search, limit, replace(reach, **EVERYTHING))
            last, most = ids[-1] - 1, min(most * 4, LONGEST_STRETCH)

    def _walk_with_words(
        self, feeds: Sequence[tuple[int, ...]], search: Search, limit: int, reach: Reach
    ) -> Iterator[Place]:
        """Walks as far as will do if the words are spread evenly, then on; where that is far, and few articles have the
        words, looks those up."""
        reach = replace(reach, last=LAST_ID)
        first = self._have(search.match, FIRST_LOOK, first=reach.first)
        strays = self._list_strays(search.match, reach) if len(first) < FIRST_LOOK else None
        few = first + strays if strays is not None else None
        share = len(first) / (first[0] - first[-1] + 1) if first else 1
        stretch = max(SHORTEST_STRETCH, round(STRETCHED * limit / share))
        walk = self._walk(feeds, search, min(stretch, LONGEST_STRETCH))
        before, walked, may_be_few = search.before, 0, True
        while True:
            if few is None and may_be_few and walked + stretch > FAR:
                few, may_be_few = self._have_all(search.match, FEW_ARTICLES, reach), False
            if few is not None:
                yield from self._look_up(few, feeds, replace(search, before=before))
                return
            rows = list(islice(walk, min(stretch, LONGEST_STRETCH)))
            if not rows:
                return
            yield from self._pick(rows, search.match, share)
            before, walked = rows[-1][:2], walked + len(rows)
            stretch = max(stretch - len(rows), walked)

    def _pick(self, rows: Sequence[tuple[int, int, int]], match: str, share: float) -> Iterator[Place]:
        """Of a stretch those that have the words."""
        ids = [article_id for *_, article_id in rows]
        matching = {row["rowid"] for row in self._look_in(HAVE_OF, ids, match, share=share)}
        return ((place, group) for place, group, article_id in rows if article_id in matching)

    def _look_up(self, article_ids: Sequence[int], feeds: Sequence[tuple[int, ...]], search: Search) -> list[Place]:
        """The items that answer it and whose canonical articles these are, newest first."""
        rows = self._rows(
            _LOOK_UP.format(conditions=_make_conditions(feeds[1:], search), feeds=_write(feeds[0])),
            articles=json.dumps(article_ids),
            archived=int(search.with_archive),
            **_make_bounds(search, search.before or END),
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
        **make_time(search.since, search.until),
        "since_place": _find_oldest_place(search),
    }


def _find_oldest_place(search: Search) -> int:
    """No item below it answers the search; -1 where any may."""
    return max(make_place(search.since.earliest - LATEST_DATE) if search.since else -1, search.from_place)
