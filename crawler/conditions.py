"""What of an answer may be sent back with the next question (RFC 9110, 13.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = 1_000  # characters
SLACK = timedelta(hours=1)  # by which a server's clock may be ahead of ours

_TAG = re.compile(r'(?:W/)?"[^"]*"')


def keep_tag(etag: str) -> str:
    """An ETag as it was given; "" for one that no server means, or that would break the header it is sent back in.

    Not without its quotes: `*` matches whatever there is, for ever.
    """
    return etag if _is_kept(etag) and _TAG.fullmatch(etag) else ""


def keep_date(last_modified: str, now: datetime) -> str:
    """A Last-Modified likewise. What is said to have changed in the future would never change again."""
    kept = last_modified if _is_kept(last_modified) else ""
    try:
        when = parsedate_to_datetime(kept)
    except (ValueError, OverflowError, TypeError, IndexError):
        return ""
    return kept if when.replace(tzinfo=when.tzinfo or UTC) <= now + SLACK else ""


def _is_kept(value: str) -> bool:
    return len(value) <= LONGEST and value.isascii() and value.isprintable()
