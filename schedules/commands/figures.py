"""Moments, spans and sizes, for people."""

from __future__ import annotations

from datetime import datetime, timedelta

from aggregator.times import WIB


def format_moment(moment: datetime | None) -> str:
    """E.g. `2026-10-05 14:40 WIB`; "never" for None."""
    return f"{moment.astimezone(WIB):%Y-%m-%d %H:%M} WIB" if moment else "never"


def format_span(span: timedelta) -> str:
    """E.g. `40 s`, `35 min`, `3 h`, `4 days`: one unit, rounded down."""
    seconds = max(int(span.total_seconds()), 0)
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def format_ahead(moment: datetime | None, now: datetime) -> str:
    """When something comes: `in 35 min`, `now`."""
    return f"in {format_span(moment - now)}" if moment and moment > now else "now"


def format_bytes(count: float) -> str:
    """E.g. `812 B`, `3.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1_000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1_000
    raise AssertionError
