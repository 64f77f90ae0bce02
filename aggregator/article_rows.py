"""Finds articles that have words, copies included. A part of `Store`; reads only.

`search_rows` finds pieces of news, each by its canonical article; this finds every article that has the words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.bounds import Bound
from aggregator.code_rows import IN_PLACE, CodeRows
from aggregator.feeds import FeedKind, split_name
from aggregator.reach_rows import LAST_ID
from aggregator.rule_rows import IN_TIME, LIVE, make_time

_AMONG = "IN (SELECT value FROM json_each(:{among}))"
_PLACES = (FeedKind.CITY, FeedKind.PROVINCE, FeedKind.KOMWIL)
_CONDITIONS: Mapping[str, str] = {
    FeedKind.TOPIC: f"EXISTS (SELECT * FROM article_topics AS t WHERE t.article_id = a.id AND t.topic {_AMONG})",  # noqa: S608 - our own words
    **dict.fromkeys(_PLACES, IN_PLACE.format(codes="{among}")),
    FeedKind.KIND: f"EXISTS (SELECT * FROM sources AS s WHERE s.id = a.source_id AND s.kind {_AMONG})",  # noqa: S608 - our own words
    FeedKind.SOURCE: f"a.source_id {_AMONG}",
}
_FIND = f"""
    SELECT a.id, g.guid FROM articles_fts AS f CROSS JOIN articles AS a ON a.id = f.rowid
    CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
    WHERE articles_fts MATCH :match AND f.rowid < :before AND g.guid IS NOT NULL AND {LIVE}
    AND {IN_TIME} {{conditions}}
    ORDER BY f.rowid DESC LIMIT :most
"""  # noqa: S608 - our own words


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleSearch:
    """A question for articles."""

    match: str
    names: tuple[tuple[str, ...], ...] = ()  # of feeds, as in a NewsQuery; of the article itself, not of its group
    since: Bound | None = None
    until: Bound | None = None
    before: int | None = None  # id


class ArticleRows(CodeRows):
    """Articles by words."""

    def search_articles(self, search: ArticleSearch, *, limit: int) -> dict[int, str]:
        """Those that have the words and are part of published news: id → guid of that, the last found first."""
        among: dict[str, str] = {}
        conditions = ""
        for number, names in enumerate(search.names):
            kind, key = split_name(names[0])[0], f"among_{number}"
            slugs = [split_name(name)[1] for name in names]
            codes = [code for slug in slugs for code in self.list_codes(kind, slug)] if kind in _PLACES else slugs
            among[key] = json.dumps(codes)
            conditions += " AND " + _CONDITIONS[kind].format(among=key)
        rows = self._rows(
            _FIND.format(conditions=conditions),
            match=search.match,
            before=LAST_ID if search.before is None else search.before,
            **make_time(search.since, search.until),
            most=limit,
            **among,
        )
        return {row["id"]: row["guid"] for row in rows}
