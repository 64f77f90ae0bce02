"""Topics and places of many articles at a time, as the views list them for each. A part of `Store`; reads only."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aggregator.store_base import StoreBase, wrap_errors

_TOPICS = """
    SELECT k.value, t.topic FROM json_each(:ids) AS k CROSS JOIN article_topics AS t ON t.article_id = k.value
    ORDER BY k.value, t.topic
"""
_PLACES = """
    SELECT k.value, ar.code FROM json_each(:ids) AS k
    CROSS JOIN article_regions AS ar ON ar.article_id = k.value AND ar.role = 'event' ORDER BY k.value, ar.code
"""


class Lists(NamedTuple):
    """What an article is about and where it happened; the names as in the views."""

    topics: tuple[str, ...] = ()
    topic_names_id: tuple[str, ...] = ()
    topic_names_en: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    city_slugs: tuple[str, ...] = ()
    provinces: tuple[str, ...] = ()
    komwil: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


_LOOKED_UP = {
    "article_overview": frozenset(Lists._fields) - {"regions"},
    "news": frozenset({"topics", "topic_names_id", "topic_names_en", "regions", "city_slugs"}),
}


class ListNames:
    """What topics and places are called. Remembers: what is asked for is the same over and over."""

    def __init__(self, topics: Mapping[str, tuple[str, str]], places: Mapping[str, Mapping[str, Any]]) -> None:
        """`topics`: Indonesian and English; `places`: code → row of regions."""
        self._topics, self._places = topics, places
        self._of_topics: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {}
        self._of_codes: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {}

    def make_lists(self, topics: tuple[str, ...], codes: tuple[str, ...]) -> Lists:
        named = self._of_topics.get(topics) or self._of_topics.setdefault(topics, self._name_topics(topics))
        placed = self._of_codes.get(codes) or self._of_codes.setdefault(codes, self._name_places(codes))
        return Lists._make(named + placed)

    def _name_topics(self, topics: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        called = [self._topics.get(topic, (topic, topic)) for topic in topics]
        return topics, tuple(each[0] for each in called), tuple(each[1] for each in called)

    def _name_places(self, codes: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        places = [self._places[code] for code in codes if code in self._places]
        cities = [place for place in places if place["kind"] == "city"]
        return (
            tuple(place["name"] for place in cities),
            tuple(place["slug"] for place in cities),
            tuple(dict.fromkeys(place["province"] for place in places)),
            tuple(dict.fromkeys(str(place["komwil"]) for place in places if place["komwil"] is not None)),
            tuple(place["name"] for place in places),
        )


def find_lists(relation: str, columns: Sequence[str]) -> dict[str, int]:
    """Those of a view's columns that `look_up_lists` finds, with their places among Lists."""
    looked_up = _LOOKED_UP.get(relation, frozenset())
    return {name: Lists._fields.index(name) for name in columns if name in looked_up}


class ListRows(StoreBase):
    """Lists of topics and places."""

    def get_list_names(self) -> ListNames:
        topics = self._rows("SELECT value, name_id, name_en FROM labels WHERE kind = 'topic'")
        return ListNames(
            topics={row["value"]: (row["name_id"], row["name_en"]) for row in topics},
            places={row["code"]: dict(row) for row in self._rows("SELECT * FROM regions")},
        )

    def look_up_lists(self, article_ids: Sequence[int], names: ListNames) -> list[Lists]:
        """The lists of each of these articles."""
        ids = json.dumps(article_ids)
        topics, codes = self._look_up_pairs(_TOPICS, ids), self._look_up_pairs(_PLACES, ids)
        return [names.make_lists(tuple(topics.get(each, ())), tuple(codes.get(each, ()))) for each in article_ids]

    def _look_up_pairs(self, sql: str, ids: str) -> Mapping[int, list[str]]:
        found: defaultdict[int, list[str]] = defaultdict(list)
        with wrap_errors(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None
            for article, value in cursor.execute(sql, {"ids": ids}):
                found[article].append(value)
        return found
