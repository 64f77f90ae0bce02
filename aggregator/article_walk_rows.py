"""Finds articles, copies included, the newest first as they were found. A part of `Store`; reads only.

    filters ─▶ the one that fewest articles pass is walked down, newest first ─▶ each is held against the others

A page looks at LOOKED_MOST articles at most: where few of them pass all filters it comes back short, with the place
where the next one goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from aggregator.bounds import Bound
from aggregator.code_rows import IN_PLACE, CodeRows
from aggregator.feeds import FeedKind, make_name
from aggregator.instants import to_text
from aggregator.rule_rows import IN_TIME, make_time
from aggregator.search_rows import LATEST_DATE

LOOKED_MOST = 2_000
_STRETCH = 250
_SOURCES_WALKED = 30  # of a kind: each is walked by itself; where there are more of them, they are no rare kind
_EARLIEST_READ = 2_000

ArticlePlace = tuple[str, int]  # when it was found ("" where the walk is by number alone), its number
_END: ArticlePlace = ("9999", 2**62)

_ALL = "SELECT '' AS seen, id FROM articles WHERE id < :id AND id >= :first ORDER BY id DESC LIMIT :most"
_OF_TOPIC = """
    SELECT '' AS seen, article_id AS id FROM article_topics
    WHERE topic = :value AND article_id < :id AND article_id >= :first ORDER BY article_id DESC LIMIT :most
"""
_OF_PLACE = """
    SELECT '' AS seen, article_id AS id FROM article_regions
    WHERE code = :value AND article_id < :id AND article_id >= :first AND role = 'event'
    ORDER BY article_id DESC LIMIT :most
"""
_OF_SOURCE = """
    SELECT first_seen_at AS seen, id FROM articles
    WHERE source_id = :value AND (first_seen_at, id) < (:seen, :id) AND first_seen_at >= :since_seen
    ORDER BY first_seen_at DESC, id DESC LIMIT :most
"""
_HELD = """
    SELECT a.id FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.id = k.value WHERE true {conditions}
"""
_IN_TOPIC = """
    AND EXISTS (SELECT * FROM article_topics AS t
        WHERE t.topic IN (SELECT value FROM json_each(:topics)) AND t.article_id = a.id)
"""
_OF_KIND = (
    " AND EXISTS (SELECT * FROM sources AS s WHERE s.id = a.source_id"
    " AND s.kind IN (SELECT value FROM json_each(:kinds)))"
)
_SINCE = f" AND {IN_TIME}"
# By number. First sightings are in the same order, but for what was judged anew: hence not only the earliest one.
_FIRST_SINCE = """
    SELECT min(id) FROM (SELECT id FROM articles WHERE first_seen_at >= :seen ORDER BY first_seen_at LIMIT :most)
"""
_PLACES = (FeedKind.CITY, FeedKind.PROVINCE, FeedKind.KOMWIL)


class OldPlaceError(ValueError):
    """A place where another walk went on: which way is the shorter one has changed since."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleFilter:
    """Which articles: in any of each that is named. All names are known ones."""

    topics: Sequence[str] = ()
    places: Sequence[tuple[FeedKind, Sequence[str]]] = ()  # kind, slugs
    kinds: Sequence[str] = ()  # of source
    sources: Sequence[str] = ()
    since: Bound | None = None  # published


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """What is walked down: the same question for each value."""

    sql: str
    values: Sequence[str]
    conditions: str  # that remain to be looked at


class ArticleWalkRows(CodeRows):
    """Articles by filters."""

    def find_articles(
        self, asked: ArticleFilter, after: ArticlePlace | None, *, limit: int
    ) -> tuple[list[int], ArticlePlace | None]:
        """The ids of the newest that pass, those after a place; and the place to go on at, None at the end.

        Raises OldPlaceError.
        """
        facts = {
            "topics": json.dumps([*asked.topics]),
            "kinds": json.dumps([*asked.kinds]),
            **make_time(asked.since, None),
        }
        codes = [[code for slug in slugs for code in self.list_codes(kind, slug)] for kind, slugs in asked.places]
        facts |= {f"codes{place}": json.dumps(each) for place, each in enumerate(codes)}
        way = self._choose_way(asked, codes)
        if after and bool(after[0]) != (way.sql is _OF_SOURCE):
            raise OldPlaceError
        walk = self._walk_ways(way, asked, after or _END)
        found: list[ArticlePlace] = []
        last, looked = after, 0
        while len(found) <= limit:
            step = list(islice(walk, max(_STRETCH, limit + 1) if way.conditions else limit + 1))
            if not step:
                return [number for _, number in found], None
            passing = self._find_passing(way.conditions, [number for _, number in step], facts)
            found += [each for each in step if each[1] in passing]
            last, looked = step[-1], looked + len(step)
            if looked >= LOOKED_MOST:
                break
        if len(found) > limit:
            return [number for _, number in found[:limit]], found[limit - 1]
        return [number for _, number in found], last

    def _find_passing(self, conditions: str, ids: Sequence[int], facts: dict[str, str]) -> set[int]:
        if not conditions:
            return set(ids)
        sql = _HELD.format(conditions=conditions)
        return {row["id"] for row in self._rows(sql, ids=json.dumps(ids), **facts)}

    def _choose_way(self, asked: ArticleFilter, codes: Sequence[Sequence[str]]) -> _Way:
        """A source is walked by when its articles were found, all else by number."""
        topics = _IN_TOPIC if asked.topics else ""
        places = [" AND " + IN_PLACE.format(codes=f"codes{place}") for place in range(len(codes))]
        kinds, since = _OF_KIND if asked.kinds else "", _SINCE if asked.since else ""
        sources = asked.sources or self._list_few_sources(asked.kinds)
        if sources is not None:
            kinds = kinds if asked.sources else ""
            return _Way(sql=_OF_SOURCE, values=sources, conditions=topics + "".join(places) + kinds + since)
        ways = [
            (
                [make_name(kind, slug) for slug in slugs],
                _Way(
                    sql=_OF_PLACE,
                    values=codes[place],
                    conditions=topics + "".join(places[:place] + places[place + 1 :]) + kinds + since,
                ),
            )
            for place, (kind, slugs) in enumerate(asked.places)
        ]
        if asked.topics:
            names = [make_name(FeedKind.TOPIC, topic) for topic in asked.topics]
            way = _Way(sql=_OF_TOPIC, values=asked.topics, conditions="".join(places) + kinds + since)
            ways.append((names, way))
        if not ways:
            return _Way(sql=_ALL, values=("",), conditions=kinds + since)
        if len(ways) == 1:
            return ways[0][1]
        return min(ways, key=lambda each: self._count_news(each[0]))[1]

    def _list_few_sources(self, kinds: Sequence[str]) -> Sequence[str] | None:
        """All sources of these kinds; None where those are many, or any will do."""
        if not kinds:
            return None
        sql = "SELECT id FROM sources WHERE kind IN (SELECT value FROM json_each(:kinds)) LIMIT :most"
        rows = self._rows(sql, kinds=json.dumps([*kinds]), most=_SOURCES_WALKED + 1)
        return [row["id"] for row in rows] if len(rows) <= _SOURCES_WALKED else None

    def _count_news(self, names: Sequence[str]) -> int:
        sql = "SELECT coalesce(sum(items), 0) FROM feeds WHERE name IN (SELECT value FROM json_each(:names))"
        return int(self._value(sql, names=json.dumps(names)))

    def _walk_ways(self, way: _Way, asked: ArticleFilter, after: ArticlePlace) -> Iterator[ArticlePlace]:
        bounds: dict[str, int | str] = {"first": 0, "since_seen": ""}
        if asked.since:
            seen = to_text(asked.since.earliest - LATEST_DATE)
            bounds["since_seen"] = seen
            if way.sql is not _OF_SOURCE:
                bounds["first"] = self._value(_FIRST_SINCE, seen=seen, most=_EARLIEST_READ) or _END[1]
        walks = [self._walk_value(way.sql, value, bounds, after) for value in way.values]
        last = None
        for found in walks[0] if len(walks) == 1 else merge(*walks, reverse=True):
            if found != last:
                yield found
            last = found

    def _walk_value(
        self, sql: str, value: str, bounds: dict[str, int | str], after: ArticlePlace
    ) -> Iterator[ArticlePlace]:
        while True:
            rows = self._rows(sql, value=value, seen=after[0], id=after[1], most=_STRETCH, **bounds)
            yield from ((row["seen"], row["id"]) for row in rows)
            if len(rows) < _STRETCH:
                return
            after = rows[-1]["seen"], rows[-1]["id"]
