"""Which exports there are, and what their columns hold: exports.toml. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any

from aggregator.reference import read_toml
from aggregator.schema.describing import DescribedRelation

TEXT_COLUMN = "text"
_WRITING = re.compile(r"(?:, )?separated by ', '|^JSON array: ")


class ExportError(ValueError):
    """What was asked for cannot be given, in words."""


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    INSTANT = "instant"  # UTC
    LOCAL = "time in WIB"
    DATE = "day"
    LIST = "list"  # of texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """One that can be asked for."""

    name: str
    relation: str
    key: tuple[str, ...]
    scope: str
    keyed: bool = True
    columns: tuple[str, ...] = ()  # all
    full_text: bool = False
    counted: bool = False
    index: tuple[str, ...] = ()
    types: Mapping[str, Kind]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    name: str
    kind: Kind
    about: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """What a file holds, as its reader is told."""

    export: Export
    about: str
    columns: tuple[Column, ...]
    facts: Mapping[str, str]  # what the file is: version of the schema, filters, when it was made


@cache
def load_exports() -> Mapping[str, Export]:
    """name → export, in the order in which they are told of."""
    return {name: _make_export(name, **row) for name, row in read_toml("exports.toml")["exports"].items()}


def find_export(name: str) -> Export:
    """By its own name or its view's. Raises ExportError."""
    exports = load_exports()
    found = exports.get(name) or next((each for each in exports.values() if each.relation == name), None)
    if found is None:
        meant = get_close_matches(name, exports, n=1)
        hint = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(exports)}"
        raise ExportError(f"{name[:80]!r} is nothing that can be exported; {hint}")
    return found


def make_layout(
    export: Export, docs: Sequence[DescribedRelation], facts: Mapping[str, str], *, full_text: bool = False
) -> Layout:
    """The columns, in their order, as the database itself describes them. Raises ExportError."""
    described = {each.name: each for each in docs}
    relation = described.get(export.relation)
    if relation is None:
        raise ExportError(f"{export.relation}: is not in this database")
    comments = {column.name: column.comment for column in relation.columns}
    columns = [
        _make_column(name, find_kind(export, name), comments.get(name, "")) for name in export.columns or comments
    ]
    if full_text:
        columns.append(Column(name=TEXT_COLUMN, kind=Kind.TEXT, about="its full text, one newline between paragraphs"))
    return Layout(export=export, about=relation.comment, columns=tuple(columns), facts=facts)


def _make_column(name: str, kind: Kind, comment: str) -> Column:
    """How the database writes a list is not how an export does."""
    about = _WRITING.sub("", comment) if kind is Kind.LIST else comment
    return Column(name=name, kind=kind, about=about or name.replace("_", " "))


def find_kind(export: Export, column: str) -> Kind:
    """What a column holds, by its name."""
    if column in export.types:
        return export.types[column]
    if column in _load_kinds():
        return _load_kinds()[column]
    if column.endswith("_at"):
        return Kind.INSTANT
    if column.endswith("day_wib"):
        return Kind.DATE
    if column.endswith("_wib"):
        return Kind.LOCAL
    return Kind.BOOLEAN if column.startswith(("is_", "has_")) else Kind.TEXT


@cache
def _load_kinds() -> Mapping[str, Kind]:
    return {name: Kind(kind) for kind, names in read_toml("exports.toml")["types"].items() for name in names}


def _make_export(name: str, **row: Any) -> Export:
    lists = {key: tuple(row.get(key, ())) for key in ("key", "columns", "index")}
    types = {column: Kind(kind) for column, kind in row.get("types", {}).items()}
    return Export(name=name, **{**row, **lists, "types": types})
