"""Retry-After (RFC 9110, 10.2.3): seconds, or a date."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 7 * 24 * 3600


def parse_retry_after(value: bytes | None, now: datetime) -> int | None:
    """Seconds to wait, between 0 and a week; None when the header is missing or unreadable."""
    if not value:
        return None
    text = value.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return min(int(text.lstrip("0")[:9] or 0), LONGEST_SECONDS)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=now.tzinfo)
    return max(0, min(int((when - now).total_seconds()), LONGEST_SECONDS))
