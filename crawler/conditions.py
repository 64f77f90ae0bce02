"""What of an answer may be sent back with the next question (RFC 9110, 13.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = 1_000  # characters
SLACK = timedelta(hours=1)  # by which a server's clock may be ahead of ours


def keep_tag(etag: str) -> str:
    """An ETag as it was given; "" for one that no server means, or that would break the header it is sent back in."""
    return etag if len(etag) <= LONGEST and etag.isascii() and etag.isprintable() else ""


def keep_date(last_modified: str, now: datetime) -> str:
    """A Last-Modified likewise. What is said to have changed in the future would never change again."""
    kept = keep_tag(last_modified)
    try:
        when = parsedate_to_datetime(kept)
    except (ValueError, OverflowError, TypeError, IndexError):
        return ""
    return kept if when.replace(tzinfo=when.tzinfo or UTC) <= now + SLACK else ""
