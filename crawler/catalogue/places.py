"""Whether the city and the province that a source is said to be at home in exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from aggregator.reference import get_city, load_cities, load_provinces


def list_provinces() -> tuple[str, ...]:
    """The names of all provinces, as catalogues write them."""
    return tuple(province.name for province in load_provinces())


def check_city(slug: str) -> str:
    """Return `slug` as it is. Raises ValueError unless a member city has it."""
    if not get_city(slug):
        raise ValueError(f"no member city has this slug{_suggest(slug, (city.slug for city in load_cities()))}")
    return slug


def check_province(name: str) -> str:
    """Return `name` as it is. Raises ValueError unless a province is called so, as the table of provinces writes it."""
    if name not in list_provinces():
        raise ValueError(f"no province has this name{_suggest(name, list_provinces())}")
    return name


def _suggest(word: str, words: Iterable[str]) -> str:
    meant = get_close_matches(word, list(words), n=1)
    return f"; did you mean {meant[0]}?" if meant else ""
