"""Finds articles that have words, copies included. A part of `Store`; reads only.

`search_rows` finds pieces of news, each by its canonical article; this finds every article that has the words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.feeds import FeedKind, split_name
from aggregator.instants import to_text
from aggregator.reach_rows import LAST_ID
from aggregator.store_base import StoreBase

_AMONG = "IN (SELECT value FROM json_each(:{key}))"
_IN_REGION = """
    EXISTS (SELECT * FROM article_regions AS ar CROSS JOIN regions AS r ON r.code = ar.code
    WHERE ar.article_id = a.id AND ar.role = 'event' AND {condition})
"""
_CONDITIONS: Mapping[str, str] = {
    FeedKind.TOPIC: "EXISTS (SELECT * FROM article_topics AS t WHERE t.article_id = a.id AND t.topic {among})",
    FeedKind.CITY: _IN_REGION.format(condition="r.kind = 'city' AND r.slug {among}"),
    # a city brings its province along, whose code hers begins with
    FeedKind.PROVINCE: _IN_REGION.format(
        condition="EXISTS (SELECT * FROM regions AS p WHERE p.code = substr(r.code, 1, 2) AND p.slug {among})"
    ),
    FeedKind.KOMWIL: _IN_REGION.format(condition="CAST(r.komwil AS TEXT) {among}"),
    FeedKind.KIND: "EXISTS (SELECT * FROM sources AS s WHERE s.id = a.source_id AND s.kind {among})",
    FeedKind.SOURCE: "a.source_id {among}",
}
_FIND = """
    SELECT a.id, g.guid FROM articles_fts AS f CROSS JOIN articles AS a ON a.id = f.rowid
    CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
    WHERE articles_fts MATCH :match AND f.rowid < :before AND g.guid IS NOT NULL AND g.withdrawn_at IS NULL
    AND a.published_at >= :since AND a.published_at < :until {conditions}
    ORDER BY f.rowid DESC LIMIT :most
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleSearch:
    """A question for articles."""

    match: str
    names: tuple[tuple[str, ...], ...] = ()  # of feeds, as in a NewsQuery; of the article itself, not of its group
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None  # id


class ArticleRows(StoreBase):
    """Articles by words."""

    def search_articles(self, search: ArticleSearch, *, limit: int) -> dict[int, str]:
        """Those that have the words and are part of published news: id → guid of that, the last found first."""
        among: dict[str, str] = {}
        conditions = ""
        for number, names in enumerate(search.names):
            kind, key = split_name(names[0])[0], f"among_{number}"
            among[key] = json.dumps([split_name(name)[1] for name in names])
            conditions += " AND " + _CONDITIONS[kind].format(among=_AMONG.format(key=key))
        rows = self._rows(
            _FIND.format(conditions=conditions),
            match=search.match,
            before=LAST_ID if search.before is None else search.before,
            since=to_text(search.since) if search.since else "",
            until=to_text(search.until) if search.until else "9999",
            most=limit,
            **among,
        )
        return {row["id"]: row["guid"] for row in rows}
