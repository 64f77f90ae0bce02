"""Addresses of our own pages, as pages need them."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from aggregator.models import Language
from aggregator.publish.page_links import make_link, make_story_link

__all__ = ["make_feeds_link", "make_link", "make_query_link", "make_story_link"]


def make_query_link(path: str, pairs: Iterable[tuple[str, str]], language: Language) -> str:
    """A page with a question, whose keys may come several times."""
    query = [*pairs, *([("lang", language.value)] if language is not Language.INDONESIAN else [])]
    return f"{path}?{urlencode(query)}" if query else path


def make_feeds_link(pairs: Iterable[tuple[str, str]], language: Language) -> str:
    """The page of feeds with a question."""
    return make_query_link("/feeds", pairs, language)
