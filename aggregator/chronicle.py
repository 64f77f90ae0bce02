"""Keeps stories true while groups come and change. `stories` tells which belong together, the store remembers.

    groups that changed ─▶ window: all that were published around then ─▶ likeness ─▶ stories ─▶ each keeps its number

A look takes in what is new and may join or part stories of the last weeks by it; a look at all of it again, once a day,
compares everything anew with what is known of words by then. A story's number goes with its first news, as a group's
guid does: when two stories are found to be one, the older number stays and the other leads to it; when one is found to
be two, the part with the first news keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from aggregator.instants import from_text
from aggregator.store import Store
from aggregator.stories import Report, Story, Window, read_terms

REACH = timedelta(
    days=14
)  # around a group's publication; news further apart is of no one story unless by links between
SLICE_DAYS = 14  # a backfill is looked at in slices of so many days
AGAIN = timedelta(days=21)  # what a look at all takes in
WINDOW_MOST = 5_000  # groups looked at together


class Chronicle:
    """Works inside the caller's transaction; `now` is the cycle's clock."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now

    def look(self) -> int:
        """Puts the groups that changed into stories; returns how many those were."""
        changed = self._store.find_untold_groups()
        untold = [row for row in changed if not row["is_settled"]]
        for part in _slice(untold):
            first, last = from_text(part[0]["published_at"]), from_text(part[-1]["published_at"])
            self._look_at(first - REACH, last + REACH, {row["group_id"] for row in part})
        self._look_after_settled([row for row in changed if row["is_settled"]])
        if changed:  # groups that were merged changed the one that they went into
            self._store.settle_empty_stories(self._now)
        return len(changed)

    def look_again(self) -> int:
        """Compares all groups of the last weeks anew, forgets what no later look needs; returns how many stories."""
        self.look()
        count = self._look_at(self._now - AGAIN, self._now + REACH, None)
        self._store.settle_empty_stories(self._now)
        self._store.prune_stories(self._now - AGAIN - REACH)
        return count

    def _look_at(self, since: datetime, until: datetime, changed: Collection[int] | None) -> int:
        """Looks at the groups published in that time; compares only what changed, or everything if that is None.

        Returns the number of stories.
        """
        rows = self._store.get_window(since, until, most=WINDOW_MOST)
        fresh = {row["group_id"] for row in rows if row["terms"] is None}
        window = Window(self._read_report(row) for row in rows)
        ids = {row["group_id"] for row in rows}
        if changed is None or len(fresh) > len(ids) / 2:
            likeness = window.compare()
            self._store.replace_likeness(ids, likeness)
        else:
            if fresh:
                self._store.replace_likeness(fresh, window.compare(fresh))
            likeness = self._store.get_likeness(ids)
        alone = [Story(members=(key,), central=key, why=()) for key in sorted(set(changed or ()) - ids)]
        stories = window.tell(likeness) + alone
        self._settle(stories, rows, changed)
        self._store.mark_told(ids | set(changed or ()))
        return len(stories)

    def _look_after_settled(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Stories of groups whose text was let go: who is in them stays, when they were and are told may change."""
        groups = {row["story_id"]: row["group_id"] for row in reversed(rows)}  # the first of each
        for story in self._store.get_stories(groups):
            title = story["title"] or self._store.get_group_title(groups[story["id"]])  # "": its news was taken down
            self._store.describe_story(story["id"], title, json.loads(story["why"]), self._now)
        self._store.mark_told(row["group_id"] for row in rows)

    def _read_report(self, row: dict[str, Any]) -> Report[int]:
        terms = row["terms"]
        if terms is None:
            terms = read_terms(*self._store.get_title_and_text(row["article_id"]))
            self._store.write_terms(row["group_id"], row["article_id"], row["version"], terms)
        return Report(
            id=row["group_id"],
            terms=terms,
            published=from_text(row["published_at"]),
            cities=_read_codes(row["cities"]),
            named=_read_codes(row["named"]),
            source=row["source_id"],
        )

    def _settle(
        self, stories: Sequence[Story[int]], rows: Iterable[Mapping[str, Any]], changed: Collection[int] | None
    ) -> None:
        """Gives each story its number, and writes what has changed of it."""
        numbers = {row["group_id"]: row["story_id"] for row in rows}
        owners: dict[int, int] = {}  # story → its first group in the window
        for row in sorted(rows, key=lambda row: (row["published_at"], row["group_id"])):
            if row["story_id"] is not None:
                owners.setdefault(row["story_id"], row["group_id"])
        firsts = {group: story for story, group in owners.items()}
        known = {story["id"]: story for story in self._store.get_stories(owners)}
        for story in stories:
            members = story.members
            owned = sorted(
                (firsts[key] for key in members if key in firsts), key=lambda s: (known[s]["first_seen_at"], s)
            )
            number = owned[0] if owned else self._store.add_story(self._now)
            for other in owned[1:]:
                self._store.merge_story(other, number, self._now)
            moved = [key for key in members if numbers.get(key) != number]
            if moved or changed is None or set(members) & set(changed):
                self._store.move_groups(members, number)
                title = self._store.get_group_title(story.central)
                self._store.describe_story(number, title, story.why, self._now)


def _slice(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Rows in the order of publication, cut where a slice would be longer than SLICE_DAYS."""
    for _, part in groupby(rows, key=lambda row: from_text(row["published_at"]).toordinal() // SLICE_DAYS):
        yield list(part)


def _read_codes(joined: str | None) -> frozenset[str]:
    return frozenset((joined or "").split(",")) - {""}
