"""Searches that look at a bounded number of items, page by page. A part of `Store`; reads only.

A search walks down the shortest of its feeds. Where few items of that answer, a page comes back short after so many of
them were looked at, with the place where the next one goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aggregator.search_rows import FEW_ARTICLES, Place, Search, SearchRows

LOOKED_MOST = 5_000  # items of each feed that is walked down
STORIES_LOOKED_MOST = 1_000  # where each is held against all news of its story
_END: Place = (2**62, 0)

_HORIZON = """
    SELECT place FROM feed_items WHERE feed_id = :feed AND archived = :archived
    AND (place, group_id) < (:place, :group) ORDER BY place DESC, group_id DESC LIMIT 1 OFFSET :most
"""
_FEW = "SELECT count(*) FROM (SELECT rowid FROM articles_fts WHERE articles_fts MATCH :match LIMIT :most)"


class NewsWalkRows(SearchRows):
    """Pages of searches; belongs into a `snapshot`."""

    def find_some(self, search: Search, *, limit: int) -> tuple[list[int], Place | None]:
        """The groups of the newest items that answer, and the place to go on after; None at the end."""
        horizon = self._find_horizon(search)
        found = self.walk(replace(search, from_place=max(search.from_place, horizon)), limit=limit + 1)
        if len(found) > limit:
            return [group for _, group in found[:limit]], found[limit - 1]
        return [group for _, group in found], (horizon, 0) if horizon >= 0 else None

    def _find_horizon(self, search: Search) -> int:
        """The place down to which the search looks; -1: to the end."""
        is_picky = len(search.feeds) > 1 or search.by_story or search.since is not None
        if search.match:
            have = self._value(_FEW, match=search.match, most=FEW_ARTICLES + 1)
            is_picky = have > FEW_ARTICLES  # the few are looked up, however far down they are
        if not is_picky:
            return -1
        place, group = search.before or _END
        most = STORIES_LOOKED_MOST if search.by_story else LOOKED_MOST
        ways = [(feed, archived) for feed in self._get_shortest(search) for archived in range(1 + search.with_archive)]
        found = (
            self._value(_HORIZON, feed=feed, archived=archived, place=place, group=group, most=most)
            for feed, archived in ways
        )
        return max((each for each in found if each is not None), default=-1)

    def _get_shortest(self, search: Search) -> Sequence[int]:
        """The feeds that the search walks down."""
        return self._sort_feeds(search.feeds)[0]
