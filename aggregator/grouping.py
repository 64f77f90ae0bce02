"""Keeps duplicate groups true while articles come, change and go. `dedup` decides, the store remembers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aggregator import dedup
from aggregator.instants import from_text
from aggregator.store import Store

FINGERPRINTS_KEPT = 5_000


class Grouper:
    """Works inside the caller's transaction; `now` is the cycle's clock."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now
        self._boilerplate: dict[str, frozenset[int]] = {}
        self._fingerprints: dict[int, dedup.Fingerprint] = {}  # of candidates, which come up again and again

    def forget_boilerplate(self) -> None:
        """Has what is a source's own looked up anew."""
        self._boilerplate.clear()

    def group(self, article_id: int, row: Mapping[str, Any]) -> None:
        """Finds the article's duplicates and puts it, and all it connects, into groups."""
        self._fingerprints.pop(article_id, None)  # a revised text has another one
        member = self._make_member(row)
        self._store.write_sketch(article_id, member.fingerprint.sketch)
        rows = self._store.find_candidates(
            member.fingerprint.sketch, least=dedup.MIN_SHARED, now=self._now, but=article_id
        )
        edges = dedup.decide(member, [self._make_member(candidate) for candidate in rows])
        self._store.replace_edges(
            article_id,
            [
                {"a": edge.a, "b": edge.b, "rule": edge.rule, "score": edge.score, "alignment": edge.alignment}
                for edge in edges
            ],
            self._now,
        )
        groups = {candidate["group_id"] for candidate in rows if candidate["id"] in {edge.b for edge in edges}}
        groups |= {row["group_id"]} - {None}
        self._regroup(member, row, groups)

    def leave(self, article_id: int, group_id: int | None) -> None:
        """Takes an article out of its group, before it is deleted; the last one withdraws the group."""
        self._fingerprints.pop(article_id, None)
        self._store.leave_group(article_id)
        rest = self._store.get_group_members({group_id} - {None}) if group_id is not None else []
        if rest and group_id is not None:
            self._store.replace_edges(article_id, [], self._now)
            canonical = dedup.choose_canonical([self._make_member(row) for row in rest])
            self._store.set_group(group_id, int(canonical), [], self._now)  # so that it is claimed by who stays
            self._regroup(self._make_member(rest[0]), rest[0], {group_id})
        elif group_id is not None:
            self._store.withdraw_group(group_id, self._now)

    def come_back(self, article_id: int, row: Mapping[str, Any], old_group: int | None) -> None:
        """Groups an article that had left: its old group, where nobody else is in it, is its own again."""
        group_id = (
            old_group if old_group is not None and self._store.restore_group(old_group, article_id, self._now) else None
        )
        self.group(article_id, {**row, "id": article_id, "group_id": group_id})

    def _regroup(self, member: dedup.Member, row: Mapping[str, Any], group_ids: Iterable[int]) -> None:
        group_ids = set(group_ids)
        rows = {found["id"]: found for found in self._store.get_group_members(group_ids)} | {row["id"]: row}
        members = {key: self._make_member(found) for key, found in rows.items()} | {row["id"]: member}
        edges = [dedup.Edge(**edge) for edge in self._store.get_edges(rows)]
        unclaimed = self._store.get_groups(group_ids)
        for part in dedup.build_groups(rows, edges, members):
            canonical = dedup.choose_canonical([members[key] for key in part])
            mine = [group for group in unclaimed if group["canonical_id"] in part]
            unclaimed = [group for group in unclaimed if group not in mine]
            group_id = mine[0]["id"] if mine else self._store.add_group(int(canonical), self._now)
            self._store.set_group(group_id, int(canonical), [int(key) for key in part], self._now)
            for absorbed in mine[1:]:
                self._store.merge_group(absorbed["id"], group_id, self._now)

    def _make_member(self, row: Mapping[str, Any]) -> dedup.Member:
        if row["id"] not in self._fingerprints:
            if len(self._fingerprints) >= FINGERPRINTS_KEPT:
                self._fingerprints.clear()
            self._fingerprints[row["id"]] = self._fingerprint(row)
        believed = row["published_precision"] != "none"
        return dedup.Member(
            id=row["id"],
            source_id=row["source_id"],
            fingerprint=self._fingerprints[row["id"]],
            published=from_text(row["published_at"]) if believed else None,
            url=row["url"],
            length=len(row["text"]),
        )

    def _fingerprint(self, row: Mapping[str, Any]) -> dedup.Fingerprint:
        source_id = row["source_id"]
        if source_id not in self._boilerplate:
            self._boilerplate[source_id] = self._store.get_boilerplate(source_id)
        return dedup.fingerprint(row["title"], row["text"], boilerplate=self._boilerplate[source_id])
