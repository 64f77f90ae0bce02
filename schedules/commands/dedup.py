"""`kabarkota dedup`: which articles of a file carry the same text."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime, timedelta, timezone

from aggregator.dedup import DedupRecord, cluster
from crawler.dates import parse_date
from schedules.commands.records import Record, read_records
from schedules.errors import UsageFailure

WIB = timezone(timedelta(hours=7))  # of dates that name no zone


class DatedRecord(Record):
    published: str | None = None


def dedup_file(file: str) -> None:
    """Prints `id,cluster` as CSV, the id of a cluster being that of its canonical article. Raises UsageFailure."""
    records = [_to_article(record) for record in read_records(file, DatedRecord)]
    if len(clusters := cluster(records)) < len(records):
        seen: set[str] = set()
        twice = next(record.id for record in records if record.id in seen or seen.add(record.id))  # type: ignore[func-returns-value]
        raise UsageFailure(f"{file}: the id {twice} is there twice")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("id", "cluster"))
    writer.writerows((record.id, clusters[record.id]) for record in records)


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
