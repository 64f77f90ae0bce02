"""The schema as documentation: the comments that stand in the SQL of the tables and views, told in order. Pure.

SQLite keeps each CREATE statement as it was written, comments included; what ALTER TABLE adds comes to its end. What a
column is of which the SQL says nothing, or too little, columns.toml says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aggregator.reference import read_toml

_PIECE = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|[(),]|[^\s(),'"]+""", re.DOTALL)
# Made by a library, which leaves no room for a comment.
_UNCOMMENTED = {"articles_fts": "Full-text search in title and text; its rowid is articles.id."}
_WORKING = frozenset(
    {"sketches", "postings", "story_terms", "story_likeness", "boilerplate", "hosts", "catalogue_state"}
    | {"changed_groups", "publishing_state", "coverage_due", "backfill_links", "backfill_steps", "pings"}
)  # of no use to others
_VIEW_COLUMN = re.compile(r"(\w+),?\s+--\s+(.+)$")


class Relation(NamedTuple):
    """A table or view, as sqlite_schema has it, with its columns: name, type."""

    name: str
    kind: str  # table or view
    sql: str
    columns: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DescribedColumn:
    name: str
    type: str
    comment: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DescribedRelation:
    name: str
    kind: str  # view, table, working
    comment: str
    columns: tuple[DescribedColumn, ...]


def describe_schema(relations: Iterable[Relation]) -> tuple[DescribedRelation, ...]:
    """Views first, for they are where to begin; by name."""
    ordered = sorted(relations, key=lambda each: (each.kind != "view", each.name))
    return tuple(_describe(each) for each in ordered)


def _describe(relation: Relation) -> DescribedRelation:
    is_view = relation.kind == "view"
    comment, comments = read_view_comments(relation.sql) if is_view else read_table_comments(relation.sql)
    plain = read_toml("columns.toml")
    own = plain["relations"].get(relation.name, {})
    return DescribedRelation(
        name=relation.name,
        kind="working" if relation.name in _WORKING else relation.kind,
        comment=comment or _UNCOMMENTED.get(relation.name, ""),
        columns=tuple(
            DescribedColumn(
                name=name, type=kind, comment=own.get(name) or comments.get(name) or plain["columns"].get(name, "")
            )
            for name, kind in relation.columns
        ),
    )


def read_view_comments(sql: str) -> tuple[str, Mapping[str, str]]:
    """What the view is, and what is said of its columns: a comment behind the comma of its line."""
    lines = [line.strip() for line in sql.splitlines()[1:]]
    about = []
    while lines and lines[0].startswith("-- "):
        about.append(lines.pop(0).removeprefix("-- "))
    return " ".join(about), {found[1]: found[2] for line in lines if (found := _VIEW_COLUMN.search(line))}


def read_table_comments(sql: str) -> tuple[str, Mapping[str, str]]:
    """What the table is, and what is said of each column, before or behind the comma that ends it."""
    about: list[str] = []
    said: dict[str, list[str]] = {}
    depth, column, is_new = 0, "", False
    for piece in _PIECE.findall(sql):
        if piece.startswith(("--", "/*")):
            text = piece.removeprefix("--").removeprefix("/*").removesuffix("*/").strip()
            (said.setdefault(column, []) if column else about).append(text)
            continue
        if piece == "(":
            depth, is_new = depth + 1, depth == 0 or is_new
        elif piece == ")":
            depth -= 1
        elif piece == "," and depth == 1:
            is_new = True  # a comment on this line is still of the column before it
        elif is_new and depth == 1:
            column, is_new = piece.strip('"'), False
    return " ".join(about), {name: " ".join(comments) for name, comments in said.items()}
