"""What two texts share and where they differ: revisions of one article, copies of another's. PURE."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

PARAGRAPHS_MOST = 500  # of a text that are compared; difflib's work grows with their square
WORDS_MOST = 3_000
PASSAGE_LEAST = 8  # words in a row that make a shared passage

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """What an article's portal changed."""

    title: tuple[str, str] | None  # before, after; None: the same
    removed: tuple[str, ...]  # paragraphs as they were
    added: tuple[str, ...]  # paragraphs as they are now

    def to_json(self) -> dict[str, object]:
        return {"title": self.title, "removed": self.removed, "added": self.added}


class Passage(NamedTuple):
    """A run of words of `a` and of `b`: in both, or in one only (the other is "" then, or differs)."""

    is_shared: bool
    a: str
    b: str


def find_revision(title: str, text: str, new_title: str, new_text: str) -> Revision:
    """The paragraphs that went and came, in their order."""
    before, after = text.split("\n")[:PARAGRAPHS_MOST], new_text.split("\n")[:PARAGRAPHS_MOST]
    removed: list[str] = []
    added: list[str] = []
    for tag, a, a_end, b, b_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            removed += before[a:a_end]
            added += after[b:b_end]
    return Revision(
        title=(title, new_title) if title != new_title else None, removed=tuple(removed), added=tuple(added)
    )


def compare_passages(a: str, b: str) -> list[Passage]:
    """The two texts in step, as passages that they share and passages in which they differ.

    A passage is shared from PASSAGE_LEAST words on; fewer words in common tell nothing.
    """
    words_a, words_b = list(_WORD.finditer(a))[:WORDS_MOST], list(_WORD.finditer(b))[:WORDS_MOST]
    folded = [[match[0].casefold() for match in words] for words in (words_a, words_b)]
    blocks = SequenceMatcher(None, folded[0], folded[1], autojunk=False).get_matching_blocks()
    passages: list[Passage] = []
    end_a = end_b = 0
    for block in blocks:
        if block.size < PASSAGE_LEAST and block.size:
            continue
        rest_a, rest_b = _cut(a, words_a, end_a, block.a), _cut(b, words_b, end_b, block.b)
        if rest_a or rest_b:
            passages.append(Passage(is_shared=False, a=rest_a, b=rest_b))
        if block.size:
            end_a, end_b = block.a + block.size, block.b + block.size
            passages.append(
                Passage(is_shared=True, a=_cut(a, words_a, block.a, end_a), b=_cut(b, words_b, block.b, end_b))
            )
    return passages


def _cut(text: str, words: list[re.Match[str]], start: int, end: int) -> str:
    """The text from one word to before another, on one line."""
    return " ".join(text[words[start].start() : words[end - 1].end()].split()) if start < end else ""
