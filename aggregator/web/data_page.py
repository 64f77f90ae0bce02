"""What the page of data shows, worked out before any HTML is written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from aggregator import questions
from aggregator.publish.feed_info import Format
from aggregator.reference import read_toml
from aggregator.schema.describing import DescribedColumn, DescribedRelation
from aggregator.web.downloads import Download
from aggregator.web.links import make_link
from aggregator.web.source_states import tell_moment
from aggregator.web.texts import Language, Texts

NEWEST = "news.db"  # the snapshot at an address that stays
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
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
class ShownRelation:
    """`title` in the language of the page, "" where it has none; comments as the database has them."""

    name: str
    title: str
    comment: str
    columns: tuple[DescribedColumn, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RelationGroup:
    title: str
    relations: tuple[ShownRelation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPage:
    feeds: tuple[tuple[str, str], ...]  # name, address
    feeds_url: str  # of all others
    files: tuple[ShownFile, ...]
    has_snapshot: bool
    groups: tuple[RelationGroup, ...]
    working: tuple[str, ...]  # tables that are only named
    queries: tuple[Query, ...]
    open_in_shell: str
    open_in_python: str


def build_data_page(files: Iterable[Download], schema: Sequence[DescribedRelation], texts: Texts) -> DataPage:
    ordered = order_files(files)
    groups = [
        RelationGroup(title=texts[key], relations=tuple(_show(each, texts) for each in schema if each.kind == kind))
        for kind, key in (("view", "views_title"), ("table", "tables_title"))
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
            for file in ordered
        ),
        has_snapshot=any(file.name == NEWEST for file in ordered),
        groups=tuple(group for group in groups if group.relations),
        working=tuple(each.name for each in schema if each.kind == "working"),
        queries=load_queries(texts.language),
        open_in_shell=OPEN_IN_SHELL,
        open_in_python=OPEN_IN_PYTHON,
    )


def order_files(files: Iterable[Download]) -> list[Download]:
    """The newest snapshot first, then those of days, the latest of them first, then all others by name."""
    ordered = sorted(files, key=lambda file: file.name)
    ordered.sort(key=_read_day, reverse=True)
    return sorted(ordered, key=lambda file: file.name != NEWEST)


def _read_day(file: Download) -> str:
    found = _DAY.search(file.name)
    return found[0] if found else ""


def _show(relation: DescribedRelation, texts: Texts) -> ShownRelation:
    row = read_toml("datasette.toml")["relations"].get(relation.name, {})
    title = row.get(texts.language.value, "")
    return ShownRelation(name=relation.name, title=title, comment=relation.comment, columns=relation.columns)


@cache
def load_queries(language: Language) -> tuple[Query, ...]:
    """The examples, told in that language, with values in the place of parameters."""
    is_ours = language is Language.INDONESIAN
    return tuple(Query(title=each.kata if is_ours else each.says, sql=each.filled) for each in questions.load_queries())
