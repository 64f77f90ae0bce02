"""Keeps duplicate groups true while articles come, change and go. `dedup` decides, the store remembers.

article ─▶ fingerprint ─▶ the very same text? ─▶ candidates ─▶ edges ─┬─ none: a group of its own
                                                                      ├─ one group, its canonical unmoved: joins it
                                                                      └─ else: all it touches is grouped anew
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aggregator import dedup
from aggregator.instants import from_text
from aggregator.models import DatePrecision
from aggregator.store import Store

logger = logging.getLogger(__name__)

FINGERPRINTS_KEPT = 1_000
VERIFIED_DAYS = 7  # how far back late evidence changes decisions


class Grouper:
    """Works inside the caller's transaction; `now` is the cycle's clock."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now
        self._boilerplate: dict[str, frozenset[int]] = {}
        self._fingerprints: dict[int | str, dedup.Fingerprint] = {}  # of candidates, which come up again and again

    def forget_boilerplate(self) -> None:
        """Has what is a source's own looked up anew."""
        self._boilerplate.clear()

    def group(self, article_id: int, row: Mapping[str, Any]) -> None:
        """Finds the article's duplicates and puts it, and all it connects, into groups."""
        self._fingerprints.pop(article_id, None)  # a revised text has another one
        row = {**row, "id": article_id, "length": len(row["text"])}
        if "seen_at" not in row:
            row |= self._store.get_sighting(article_id)
        member = _make_member(row)
        found = self._fingerprint(row)
        candidates = self._store.find_exact(found.text_hash, but=article_id)
        self._recall_texts(candidates, found)
        edges = self._decide(member, found, candidates)
        # Enough of the very same text stand for it among the candidates: a mass of copies must not cost its square.
        is_told = sum(edge.verdict.is_duplicate for edge in edges) >= dedup.MIN_SHARED
        self._store.write_sketch(article_id, found.text_hash, () if is_told else found.sketch)
        if not is_told:
            known = {candidate["id"] for candidate in candidates}
            alike = self._store.find_candidates(found.sketch, but=article_id)
            fresh = [candidate for candidate in alike if candidate["id"] not in known]
            candidates += fresh
            edges += self._decide(member, found, fresh)
        if row["group_id"] is None:
            self._store.add_edges(edges, self._now)
        else:
            self._store.replace_edges(article_id, edges, self._now)
        copies = {int(edge.b) for edge in edges if edge.verdict.is_duplicate}
        groups = {candidate["group_id"] for candidate in candidates if candidate["id"] in copies}
        if row["group_id"] is None and not copies:
            group_id = self._store.add_group(article_id, self._now)
            self._store.join_group(article_id, group_id, self._now)
        elif row["group_id"] is not None or len(groups) != 1 or not self._joins(member, copies, *groups):
            self._regroup(row, groups | {row["group_id"]} - {None})

    def leave(self, article_id: int, group_id: int | None) -> None:
        """Takes an article out of its group, before it is deleted; the last one withdraws the group."""
        self._fingerprints.pop(article_id, None)
        self._store.leave_group(article_id)
        rest = self._store.get_group_members({group_id} - {None}) if group_id is not None else []
        if rest and group_id is not None:
            self._store.replace_edges(article_id, [], self._now)
            canonical = dedup.choose_canonical([_make_member(row) for row in rest])
            self._store.set_group(group_id, int(canonical), [], self._now)  # so that it is claimed by who stays
            self._regroup(rest[0], {group_id})
        elif group_id is not None:
            self._store.withdraw_group(group_id, self._now)

    def come_back(self, article_id: int, row: Mapping[str, Any], old_group: int | None) -> None:
        """Groups an article that had left: its old group, where nobody else is in it, is its own again."""
        group_id = (
            old_group if old_group is not None and self._store.restore_group(old_group, article_id, self._now) else None
        )
        self.group(article_id, {**row, "id": article_id, "group_id": group_id})

    def verify(self) -> int:
        """Decides anew on the articles of the last days whose text has another fingerprint now, and records what moved.

        What a source repeats is learnt with time, so an early decision may rest on its boilerplate. Returns how many
        articles are in another group than before.
        """
        self.forget_boilerplate()
        moved = 0
        for row in self._store.find_recent_articles(self._now - timedelta(days=VERIFIED_DAYS)):
            found = self._fingerprint(row)
            if self._store.has_sketch(row["id"], found.text_hash, found.sketch):
                continue
            (row,) = self._store.get_articles([row["id"]])  # an earlier step may have moved it  # noqa: PLW2901
            touched = {row["group_id"], *(near["group_id"] for near in self._find_neighbours(row["id"]))}
            before = {member["id"]: member["group_id"] for member in self._store.get_group_members(touched)}
            self.group(row["id"], row)
            for member in self._store.get_articles(before):
                if member["group_id"] != before[member["id"]]:
                    why = f"what {row['source_id']} repeats was learnt"
                    self._store.add_regrouping(member["id"], before[member["id"]], member["group_id"], why, self._now)
                    moved += 1
        return moved

    def renew_sketches(self, since: datetime, *, after: int) -> int | None:
        """Makes sketches by the rules as they are now, of some articles first seen since then; those whose very own
        text others stand for stay without. Begins after that id, and returns the last one; None: there are no more."""
        last = None
        for row in self._store.find_sketched_articles(since, after=after):
            found = self._fingerprint(row)
            self._store.write_sketch(row["id"], found.text_hash, found.sketch)
            last = int(row["id"])
        return last

    def _recall_texts(self, same: Iterable[Mapping[str, Any]], found: dedup.Fingerprint) -> None:
        """Those of articles with the very same text whose own was let go are known again: it is this one."""
        for row in same:
            if row["is_dropped"]:
                self._fingerprints[row["id"]] = replace(found, title=row["title"])

    def _find_neighbours(self, article_id: int) -> list[dict[str, Any]]:
        """The articles that were decided on together with this one."""
        return self._store.get_articles(self._store.get_compared(article_id))

    def _decide(
        self, member: dedup.Member, found: dedup.Fingerprint, candidates: Iterable[Mapping[str, Any]]
    ) -> tuple[dedup.Edge, ...]:
        return dedup.decide(member, found, ((_make_member(row), self._fingerprint(row)) for row in candidates))

    def _joins(self, member: dedup.Member, copies: set[int], group_id: int) -> bool:
        """Puts a new article into a group where that changes nothing else: it is as loyal as the others are."""
        canonical = self._store.get_canonical(group_id)
        if canonical is None:
            return False
        if canonical["id"] not in copies:
            edge = self._hold(member, _make_member(canonical))
            self._store.add_edges([edge], self._now)
            edges = [*self._store.get_edges(copies | {canonical["id"]}), edge]
            if not edge.verdict.is_duplicate and not dedup.may_join(copies, canonical["id"], edges):
                return False
        if dedup.choose_canonical([_make_member(canonical), member]) == member.id:
            return False
        self._store.join_group(int(member.id), group_id, self._now)
        if self._store.count_members(group_id) == dedup.GROUP_ALARM:
            logger.warning("group %s has %s members: %s", group_id, dedup.GROUP_ALARM, canonical["url"])
        return True

    def _regroup(self, row: Mapping[str, Any], group_ids: Iterable[int]) -> None:
        group_ids = set(group_ids)
        rows = {found["id"]: found for found in self._store.get_group_members(group_ids)} | {row["id"]: row}
        members = {key: _make_member(found) for key, found in rows.items()}
        parts, found = dedup.build_groups(rows, self._store.get_edges(rows), members, self._hold)
        self._store.add_edges((edge for edge in found if edge.verdict.is_worth_keeping), self._now)
        live = self._store.get_groups(group_ids)
        dormant = self._store.get_absorbed_groups(group_ids)
        for part in parts:
            canonical = dedup.choose_canonical([members[key] for key in part])
            mine = [group for group in live if _find_home(group, rows) in part]
            live = [group for group in live if group not in mine]
            if not mine:  # a group that was absorbed, and whose article goes its own way again, takes its guid along
                mine = [group for group in dormant if _find_home(group, rows) in part][:1]
            group_id = mine[0]["id"] if mine else self._store.add_group(int(canonical), self._now)
            self._store.set_group(group_id, int(canonical), [int(key) for key in part], self._now)
            for absorbed in mine[1:]:
                self._store.merge_group(absorbed["id"], group_id, self._now)
            if row["id"] in part:
                own = group_id
        for emptied in live:  # none of its articles is here: they went elsewhere before
            if not self._store.count_members(emptied["id"]):
                self._store.merge_group(emptied["id"], own, self._now)

    def _hold(self, a: dedup.Member, b: dedup.Member) -> dedup.Edge:
        prints = []
        for member in (a, b):
            if member.id not in self._fingerprints:
                (row,) = self._store.get_articles([int(member.id)])
                if row["is_dropped"]:
                    return self._recall(a, b)
                self._fingerprint(row)
            prints.append(self._fingerprints[member.id])
        return dedup.hold_against(a, prints[0], b, prints[1])

    def _recall(self, a: dedup.Member, b: dedup.Member) -> dedup.Edge:
        """What was decided while both had their texts; two that never were compared are taken for different."""
        known = self._store.recall_decision(int(a.id), int(b.id))
        unlike = dedup.Verdict(is_duplicate=False, rule="text-dropped", containment=0.0)
        return known or dedup.Edge(a=a.id, b=b.id, verdict=unlike)

    def _fingerprint(self, row: Mapping[str, Any]) -> dedup.Fingerprint:
        """Of an article's row, remembered."""
        if row["id"] not in self._fingerprints:
            if len(self._fingerprints) >= FINGERPRINTS_KEPT:
                del self._fingerprints[next(iter(self._fingerprints))]  # the one that has been there longest
            source_id = row["source_id"]
            if source_id not in self._boilerplate:
                self._boilerplate[source_id] = self._store.get_boilerplate(source_id)
            self._fingerprints[row["id"]] = dedup.fingerprint(
                row["title"], row["text"], boilerplate=self._boilerplate[source_id]
            )
        return self._fingerprints[row["id"]]


def _find_home(group: Mapping[str, Any], rows: Mapping[int, Any]) -> int:
    """The article that a group goes with when it splits: the one it was first published with, while that is there."""
    first = group["first_canonical_id"]
    return int(first if first in rows else group["canonical_id"])


def _make_member(row: Mapping[str, Any]) -> dedup.Member:
    """A day without an hour counts as its end: who gives the hour was there before.

    What was not there yet when its source was read counts from then, whatever date it claims: else who copies news of
    others under an earlier date would stand for them.
    """
    published = from_text(row["published_at"]) if row["published_precision"] != "none" else None
    if published is not None and row["published_precision"] == DatePrecision.DAY.value:
        published += timedelta(days=1, seconds=-1)
    if published is not None and row["unseen_at"]:
        published = max(published, from_text(row["unseen_at"]))
    return dedup.Member(
        id=row["id"],
        source_id=row["source_id"],
        published=published,
        url=row["url"],
        length=row["length"],
        seen=from_text(row["seen_at"]),
        has_appeared=bool(row["unseen_at"]),
    )
