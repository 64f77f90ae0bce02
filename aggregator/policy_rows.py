"""What of which table goes after so many days, and what of it stays: one table. Its SQL is put together by
`aggregator.retention_rows`, its words are those of `kabarkota prune` and docs/operation.md.

What the rows of other tables point to stays, so that no reference leads nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aggregator.rule_rows import MAY_BE_PASSED_ON
from aggregator.takedown_rows import TAKEN_DOWN

CYCLES_KEPT = 1_000  # the last ones tell how things go, also where they stopped long ago


class Way(StrEnum):
    """How something is let go."""

    ROWS = "rows"  # they are deleted
    CHANGE = "change"  # columns are emptied
    TEXTS = "texts"  # of articles: but for their opening
    FILES = "files"  # below pages/


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What goes when a row is older than its setting says. `t` is the row in all SQL."""

    setting: str  # key of [aggregator.retention]
    table: str
    goes: str  # for people
    stays: str = ""  # whatever its age; for people
    way: Way = Way.ROWS
    key: tuple[str, ...] = ("id",)  # the table's primary key
    age: str = ""  # the instant or day that its days count from; NULL: it does not age
    by_day: bool = False  # `age` is a day
    is_rising: bool = False  # later keys are younger: the walk ends at the first that is young
    only: str = "1"  # which rows may go
    change: str = ""  # what is set, where rows stay
    at_once: int = 20_000  # rows looked at in a transaction
    trusts_itself: bool = False  # `only` has looked for what points to the rows; SQLite would read a table for each

    @property
    def name(self) -> str:
        """Of what goes."""
        return "texts" if self.way is Way.TEXTS else self.table.rstrip("/")


_NO_REVISION_TEXT = """text = '', difference = json_set(t.difference,
    '$.removed', json((SELECT json_group_array('') FROM json_each(t.difference, '$.removed'))),
    '$.added', json((SELECT json_group_array('') FROM json_each(t.difference, '$.added'))))"""
MAY_BE_REPUBLISHED = (  # `a` is the article
    f"EXISTS (SELECT 1 FROM sources AS s WHERE s.id = a.source_id AND {MAY_BE_PASSED_ON})"  # noqa: S608 - our own words
)
POLICIES = (
    Policy(
        setting="text_days",
        table="articles",
        way=Way.TEXTS,
        goes="the full text",
        stays="the first 600 characters, all other columns, and the whole text where its publisher allows it to be"
        " republished",
        age="first_seen_at",
    ),
    Policy(
        setting="text_days",
        table="article_revisions",
        way=Way.CHANGE,
        goes="earlier texts of the same articles",
        stays="titles, times, and how many paragraphs changed",
        age="(SELECT a.first_seen_at FROM articles AS a WHERE a.id = t.article_id)",
        only="t.text <> '' AND NOT EXISTS (SELECT 1 FROM articles AS a WHERE a.id = t.article_id"  # noqa: S608 - our own words
        f" AND {MAY_BE_REPUBLISHED})",
        change=_NO_REVISION_TEXT,
        at_once=500,
    ),
    Policy(
        setting="revisions_days",
        table="article_revisions",
        way=Way.CHANGE,
        goes="the text before a change that was found so long ago",
        stays="titles, times, and how many paragraphs changed",
        age="t.replaced_at",
        is_rising=True,
        only="t.text <> ''",
        change=_NO_REVISION_TEXT,
        at_once=500,
    ),
    Policy(
        setting="pages_days",
        table="pages/",
        way=Way.FILES,
        goes="the folder of a day; after text_days, if that is less",
    ),
    Policy(
        setting="rejected_days",
        table="rejected_pages",
        goes="pages that are off topic or spam",
        stays="those that were articles, until a replay took them out",
        key=("key",),
        age="t.read_at",
        only="json_extract(t.article, '$.group_id') IS NULL",
        at_once=500,
    ),
    Policy(
        setting="links_days",
        table="links",
        goes="addresses last read so long ago that are off topic, spam, refused or could not be read",
        stays="those of articles and rejected pages, those that wait, those that were taken down",
        key=("key",),
        age="coalesce(t.read_at, t.first_seen_at)",
        only=f"t.state IN ('off-topic', 'spam', 'failed', 'refused') AND t.reason NOT GLOB '{TAKEN_DOWN}*'"  # noqa: S608 - our own words
        " AND NOT EXISTS (SELECT 1 FROM articles AS a WHERE a.url_key = t.key)"
        " AND NOT EXISTS (SELECT 1 FROM rejected_pages AS r WHERE r.key = t.key)",
        at_once=10_000,
    ),
    Policy(
        setting="links_days",
        table="foreign_links",
        goes="addresses at other sites, last read so long ago",
        key=("source_id", "key"),
        age="t.read_at",
    ),
    Policy(
        setting="polls_days",
        table="polls",
        goes="each poll",
        stays="the last of each channel; what they came to by day (`source_days`)",
        age="t.started_at",
        is_rising=True,
        only="EXISTS (SELECT 1 FROM polls AS n WHERE n.channel_id = t.channel_id"
        " AND (n.started_at, n.id) > (t.started_at, t.id))",
    ),
    Policy(
        setting="cycles_days",
        table="cycles",
        goes="each cycle",
        stays=f"the last {CYCLES_KEPT:,}; those whose polls are kept",
        age="t.started_at",
        is_rising=True,
        only=f"t.id <= (SELECT max(id) FROM cycles) - {CYCLES_KEPT} AND t.id NOT IN (SELECT cycle_id FROM polls)",  # noqa: S608 - our own words
        trusts_itself=True,
    ),
    Policy(
        setting="jobs_days",
        table="jobs",
        goes="when a job was done",
        stays="the last time of each job",
        age="t.done_at",
        is_rising=True,
        only="EXISTS (SELECT 1 FROM jobs AS n WHERE n.name = t.name AND (n.done_at, n.id) > (t.done_at, t.id))",
    ),
    Policy(
        setting="probes_days",
        table="probes",
        goes="each look",
        stays="the last at each source",
        age="t.probed_at",
        is_rising=True,
        only="EXISTS (SELECT 1 FROM probes AS n WHERE n.source_id = t.source_id"
        " AND (n.probed_at, n.id) > (t.probed_at, t.id))",
        at_once=200,
    ),
    Policy(
        setting="alarms_days",
        table="alarms",
        goes="alarms that ended so long ago",
        stays="those that last",
        age="t.until",
    ),
    Policy(
        setting="regroupings_days",
        table="regroupings",
        goes="each",
        age="t.at",
        is_rising=True,
    ),
    Policy(
        setting="deliveries_days",
        table="deliveries",
        goes="what was sent, or could not be",
        stays="what is still to be sent",
        age="t.created_at",
        is_rising=True,
        only="t.state NOT IN ('waiting', 'trying')",
    ),
    Policy(
        setting="deliveries_days",
        table="digest_runs",
        goes="each run of a digest",
        stays="the last of each: the next one goes on from there",
        key=("digest", "until"),
        age="t.until",
        only="EXISTS (SELECT 1 FROM digest_runs AS n WHERE n.digest = t.digest AND n.until > t.until)",
    ),
    Policy(
        setting="deliveries_days",
        table="alert_stories",
        goes="stories that an alert told so long ago",
        key=("alert", "story_id"),
        age="t.told_at",
    ),
    Policy(
        setting="deliveries_days",
        table="alert_groups",
        goes="news that an alert told so long ago",
        key=("alert", "group_id"),
        age="t.told_at",
    ),
    Policy(
        setting="backfills_days",
        table="backfill_steps",
        goes="the steps of backfills that were finished so long ago",
        stays="the backfill and its figures; all of one that is not finished",
        age="(SELECT b.finished_at FROM backfills AS b WHERE b.id = t.backfill_id)",
    ),
    Policy(
        setting="hosts_days",
        table="host_days",
        goes="each day",
        key=("day", "host"),
        age="t.day",
        by_day=True,
        is_rising=True,
    ),
    Policy(
        setting="sources_days",
        table="source_days",
        goes="each day",
        key=("source_id", "day_wib"),
        age="t.day_wib",
        by_day=True,
    ),
)
KEPT_FOR_EVER = (  # whatever is set
    "articles and their topics, places, groups and stories; feeds and their archives; takedowns; sources and channels;"
    " coverage by day; backfills that are not finished; how far alerts have looked, and silences that last"
)
