"""What the page of data shows, worked out before any HTML is written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from aggregator import questions
from aggregator.publish.feed_info import Format
from aggregator.schema.describing import DescribedRelation
from aggregator.web.downloads import Download
from aggregator.web.links import make_link
from aggregator.web.source_states import tell_moment
from aggregator.web.texts import Language, Texts

OPEN_IN_SHELL = "sqlite3 'file:news.db?mode=ro'"
OPEN_IN_PYTHON = 'import sqlite3\n\ndb = sqlite3.connect("file:news.db?mode=ro", uri=True)'


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownFile:
    name: str
    url: str
    size: str
    changed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A question to the database, and what it asks in words."""

    title: str
    sql: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RelationGroup:
    title: str
    relations: tuple[DescribedRelation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPage:
    feeds: tuple[tuple[str, str], ...]  # name, address
    feeds_url: str  # of all others
    files: tuple[ShownFile, ...]
    groups: tuple[RelationGroup, ...]
    queries: tuple[Query, ...]
    open_in_shell: str
    open_in_python: str


def build_data_page(files: Iterable[Download], schema: Sequence[DescribedRelation], texts: Texts) -> DataPage:
    groups = [
        RelationGroup(title=texts[key], relations=tuple(each for each in schema if each.kind == kind))
        for kind, key in (("view", "views_title"), ("table", "tables_title"), ("working", "working_title"))
    ]
    return DataPage(
        feeds=tuple((texts["format_names"][ending.value], f"/feed.{ending.value}") for ending in Format),
        feeds_url=make_link("/feeds", texts.language),
        files=tuple(
            ShownFile(
                name=file.name,
                url=f"/data/{file.name}",
                size=texts.format_size(file.size),
                changed=tell_moment(file.changed, texts),
            )
            for file in files
        ),
        groups=tuple(group for group in groups if group.relations),
        queries=load_queries(texts.language),
        open_in_shell=OPEN_IN_SHELL,
        open_in_python=OPEN_IN_PYTHON,
    )


@cache
def load_queries(language: Language) -> tuple[Query, ...]:
    """The examples, told in that language, with values in the place of parameters."""
    is_ours = language is Language.INDONESIAN
    return tuple(Query(title=each.kata if is_ours else each.says, sql=each.filled) for each in questions.load_queries())
