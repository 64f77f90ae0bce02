"""What a page lets be done with it: `<meta name="robots">` and the header X-Robots-Tag. PURE.

The directives are those that search engines document: noindex, none, nosnippet, max-snippet, unavailable_after,
noimageindex, max-image-preview.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import NamedTuple

AGENTS = ("robots", "googlebot", "googlebot-news", "kabarkota")  # us; what is said to the others we heed, too

# "otherbot: noindex" is for that robot, up to the next one named; "max-snippet: 20" and "unavailable_after: …" are not
MOST_VALUES, LONGEST_VALUE = 20, 500  # of a page, and of one in characters: real ones have one of 60

_AGENT = re.compile(r"\s*(?!max-|unavailable_after)([a-z0-9_-]+)\s*:\s*(?!\d)", re.IGNORECASE)
_WEEKDAY = re.compile(r"\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},", re.IGNORECASE)  # of a date: no directive ends
_UNTIL = re.compile(r"unavailable_after\s*:\s*(.{1,60})", re.IGNORECASE)
_NO_IMAGE = re.compile(r"noimageindex|max-image-preview\s*:\s*none", re.IGNORECASE)
_LIMIT = re.compile(r"max-snippet\s*:\s*(-?\d{1,9})", re.IGNORECASE)


class RobotsTags(NamedTuple):
    """What a page asks for."""

    noindex: bool = False
    snippet_limit: int | None = None  # characters that may be quoted; None: any
    until: datetime | None = None  # from then on it is not to be shown
    has_image: bool = True  # its picture may be shown

    def join(self, other: RobotsTags) -> RobotsTags:
        """The stricter of both."""
        limits = [limit for limit in (self.snippet_limit, other.snippet_limit) if limit is not None]
        ends = [until for until in (self.until, other.until) if until is not None]
        return RobotsTags(
            self.noindex or other.noindex,
            min(limits, default=None),
            min(ends, default=None),
            self.has_image and other.has_image,
        )

    def forbids_showing(self, now: datetime | None) -> bool:
        """Whether the page wants to be in no index, or not any more."""
        return self.noindex or (self.until is not None and now is not None and self.until <= now)


def parse_robots_tags(values: Iterable[str]) -> RobotsTags:
    """The directives of a page's robots metas or X-Robots-Tag headers, taken together."""
    found = RobotsTags()
    for value in islice(values, MOST_VALUES):
        is_ours = True
        for part in _WEEKDAY.sub("", value[:LONGEST_VALUE]).split(","):
            agent = _AGENT.match(part)
            if agent is not None:
                is_ours = agent[1].lower() in AGENTS
            if is_ours:
                found = found.join(_parse_directive(part[agent.end() :] if agent else part))
    return found


def _parse_directive(text: str) -> RobotsTags:
    word = text.strip().lower()
    limit = _LIMIT.fullmatch(word)
    if limit is not None:
        return RobotsTags(snippet_limit=int(limit[1]) if int(limit[1]) >= 0 else None)  # -1: no limit
    until = _UNTIL.fullmatch(word)
    if until is not None:
        return RobotsTags(until=_read_instant(until[1]))
    return RobotsTags(
        noindex=word in ("noindex", "none"),
        snippet_limit=0 if word == "nosnippet" else None,
        has_image=_NO_IMAGE.fullmatch(word) is None,
    )


def _read_instant(text: str) -> datetime | None:
    """A date as RFC 822, RFC 850 or ISO 8601 write it, by default in UTC; None for what is none."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            at = read(text.upper())
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
