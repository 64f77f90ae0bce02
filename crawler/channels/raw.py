"""A feed as it was read, before anything is cleaned: what all readers of feeds give. A leaf."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RawEntry:
    """One entry, its texts as they stand in the feed."""

    link: str = ""
    title: str = ""
    published: str = ""
    updated: str = ""
    authors: tuple[str, ...] = ()
    summary: str = ""
    content: str = ""
    tags: tuple[str, ...] = ()
    guid: str = ""
    publisher: str = ""  # RSS's `source`: who published it, where the feed is another's
    media: tuple[tuple[str, str], ...] = ()  # (address, media type or medium)


@dataclass(frozen=True, kw_only=True, slots=True)
class RawFeed:
    """A feed; `ttl`, `period` and `frequency` are RSS's ttl (minutes) and the syndication module's elements."""

    entries: tuple[RawEntry, ...]
    title: str = ""
    ttl: str = ""
    period: str = ""
    frequency: str = ""
    fault: str = ""
