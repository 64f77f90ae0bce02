"""Values of the database as what their columns hold. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from aggregator.exports.table import Column, Kind

Values = Sequence[Sequence[Any]]  # of some rows: those of each column
Convert = Callable[[Any], Any]

_SEPARATOR = re.compile(r", ?")


def convert_columns(found: Values, columns: Sequence[Column], convert: Mapping[Kind, Convert]) -> list[Sequence[Any]]:
    """The values of each column, converted by its kind."""
    return [
        list(map(change, values)) if (change := convert.get(column.kind)) else values
        for column, values in zip(columns, found, strict=True)
    ]


def read_text(value: Any) -> str | None:
    """A view may put numbers among texts."""
    return value if value is None or isinstance(value, str) else str(value)


def read_real(value: Any) -> float | None:
    """None also for what is no finite number."""
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def read_integer(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def read_boolean(value: Any) -> bool | None:
    return None if value is None else bool(value)


def read_instant(value: Any) -> str | None:
    """'' stands for none in some columns."""
    return value or None


@lru_cache(maxsize=4_096)  # topics and places are the same over and over
def read_list(value: Any) -> tuple[str, ...]:
    """A JSON array, texts with commas between, or a tuple; empty for NULL and ''."""
    if isinstance(value, tuple):
        return value
    if value is None or value == "":
        return ()
    text = str(value)
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            texts = tuple(map(str, filter(_is_something, found)))
            return texts if "\\u" not in text else tuple(map(_repair, texts))
    return tuple(_SEPARATOR.split(text))


def _is_something(value: Any) -> bool:
    return value is not None


def _repair(text: str) -> str:
    """JSON can hold half a letter, which nothing else can."""
    return text.encode("utf-8", "replace").decode("utf-8")
