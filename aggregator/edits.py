"""Which words a copy changed in the text that it copies, told in excerpts. PURE.

    words of both ─▶ longest common subsequence ─▶ changes ─▶ excerpts: each change with a few words around it

What is quoted is bounded, for a page may show an excerpt of an article, never most of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import NamedTuple

from aggregator.cleaning import cut_text

CHARS_READ = 30_000  # of a text; a long article has 10,000
WORDS_READ = 4_000  # two texts of so many words in other order cost 15 ms
# So many words in common between two changes that are no shorter are chance ("yang", "di"), and part of the change.
CHANCE = 2
AROUND = 6  # words shown before and after a change
QUOTED_MOST = 2_000  # characters in all …
QUOTED_AT_ONCE = 280  # … and of one run of words

_WORD = re.compile(r"\S+")
_EDGES = ".,;:!?()[]{}\"'“”‘’«»…–—-"


class Change(NamedTuple):
    """Words `a`:`a_end` of the one text stand as words `b`:`b_end` in the other."""

    a: int
    a_end: int
    b: int
    b_end: int

    @property
    def size(self) -> int:
        return max(self.a_end - self.a, self.b_end - self.b)


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """One change, with the words around it, which both texts have."""

    skipped: int  # words that both have before it, and that are not shown
    before: str
    removed: str
    added: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Edits:
    """What was done to a text."""

    excerpts: tuple[Excerpt, ...]  # the first ones, in their order
    unshown: int  # changes that are not among them
    skipped_after: int  # words that both have after the last excerpt; 0 while some are not shown
    kept: int  # words
    removed: int
    added: int
    is_cut: bool  # the texts are longer than what was compared


def find_edits(a: str, b: str, *, room: int = QUOTED_MOST) -> Edits:
    """What was done to `a` to make it `b`; at most `room` characters are quoted, 0: none."""
    words_a, words_b = _read_words(a), _read_words(b)
    changes = find_changes(words_a, words_b)
    removed = sum(change.a_end - change.a for change in changes)
    excerpts = _quote(changes, words_a, words_b, room)
    is_all = len(excerpts) == len(changes)
    shown_until = min(changes[-1].a_end + AROUND, len(words_a)) if changes else 0
    return Edits(
        excerpts=excerpts,
        unshown=len(changes) - len(excerpts),
        skipped_after=len(words_a) - shown_until if is_all else 0,
        kept=len(words_a) - removed,
        removed=removed,
        added=sum(change.b_end - change.b for change in changes),
        is_cut=any(_is_longer(text, words) for text, words in ((a, words_a), (b, words_b))),
    )


def find_changes(a: Sequence[str], b: Sequence[str]) -> list[Change]:
    """The changes that make the words `a` the words `b`. Case, and punctuation around a word, count for nothing."""
    from rapidfuzz.distance import LCSseq

    opcodes = LCSseq.opcodes([_fold(word) for word in a], [_fold(word) for word in b])
    changes: list[Change] = []
    for code in opcodes:
        if code.tag == "equal":
            continue
        found = Change(code.src_start, code.src_end, code.dest_start, code.dest_end)
        if changes and found.a - changes[-1].a_end <= min(CHANCE, found.size, changes[-1].size):
            found = Change(changes[-1].a, found.a_end, changes.pop().b, found.b_end)
        changes.append(found)
    return changes


def _quote(changes: Sequence[Change], a: Sequence[str], b: Sequence[str], room: int) -> tuple[Excerpt, ...]:
    excerpts: list[Excerpt] = []
    for excerpt in _make_excerpts(changes, a, b):
        length = sum(map(len, (excerpt.before, excerpt.removed, excerpt.added, excerpt.after)))
        if length > room:
            break
        room -= length
        excerpts.append(excerpt)
    return tuple(excerpts)


def _make_excerpts(changes: Sequence[Change], a: Sequence[str], b: Sequence[str]) -> Iterator[Excerpt]:
    """No word of what both have stands in two of them."""
    start = Change(0, -AROUND, 0, 0)  # the beginning is no change: nothing of it was shown as what follows one
    end = Change(len(a) + AROUND, len(a), len(b), len(b))
    for (last, change), (_, following) in pairwise(pairwise([start, *changes, end])):
        shown_until = max(min(last.a_end + AROUND, change.a), 0)
        before = max(change.a - AROUND, shown_until)
        yield Excerpt(
            skipped=before - shown_until,
            before=" ".join(a[before : change.a]),
            removed=_cut_run(a[change.a : change.a_end]),
            added=_cut_run(b[change.b : change.b_end]),
            after=" ".join(a[change.a_end : min(change.a_end + AROUND, following.a)]),
        )


def _cut_run(words: Sequence[str]) -> str:
    return cut_text(" ".join(words), QUOTED_AT_ONCE)


def _read_words(text: str) -> list[str]:
    """The first words, none longer than an excerpt."""
    words = islice(_WORD.finditer(text[:CHARS_READ]), WORDS_READ)
    return [word[0][:QUOTED_AT_ONCE] for word in words]


def _is_longer(text: str, words: Sequence[str]) -> bool:
    return len(text) > CHARS_READ or len(words) == WORDS_READ


def _fold(word: str) -> str:
    return word.strip(_EDGES).casefold() or word
