"""How far back a search for words looks. A part of `Store`; reads only.

SQLite's full-text index is read from the newest article back. What lies outside of the time that is asked for need not
be read: articles are numbered in the order in which they are found, and news is published in nearly that order. Nearly:
a window of time is an interval of articles, and some strays, which are looked for.

What is read costs 0.1 µs for each word of a phrase in each article that has them all. SQLite looks whether it is beyond
an interval only when it has found something; so a phrase that is nowhere, of words that are everywhere, costs 0.1 to
0.3 s over a million articles, however short the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from aggregator.passage_rows import PassageRows
from aggregator.search_terms import Term

Place = tuple[int, int]  # place in feeds, group
END: Place = (2**62, 0)

SHARE_FROM = 100  # of the newest articles with a word; how far back they go says how many have it
DISORDER = 1_000  # articles: what is found together is published in another order
STRAYS_MOST = 1_000
LAST_ID = 2**62
EVERYTHING = {"first": 0, "last": LAST_ID}

_HAVE = """
    SELECT rowid FROM articles_fts WHERE articles_fts MATCH :match AND rowid BETWEEN :first AND :last
    ORDER BY rowid DESC LIMIT :most
"""
HAVE_OF = """
    SELECT rowid FROM articles_fts WHERE articles_fts MATCH :match AND rowid BETWEEN :first AND :last
    AND +rowid IN (SELECT value FROM json_each(:ids))
"""  # the plus: see passage_rows
_OLDEST_OF = """
    SELECT article_id FROM feed_items WHERE feed_id = :feed AND archived = 0 AND place >= :place ORDER BY place LIMIT 1
"""
_NEWEST_OF = """
    SELECT article_id FROM feed_items WHERE feed_id = :feed AND archived = 0 AND place <= :place
    ORDER BY place DESC LIMIT 1
"""
_STRAYS = """
    SELECT article_id FROM feed_items WHERE feed_id = :feed AND archived IN (0, :archived)
    AND place BETWEEN :oldest AND :newest AND NOT article_id BETWEEN :first AND :last LIMIT :most
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """The time that a search asks for, in places, and the interval of articles that all but strays of it are in."""

    oldest: int
    newest: int
    archived: int  # 1: with the archives
    first: int
    last: int


class ReachRows(PassageRows):
    """Looks."""

    def estimate_shares(self, words: Iterable[str]) -> dict[str, float]:
        """word → about which share of all articles has it, from 0 to 1: counting them all costs too much."""
        newest = self._get_newest()
        shares = {}
        for word in words:
            found = self._have(Term(words=(word,)).match, SHARE_FROM)
            span = newest - found[-1] + 1 if len(found) == SHARE_FROM else newest
            shares[word] = len(found) / max(span, 1)
        return shares

    def _get_newest(self) -> int:
        return int(self._value("SELECT max(id) FROM articles") or 0)

    def _get_main_feed(self) -> int:
        return int(self._value("SELECT id FROM feeds WHERE name = 'all'") or 0)

    def _find_reach(self, oldest: int, newest: int, *, with_archive: bool) -> Reach:
        feed = self._get_main_feed()
        first = self._value(_OLDEST_OF, feed=feed, place=oldest) if oldest > 0 else None
        last = self._value(_NEWEST_OF, feed=feed, place=newest) if newest < END[0] else None
        return Reach(
            oldest=oldest,
            newest=newest,
            archived=int(with_archive),
            first=0 if first is None else first - DISORDER,
            last=LAST_ID if last is None else last + DISORDER,
        )

    def _list_strays(self, match: str, reach: Reach) -> list[int] | None:
        """The articles that have the words, and that the interval lacks; None: too many to be looked at."""
        if reach.first <= 0 and reach.last >= LAST_ID:
            return []
        strays = self._rows(_STRAYS, feed=self._get_main_feed(), most=STRAYS_MOST + 1, **asdict(reach))
        if len(strays) > STRAYS_MOST:
            return None
        return [row["rowid"] for row in self._look_in(HAVE_OF, [row["article_id"] for row in strays], match)]

    def _have_all(self, match: str, most: int, reach: Reach) -> list[int] | None:
        """All articles within reach that have the words; None where they are more than so many."""
        found = self._have(match, most + 1, first=reach.first, last=reach.last)
        if len(found) > most:
            return None
        strays = self._list_strays(match, reach)
        return found + strays if strays is not None else self._have_all(match, most, replace(reach, **EVERYTHING))

    def _have(self, match: str, most: int, *, first: int = 0, last: int = LAST_ID) -> list[int]:
        """The newest articles of an interval that have the words."""
        return [row["rowid"] for row in self._rows(_HAVE, match=match, most=most, first=first, last=last)]
