"""The row of an article that was rejected, or has left, as JSON: it is kept beside the reason. PURE."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_BINARY = "page_hash"  # in JSON in hexadecimal digits


def pack_row(row: Mapping[str, Any]) -> str:
    """The columns of `articles` as JSON."""
    return json.dumps(row, ensure_ascii=False, default=bytes.hex)


def unpack_row(text: str) -> dict[str, Any]:
    """The columns again; fewer of them where an older version kept the row."""
    row: dict[str, Any] = json.loads(text)
    if row.get(_BINARY):
        row[_BINARY] = bytes.fromhex(row[_BINARY])
    return row
