"""Evidence as it is stored: a list for each match, for the names of its parts would be half of it. PURE.

Views, the API and `explain` tell it with the names: term, place, offset, weight.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, fields
from typing import Any

from aggregator.models import Evidence

_PARTS = tuple(field.name for field in fields(Evidence))


def pack_evidence(found: Iterable[Evidence]) -> str:
    """[[term, place, offset, weight], …]"""
    return json.dumps([astuple(item) for item in found], ensure_ascii=False, separators=(",", ":"))


def unpack_evidence(text: str) -> list[dict[str, Any]]:
    """Each match by the names of its parts."""
    return [dict(zip(_PARTS, item, strict=True)) for item in json.loads(text)]
