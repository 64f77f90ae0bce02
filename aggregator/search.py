"""What can be asked of the news, and how it is read from the query of an address. PURE.

q       words, all of them; "a phrase"; apek* begins so; -word is not there; judul:word, isi:word: see `search_terms`
topic, city, province, komwil, kind, source
        slugs, as in the addresses of feeds; given twice, either will do
since   published since a day (WIB), an instant, or so many days, or today (WIB): see `bounds`
group   `story`: one item a story, not one a duplicate group
archive `yes`: with what was too old when it was found to enter the feeds
order   `relevance`: the newest that answer, the most fitting first (see `ranking`); `newest` (default)
before  goes on after the item with that guid
lang    `id` or `en`, of our own words
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from aggregator import bounds
from aggregator.bounds import Bound, BoundError
from aggregator.feeds import ALL, FeedKind, make_name, split_name
from aggregator.models import Language
from aggregator.search_terms import QueryError, Term, read_terms, write_match

VALUES_LIMIT = 50  # of all filters together
GUID_LIMIT = 2_100
KEYS = ("q", *(kind.value for kind in FeedKind), "since", "group", "archive", "order", "before", "lang")

_LOST_PLUS = re.compile(r"(T.*) (?=\d{2}:?\d{2}$)")  # that nobody encoded
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewsQuery:
    """A question to the news."""

    words: str = ""  # as asked
    terms: tuple[Term, ...] = ()  # the same as read; none for any text
    feeds: tuple[tuple[str, ...], ...] = ()  # names of feeds: in any of each
    since: Bound | None = None
    until: Bound | None = None  # of the command alone: on the web nobody waits for a walk through all that is newer
    by_story: bool = False
    with_archive: bool = False
    by_relevance: bool = False  # without words there is nothing to go by but the time
    before: str = ""  # guid
    language: Language = Language.INDONESIAN

    @property
    def match(self) -> str:
        """The words for SQLite's full-text search; "" for any text."""
        return write_match(self.terms)

    @property
    def asks_for_everything(self) -> bool:
        """Whether it is the feed of everything, from its beginning."""
        return not (self.words or self.feeds or self.since or self.by_story or self.with_archive or self.before)

    @property
    def static_feed(self) -> str:
        """The feed that is published as files and answers it, by its name; "" where there is none."""
        if self.words or self.since or self.by_story or self.with_archive or self.before:
            return ""
        if self.language is not Language.INDONESIAN or len(self.feeds) > 1:
            return ""
        names = self.feeds[0] if self.feeds else (ALL,)
        return names[0] if len(names) == 1 else ""

    def encode(self, *, before: str = "", language: Language | None = None) -> str:
        """The query of its address, in one order however it was asked, and with another `before`."""
        pairs = [("q", self.words)] if self.words else []
        pairs += [split_name(name) for names in self.feeds for name in names]
        pairs += [("since", self.since.text)] if self.since else []
        pairs += [("group", "story")] if self.by_story else []
        pairs += [("archive", "yes")] if self.with_archive else []
        pairs += [("order", "relevance")] if self.by_relevance else []
        pairs += [("before", before)] if before else []
        language = language or self.language
        pairs += [("lang", language.value)] if language is not Language.INDONESIAN else []
        return urlencode(pairs)


def read_query(pairs: Iterable[tuple[str, str]], now: datetime) -> NewsQuery:
    """The question that the decoded query of an address asks. Raises QueryError."""
    given: dict[str, list[str]] = {}
    for key, value in pairs:
        if value.strip() and not is_tracking(key):
            given.setdefault(key, []).append(value.strip())
    if unknown := [key for key in given if key not in KEYS]:
        raise QueryError(unknown[0][:40], "unknown_key", keys=", ".join(KEYS))
    if sum(map(len, given.values())) > VALUES_LIMIT:
        raise QueryError("query", "many_values", most=VALUES_LIMIT)
    words = " ".join(given.get("q", ()))
    since = _read_last(given, "since")
    return NewsQuery(
        words=words,
        terms=read_terms(words),
        feeds=tuple(
            tuple(sorted({make_name(kind, value.lower()) for value in given[kind.value]}))
            for kind in FeedKind
            if kind.value in given
        ),
        since=read_since(since, now) if since else None,
        by_story=_read_choice(given, "group", "story"),
        with_archive=_read_choice(given, "archive", "yes"),
        by_relevance=_read_choice(given, "order", "relevance", or_else="newest"),
        before=_read_last(given, "before")[:GUID_LIMIT],
        language=Language.ENGLISH if _read_choice(given, "lang", "en", or_else="id") else Language.INDONESIAN,
    )


def _read_last(given: dict[str, list[str]], key: str) -> str:
    return given.get(key, [""])[-1]


def _read_choice(given: dict[str, list[str]], key: str, value: str, *, or_else: str = "") -> bool:
    """Whether the key has that value; the only others are `or_else` and none."""
    found = _read_last(given, key).lower()
    if found not in {value, or_else, ""}:
        raise QueryError(key, "no_choice", choices=" / ".join(filter(None, (or_else, value))))
    return found == value


def is_tracking(key: str) -> bool:
    """Whether others hung the key onto an address, to see who follows it."""
    return bool(_TRACKING.fullmatch(key))


def read_since(text: str, now: datetime) -> Bound:
    """The beginning of the time that such a text means, at most a day ahead. Raises QueryError."""
    try:
        found = bounds.read_since(_LOST_PLUS.sub(r"\1+", text), now)
    except BoundError as error:
        raise QueryError("since", "no_date") from error
    return replace(found, text=text, at=min(found.at, now + timedelta(days=1)))
