"""Judges anew what was kept, after rules or tables changed: all of it in one transaction.

    articles ────────┐                                     ┌─ stays ─▶ topics, regions, text written anew
    rejected pages ──┴─ extraction ─▶ spam ─▶ topics ─▶ regions ─┤
                                                           ├─ leaves ─▶ rejected pages; its group is withdrawn
                                                           └─ comes in ─▶ articles, in the group it once had

Guids are for life: a group that leaves the feed keeps its own, and has it again when it comes back. What was never
kept (pages in which the scan found no topic) cannot be judged anew. An article whose full text was let go stays as it
was judged while it was there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.article_building import judge
from aggregator.article_json import pack_row
from aggregator.grouping import Grouper
from aggregator.instants import to_text
from aggregator.models import LinkState, RegionMatch, Source, TopicMatch
from aggregator.pages import PageFolder
from aggregator.regions import tag_regions
from aggregator.replay_stages import Stage
from aggregator.store import Store, to_json
from aggregator.takedowns import KeptOut
from aggregator.topic_tables import TopicTable

# Of an article's row: what only being an article gives it.
_OF_ARTICLES = ("id", "group_id", "url_key", "page_file", "revised_at")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference. `before` and `after` are for people."""

    what: str  # added, removed, text, topics, regions
    url: str
    title: str
    before: str = ""
    after: str = ""


Reread = Callable[[Mapping[str, Any], bytes], "dict[str, Any] | None"]  # (row, page) → its columns as read now


class _RollBack(Exception):  # noqa: N818 - no error: a dry run ends
    pass


class Replay:
    """One replay. The tables are fixed; `now` is its clock. `reread` extracts a kept page again."""

    def __init__(
        self,
        store: Store,
        *,
        stages: Collection[Stage],
        topics: TopicTable,
        pages: PageFolder,
        keep_all: bool,
        now: datetime,
        reread: Reread | None = None,
    ) -> None:
        self._store = store
        self._stages = frozenset(stages)
        self._topics = topics
        self._pages = pages
        self._keep_all = keep_all
        self._now = now
        self._reread = reread
        self._grouper = Grouper(store, now)
        self._sources: dict[str, Source | None] = {}
        self._kept_out = KeptOut()
        self.passed_over = 0  # articles whose text is no longer kept

    def run(self, *, since: datetime | None, source_id: str | None, dry_run: bool) -> list[Change]:
        """All changes, applied unless `dry_run`. Raises StoreError; then nothing is changed."""
        changes: list[Change] = []
        try:
            with self._store.transaction():
                self._kept_out = KeptOut(self._store.get_takedowns(), self._store.get_exceptions())
                rejected = list(self._store.iterate_rejected(since, source_id))  # not those that leave only now
                self.passed_over = self._store.count_dropped(since, source_id)
                for row, topics, regions in list(self._store.iterate_articles(since, source_id)):
                    changes += self._replay_article(row, topics, regions)
                for page in rejected:
                    changes += self._replay_rejected(page)
                if dry_run:
                    raise _RollBack
        except _RollBack:
            pass
        return changes

    # ── articles ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _replay_article(
        self, row: dict[str, Any], topics: tuple[str, ...], regions: tuple[str, ...]
    ) -> Iterator[Change]:
        html = self._pages.read(row["page_file"]) or b""
        read = self._read_again(row, html)
        if read and any(read.get(name, row[name]) != row[name] for name in ("title", "text")):
            yield Change(what="text", url=row["url"], title=row["title"], before=row["text"], after=read["text"])
            row |= read
            self._store.revise_article(row["id"], {**read, "revised_at": to_text(self._now)})
            self._grouper.group(row["id"], row)
        elif read and row["page_hash"] is None:
            self._complete(row, read)
        tags = tuple(json.loads(row["tags"]))
        verdict = judge(row, tags, self._topics, html=html)
        if Stage.SPAM in self._stages and verdict.spam.is_spam and not self._keep_all:
            yield self._expel(row, LinkState.SPAM, to_json(verdict.spam.evidence), topics)
            return
        if Stage.TOPICS in self._stages:
            if not verdict.topics and not self._keep_all:
                yield self._expel(row, LinkState.OFF_TOPIC, to_json(verdict.nearly), topics)
                return
            found = tuple(sorted(match.topic for match in verdict.topics))
            if found != topics:
                yield _compare("topics", row, topics, found)
            self._store.write_topics(row["id"], verdict.topics, table_version=self._topics.version)
        if Stage.REGIONS in self._stages:
            matches = self._tag_regions(row, tags)
            found = tuple(sorted(match.code for match in matches if match.role == "event"))
            if found != regions:
                yield _compare("regions", row, regions, found)
            self._store.write_regions(row["id"], matches)

    def _complete(self, row: Mapping[str, Any], read: Mapping[str, Any]) -> None:
        """Adds how its fields were found to an article that a version read which did not keep that; its words stay."""
        names = ["page_hash", *(name for name in ("profile", "title_method") if name in read)]
        if all(read.get(name) == row[name] for name in ("author", "byline")):
            names.append("author_method")
        self._store.revise_article(row["id"], {name: read[name] for name in names})

    def _expel(self, row: dict[str, Any], state: LinkState, scores: str, topics: tuple[str, ...]) -> Change:
        """An article that leaves: what it was is kept beside why it left."""
        self._grouper.leave(row["id"], row["group_id"])
        self._store.delete_article(row["id"])
        self._store.set_link_state(row["url_key"], state, "found so by a replay")
        kept = {name: value for name, value in row.items() if name not in _OF_ARTICLES}
        self._store.write_rejected(
            {
                "key": row["url_key"],
                "source_id": row["source_id"],
                "url": row["url"],
                "title": row["title"],
                "text": row["text"],
                "verdict": state.value,
                "scores": scores,
                "read_at": row["first_seen_at"],
                "page_file": row["page_file"],
                "article": pack_row({**kept, "group_id": row["group_id"]}),
            }
        )
        return Change(what="removed", url=row["url"], title=row["title"], before=", ".join(topics), after=state.value)

    # ── rejected pages ─────────────────────────────────────────────────────────────────────────────────────────────

    def _replay_rejected(self, page: dict[str, Any]) -> Iterator[Change]:
        row = dict(page["article"])
        if not row or not {Stage.SPAM, Stage.TOPICS, Stage.EXTRACTION} & self._stages:
            return
        html = self._pages.read(page["page_file"]) or b""
        old_group = row.pop("group_id", None)
        row |= self._read_again({**row, "page_file": page["page_file"]}, html) or {}
        tags = tuple(json.loads(row["tags"]))
        verdict = judge(row, tags, self._topics, html=html)
        was_spam = page["verdict"] == LinkState.SPAM.value
        is_spam = verdict.spam.is_spam if Stage.SPAM in self._stages else was_spam
        is_on_topic = bool(verdict.topics) if Stage.TOPICS in self._stages or was_spam else False
        if (
            is_spam
            or not is_on_topic
            or self._kept_out.has_key(page["key"])
            or self._kept_out.find_text(page["key"], row, self._store)
        ):
            return
        self._store.delete_rejected(page["key"])
        self._store.set_link_state(page["key"], LinkState.KEPT)
        if self._store.find_article(page["key"]) is not None:
            return  # a later reading of the same address was kept
        article_id = self._store.add_article({**row, "url_key": page["key"], "page_file": page["page_file"]})
        regions = self._tag_regions(row, tags)
        self._store.write_matches(article_id, verdict.topics, regions, table_version=self._topics.version)
        self._grouper.come_back(article_id, row, old_group)
        found = ", ".join(sorted(match.topic for match in verdict.topics))
        yield Change(what="added", url=row["url"], title=row["title"], before=page["verdict"], after=found)

    # ── shared ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _read_again(self, row: Mapping[str, Any], html: bytes) -> dict[str, Any] | None:
        if Stage.EXTRACTION not in self._stages or self._reread is None or not html:
            return None
        return self._reread(row, html)

    def _tag_regions(self, row: Mapping[str, Any], tags: tuple[str, ...]) -> tuple[RegionMatch, ...]:
        source_id = row["source_id"]
        if source_id not in self._sources:
            self._sources[source_id] = self._store.get_source(source_id)
        source = self._sources[source_id]
        home = source.city if source else None
        return tag_regions(row["title"], row["text"], summary=row["summary"], tags=tags, home_city=home)


def compare_topics(
    store: Store, table: TopicTable, *, since: datetime | None = None, source_id: str | None = None
) -> Iterator[tuple[Change, tuple[TopicMatch, ...]]]:
    """What `table` would change over all of which the text is kept, with every match that says why. Reads only."""
    for row, topics, _ in store.iterate_articles(since, source_id):
        verdict = judge(row, tuple(json.loads(row["tags"])), table)
        found = tuple(sorted(match.topic for match in verdict.topics))
        if found != topics:
            yield _compare("topics" if found else "removed", row, topics, found), verdict.nearly
    for page in store.iterate_rejected(since, source_id):
        row = page["article"]
        if page["verdict"] == LinkState.OFF_TOPIC.value and row:
            verdict = judge(row, tuple(json.loads(row["tags"])), table)
            if verdict.topics and not verdict.spam.is_spam:
                found = tuple(sorted(match.topic for match in verdict.topics))
                yield _compare("added", row, (), found), verdict.nearly


def _compare(what: str, row: Mapping[str, Any], before: tuple[str, ...], after: tuple[str, ...]) -> Change:
    return Change(what=what, url=row["url"], title=row["title"], before=", ".join(before), after=", ".join(after))
