"""Coverage with its denominators, by day, week or month: published or found. A part of `Store`; reads only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aggregator.periods import Period, Step
from aggregator.store_base import StoreBase
from aggregator.trend_rows import STARTS


class Moment(StrEnum):
    """Which day counts."""

    PUBLISHED = "published"
    FOUND = "found"


_COUNTED = {
    Moment.PUBLISHED: "coverage_days AS c ON c.region = :region AND c.topic = :topic AND c.day_wib = d.day",
    Moment.FOUND: "discovery_days AS c ON c.region = :region AND c.topic = :topic AND c.day_wib = d.day",
}
_OF_SOURCE = "source_coverage_days AS c ON c.source_id = :source AND c.topic = :topic AND c.day_wib = d.day"
_SUMS = """
    WITH RECURSIVE days (day) AS (
        SELECT :since UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < :until
    )
    SELECT {start} AS start, min(d.day) AS first, max(d.day) AS last, coalesce(sum(c.news), 0) AS news,
        coalesce(sum(c.articles), 0) AS articles, coalesce(sum(c.backfilled), 0) AS backfilled,
        coalesce(sum({working}), 0) AS working, coalesce(sum({polled}), 0) AS polled, count(w.day_wib) AS known
    FROM days AS d LEFT JOIN {counted} LEFT JOIN {days} GROUP BY start ORDER BY start
"""
_WORKING = "working_days AS w ON w.day_wib = d.day"
_ASKED = "source_days AS w ON w.source_id = :source AND w.day_wib = d.day AND w.polls > 0"


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedStep:
    """What was counted on some days. Days are WIB, `first` and `last` both included."""

    first: str
    last: str
    news: int  # whose canonical article is of these days
    articles: int  # copies included
    backfilled: int  # of these articles
    source_days_working: int  # sources that answered, summed over the days
    source_days_polled: int  # sources that were asked, summed over the days
    days_known: int  # on which any source was asked


class CountedRows(StoreBase):
    """Coverage in steps."""

    def count_coverage(
        self, period: Period, step: Step, moment: Moment, *, topic: str = "", region: str = "", source: str = ""
    ) -> list[CountedStep]:
        """Every step of the period, also those on which nothing came.

        `region`: as feeds are named. Of one `source`: by publication only, and its own days are the denominators.
        """
        sql = _SUMS.format(
            start=STARTS[step],
            counted=_OF_SOURCE if source else _COUNTED[moment],
            days=_ASKED if source else _WORKING,
            working="w.answered > 0" if source else "w.sources",
            polled="w.polls > 0" if source else "w.polled",
        )
        rows = self._rows(
            sql,
            since=period.since.isoformat(),
            until=period.until.isoformat(),
            topic=topic,
            region=region,
            source=source,
        )
        return [
            CountedStep(
                **{name: row[name] for name in ("first", "last", "news", "articles", "backfilled")},
                source_days_working=row["working"],
                source_days_polled=row["polled"],
                days_known=row["known"],
            )
            for row in rows
        ]
