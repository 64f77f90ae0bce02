"""Addresses of our own pages."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from aggregator.web.texts import Language


def make_link(path: str, language: Language, **query: str | None) -> str:
    """A page in `language`; Indonesian is the one whose address does not say so. Of the query, what is not None."""
    asked = {name: value for name, value in query.items() if value is not None}
    if language is not Language.INDONESIAN:
        asked["lang"] = language.value
    return f"{path}?{urlencode(asked)}" if asked else path


def make_query_link(path: str, pairs: Iterable[tuple[str, str]], language: Language) -> str:
    """A page with a question, whose keys may come several times."""
    query = [*pairs, *([("lang", language.value)] if language is not Language.INDONESIAN else [])]
    return f"{path}?{urlencode(query)}" if query else path


def make_feeds_link(pairs: Iterable[tuple[str, str]], language: Language) -> str:
    """The page of feeds with a question."""
    return make_query_link("/feeds", pairs, language)


def make_story_link(story_id: int | None, language: Language) -> str:
    """The page of a story; "" before there is one."""
    return make_link(f"/story/{story_id}", language) if story_id is not None else ""
