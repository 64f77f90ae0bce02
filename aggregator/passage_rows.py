"""Shows where the words of a search stand. A part of `Store`; reads only.

SQLite's full-text index is read from one article to the next. To begin anew somewhere costs as much as 500
articles that follow one another, and before it stops it reads on to the next article that has the words; with a
beginning that fits many words it gathers all of them first. So what is asked of some articles is asked in runs.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aggregator.store_base import StoreBase

BEGIN_MARK, END_MARK = "\x02", "\x03"  # around words that were found; no text from a portal has them
PASSAGE_WORDS = 36
_MARKS: dict[str, str | int] = {"begin": BEGIN_MARK, "end": END_MARK, "gap": "…", "words": PASSAGE_WORDS}
GAP = 500  # articles: see above
_BEGINNING = '"*'  # in a match
_PASSAGES = """
    SELECT rowid, highlight(articles_fts, 1, :begin, :end) AS title,
        snippet(articles_fts, 0, :begin, :end, :gap, :words) AS text
    FROM articles_fts WHERE articles_fts MATCH :match AND rowid BETWEEN :first AND :last
    AND +rowid IN (SELECT value FROM json_each(:ids))
"""  # the plus: the look-ups of single rows are those of above
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
            for row in self._look_in(_PASSAGES, articles, match, share=1, **_MARKS)
        }

    def _look_in(
        self, sql: str, articles: Iterable[int], match: str, *, share: float = 0.01, **marks: str | int
    ) -> list[sqlite3.Row]:
        """What `sql` asks of those of these articles that have the words; `share` of all articles that have them."""
        gap = GAP + round(1 / share) if _BEGINNING not in match else sys.maxsize
        found = []
        for run in split_runs(sorted(articles), gap):
            bounds = {"first": run[0], "last": run[-1], "ids": json.dumps(run)}
            found += self._rows(sql, match=match, **bounds, **marks)
        return found


def split_runs(numbers: Sequence[int], gap: int) -> list[list[int]]:
    """The numbers, which are in order, in runs: two that follow one another are not farther apart than `gap`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number - runs[-1][-1] <= gap:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
