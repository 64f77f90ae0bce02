"""Coverage by day: how much was written, by topic and place, and how many sources could tell. A part of `Store`.

The writer counts again what changed (`refresh_coverage`); pages read what was counted. Days are WIB; where a page tells
no hour, the day that it tells, for midnight in Jayapura is still the day before in Jakarta.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aggregator.rule_rows import LIVE, PUBLISHED_DAY_SHIFT
from aggregator.store_base import StoreBase
from aggregator.times import WIB

DAYS_AT_ONCE = 60  # that are counted in one transaction

_TAKE = "DELETE FROM coverage_due WHERE day_wib IN (SELECT day_wib FROM coverage_due LIMIT :most) RETURNING day_wib"
_FORGET = (
    "DELETE FROM coverage_days WHERE day_wib IN (SELECT value FROM json_each(:days))",
    "DELETE FROM source_coverage_days WHERE day_wib IN (SELECT value FROM json_each(:days))",
    "DELETE FROM discovery_days WHERE day_wib IN (SELECT value FROM json_each(:days))",
)
_COUNTED = """
    WITH days (day_wib, begins, ends) AS (
        SELECT value, strftime('%Y-%m-%dT%H:%M:%SZ', value, '-14 hours'), -- the earliest midnight on Earth
            strftime('%Y-%m-%dT%H:%M:%SZ', value, '+1 day', '-7 hours') FROM json_each(:days)
    ), counted AS MATERIALIZED (
        SELECT d.day_wib, a.id, a.source_id, a.backfilled, a.id = g.canonical_id AS is_news
        FROM days AS d CROSS JOIN articles AS a ON a.{moment} >= d.begins AND a.{moment} < d.ends
            AND date(a.{moment}, {to_wib}) = d.day_wib
        CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
        WHERE {live}
    ), topical (id, topic) AS (
        SELECT id, '' FROM counted
        UNION ALL SELECT c.id, t.topic FROM counted AS c CROSS JOIN article_topics AS t ON t.article_id = c.id
    )"""
_PLACED = """, cities AS MATERIALIZED (
        SELECT c.id, r.kind, r.slug, r.komwil, substr(r.code, 1, 2) AS province
        FROM counted AS c CROSS JOIN article_regions AS ar ON ar.article_id = c.id AND ar.role = 'event'
        CROSS JOIN regions AS r ON r.code = ar.code
    ), placed (id, region) AS (
        SELECT id, '' FROM counted
        UNION SELECT id, 'city/' || slug FROM cities WHERE kind = 'city'
        UNION SELECT id, 'komwil/' || komwil FROM cities WHERE komwil IS NOT NULL
        UNION SELECT c.id, 'province/' || r.slug FROM cities AS c JOIN regions AS r ON r.code = c.province
    )"""
_PUBLISHED = _COUNTED.format(
    moment="published_at",
    live=LIVE,
    to_wib=PUBLISHED_DAY_SHIFT,
)
_FOUND = _COUNTED.format(moment="first_seen_at", to_wib="'+7 hours'", live=LIVE)
_COUNT = (
    f"""{_PUBLISHED}{_PLACED}
    INSERT INTO coverage_days (day_wib, topic, region, news, articles, backfilled, sources)
    SELECT c.day_wib, t.topic, p.region, sum(c.is_news), count(*), sum(c.backfilled), count(DISTINCT c.source_id)
    FROM counted AS c JOIN topical AS t ON t.id = c.id JOIN placed AS p ON p.id = c.id
    GROUP BY c.day_wib, t.topic, p.region
    """,  # noqa: S608 - our own words
    f"""{_PUBLISHED}
    INSERT INTO source_coverage_days (day_wib, source_id, topic, news, articles, backfilled)
    SELECT c.day_wib, c.source_id, t.topic, sum(c.is_news), count(*), sum(c.backfilled)
    FROM counted AS c JOIN topical AS t ON t.id = c.id GROUP BY c.day_wib, c.source_id, t.topic
    """,  # noqa: S608 - our own words
    f"""{_FOUND}{_PLACED}
    INSERT INTO discovery_days (day_wib, topic, region, news, articles, backfilled)
    SELECT c.day_wib, t.topic, p.region, sum(c.is_news), count(*), sum(c.backfilled)
    FROM counted AS c JOIN topical AS t ON t.id = c.id JOIN placed AS p ON p.id = c.id
    GROUP BY c.day_wib, t.topic, p.region
    """,  # noqa: S608 - our own words
)
_WORKING = """
    INSERT OR REPLACE INTO working_days (day_wib, sources, polled, polls, answered, requests, bytes, posts, articles)
    SELECT day_wib, sum(answered > 0), count(*), sum(polls), sum(answered), sum(requests), sum(bytes), sum(posts),
        sum(articles)
    FROM source_days WHERE polls > 0 AND day_wib >= :since GROUP BY day_wib
"""
_SERIES = """
    SELECT day_wib, news, articles FROM coverage_days
    WHERE region = :region AND topic = :topic AND day_wib BETWEEN :since AND :until
"""
_SUMS = """
    WITH RECURSIVE days (day) AS (
        SELECT :since UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < :until
    )
    SELECT c.region, sum(c.news) AS news, sum(c.articles) AS articles
    FROM days AS d CROSS JOIN coverage_days AS c ON c.day_wib = d.day AND c.topic = :topic GROUP BY c.region
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageDay:
    """What was published on one day."""

    day: date  # WIB
    news: int
    articles: int  # copies included
    working: int | None  # sources that answered on that day; None: none was asked, so that 0 news says nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageSum:
    """What was published in a time."""

    news: int
    articles: int


class CoverageRows(StoreBase):
    """Coverage by day, topic and place."""

    def refresh_coverage(self, now: datetime) -> int:
        """Counts the days again on which something changed; returns how many. For the writer."""
        counted = 0
        while days := self._count_due_days():
            counted += days
        self._refresh_working_days(now.astimezone(WIB).date())
        return counted

    def _count_due_days(self) -> int:
        with self.transaction():
            rows = self._rows(_TAKE, most=DAYS_AT_ONCE)
            due = {date.fromisoformat(row["day_wib"]) for row in rows}
            # What is marked is the day of Jakarta; a page without an hour may have told the next one.
            days = json.dumps(sorted(day.isoformat() for day in due | {day + timedelta(days=1) for day in due}))
            for statement in (*_FORGET, *_COUNT) if rows else ():
                self._connection.execute(statement, {"days": days})
        return len(rows)

    def _refresh_working_days(self, today: date) -> None:
        """Of the last two days, and of those that were never counted: earlier ones do not change any more."""
        last = self._value("SELECT max(day_wib) FROM working_days") or ""
        since = min(last, (today - timedelta(days=1)).isoformat())
        with self.transaction():
            self._connection.execute(_WORKING, {"since": since})

    def get_coverage(self, topic: str = "", region: str = "", *, since: date, until: date) -> list[CoverageDay]:
        """Every day from `since` to `until`, both included, also those on which nothing came.

        `topic`: "" for any; `region`: as feeds are named, city/kota-gorontalo, province/gorontalo, komwil/6; "" for
        anywhere.
        """
        span = {"since": since.isoformat(), "until": until.isoformat()}
        found = {row["day_wib"]: row for row in self._rows(_SERIES, region=region, topic=topic, **span)}
        working = self.get_working_days(since=since, until=until)
        days = [since + timedelta(days=each) for each in range((until - since).days + 1)]
        return [
            CoverageDay(
                day=day,
                news=row["news"] if (row := found.get(day.isoformat())) else 0,
                articles=row["articles"] if row else 0,
                working=working.get(day),
            )
            for day in days
        ]

    def get_working_days(self, *, since: date, until: date) -> Mapping[date, int]:
        """day → sources that answered on it, of the days on which any was asked."""
        sql = "SELECT day_wib, sources FROM working_days WHERE day_wib BETWEEN :since AND :until"
        rows = self._rows(sql, since=since.isoformat(), until=until.isoformat())
        return {date.fromisoformat(row["day_wib"]): row["sources"] for row in rows}

    def sum_coverage(self, topic: str = "", *, since: date, until: date) -> Mapping[str, CoverageSum]:
        """region → what was published from `since` to `until`, both included; only those with any. "" is anywhere."""
        rows = self._rows(_SUMS, topic=topic, since=since.isoformat(), until=until.isoformat())
        return {row["region"]: CoverageSum(news=row["news"], articles=row["articles"]) for row in rows}

    def get_coverage_span(self) -> tuple[date, date] | None:
        """The first and the last day on which anything was published; None while there is nothing."""
        sql = "SELECT min(day_wib), max(day_wib) FROM coverage_days WHERE region = '' AND topic = ''"
        first, last = self._rows(sql)[0]
        return (date.fromisoformat(first), date.fromisoformat(last)) if first else None
