"""The table of topics: what is built in, and what an operator lays over it. See `reference/topics.toml` for its words.

topics.toml (built in) ──merge──▶ TopicTable ──▶ classify, scan
topics.toml (operator) ──┘
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import regex

from aggregator.page_scan import PageScan
from aggregator.reference import TableError, load_cities, read_toml, read_toml_file
from aggregator.textfold import PhraseIndex, expand_phrase, fold_letters, split_phrase

logger = logging.getLogger(__name__)

BUILT_IN = "topics.toml"
VERSION_DIGITS = 10
LETTERS_LEAST = 3  # a term with fewer letters would let nearly every page through the scan
PHRASES_MOST = 1_000  # that one pattern may stand for: a slip of the pen must not eat the memory

PLACES = {"title", "summary", "lead", "body", "tail", "tags"}
WORDS_MOST = 20  # of one phrase
WITHIN_MOST = 1_000
PATTERN_MOST = 2_000  # characters of one pattern
PHRASES_OF_TOPIC_MOST = 100_000
NUMBER_MOST = 1_000.0  # no weight or number of a table is larger
PATTERN_SECONDS = 0.5  # for one search in a title; real ones take microseconds
# Titles on which patterns that backtrack without end show it.
_TRIALS = ("a" * 500, "a " * 250, "Wali Kota " * 50 + "!", "0" * 500, "- " * 250)
WITHIN = 8  # words, where an entry does not say
NAMES_OF_CITIES = "@city"  # in a pattern: every member city, by all its names, and Jakarta
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,10}")
_WHERE_KEYS = {"weight", "near", "not_near", "within", "with", "without", "places"}
_NUMBERS = ("most_terms", "most_supports", "most_exclusions", "least_support", "body_paragraphs")


class Part(StrEnum):
    """What a phrase does in a topic. The values are the names in the table."""

    TERM = "terms"
    SUPPORT = "supports"
    EXCLUSION = "exclusions"
    MASK = "masks"


class Where(NamedTuple):
    """Other phrases that must stand with a phrase, or must not. Each is None where nothing is asked."""

    near: PhraseIndex[bool] | None  # one of them within `within` words, in the same passage
    not_near: PhraseIndex[bool] | None
    within: int
    with_: PhraseIndex[bool] | None  # one of them anywhere in the article
    without: PhraseIndex[bool] | None
    places: frozenset[str]  # where the phrase itself counts; empty: everywhere


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rule:
    """A phrase of a topic as the table writes it, so that its spellings count as one."""

    pattern: str
    part: Part
    weight: float
    where: Where | None = None


class TitlePattern:
    """A regular expression to be searched for in titles, letter case aside, within a time limit.

    Raises ValueError for one that is malformed, fits everything, or takes too long on a trial.
    """

    def __init__(self, text: str) -> None:
        try:
            self._pattern = regex.compile(text, regex.IGNORECASE)
            if self._pattern.search("", timeout=PATTERN_SECONDS):
                raise ValueError("it fits an empty title")
            for trial in _TRIALS:
                self._pattern.search(trial, timeout=PATTERN_SECONDS)
        except TimeoutError as error:
            raise ValueError("it takes too long on long titles") from error
        except (regex.error, RecursionError, OverflowError) as error:
            raise ValueError(str(error)) from error

    def search(self, title: str) -> regex.Match[str] | None:
        """The first match; None also where it took too long, which is logged."""
        try:
            return self._pattern.search(title, timeout=PATTERN_SECONDS)
        except TimeoutError:
            logger.warning("no_articles: %r took too long on a title", self._pattern.pattern[:60])
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One topic, ready to be looked for."""

    id: str
    name: str
    explanation: str
    threshold: float
    needs_support: bool
    terms: tuple[str, ...]  # written out: what can name the topic
    phrases: PhraseIndex[Rule]


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicTable:
    """All topics with the numbers they share, and the scan that a page must pass to be about any of them."""

    topics: tuple[Topic, ...]
    places: Mapping[str, float]
    most_terms: float
    most_supports: float
    most_exclusions: float
    least_support: float
    body_paragraphs: int
    no_articles: tuple[TitlePattern, ...]  # titles of lists, archives and encyclopedias
    scan: PageScan
    version: str  # ten digits that are others as soon as anything in the table is


def load_topics(overlay: Path | None = None) -> TopicTable:
    """The built-in table, with the operator's `overlay` laid over it. Raises TableError.

    Tables are kept, and an overlay is read again when the file has changed.
    """
    if overlay is None:
        return _load_built_in()
    try:
        status = overlay.stat()
    except OSError as error:
        raise TableError(str(overlay), "", error.strerror or str(error)) from error
    return _load_overlay(overlay, status.st_mtime_ns, status.st_size)


@cache
def _load_built_in() -> TopicTable:
    return _build_table(read_toml(BUILT_IN), BUILT_IN)


@lru_cache(maxsize=4)
def _load_overlay(path: Path, _mtime_ns: int, _size: int) -> TopicTable:
    return _build_table(_merge(read_toml(BUILT_IN), read_toml_file(path)), str(path))


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `base`: tables are merged key by key, lists are joined, anything else is replaced."""
    merged = dict(base)
    for name, value in over.items():
        known = merged.get(name)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[name] = _merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            merged[name] = [*known, *value]
        else:
            merged[name] = value
    return merged


def _build_table(raw: Mapping[str, Any], file: str) -> TopicTable:
    """The table as objects. Built-in faults cannot reach this with an operator's `file`: a test reads that table."""
    top = _Section(raw, file, "")
    top.check_keys({*_NUMBERS, "places", "no_articles", "topics"})
    no_articles = top.section("no_articles")
    no_articles.check_keys({"titles"})
    sections = [(name, top.section("topics").section(name)) for name in top.section("topics").names()]
    topics = tuple(_build_topic(section, name) for name, section in sections if section.flag("enabled", True))
    places = top.section("places")
    places.check_keys(PLACES)
    return TopicTable(
        topics=topics,
        places={place: places.positive(place) for place in PLACES},
        most_terms=top.positive("most_terms"),
        most_supports=top.positive("most_supports"),
        most_exclusions=top.positive("most_exclusions"),
        least_support=top.positive("least_support"),
        body_paragraphs=int(top.positive("body_paragraphs")),
        no_articles=tuple(no_articles.patterns("titles")),
        scan=PageScan(fold_letters(term) for topic in topics for term in topic.terms),
        version=_hash_table(raw),
    )


def _hash_table(raw: Mapping[str, Any]) -> str:
    """The version of a table: a hash of what it says, comments and its file's time aside.

    The order counts, for of two entries that stand for one phrase the later one does; so do the cities' names.
    """
    said = json.dumps([raw, _list_city_names()], separators=(",", ":"), default=str)
    return sha256(said.encode()).hexdigest()[:VERSION_DIGITS]


def _build_topic(section: _Section, name: str) -> Topic:
    if not _SLUG.fullmatch(name):
        raise section.error("", "a topic's name is a slug, such as smart-city: it stands in addresses")
    section.check_keys({"name", "explanation", "enabled", "threshold", "needs_support", *Part})
    rules: dict[str, Rule] = {}
    for part in Part:
        for rule, phrases in _read_phrases(section, part):
            for phrase in phrases:
                if rule.weight or part is Part.MASK:
                    rules[phrase] = rule
                else:
                    rules.pop(phrase, None)
            if len(rules) > PHRASES_OF_TOPIC_MOST:
                raise section.error(part, f"the topic has more than {PHRASES_OF_TOPIC_MOST} phrases")
    terms = tuple(phrase for phrase, rule in rules.items() if rule.part is Part.TERM)
    if not terms:
        raise section.error(Part.TERM, "a topic needs at least one term")
    return Topic(
        id=name,
        name=section.text("name", name),
        explanation=" ".join(section.text("explanation", "").split()),
        threshold=section.positive("threshold", 1.0, zero=False),
        needs_support=section.flag("needs_support", False),
        terms=terms,
        phrases=PhraseIndex(rules),
    )


def _read_phrases(section: _Section, part: Part) -> Iterator[tuple[Rule, list[str]]]:
    """Every entry of one part of a topic, with the phrases it stands for."""
    entries = section.section(part, {})
    if part is Part.MASK:
        entries.check_keys({"phrases"})
        for pattern in entries.texts("phrases"):
            yield Rule(pattern=pattern, part=part, weight=0.0), _expand(pattern, part, entries)
        return
    for pattern in entries.names():
        where = None
        if entries.is_table(pattern):
            entry = entries.section(pattern)
            entry.check_keys(_WHERE_KEYS)
            weight, where = entry.number("weight"), _read_where(entry)
        else:
            weight = entries.number(pattern)
        if weight and (weight < 0) is not (part is Part.EXCLUSION):
            raise entries.error(pattern, "exclusions weigh less than 0, terms and supports more")
        yield Rule(pattern=pattern, part=part, weight=weight, where=where), _expand(pattern, part, entries)


def _read_where(entry: _Section) -> Where:
    def index(key: str) -> PhraseIndex[bool] | None:
        phrases = [phrase for pattern in entry.texts(key) for phrase in _expand(pattern, Part.SUPPORT, entry)]
        return PhraseIndex(dict.fromkeys(phrases, True)) if phrases else None

    within = entry.number("within", WITHIN)
    if not (1 <= within <= WITHIN_MOST and within.is_integer()):
        raise entry.error("within", f"must be a number of words, 1 to {WITHIN_MOST}")
    places = frozenset(entry.texts("places"))
    if places - PLACES:
        raise entry.error("places", f"{min(places - PLACES)!r} is none; there are {', '.join(sorted(PLACES))}")
    return Where(
        near=index("near"),
        not_near=index("not_near"),
        within=int(within),
        with_=index("with"),
        without=index("without"),
        places=places,
    )


def _expand(pattern: str, part: Part, section: _Section) -> list[str]:
    """The phrases of a pattern, spelt alike, so that an operator's "Kota-Pintar" replaces "kota pintar"."""
    if len(pattern) > PATTERN_MOST:
        raise section.error(pattern[:60], f"is longer than {PATTERN_MOST} characters")
    written = pattern.replace(f"{{{NAMES_OF_CITIES}}}", _list_city_names()) if NAMES_OF_CITIES in pattern else pattern
    try:
        expanded = expand_phrase(written, PHRASES_MOST)
        if any(brace in phrase for brace in "{}" for phrase in expanded):
            raise ValueError("a brace is left open")
        phrases = [" ".join(split_phrase(phrase)) for phrase in expanded]
    except ValueError as error:
        raise section.error(pattern[:80], str(error)) from error
    if "@" in written:
        raise section.error(pattern, f"no such name; there is {{{NAMES_OF_CITIES}}}")
    for phrase in phrases:
        if phrase.count(" ") >= WORDS_MOST:
            raise section.error(pattern[:60], f"stands for a phrase of more than {WORDS_MOST} words")
        letters = len(phrase.replace(" ", "").encode("ascii", "ignore")) if part is Part.TERM else len(phrase)
        if letters < (LETTERS_LEAST if part is Part.TERM else 1):
            raise section.error(
                pattern, f"{phrase!r} is too short: a term needs {LETTERS_LEAST} Latin letters to scan for"
            )
    return phrases


@cache
def _list_city_names() -> str:
    """All names of all member cities, as a choice in a pattern."""
    names = {name for city in load_cities() for name in (city.name, *city.aliases)}
    return f"{{{','.join(sorted({name.lower() for name in names | {'Jakarta'}}))}}}"


class _Section:
    """A table of a TOML file that knows its file and key, for errors that help."""

    def __init__(self, raw: object, file: str, key: str) -> None:
        self._file = file
        self._key = key
        if not isinstance(raw, Mapping):
            raise TableError(file, key, "must be a table")
        self._raw = raw

    def error(self, key: str, problem: str) -> TableError:
        return TableError(self._file, f"{self._key}.{key}".strip("."), problem)

    def names(self) -> list[str]:
        return list(self._raw)

    def check_keys(self, known: set[str]) -> None:
        for name in self._raw:
            if name not in known:
                raise self.error(name, "unknown key")

    def section(self, key: str, default: Mapping[str, Any] | None = None) -> _Section:
        return _Section(self._raw.get(key, default), self._file, f"{self._key}.{key}".strip("."))

    def number(self, key: str, default: float | None = None) -> float:
        value = self._raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -NUMBER_MOST <= value <= NUMBER_MOST:
            raise self.error(key, f"must be a number, at most {NUMBER_MOST:g}")
        return float(value)

    def positive(self, key: str, default: float | None = None, *, zero: bool = True) -> float:
        value = self.number(key, default)
        if value < 0 or (not zero and not value):
            raise self.error(key, "must not be negative" if zero else "must be more than 0")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._raw.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return value

    def text(self, key: str, default: str) -> str:
        value = self._raw.get(key, default)
        if not isinstance(value, str):
            raise self.error(key, "must be a text")
        return value

    def is_table(self, key: str) -> bool:
        return isinstance(self._raw.get(key), Mapping)

    def patterns(self, key: str) -> Iterator[TitlePattern]:
        for number, text in enumerate(self.texts(key)):
            try:
                yield TitlePattern(text)
            except ValueError as error:
                raise self.error(f"{key}[{number}]", f"bad pattern {text[:60]!r}: {error}") from error

    def texts(self, key: str) -> list[str]:
        value = self._raw.get(key, [])
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise self.error(key, "must be a list of texts")
        return value
