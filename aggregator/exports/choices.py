"""What the options of exports choose between: apart, so that the command line knows them without loading exports."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    SQLITE = "sqlite"


class Basis(StrEnum):
    """Which time of an article counts."""

    PUBLISHED = "published"
    FOUND = "found"
