"""The views, each a file of SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from aggregator.reference import read_toml
from aggregator.schema import VERSION
from aggregator.schema.labels import list_labels


@cache
def load_views() -> Mapping[str, str]:
    """name → its CREATE VIEW statement, by name."""
    found = sorted(
        (file for file in files(__name__).iterdir() if file.name.endswith(".sql")), key=lambda file: file.name
    )
    return {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8").strip() for file in found}


def make_digest(migrations: Iterable[str]) -> str:
    """Of all that `SchemaRows.write_schema` writes, for a database that had these migrations."""
    parts = (VERSION, *migrations, *load_views().values(), read_toml("columns.toml"), list_labels())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
