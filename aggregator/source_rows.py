"""What the pages of sources read. A part of `Store`; it only reads.

One question to each table for all sources together, by index, and none for each source: there are hundreds of them, and
each has thousands of polls.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.health import USUAL_DAYS
from aggregator.instants import from_text, to_day, to_text
from aggregator.quarantine import Quarantine
from aggregator.quarantine_rows import QuarantineRows

RECENT_DAYS = 7  # whose posts are held against those of USUAL_DAYS before


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """An open alarm, or the reason of a channel's last failure (its code is then the poll's)."""

    code: str
    detail: str
    since: datetime | None = None
    http_status: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceDays:
    """What a source gave in some days."""

    days: int = 0  # on which it was asked
    posts: int = 0
    pages: int = 0  # extracted; of these …
    bodied: int = 0  # … gave a text,
    dated: int = 0  # a date,
    authored: int = 0  # an author


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFacts:
    """A source and how its channels are doing."""

    id: str
    name: str
    domain: str
    kind: str
    province: str  # ""
    city: str  # slug; ""
    enabled: bool
    is_unprobed: bool  # nobody looked at it yet
    channels: int  # of it that are on
    asked: int  # of these, ever
    failing: int  # of these, that did not answer the last time; without retired ones
    retired: int  # of these
    last_success_at: datetime | None
    due_at: datetime | None  # of the channel that has been due for longest; None: none is
    quarantine: Quarantine | None = None  # None: it is in none
    troubles: tuple[Trouble, ...] = ()  # alarms first
    recent: SourceDays = SourceDays()  # today and the RECENT_DAYS - 1 before
    usual: SourceDays = SourceDays()  # the USUAL_DAYS before these


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceArticle:
    """An article of a source that is in the feeds."""

    title: str
    url: str
    language: str
    published: datetime
    has_hour: bool
    story_id: int | None


class SourceRows(QuarantineRows):
    """The part of the store that the pages of sources ask."""

    def list_sources(self, now: datetime, source_id: str | None = None) -> list[SourceFacts]:
        """All sources that are on or were never looked at, and those that were switched off; or the one. By id."""
        only = {"id": source_id}
        channels = {row["source_id"]: row for row in self._rows(_CHANNELS, now=to_text(now), **only)}
        troubles = self._list_troubles(source_id)
        quarantines = {held.source_id: held for held in self.list_quarantined(now)}
        recent_from = to_day(now - timedelta(days=RECENT_DAYS - 1))
        usual_from = to_day(now - timedelta(days=RECENT_DAYS - 1 + USUAL_DAYS))
        days: dict[tuple[str, int], SourceDays] = {
            (row["source_id"], row["is_recent"]): SourceDays(**{name: row[name] for name in SourceDays.__slots__})
            for row in self._rows(_DAYS, recent=recent_from, usual=usual_from, **only)
        }
        nothing = SourceDays()
        return [
            SourceFacts(
                **{name: row[name] for name in ("id", "name", "domain", "kind", "province", "city")},
                enabled=bool(row["enabled"]),
                is_unprobed=bool(row["is_unprobed"]),
                **_count_channels(channels.get(row["id"])),
                quarantine=quarantines.get(row["id"]),
                troubles=tuple(troubles.get(row["id"], ())),
                recent=days.get((row["id"], 1), nothing),
                usual=days.get((row["id"], 0), nothing),
            )
            for row in self._rows(_SOURCES, **only)
        ]

    def list_source_ids(self) -> list[str]:
        return [row["id"] for row in self._rows("SELECT id FROM sources ORDER BY id")]

    def list_source_articles(self, source_id: str, *, most: int) -> list[SourceArticle]:
        """The newest of a source that are in the feeds."""
        return [
            SourceArticle(
                **{name: row[name] for name in ("title", "url", "language", "story_id")},
                published=from_text(row["published_at"], row["published_offset"]),
                has_hour=row["published_precision"] not in ("day", "none"),
            )
            for row in self._rows(_ARTICLES, id=source_id, most=most)
        ]

    def list_last_jobs(self) -> list[dict[str, Any]]:
        """name, done_at and summary (JSON) of each job when it was last done, by name."""
        return [dict(row) for row in self._rows(_LAST_JOBS)]

    def _list_troubles(self, source_id: str | None) -> dict[str, list[Trouble]]:
        found: defaultdict[str, list[Trouble]] = defaultdict(list)
        for row in self._rows(_ALARMS, id=source_id):
            found[row["source_id"]].append(
                Trouble(code=row["code"], detail=row["detail"], since=from_text(row["since"]))
            )
        for row in self._rows(_FAILURES, id=source_id):
            if all(trouble.code != row["code"] for trouble in found[row["source_id"]]):
                found[row["source_id"]].append(
                    Trouble(code=row["code"], detail=row["reason"], http_status=row["http_status"])
                )
        return found


def _count_channels(row: sqlite3.Row | None) -> dict[str, Any]:
    if row is None:
        return {**dict.fromkeys(_COUNTS, 0), "last_success_at": None, "due_at": None}
    moments = {name: from_text(row[name]) if row[name] else None for name in ("last_success_at", "due_at")}
    return {**{name: row[name] for name in _COUNTS}, **moments}


_COUNTS = ("channels", "asked", "failing", "retired")


_SOURCES = """
    SELECT id, name, domain, kind, coalesce(province, '') AS province, coalesce(city, '') AS city, enabled,
        evidence = 'unprobed' AND NOT enabled AS is_unprobed
    FROM sources WHERE :id IS NULL OR id = :id ORDER BY id
"""
_CHANNELS = """
    SELECT source_id, count(*) AS channels, sum(next_poll_at > '' OR last_success_at IS NOT NULL) AS asked,
        sum(failures > 0 AND retired_at IS NULL) AS failing, sum(retired_at IS NOT NULL) AS retired,
        max(last_success_at) AS last_success_at,
        min(CASE WHEN next_poll_at > '' AND next_poll_at <= :now AND retired_at IS NULL THEN next_poll_at END) AS due_at
    FROM channels WHERE enabled AND (:id IS NULL OR source_id = :id) GROUP BY source_id
"""
_ALARMS = """
    SELECT source_id, code, detail, since FROM alarms
    WHERE until IS NULL AND (:id IS NULL OR source_id = :id) ORDER BY source_id, since, code
"""
# The last poll of channels that fail or have retired, and of no others.
_FAILURES = """
    SELECT c.source_id, p.code, p.reason, p.http_status
    FROM channels AS c CROSS JOIN polls AS p
        ON p.id = (SELECT id FROM polls WHERE channel_id = c.id ORDER BY started_at DESC, id DESC LIMIT 1)
    WHERE c.enabled AND (c.failures > 0 OR c.retired_at IS NOT NULL) AND (:id IS NULL OR c.source_id = :id)
        AND p.reason <> ''
    ORDER BY c.source_id, c.id
"""
# By source: the key of source_days begins with it, and there are years of days.
_DAYS = """
    SELECT s.id AS source_id, d.day_wib >= :recent AS is_recent, count(*) AS days, sum(d.posts) AS posts,
        sum(d.pages) AS pages, sum(d.bodied) AS bodied, sum(d.dated) AS dated, sum(d.authored) AS authored
    FROM sources AS s CROSS JOIN source_days AS d ON d.source_id = s.id AND d.day_wib >= :usual
    WHERE d.polls > 0 AND (:id IS NULL OR s.id = :id) GROUP BY s.id, is_recent
"""
_ARTICLES = """
    SELECT a.title, a.url, a.language, a.published_at, a.published_offset, a.published_precision, g.story_id
    FROM articles AS a CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
    WHERE a.source_id = :id AND g.guid IS NOT NULL AND g.withdrawn_at IS NULL AND a.gone_at IS NULL
    ORDER BY a.published_at DESC, a.id DESC LIMIT :most
"""
_LAST_JOBS = """
    WITH RECURSIVE names (name) AS (
        SELECT min(name) FROM jobs
        UNION ALL SELECT (SELECT min(name) FROM jobs WHERE name > names.name) FROM names WHERE name IS NOT NULL
    )
    SELECT j.name, j.done_at, j.summary FROM names CROSS JOIN jobs AS j
        ON j.id = (SELECT id FROM jobs WHERE name = names.name ORDER BY done_at DESC, id DESC LIMIT 1)
    WHERE names.name IS NOT NULL ORDER BY j.name
"""
