"""Answers in CSV without formulas: a program of tables would run what a portal wrote. Pure."""

from __future__ import annotations

import csv
import io

from aggregator.exports.cells import make_cell

_FIELD_MOST = 20_000_000  # as an answer may have


def disarm(body: bytes) -> bytes:
    """The same table; texts that look like formulas begin with an apostrophe, numbers stay."""
    csv.field_size_limit(_FIELD_MOST)
    told = io.StringIO()
    rows = csv.reader(io.StringIO(body.decode("utf-8", "replace"), newline=""))
    csv.writer(told).writerows([_disarm_cell(cell) for cell in row] for row in rows)
    return told.getvalue().encode()


def _disarm_cell(text: str) -> str:
    try:
        float(text)
    except ValueError:
        return make_cell(text)
    return text
