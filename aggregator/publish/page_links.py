"""Addresses of our pages. Pure."""

from __future__ import annotations

from urllib.parse import urlencode

from aggregator.models import Language


def make_link(path: str, language: Language, **query: str | None) -> str:
    """A page in `language`; Indonesian is the one whose address does not say so. Of the query, what is not None."""
    asked = {name: value for name, value in query.items() if value is not None}
    if language is not Language.INDONESIAN:
        asked["lang"] = language.value
    return f"{path}?{urlencode(asked)}" if asked else path


def make_story_link(story_id: int | None, language: Language) -> str:
    """The page of a story; "" before there is one."""
    return make_link(f"/story/{story_id}", language) if story_id is not None else ""
