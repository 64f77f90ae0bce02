"""What a page lets be done with it: `<meta name="robots">` and the header X-Robots-Tag. PURE.

The directives are those that search engines document: noindex, none, nosnippet, max-snippet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

AGENTS = ("robots", "googlebot", "googlebot-news")  # what is said to them is said to readers of news

# "otherbot: noindex" is for that robot, up to the next one named; "max-snippet: 20" and "unavailable_after: …" are not
MOST_VALUES, LONGEST_VALUE = 20, 500  # of a page, and of one in characters: real ones have one of 60

_AGENT = re.compile(r"\s*(?!max-|unavailable_after)([a-z0-9_-]+)\s*:\s*(?!\d)", re.IGNORECASE)
_LIMIT = re.compile(r"max-snippet\s*:\s*(-?\d{1,9})", re.IGNORECASE)


class RobotsTags(NamedTuple):
    """What a page asks for."""

    noindex: bool = False
    snippet_limit: int | None = None  # characters that may be quoted; None: any

    def join(self, other: RobotsTags) -> RobotsTags:
        """The stricter of both."""
        limits = [limit for limit in (self.snippet_limit, other.snippet_limit) if limit is not None]
        return RobotsTags(self.noindex or other.noindex, min(limits, default=None))


def parse_robots_tags(values: Iterable[str]) -> RobotsTags:
    """The directives of a page's robots metas or X-Robots-Tag headers, taken together."""
    found = RobotsTags()
    for value in islice(values, MOST_VALUES):
        is_ours = True
        for part in value[:LONGEST_VALUE].split(","):
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
    return RobotsTags(noindex=word in ("noindex", "none"), snippet_limit=0 if word == "nosnippet" else None)
