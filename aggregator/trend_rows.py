"""Coverage over time, and what it consists of. A part of `Store`; reads only.

The query behind a chart is shown to analysts beside it: `write_trend_query` makes a text that anybody can run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from textwrap import dedent

from aggregator.bounds import begin_day, end_day
from aggregator.code_rows import IN_PLACE, CodeRows
from aggregator.feed_rows import make_place
from aggregator.feeds import ALL, FeedKind, make_name
from aggregator.periods import Counted, Period, Step
from aggregator.rule_rows import IN_TIME, LIVE, make_time
from aggregator.search_rows import LATEST_DATE

FOUND_WITHIN = timedelta(days=8)  # of its publication: what is older when it is found goes to the archives alone
ARCHIVED_MOST = 3_000  # items of an archive that are looked at
LEAD_READ = 400  # characters of a text

STARTS = {
    Step.DAY: "d.day",
    Step.WEEK: "date(d.day, 'weekday 0', '-6 days')",
    Step.MONTH: "date(d.day, 'start of month')",
}
_TREND = """
    WITH RECURSIVE days (day) AS (
        SELECT {since} UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < {until}
    ), subjects (region, topic) AS (
        VALUES {subjects}
    )
    SELECT {start} AS start, s.region, s.topic,
        coalesce(sum(c.news), 0) AS news, coalesce(sum(c.articles), 0) AS articles,
        coalesce(sum(w.sources), 0) AS source_days, count(w.day_wib) AS days_known
    FROM subjects AS s CROSS JOIN days AS d
    LEFT JOIN coverage_days AS c ON c.region = s.region AND c.topic = s.topic AND c.day_wib = d.day
    LEFT JOIN working_days AS w ON w.day_wib = d.day
    GROUP BY s.region, s.topic, start ORDER BY s.region, s.topic, start
"""
_WALK = """
    SELECT i.group_id, i.article_id, a.published_at FROM feed_items AS i CROSS JOIN articles AS a ON a.id = i.article_id
    WHERE i.feed_id = :feed AND i.archived = 0 AND i.place BETWEEN :from_place AND :to_place
    AND {in_time} {also}
    ORDER BY i.place DESC LIMIT :most
"""
_WALK_ARCHIVE = """
    SELECT i.group_id, i.article_id, a.published_at FROM (
        SELECT * FROM feed_items WHERE feed_id = :feed AND archived = 1 AND place >= :from_place
        ORDER BY place DESC LIMIT :archived
    ) AS i CROSS JOIN articles AS a ON a.id = i.article_id
    WHERE {in_time} {also}
"""
_ALSO = """
    AND EXISTS (SELECT * FROM feed_items AS o WHERE o.feed_id = :also AND o.archived = i.archived
        AND o.place = i.place AND o.group_id = i.group_id)
"""
_TEXTS = f"""
    SELECT a.title, substr(coalesce(nullif(a.text, ''), a.summary), 1, {LEAD_READ}) AS lead, s.name AS source
    FROM json_each(:ids) AS k CROSS JOIN articles AS a ON a.id = k.value JOIN sources AS s ON s.id = a.source_id
"""  # noqa: S608 - our own words
_SOURCES = """
    SELECT s.id, s.name, count(DISTINCT a.group_id) AS news,
        count(DISTINCT a.group_id) FILTER (WHERE a.id = g.canonical_id) AS first
    FROM json_each(:ids) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
    CROSS JOIN articles AS a ON a.group_id = g.id CROSS JOIN sources AS s ON s.id = a.source_id
    GROUP BY s.id ORDER BY news DESC, first DESC, s.name LIMIT :most
"""
_STORIES = f"""
    WITH counted AS MATERIALIZED (
        SELECT g.id AS group_id, g.story_id, g.canonical_id, count(*) AS articles
        FROM articles AS a CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
        WHERE {IN_TIME} AND {LIVE}
        AND (:topic = '' OR EXISTS (SELECT * FROM article_topics AS t WHERE t.topic = :topic AND t.article_id = a.id))
        AND (:everywhere OR {IN_PLACE.format(codes="codes")})
        GROUP BY g.id
    )
    SELECT c.story_id, a.title, a.url, a.language, max(c.articles) AS largest, sum(c.articles) AS articles
    FROM counted AS c CROSS JOIN articles AS a ON a.id = c.canonical_id
    GROUP BY coalesce(c.story_id, -c.group_id) ORDER BY articles DESC, a.published_at LIMIT :most
"""  # noqa: S608 - our own words


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a line of a chart is about: a topic ("" for any) and a place, as feeds are named ("" for anywhere)."""

    topic: str = ""
    region: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecentNews:
    """A piece of news, by numbers."""

    group_id: int
    article_id: int
    published_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceShare:
    """A source, in how many of some pieces of news it is, and of how many it is the first."""

    id: str
    name: str
    news: int
    first: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DayStory:
    """An event of a day, with the articles on it that day; `story_id` is None before a look at stories."""

    story_id: int | None
    title: str
    url: str
    language: str
    articles: int


def write_trend_query(subjects: Sequence[Subject], period: Period, step: Step) -> str:
    """A query, complete as it is, for what `count_by_step` returns."""
    values = ", ".join(f"({_quote(each.region)}, {_quote(each.topic)})" for each in subjects)
    return (
        dedent(_TREND)
        .strip()
        .format(
            since=_quote(period.since.isoformat()),
            until=_quote(period.until.isoformat()),
            subjects=values,
            start=STARTS[step],
        )
    )


class TrendRows(CodeRows):
    """Coverage over time."""

    def count_by_step(
        self, subjects: Sequence[Subject], period: Period, step: Step, *, articles: bool
    ) -> dict[Subject, list[Counted]]:
        """Of each subject every day, week or month of the period, those with nothing too.

        articles: counts them, copies included, not pieces of news.
        """
        counted: dict[Subject, list[Counted]] = {}
        for row in self._rows(write_trend_query(subjects, period, step)):
            counted.setdefault(Subject(topic=row["topic"], region=row["region"]), []).append(
                Counted(
                    start=date.fromisoformat(row["start"]),
                    count=row["articles" if articles else "news"],
                    working=row["source_days"],
                    is_known=row["days_known"] > 0,
                )
            )
        return counted

    def list_recent_news(self, subjects: Collection[Subject], period: Period, *, most: int) -> list[RecentNews]:
        """The newest news of the period that is about any of the subjects; each once, the newest first."""
        names = self._rows("SELECT id, name, items FROM feeds")
        feeds = {row["name"]: (row["items"], row["id"]) for row in names}
        found = {each for subject in subjects for each in self._walk_subject(subject, feeds, period, most)}
        return sorted(found, key=lambda each: (each.published_at, each.group_id), reverse=True)[:most]

    def _walk_subject(
        self, subject: Subject, feeds: Mapping[str, tuple[int, int]], period: Period, most: int
    ) -> list[RecentNews]:
        """Down the shorter of its two feeds, looking each item up in the other."""
        names = [make_name(FeedKind.TOPIC, subject.topic)] if subject.topic else []
        names += [subject.region] if subject.region else []
        if not all(name in feeds for name in names or [ALL]):
            return []
        ids = [feed for _, feed in sorted(feeds[name] for name in names or [ALL])]
        since, until = begin_day(period.since), end_day(period.until)
        facts = {
            "feed": ids[0],
            "also": ids[-1],
            "from_place": make_place(since.earliest - LATEST_DATE),
            "to_place": make_place(until.at + FOUND_WITHIN),
            **make_time(since, until),
            "most": most,
            "archived": ARCHIVED_MOST,
        }
        also = _ALSO if len(ids) > 1 else ""
        rows = self._rows(_WALK.format(also=also, in_time=IN_TIME), **facts)
        rows += self._rows(_WALK_ARCHIVE.format(also=also, in_time=IN_TIME), **facts)
        return [RecentNews(**dict(row)) for row in rows]

    def get_openings(self, article_ids: Sequence[int]) -> list[tuple[str, str, str]]:
        """title, beginning of the text, name of the source."""
        rows = self._rows(_TEXTS, ids=json.dumps(article_ids))
        return [(row["title"], row["lead"] or "", row["source"]) for row in rows]

    def count_sources(self, group_ids: Sequence[int], *, most: int) -> list[SourceShare]:
        """Who carries these pieces of news, those with most of them first."""
        return [SourceShare(**dict(row)) for row in self._rows(_SOURCES, ids=json.dumps(group_ids), most=most)]

    def get_stories_of_day(self, subject: Subject, day: date, *, most: int) -> list[DayStory]:
        """The events of a day (WIB) on which most was written that day."""
        kind, _, slug = subject.region.partition("/")
        codes = self.list_codes(kind, slug) if slug else []
        rows = self._rows(
            _STORIES,
            **make_time(begin_day(day), end_day(day)),
            topic=subject.topic,
            everywhere=not slug,
            codes=json.dumps(codes),
            most=most,
        )
        return [
            DayStory(
                story_id=row["story_id"],
                title=row["title"],
                url=row["url"],
                language=row["language"],
                articles=row["articles"],
            )
            for row in rows
        ]


def _quote(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
