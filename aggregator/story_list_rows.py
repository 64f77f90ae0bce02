"""Stories, those that moved last first. A part of `Store`; reads only."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.record_rows import PlaceRecord
from aggregator.rule_rows import LIVE
from aggregator.store_base import StoreBase

StoryPlace = tuple[str, int]  # last_seen_at, number
_END: StoryPlace = ("9999", 2**62)
_LOOKED_MOST = 1_000  # stories whose news was all withdrawn are passed over

_WALK = """
    SELECT last_seen_at, id FROM stories
    WHERE merged_into IS NULL AND (last_seen_at, id) < (:seen, :id) AND last_seen_at >= :since
    ORDER BY last_seen_at DESC, id DESC LIMIT :most
"""
_STORIES = f"""
    SELECT s.id, s.title, s.why, s.first_seen_at, s.last_seen_at, count(DISTINCT g.id) AS news, count(*) AS articles,
        count(DISTINCT a.source_id) AS sources
    FROM json_each(:ids) AS k CROSS JOIN stories AS s ON s.id = k.value AND s.merged_into IS NULL
    CROSS JOIN duplicate_groups AS g ON g.story_id = s.id CROSS JOIN articles AS a ON a.group_id = g.id
    WHERE {LIVE} GROUP BY s.id
"""  # noqa: S608 - our own words
_TOPICS = f"""
    SELECT g.story_id, t.topic FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.story_id = k.value
    CROSS JOIN article_topics AS t ON t.article_id = g.canonical_id
    WHERE {LIVE} GROUP BY g.story_id, t.topic ORDER BY count(*) DESC, t.topic
"""  # noqa: S608 - our own words
_PLACES = f"""
    SELECT g.story_id, r.kind, r.slug, r.code, r.name
    FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.story_id = k.value
    CROSS JOIN article_regions AS ar ON ar.article_id = g.canonical_id AND ar.role = 'event'
    CROSS JOIN regions AS r ON r.code = ar.code
    WHERE {LIVE} GROUP BY g.story_id, r.code ORDER BY r.kind, count(*) DESC, r.code
"""  # noqa: S608 - our own words
_NEWS = f"""
    SELECT g.id FROM duplicate_groups AS g CROSS JOIN articles AS a ON a.id = g.canonical_id
    WHERE g.story_id = :id AND g.guid IS NOT NULL AND {LIVE} ORDER BY a.published_at, g.id LIMIT :most
"""  # noqa: S608 - our own words


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryEntry:
    """A story, by its figures."""

    id: int
    title: str
    why: tuple[str, ...]
    first_seen_at: str  # publication of its first article
    last_seen_at: str
    news: int
    articles: int
    sources: int
    topics: tuple[str, ...]
    places: tuple[PlaceRecord, ...]


class StoryListRows(StoreBase):
    """Stories; belongs into a `snapshot`."""

    def list_stories(
        self, after: StoryPlace | None, *, since: str = "", limit: int
    ) -> tuple[list[StoryEntry], StoryPlace | None]:
        """Those that moved last, of what moved since then; and the place to go on after, None at the end."""
        place = after or _END
        found: list[StoryEntry] = []
        for _ in range(_LOOKED_MOST // limit + 1):
            rows = self._rows(_WALK, seen=place[0], id=place[1], since=since, most=limit + 1)
            ids = [row["id"] for row in rows[:limit]]
            stories = self.get_story_entries(ids)
            found += [stories[each] for each in ids if each in stories]
            if len(rows) <= limit:
                return found, None
            place = rows[limit - 1]["last_seen_at"], rows[limit - 1]["id"]
            if found:
                break
        return found, place

    def get_story_entries(self, ids: Sequence[int]) -> dict[int, StoryEntry]:
        """By number, without those that are not there or lead to another."""
        given = json.dumps(ids)
        topics: defaultdict[int, list[str]] = defaultdict(list)
        for story, topic in self._rows(_TOPICS, ids=given):
            topics[story].append(topic)
        places: defaultdict[int, list[PlaceRecord]] = defaultdict(list)
        for story, kind, slug, code, name in self._rows(_PLACES, ids=given):
            places[story].append(PlaceRecord(kind=kind, slug=slug, code=code, name=name))
        return {
            row["id"]: StoryEntry(
                **{name: row[name] for name in ("id", "title", "first_seen_at", "last_seen_at")},
                **{name: row[name] for name in ("news", "articles", "sources")},
                why=tuple(json.loads(row["why"])),
                topics=tuple(topics[row["id"]]),
                places=tuple(places[row["id"]]),
            )
            for row in self._rows(_STORIES, ids=given)
        }

    def list_story_news(self, story_id: int, *, most: int) -> list[int]:
        """The groups of its news that were published, in the order of publication."""
        return [row["id"] for row in self._rows(_NEWS, id=story_id, most=most)]
