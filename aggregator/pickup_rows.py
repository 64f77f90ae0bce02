"""Releases of city governments, and who carries them. A part of `Store`; reads only."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.detail_rows import CopyRecord
from aggregator.feeds import FeedKind, make_name
from aggregator.models import SourceKind
from aggregator.record_rows import SourceName
from aggregator.rule_rows import LIVE
from aggregator.store_base import StoreBase

GOVERNMENTS = make_name(FeedKind.KIND, SourceKind.CITY_GOVERNMENT)  # the feed of what they carry
COPIES_MOST = 200  # of a release that are told

_MEMBERS = """
    WITH placed AS (
        SELECT a.id, row_number() OVER (
            PARTITION BY a.group_id ORDER BY s.kind <> :government, a.published_at, a.id) AS place
        FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.group_id = k.value
        CROSS JOIN sources AS s ON s.id = a.source_id
    )
    SELECT a.group_id, a.id, a.title, a.url, a.source_id, s.name AS source_name, s.kind AS source_kind, s.city,
        a.published_at, a.published_offset, a.published_precision, a.first_seen_at, a.gone_at
    FROM placed AS p CROSS JOIN articles AS a ON a.id = p.id CROSS JOIN sources AS s ON s.id = a.source_id
    WHERE p.place <= :most ORDER BY a.group_id, p.place
"""
_GUIDS = f"""
    SELECT g.id, g.guid, (SELECT count(*) FROM articles AS a WHERE a.group_id = g.id) AS articles
    FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
    WHERE g.guid IS NOT NULL AND {LIVE}
"""  # noqa: S608 - our own words


@dataclass(frozen=True, kw_only=True, slots=True)
class PickupRecord:
    """A text that a city government published, and the others that carry it."""

    group_id: int
    guid: str
    city: str  # slug; ""
    release: CopyRecord  # the government's own; the first, where several published it
    outlets: tuple[CopyRecord, ...]  # the first COPIES_MOST of other sources, by publication
    articles: int  # in all, the release included


class PickupRows(StoreBase):
    """Pick-ups; belongs into a `snapshot`."""

    def list_government_feeds(self, city: str) -> list[str]:
        """The feeds of a city's own sources."""
        sql = "SELECT id FROM sources WHERE kind = :kind AND city = :city ORDER BY id"
        rows = self._rows(sql, kind=SourceKind.CITY_GOVERNMENT.value, city=city)
        return [make_name(FeedKind.SOURCE, row["id"]) for row in rows]

    def get_pickups(self, group_ids: Sequence[int]) -> dict[int, PickupRecord]:
        """By group, of those that a city government carries."""
        ids = json.dumps(group_ids)
        members: defaultdict[int, list[tuple[str, CopyRecord]]] = defaultdict(list)
        government = SourceKind.CITY_GOVERNMENT.value
        for row in self._rows(_MEMBERS, ids=ids, government=government, most=COPIES_MOST):
            copy = CopyRecord(
                **{name: row[name] for name in ("id", "title", "url", "published_at", "published_offset", "gone_at")},
                source=SourceName(id=row["source_id"], name=row["source_name"], kind=row["source_kind"]),
                published_precision=row["published_precision"],
                first_seen_at=row["first_seen_at"],
                origin=None,
            )
            members[row["group_id"]].append((row["city"] or "", copy))
        return {
            row["id"]: PickupRecord(
                group_id=row["id"],
                guid=row["guid"],
                city=members[row["id"]][0][0],
                release=(release := members[row["id"]][0][1]),
                outlets=tuple(copy for _, copy in members[row["id"]][1:] if copy.source.id != release.source.id),
                articles=row["articles"],
            )
            for row in self._rows(_GUIDS, ids=ids)
            if row["id"] in members and members[row["id"]][0][1].source.kind == government
        }
