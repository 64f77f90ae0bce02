"""What tells running text from titles, names and menu entries. Pure; a leaf."""

from __future__ import annotations

import re

# Measured on 276 development pages: a line of 80 characters is a sentence even without its full stop (poor typing,
# datelines); shorter ones without one are titles, names, menu entries.
PROSE_FROM = 80
SENTENCE_FROM = 25
MAX_LINK_SHARE = 0.5
SHORT_LINE_WEIGHT = 0.3
LINK_COST = 1.5  # characters for each one inside links

_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?…:;][\"'”’»)\]]{0,2}$")


def fold_words(text: str) -> str:
    """The words of a text in lower case, for comparing titles."""
    return " ".join(_WORD.findall(text.casefold()))


def ends_sentence(text: str) -> bool:
    """Whether the last characters close a sentence."""
    return _SENTENCE_END.search(text[-4:]) is not None


def is_prose_text(text: str) -> bool:
    """Whether a line is a sentence or more."""
    length = len(text)
    return length >= PROSE_FROM or (length >= SENTENCE_FROM and ends_sentence(text))


def weigh_text(text: str, link_chars: int, *, is_prose: bool) -> float:
    """Characters of running text in a line: links count against it, short lines hardly count."""
    length = len(text)
    if length < SENTENCE_FROM or link_chars > MAX_LINK_SHARE * length:
        return 0.0
    weight = length - LINK_COST * link_chars
    return max(0.0, weight if is_prose else weight * SHORT_LINE_WEIGHT)
