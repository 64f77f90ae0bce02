"""What the pages of cities, provinces and Komwil tell beside coverage and feeds. A part of `Store`; reads only.

Each question goes by an index, and is bounded: the largest city has a tenth of all news.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from aggregator.feed_rows import make_place
from aggregator.instants import to_text
from aggregator.store_base import StoreBase
from aggregator.story_page_rows import Published, read_story_date

RELEASES_MOST = 300  # of a city's government that are looked at, the newest
NEWS_COUNTED = 2_000  # of a place whose writers are counted, the newest

_LAST_DAYS = """
    SELECT k.value AS region, (SELECT max(day_wib) FROM coverage_days AS c WHERE c.region = k.value AND c.topic = '')
        AS day_wib FROM json_each(:regions) AS k
"""
# The governments' sites are few; their articles go by the index of sources and dates.
_RELEASES = """
    SELECT r.id, r.title, r.url, r.language, r.published_at, r.published_offset, r.published_precision
    FROM sources AS s CROSS JOIN articles AS r ON r.source_id = s.id
    CROSS JOIN duplicate_groups AS g ON g.id = r.group_id
    WHERE s.kind = 'city-government' AND s.city = :city AND r.published_at >= :since
        AND g.merged_into IS NULL AND g.withdrawn_at IS NULL
    ORDER BY r.published_at DESC, r.id DESC LIMIT :most
"""
_PICKUPS = """
    SELECT p.release_id, p.outlet_id, p.outlet, p.url, p.minutes_later,
        o.published_precision NOT IN ('day', 'none') AND r.published_precision NOT IN ('day', 'none') AS is_sure
    FROM pickups AS p JOIN articles AS o ON o.id = p.article_id JOIN articles AS r ON r.id = p.release_id
    WHERE p.release_id IN ({ids}) ORDER BY p.release_id, o.published_at, o.id
"""
_WRITERS = """
    SELECT s.id, s.name, s.kind = 'city-government' AS is_government, count(*) AS articles,
        sum(a.id = i.article_id) AS firsts
    FROM (
        SELECT group_id, article_id FROM feed_items
        WHERE feed_id = :feed AND archived = 0 AND place >= :since ORDER BY place DESC LIMIT :news
    ) AS i CROSS JOIN articles AS a ON a.group_id = i.group_id CROSS JOIN sources AS s ON s.id = a.source_id
    GROUP BY s.id ORDER BY articles DESC, firsts DESC, s.name LIMIT :most
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pickup:
    """An outlet that carries a release."""

    outlet: str
    url: str
    minutes_later: int  # below 0: it had it before the government's own site
    is_sure: bool  # False: one of the two gives no hour


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """What a city's government published."""

    title: str
    url: str
    language: str
    published: Published
    pickups: tuple[Pickup, ...]  # the first of each outlet, in the order of publication


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """A source that writes about a place."""

    source_id: str
    name: str
    is_government: bool
    articles: int
    firsts: int  # of them that were not taken from others, as far as is known


class PlaceRows(StoreBase):
    """Places."""

    def get_last_days(self, regions: Collection[str]) -> Mapping[str, date]:
        """region, as in coverage → the day (WIB) of its last news; without those that never had any."""
        rows = self._rows(_LAST_DAYS, regions=json.dumps([*regions]))
        return {row["region"]: date.fromisoformat(row["day_wib"]) for row in rows if row["day_wib"]}

    def get_releases(self, city: str, since: datetime) -> list[Release]:
        """What the government of the city (by slug) published since then, newest first, and who carried it."""
        rows = self._rows(_RELEASES, city=city, since=to_text(since), most=RELEASES_MOST)
        pickups = self._get_pickups([row["id"] for row in rows])
        return [
            Release(
                title=row["title"],
                url=row["url"],
                language=row["language"] or "id",
                published=read_story_date(row),
                pickups=tuple(pickups.get(row["id"], {}).values()),
            )
            for row in rows
        ]

    def get_writers(self, feed_id: int, since: datetime, *, most: int) -> list[Writer]:
        """Who carries most of the news that came into a feed since then; copies count."""
        rows = self._rows(_WRITERS, feed=feed_id, since=make_place(since), news=NEWS_COUNTED, most=most)
        return [
            Writer(
                source_id=row["id"],
                name=row["name"],
                is_government=bool(row["is_government"]),
                articles=row["articles"],
                firsts=row["firsts"],
            )
            for row in rows
        ]

    def _get_pickups(self, release_ids: Collection[int]) -> dict[int, dict[str, Pickup]]:
        """release → outlet → the first time that it carried it."""
        written = ", ".join(str(int(each)) for each in release_ids)  # SQLite looks into a view for what is written out
        found: defaultdict[int, dict[str, Pickup]] = defaultdict(dict)
        for row in self._rows(_PICKUPS.format(ids=written)):
            pickup = Pickup(
                outlet=row["outlet"],
                url=row["url"],
                minutes_later=row["minutes_later"],
                is_sure=bool(row["is_sure"]),
            )
            found[row["release_id"]].setdefault(row["outlet_id"], pickup)
        return found
