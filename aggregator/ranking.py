"""Which of the news that has the words of a search fits it best. PURE.

Theory: news says what it is about in its headline and in its first sentences, and every candidate has all of the words
already. So what counts is where they stand:

    each term          1 for standing in the text, and 1.5 more in the lead, and 3 more in the title; times its weight
    all words close    up to 1.5 in the lead and 3 in the title, at their full where nothing stands between them
    newer              up to a tenth more, halved with every 30 days that it is older than the newest candidate

A word weighs the more the rarer it is (the logarithm of how many articles there are to one that has it), a phrase as
much as its words together, a beginning as little as a word that every tenth article has: how often it fits is not
worth looking up. The newest stands first among equals. Only the newest candidates are ranked, so that it costs the same
over ten thousand articles and over a million; what is older is found by newest first. The figures are set by hand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp2, log

from aggregator.search_terms import Column, Term

CANDIDATES_MOST = 500
LEAD_LENGTH = 400  # characters of a text, the first
IN_TITLE, IN_LEAD, IN_TEXT = 3.0, 1.5, 1.0
NEWER_MOST = 0.1
NEWER_HALF_LIFE = 30 * 86_400 * 1_000_000  # in places, which are microseconds
BEGINNING_SHARE = 0.1
SHARE_LEAST = 1e-7

_WORD = re.compile(r"[^\W_]+")
_ACCENTED = re.compile("[\u00c0-\u024f\u0300-\u036f\u0370-\u052f\u1e00-\u1fff]")
_ACCENT = re.compile("[\u0300-\u036f]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A piece of news that has the words."""

    group: int
    place: int  # in feeds
    title: str
    lead: str


@dataclass(frozen=True, slots=True)
class _Weighed:
    term: Term
    words: tuple[str, ...]  # folded
    weight: float

    def stands_in(self, words: Sequence[str]) -> bool:
        if len(self.words) == 1 and not self.term.is_beginning:
            return self.words[0] in words
        *whole, last = self.words
        return any(
            (word.startswith(last) if self.term.is_beginning else word == last)
            and list(words[at - len(whole) : at]) == whole
            for at, word in enumerate(words)
            if at >= len(whole)
        )


def rank(candidates: Iterable[Candidate], terms: Iterable[Term], shares: Mapping[str, float]) -> list[int]:
    """The groups of the candidates, the most fitting first.

    shares: word as written → share of all articles that have it, from 0 to 1; a word that is not named is rare.
    """
    candidates = list(candidates)
    weighed = [_weigh(term, shares) for term in terms if not term.is_unwanted]
    newest = max((candidate.place for candidate in candidates), default=0)
    scores = {each.group: _score(each, weighed) * _prefer_new(newest - each.place) for each in candidates}
    ranked = sorted(candidates, key=lambda each: (scores[each.group], each.place, each.group), reverse=True)
    return [candidate.group for candidate in ranked]


def list_words(terms: Iterable[Term]) -> list[str]:
    """The words of which it is worth knowing how many articles have them."""
    words = (word for term in terms if not term.is_unwanted for word in term.words[: -1 if term.is_beginning else None])
    return list(dict.fromkeys(words))


def fold(text: str) -> str:
    """The text as SQLite's unicode61 reads it: without case and accents."""
    text = text.casefold()
    return _ACCENT.sub("", unicodedata.normalize("NFD", text)) if _ACCENTED.search(text) else text


def fold_words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def _weigh(term: Term, shares: Mapping[str, float]) -> _Weighed:
    known = [shares.get(word, 0.0) for word in term.words]
    if term.is_beginning:
        known[-1] = BEGINNING_SHARE
    weight = sum(log(1 + 1 / max(share, SHARE_LEAST)) for share in known)
    return _Weighed(term, tuple(fold_words(" ".join(term.words))) or term.words, weight)


def _score(candidate: Candidate, terms: Sequence[_Weighed]) -> float:
    title, lead = (_read_words(text, terms) for text in (candidate.title, candidate.lead))
    score = sum(
        each.weight
        * (
            IN_TEXT
            + IN_TITLE * (each.term.column is not Column.TEXT and each.stands_in(title))
            + IN_LEAD * (each.term.column is not Column.TITLE and each.stands_in(lead))
        )
        for each in terms
    )
    wanted = {word for each in terms for word in each.words[: -1 if each.term.is_beginning else None]}
    if len(wanted) > 1:
        mean = sum(each.weight for each in terms) / len(wanted)
        score += mean * (IN_TITLE * _measure_closeness(title, wanted) + IN_LEAD * _measure_closeness(lead, wanted))
    return score


def _read_words(text: str, terms: Sequence[_Weighed]) -> list[str]:
    """The words of a text; none where it has no term, which is seen at a glance."""
    folded = fold(text)
    return _WORD.findall(folded) if any(word in folded for each in terms for word in each.words) else []


def _measure_closeness(words: Sequence[str], wanted: set[str]) -> float:
    """How many of the words in the shortest stretch that has all that are wanted are wanted; 0 where not all stand."""
    last: dict[str, int] = {}
    shortest = 0
    for at, word in enumerate(words):
        if word in wanted:
            last[word] = at
            if len(last) == len(wanted):
                length = at - min(last.values()) + 1
                shortest = min(shortest or length, length)
    return len(wanted) / shortest if shortest else 0.0


def _prefer_new(older_by: int) -> float:
    return 1 + NEWER_MOST * exp2(-older_by / NEWER_HALF_LIFE)
