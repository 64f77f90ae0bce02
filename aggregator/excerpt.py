"""The few lines of an article that a feed or page may show. Pure."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from aggregator.cleaning import cut_text

EXCERPT_LIMIT = 300  # characters; DESIGN.md, section 4, Publishing
EXCERPT_READ = 2 * EXCERPT_LIMIT  # characters of a text that are looked at for it: white space is not shown as it is

# A sentence shorter than this share of the limit (a dateline, "Ini dia.") says too little to stand alone.
_LEAST_SHARE = 1 / 3

# An end mark, closing quotes and brackets, then a space and something that can open a sentence.
_SENTENCE_END = re.compile(r"""[.!?…]{1,4}["'”’»)\]]{0,3}(?= ["'“‘«(\[]{0,3}[A-ZÀ-ÖØ-Þ0-9])""")
_LOOK_AHEAD = 8  # characters after the limit that say whether a sentence ended before it
_AMOUNT = re.compile(r"(?:Rp)?\d[\d.,:]*")
_LAST_WORD = re.compile(r"""[^\s("'“‘«]+$""")


def make_excerpt(text: str, limit: int = EXCERPT_LIMIT) -> str:
    """The beginning of `text` on one line, in at most `limit` characters.

    Ends after a sentence where one ends late enough, else after a word and "…". A wrongly missed sentence end costs a
    few words or an ellipsis; a wrongly seen one ("Wali Kota Gorontalo H.") looks broken, so doubts are no ends. An end
    inside a quotation is no end either, for the closing mark would be missing.
    """
    line = " ".join(text.split(None, limit)[:limit])  # so many words are longer than the limit
    if len(line) <= limit:
        return line
    end = _find_sentence_end(line, limit)
    return line[:end] if end else cut_text(line, limit)


def _find_sentence_end(line: str, limit: int) -> int:
    """The last good end of a sentence in the first `limit` characters; 0 if there is none."""
    for mark in reversed(list(_SENTENCE_END.finditer(line[: limit + _LOOK_AHEAD]))):
        end = mark.end()
        if end < limit * _LEAST_SHARE:
            break
        if end > limit or (mark[0] == "." and _is_abbreviation(line[: mark.start()])):
            continue
        if _is_quote_closed(line[:end]):
            return end
    return 0


def _is_abbreviation(before: str) -> bool:
    """Whether the full stop after `before` belongs to its last word: "H", "S.E", "No", "detik.com", "3" of a list."""
    found = _LAST_WORD.search(before[-40:])
    if not found:
        return False
    word = found[0]
    if word.isdecimal():
        return len(word) <= 2
    if _AMOUNT.fullmatch(word):
        return False
    return len(word) == 1 or "." in word or word.lower() in _load_abbreviations()


def _is_quote_closed(text: str) -> bool:
    return text.count("“") == text.count("”") and text.count('"') % 2 == 0


@cache
def _load_abbreviations() -> frozenset[str]:
    lines = files("aggregator.reference").joinpath("abbreviations.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
