"""What feeds and pages show of groups and stories. A part of `Store`; reads only.

Items are read many at a time, with a handful of questions for all of them: a question for each costs a third of the
time that a feed takes to render.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from aggregator.cleaning import cut_quote
from aggregator.evidence_json import unpack_evidence
from aggregator.excerpt import EXCERPT_READ
from aggregator.instants import from_text
from aggregator.models import FeedItem, Reason
from aggregator.rule_rows import WHOLE_TEXT_MAY_BE_PASSED_ON
from aggregator.store_base import StoreBase, read_precision

REASONS = 3  # pieces of evidence that a page shows for a topic
COPIES_MOST = 1_000  # of a piece of news that an item is told of; feeds name a few of them

_COLUMNS = f"""
    g.id AS group_id, g.guid, g.story_id, g.first_published_at, g.updated_at, a.id AS article_id, a.title, a.url,
    a.published_at, a.published_offset, a.published_precision, a.author, a.tags, a.language, a.snippet_limit,
    substr(coalesce(nullif(a.text, ''), a.summary), 1, {EXCERPT_READ}) AS excerpt,
    CASE WHEN {WHOLE_TEXT_MAY_BE_PASSED_ON} THEN a.text ELSE '' END AS full_text,
    a.source_id, s.name AS source_name,
    (SELECT c.url FROM channels AS c WHERE c.source_id = s.id AND c.kind = 'feed' ORDER BY c.id LIMIT 1) AS source_feed
"""  # noqa: S608 - our own words
_GROUPS = f"""
    SELECT {_COLUMNS} FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
    CROSS JOIN articles AS a ON a.id = g.canonical_id CROSS JOIN sources AS s ON s.id = a.source_id
"""  # noqa: S608 - our own words
_TOPICS = """
    SELECT t.article_id, t.topic, t.evidence FROM json_each(:ids) AS k
    CROSS JOIN article_topics AS t ON t.article_id = k.value ORDER BY t.score DESC, t.topic
"""
_NO_EVIDENCE = "[]"
_TOPICS_ALONE = _TOPICS.replace("t.evidence", "'[]' AS evidence")
_REGIONS = """
    SELECT ar.article_id, r.name FROM json_each(:ids) AS k
    CROSS JOIN article_regions AS ar ON ar.article_id = k.value AND ar.role = 'event'
    CROSS JOIN regions AS r ON r.code = ar.code ORDER BY r.kind, ar.score DESC, r.code
"""
_COPIES = """
    WITH placed AS (
        SELECT a.id, a.group_id, row_number() OVER (PARTITION BY a.group_id ORDER BY a.published_at, a.url) AS place
        FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.group_id = k.value
        CROSS JOIN duplicate_groups AS g ON g.id = k.value WHERE a.id <> g.canonical_id
    )
    SELECT p.group_id, s.name, a.url FROM placed AS p CROSS JOIN articles AS a ON a.id = p.id
    CROSS JOIN sources AS s ON s.id = a.source_id WHERE p.place <= :most ORDER BY p.group_id, p.place
"""
_STORY_NEWS = """
    SELECT k.value AS story_id, count(*) AS news FROM json_each(:ids) AS k
    CROSS JOIN duplicate_groups AS g ON g.story_id = k.value
    WHERE g.merged_into IS NULL AND g.withdrawn_at IS NULL GROUP BY k.value
"""
_OTHER_NEWS = """
    WITH placed AS (
        SELECT a.id, g.story_id, g.updated_at,
            row_number() OVER (PARTITION BY g.story_id ORDER BY a.published_at, a.url) AS place
        FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.story_id = k.value
        CROSS JOIN articles AS a ON a.group_id = g.id
        WHERE g.guid IS NOT NULL AND g.merged_into IS NULL AND g.withdrawn_at IS NULL
            AND g.id NOT IN (SELECT value FROM json_each(:groups))
    )
    SELECT p.story_id, p.updated_at, s.name, a.url FROM placed AS p CROSS JOIN articles AS a ON a.id = p.id
    CROSS JOIN sources AS s ON s.id = a.source_id WHERE p.place <= :most ORDER BY p.story_id, p.place
"""
_NEWEST = """
    SELECT id FROM duplicate_groups
    WHERE merged_into IS NULL AND withdrawn_at IS NULL AND NOT archived AND first_published_at < :position
    ORDER BY first_published_at DESC LIMIT :limit
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Company:
    """What stands around the rows of some items."""

    topics: Mapping[int, Sequence[tuple[str, str]]]  # article → (topic, evidence)
    regions: Mapping[int, Sequence[str]]  # article → names
    copies: Mapping[int, Sequence[tuple[str, str]]]  # group → (source's name, address)
    story_news: Mapping[int, int]  # story → pieces of news


class ItemRows(StoreBase):
    """Items of feeds."""

    def get_items(self, group_ids: Sequence[int], *, with_reasons: bool = False) -> dict[int, FeedItem]:
        """The items of these groups, by group; without those that are not there. `with_reasons`: why they are here."""
        rows = self._rows(_GROUPS, ids=json.dumps(group_ids))
        articles = json.dumps([row["article_id"] for row in rows])
        company = _Company(
            topics=_collect_pairs(self._rows(_TOPICS if with_reasons else _TOPICS_ALONE, ids=articles)),
            regions=self._get_region_names(articles),
            copies=_collect_pairs(self._rows(_COPIES, ids=json.dumps(group_ids), most=COPIES_MOST)),
            story_news=self._count_story_news({row["story_id"] for row in rows} - {None}),
        )
        return {row["group_id"]: _make_item(row, company) for row in rows}

    def get_reasons(self, article_ids: Sequence[int]) -> dict[int, tuple[Reason, ...]]:
        """Why these articles are here, by article."""
        topics = _collect_pairs(self._rows(_TOPICS, ids=json.dumps(article_ids)))
        return {
            article_id: tuple(_make_reason(topic, evidence) for topic, evidence in found if evidence != _NO_EVIDENCE)
            for article_id, found in topics.items()
        }

    def get_story_items(self, group_ids: Sequence[int]) -> dict[int, FeedItem]:
        """The same, each standing for its story: with the story's guid, all that carry it, and its last change."""
        items = self.get_items(group_ids)
        stories = {item.story_id: group_id for group_id, item in items.items() if item.story_id is not None}
        others: defaultdict[int, list[sqlite3.Row]] = defaultdict(list)
        for row in self._rows(_OTHER_NEWS, ids=json.dumps([*stories]), groups=json.dumps(group_ids), most=COPIES_MOST):
            others[stories[row["story_id"]]].append(row)
        return {
            group_id: replace(
                item,
                guid=item.guid if item.story_id is None else f"tag:kabarkota,2026:story/{item.story_id}",
                also_at=item.also_at + tuple((row["name"], row["url"]) for row in others[group_id]),
                updated=max(item.updated, *(from_text(row["updated_at"]) for row in others[group_id]), item.updated),
            )
            for group_id, item in items.items()
        }

    def get_feed_items(self, *, limit: int = 50, before: str | None = None) -> list[FeedItem]:
        """Items of the main feed, newest first by first publication; those after the item with the guid `before`."""
        position = "9999"
        if before is not None:
            found = self._value("SELECT first_published_at FROM duplicate_groups WHERE guid = :guid", guid=before)
            if found is None:
                return []
            position = found
        ids = [row["id"] for row in self._rows(_NEWEST, position=position, limit=limit)]
        items = self.get_items(ids, with_reasons=True)
        return [items[group_id] for group_id in ids if group_id in items]

    def _get_region_names(self, article_ids: str) -> dict[int, list[str]]:
        found: defaultdict[int, list[str]] = defaultdict(list)
        for article_id, name in self._rows(_REGIONS, ids=article_ids):
            found[article_id].append(name)
        return found

    def _count_story_news(self, story_ids: Collection[int]) -> dict[int, int]:
        rows = self._rows(_STORY_NEWS, ids=json.dumps([*story_ids]))
        return {row["story_id"]: row["news"] for row in rows}


def _collect_pairs(rows: Sequence[sqlite3.Row]) -> dict[int, list[tuple[str, str]]]:
    """First column → the two others, in order."""
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for key, one, other in rows:
        found[key].append((one, other))
    return found


def _make_item(row: sqlite3.Row, company: _Company) -> FeedItem:
    topics = company.topics.get(row["article_id"], ())
    full_text = row["full_text"]
    return FeedItem(
        guid=row["guid"],
        title=row["title"],
        url=row["url"],
        source_id=row["source_id"],
        source_name=row["source_name"],
        source_url=_find_root(row["url"]),
        source_feed=row["source_feed"] or "",
        published=from_text(row["published_at"], row["published_offset"]),
        published_precision=read_precision(row["published_precision"]),
        first_published=from_text(row["first_published_at"]),
        updated=from_text(row["updated_at"]),
        excerpt=cut_quote(row["excerpt"], row["snippet_limit"]),
        author=row["author"],
        topics=tuple(topic for topic, _ in topics),
        reasons=tuple(_make_reason(topic, evidence) for topic, evidence in topics if evidence != _NO_EVIDENCE),
        regions=tuple(company.regions.get(row["article_id"], ())),
        tags=tuple(json.loads(row["tags"])) if row["tags"] != "[]" else (),
        also_at=tuple(company.copies.get(row["group_id"], ())),
        full_text="".join(f"<p>{escape(line)}</p>" for line in full_text.split("\n")) if full_text else "",
        language=row["language"] or "id",
        story_id=row["story_id"],
        story_news=max(company.story_news.get(row["story_id"], 0) - 1, 0),
    )


def _find_root(url: str) -> str:
    """The address of the site that a canonical address is at."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/" if rest else ""


def _make_reason(topic: str, evidence: str) -> Reason:
    """The three strongest pieces of a topic's evidence, no term twice."""
    found = sorted((item for item in unpack_evidence(evidence) if item["weight"] > 0), key=lambda item: -item["weight"])
    terms = {item["term"].casefold(): (item["term"], item["place"]) for item in reversed(found)}
    chosen = sorted(terms.values(), key=lambda term: [item["term"] for item in found].index(term[0]))
    return Reason(topic=topic, terms=tuple(chosen[:REASONS]))
