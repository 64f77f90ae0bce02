"""`kabarkota classify`: topics, regions and spam of the articles of a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from aggregator.article_building import SUMMARY_LIMIT, TAG_LIMIT, TEXT_LIMIT, TITLE_LIMIT
from aggregator.cleaning import clean_paragraphs, clean_text
from aggregator.models import Source
from aggregator.printable import make_printable
from aggregator.regions import tag_regions
from aggregator.spam import judge_spam
from aggregator.topic_tables import TopicTable
from aggregator.topics import classify_topics, load_topics
from crawler.catalogue import load_catalogue
from schedules.commands.records import Record, read_records
from schedules.config import Setup


class SummedUpRecord(Record):
    summary: str = ""
    tags: tuple[str, ...] = ()


def classify_file(file: str, setup: Setup) -> None:
    """Prints a line of JSON for each record. A `source` of the catalogue brings its home city. Raises UsageFailure."""
    catalogue = load_catalogue(setup.catalogue_path, overlay=setup.data_folder / "sources.toml")
    sources = {source.id: source for source in catalogue.sources}
    table = load_topics(setup.topics_overlay)
    for record in read_records(file, SummedUpRecord):
        typer.echo(make_printable(json.dumps(classify(record, sources, table), ensure_ascii=False)))


def classify(record: SummedUpRecord, sources: Mapping[str, Source], table: TopicTable) -> dict[str, Any]:
    """What the pipeline would find in the article, cleaned as the pipeline cleans it."""
    title = clean_text(record.title, limit=TITLE_LIMIT)
    text = clean_paragraphs(record.text, limit=TEXT_LIMIT)
    summary = clean_text(record.summary, limit=SUMMARY_LIMIT)
    source = sources.get(record.source)
    tags = [clean_text(tag, limit=TAG_LIMIT) for tag in record.tags]
    topics = classify_topics(title, text, summary=summary, tags=tags, table=table)
    regions = tag_regions(title, text, summary=summary, tags=tags, home_city=source.city if source else None)
    return {
        "id": record.id,
        "topics": [asdict(match) for match in topics],
        "regions": [asdict(match) for match in regions],
        "spam": asdict(judge_spam(title, text, url=record.url)),
        "table_version": table.version,
    }
