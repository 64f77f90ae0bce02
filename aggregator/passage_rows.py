"""Shows where the words of a search stand. A part of `Store`; reads only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.store_base import StoreBase

BEGIN_MARK, END_MARK = "\x02", "\x03"  # around words that were found; no text from a portal has them
PASSAGE_WORDS = 36
_MARKS: dict[str, str | int] = {"begin": BEGIN_MARK, "end": END_MARK, "gap": "…", "words": PASSAGE_WORDS}
_PASSAGES = """
    SELECT rowid, highlight(articles_fts, 0, :begin, :end) AS title,
        snippet(articles_fts, 1, :begin, :end, :gap, :words) AS text
    FROM articles_fts WHERE articles_fts MATCH :match AND rowid BETWEEN :first AND :last
    AND +rowid IN (SELECT value FROM json_each(:ids))
"""  # in one go, as above: a beginning that fits many words would be looked up anew for each row
_CANONICAL = """
    SELECT g.id, g.canonical_id FROM json_each(:groups) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
    WHERE g.canonical_id IS NOT NULL
"""
_QUOTABLE = """
    SELECT a.id, a.snippet_limit FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.id = k.value
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """Where the words of a search stand in an article, between BEGIN_MARK and END_MARK."""

    title: str
    text: str  # the passage that has most of them
    limit: int | None  # characters of it that the page allows to quote; None: any


class PassageRows(StoreBase):
    """Passages."""

    def get_canonicals(self, groups: Sequence[int]) -> dict[int, int]:
        """group → its canonical article."""
        return {row["id"]: row["canonical_id"] for row in self._rows(_CANONICAL, groups=json.dumps(groups))}

    def get_passages(self, groups: Sequence[int], match: str) -> dict[int, Passage]:
        """group → what to show of it as found, of those that have the words."""
        canonicals = self.get_canonicals(groups)
        found = self.get_article_passages([*canonicals.values()], match)
        return {group: found[article] for group, article in canonicals.items() if article in found}

    def get_article_passages(self, articles: Sequence[int], match: str) -> dict[int, Passage]:
        """article → what to show of it as found, of those that have the words."""
        limits = {row["id"]: row["snippet_limit"] for row in self._rows(_QUOTABLE, ids=json.dumps(articles))}
        return {
            row["rowid"]: Passage(title=row["title"], text=row["text"], limit=limits[row["rowid"]])
            for row in self._look_in(_PASSAGES, articles, match, **_MARKS)
        }

    def _look_in(self, sql: str, articles: Sequence[int], match: str, **marks: str | int) -> list[sqlite3.Row]:
        """What `sql` asks of those of these articles that have the words."""
        if not articles:
            return []
        bounds = {"first": min(articles), "last": max(articles), "ids": json.dumps(articles)}
        return self._rows(sql, match=match, **bounds, **marks)
