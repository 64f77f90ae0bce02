"""What was written: the sample articles, and what a pipeline should find in each.

Three kinds of text make an Article: one written for one portal (`content/articles/`), a release that several portals
repost, each in its own way (`content/releases.toml`), and a template that one portal prints again and again with
other numbers (`content/series.toml`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

CONTENT = files("schedules.demo") / "content"
_REPOST_STEPS = ("post", "keep", "swap", "before", "after")  # keys that make a copy's text and are no field of it
REPORTING_HOURS = 3  # an article of its own speaks of the day on which it was this much younger


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstVersion:
    """What an article said before its portal changed it and told nobody."""

    until: float  # hours before the demo
    said: dict[str, str]  # words that it has today → those that stood in their place


@dataclass(frozen=True, kw_only=True, slots=True)
class Article:
    """One article of one portal. Hours count back from the moment of the demo; texts hold day placeholders such as
    `{hari}` (see `dialects.fill_days`), which mean the day `held` hours ago."""

    id: str
    portal: str  # slug
    hours: float
    held: float
    updated: float | None = None  # and the page says so
    first: FirstVersion | None = None
    archived: bool = False  # weeks old: a cycle leaves it alone, a backfill brings it
    headline: str
    byline: str = ""  # empty: the desk
    section: str = "Daerah"
    place: str = ""  # of the place line
    tags: tuple[str, ...] = ()
    paragraphs: tuple[str, ...]
    page_length: int | None = None  # paragraphs on one page; without it all are on the first

    # what is expected of the pipeline
    topics: tuple[str, ...] = ()  # empty: off topic
    city: str | None = None  # slug of the event's city
    release: str | None = None  # articles with the same release are one duplicate group
    story: str | None = None  # groups with the same story report one event
    lookalike: bool = False  # off topic, but made to be mistaken
    spam: bool = False


@cache
def load_articles() -> tuple[Article, ...]:
    """All sample articles, in the order of the files."""
    own = [_make_own(row) for path in _list_files() for row in _read(path)["article"]]
    releases = _read(CONTENT / "releases.toml")["release"]
    reposts = [_repost(release, post) for release in releases for post in release["post"]]
    editions = [article for series in _read(CONTENT / "series.toml")["series"] for article in _number(series)]
    return (*own, *reposts, *editions)


def _list_files() -> list[Traversable]:
    return sorted((CONTENT / "articles").iterdir(), key=lambda path: path.name)


def _read(path: Traversable) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _make_own(row: dict[str, Any]) -> Article:
    facts = {"held": row["hours"] + REPORTING_HOURS, **row}
    facts |= {name: tuple(row.get(name, ())) for name in ("tags", "topics")}
    if "first" in facts:
        facts["first"] = FirstVersion(**facts["first"])
    return Article(paragraphs=tuple(split_paragraphs(facts.pop("text"))), **facts)


def _repost(release: dict[str, Any], post: dict[str, Any]) -> Article:
    """A portal's copy of a release: cut after `keep` paragraphs, words swapped, a paragraph put before or after."""
    copied = "\n\n".join(list(split_paragraphs(release["text"]))[: post.get("keep")])
    text = "\n\n".join((post.get("before", ""), _swap(copied, post.get("swap", {})), post.get("after", "")))
    facts = {key: value for key, value in (release | post).items() if key not in _REPOST_STEPS}
    return _make_own(facts | {"id": f"{release['id']}--{post['portal']}", "release": release["id"], "text": text})


def _number(series: dict[str, Any]) -> Iterator[Article]:
    """One article for each edition of a template, its numbers filled in."""
    facts = {key: value for key, value in series.items() if key != "edition"}
    for edition in series["edition"]:
        filled = {name: _fill(series[name], edition) for name in ("headline", "text")}
        hours = {"hours": edition["hours"], "held": edition["hours"]}  # it speaks of the day of its printing
        yield _make_own(facts | filled | hours | {"id": f"{series['id']}--{edition['hours']}"})


def split_paragraphs(text: str) -> Iterator[str]:
    """Paragraphs stand apart by empty lines; within one, line breaks are spaces."""
    for block in text.split("\n\n"):
        if words := block.split():
            yield " ".join(words)


def _swap(text: str, words: dict[str, str]) -> str:
    """Replaces each key by its value. Raises ValueError for a key that is not in the text: such a line of the data
    says something that does not happen."""
    for old, new in words.items():
        if old not in text:
            raise ValueError(f"not in the text: {old!r}")
        text = text.replace(old, new)
    return text


def _fill(text: str, numbers: dict[str, Any]) -> str:
    for name, number in numbers.items():
        text = text.replace(f"{{{name}}}", str(number))
    return text
