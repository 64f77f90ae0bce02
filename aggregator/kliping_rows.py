"""What a kliping asks beyond items: who carries which news. A part of `Store`; reads only."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aggregator.store_base import StoreBase

_CARRIERS = """
    SELECT g.id AS group_id, g.story_id, a.source_id, count(*) AS articles
    FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
    CROSS JOIN articles AS a ON a.group_id = g.id GROUP BY g.id, a.source_id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Carrier:
    """A source that carries a piece of news."""

    group_id: int
    story_id: int | None
    source_id: str
    articles: int  # more than one where it has it at several addresses


class KlipingRows(StoreBase):
    """Kliping."""

    def list_carriers(self, group_ids: Sequence[int]) -> list[Carrier]:
        """Who carries these groups."""
        return [Carrier(**dict(row)) for row in self._rows(_CARRIERS, ids=json.dumps(group_ids))]

    def get_source_kinds(self, source_ids: Collection[str]) -> dict[str, str]:
        """source → kind."""
        sql = "SELECT id, kind FROM sources WHERE id IN (SELECT value FROM json_each(:ids))"
        return {row["id"]: row["kind"] for row in self._rows(sql, ids=json.dumps([*source_ids]))}
