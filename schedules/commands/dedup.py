"""`kabarkota dedup`: which articles of a file carry the same text, or report the same event."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from aggregator.dedup import DedupRecord, cluster
from aggregator.regions import pick_cities, pick_event_cities, tag_regions
from aggregator.stories import Report, read_terms, tell_stories
from aggregator.times import WIB
from crawler.dates import parse_date
from schedules.commands.records import Record, read_records
from schedules.errors import UsageFailure


class DatedRecord(Record):
    published: str | None = None


def dedup_file(file: str, *, stories: bool = False) -> None:
    """Prints `id,cluster` as CSV, the id of a cluster being that of its canonical article. Raises UsageFailure.

    With `stories`, clusters are stories; their id is that of the article published first in them.
    """
    records = [_to_article(record) for record in read_records(file, DatedRecord)]
    if len(clusters := cluster(records)) < len(records):
        seen: set[str] = set()
        twice = next(record.id for record in records if record.id in seen or seen.add(record.id))  # type: ignore[func-returns-value]
        raise UsageFailure(f"{file}: the id {twice} is there twice")
    if stories:
        clusters = gather_stories(records, clusters)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("id", "cluster"))
    writer.writerows((record.id, clusters[record.id]) for record in records)


def gather_stories(records: Iterable[DedupRecord], clusters: Mapping[str, str]) -> dict[str, str]:
    """id → story, from the canonical article of each duplicate group as the pipeline does."""
    reports = [_make_report(record) for record in records if clusters[record.id] == record.id]
    story_of = {member: str(story.members[0]) for story in tell_stories(reports) for member in story.members}
    return {key: story_of[canonical] for key, canonical in clusters.items()}


def _make_report(record: DedupRecord) -> Report[str]:
    regions = tag_regions(record.title, record.text)
    return Report(
        id=record.id,
        terms=read_terms(record.title, record.text),
        published=record.published,
        source=record.source,
        cities=pick_event_cities(regions),
        named=pick_cities(regions),
    )


def _to_article(record: DatedRecord) -> DedupRecord:
    parsed = parse_date(record.published or "", zone=WIB, now=datetime.now(UTC))
    return DedupRecord(
        id=record.id,
        source=record.source,
        title=record.title,
        text=record.text,
        published=parsed.at if parsed else None,
        url=record.url,
    )
