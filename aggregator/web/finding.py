"""What comes of a question to the news: items, or a refusal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from aggregator.models import FeedItem, Language
from aggregator.publish.describing import tell_problem
from aggregator.publish.wording import get_wording
from aggregator.search import NewsQuery, QueryError

NAMES_SUGGESTED = 3
SLUG_SHOWN = 64  # characters of a name that there is not


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What answers a question."""

    query: NewsQuery
    subjects: tuple[str, ...]  # what it asks in, for people
    items: tuple[FeedItem, ...]
    groups: tuple[int, ...]  # of the items
    next_before: str  # the guid that the next page begins after; "" on the last one


class RefusalError(Exception):
    """A feed that cannot be given: the status, and why, in the language of the question."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class UnknownNameError(RefusalError):
    """There is no such city, topic, source …; `slug` is cut to SLUG_SHOWN characters, `near` are the slugs that were
    most likely meant."""

    def __init__(self, problem: str, *, kind: str, slug: str, near: Sequence[str]) -> None:
        super().__init__(404, problem)
        self.kind = kind
        self.slug = slug
        self.near = tuple(near)


class BadQueryError(RefusalError):
    """A question that cannot be read."""

    def __init__(self, error: QueryError, language: Language) -> None:
        self.key = error.key
        self.problem = tell_problem(error, language)
        super().__init__(400, get_wording(language)["bad_query"].format(key=self.key, problem=self.problem))


def suggest(slug: str, slugs: Sequence[str]) -> list[str]:
    """The slugs that were most likely meant: "gorontalo" for kota-gorontalo, "apexi" for apeksi."""
    holding = [each for each in slugs if slug and slug in each]
    return (holding or get_close_matches(slug, slugs, n=NAMES_SUGGESTED, cutoff=0.7))[:NAMES_SUGGESTED]
