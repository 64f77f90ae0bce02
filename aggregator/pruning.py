"""Lets go what is older than the operator wants it kept, policy by policy.

    POLICIES, in their order ─▶ not set: kept for ever
                             ─▶ rows: a few at a time      texts: first the page's bytes, then the text, a few at a time
                             ─▶ files: a day at a time

A process that dies in between leaves nothing half done: the next run goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import NamedTuple

from aggregator.pages import DayFolder, PageFolder
from aggregator.policy_rows import POLICIES, Policy, Way
from aggregator.retention import FOR_EVER
from aggregator.retention_rows import TEXTS_AT_ONCE, Due, TextDue
from aggregator.settings import AggregatorSettings
from aggregator.store import Store

PAGES_SWEPT = 20_000  # articles whose pages are looked for in one go through the folders


class Pruned(NamedTuple):
    """What goes, or went, by a policy."""

    policy: Policy
    days: int  # 0: for ever
    due: Due


class Pruner:
    """One run; `now` is its clock."""

    def __init__(self, store: Store, pages: PageFolder, settings: AggregatorSettings, now: datetime) -> None:
        self._store = store
        self._pages = pages
        self._settings = settings
        self._now = now

    def measure(self) -> Iterator[Pruned]:
        """What would go by each policy; reads only. Raises StoreError."""
        for policy in POLICIES:
            days = self._find_days(policy)
            before = self._now - timedelta(days=days)
            if days == FOR_EVER:
                yield Pruned(policy, days, Due())
            elif policy.way is Way.FILES:
                found = self._pages.measure(before)
                yield Pruned(policy, days, _add_up(found))
            else:
                yield Pruned(policy, days, self._store.measure(policy, before))

    def run(self) -> Iterator[Pruned]:
        """Lets it go; tells of each policy when that is done. Raises StoreError."""
        for policy in POLICIES:
            days = self._find_days(policy)
            before = self._now - timedelta(days=days)
            if days == FOR_EVER:
                yield Pruned(policy, days, Due())
            elif policy.way is Way.FILES:
                yield Pruned(policy, days, _add_up(self._pages.prune(before)))
            elif policy.way is Way.TEXTS:
                yield Pruned(policy, days, self._drop_texts(before))
            else:
                yield Pruned(policy, days, self._prune_rows(policy, before))

    def _find_days(self, policy: Policy) -> int:
        retention = self._settings.retention
        days = int(getattr(retention, policy.setting))
        if policy.way is Way.FILES and retention.text_days != FOR_EVER:  # the text is in them
            return min(days or retention.text_days, retention.text_days)
        if policy.setting == "text_days" and days != FOR_EVER:
            return max(days, self._settings.candidate_days)
        return days

    def _prune_rows(self, policy: Policy, before: datetime) -> Due:
        free = self._store.count_free_bytes()
        rows = sum(self._store.prune_rows(policy, before))
        return Due(rows=rows, bytes=max(0, self._store.count_free_bytes() - free))

    def _drop_texts(self, before: datetime) -> Due:
        rows = dropped = 0
        last: TextDue | None = None
        with self._store.scrubbing():
            while some := self._store.list_texts_due(before, after=last, most=PAGES_SWEPT):
                last = some[-1]
                self._pages.remove({key for each in some for key in _list_keys(each)})
                ids = [each.id for each in some]
                for start in range(0, len(ids), TEXTS_AT_ONCE):
                    dropped += self._drop_some(ids[start : start + TEXTS_AT_ONCE])
                rows += len(some)
        return Due(rows=rows, bytes=dropped)

    def _drop_some(self, article_ids: list[int]) -> int:
        with self._store.transaction():
            for article_id in article_ids:
                self._store.erase_sketch(article_id)  # nothing new is held against an opening
            return self._store.drop_texts(article_ids, self._now)


def _list_keys(article: TextDue) -> Iterator[str]:
    """The keys of the addresses that it was read at."""
    yield article.key
    if article.page_file:
        yield PurePosixPath(article.page_file).name.partition(".")[0]


def _add_up(folders: Iterable[DayFolder]) -> Due:
    found = list(folders)
    return Due(
        rows=sum(each.files for each in found),
        oldest=found[0].day if found else "",
        bytes=sum(each.bytes for each in found),
    )
