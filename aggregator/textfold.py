"""Words of a text with their places, and phrases found among them. Pure; shared by topics, regions and spam.

Portals write one name in many ways: "Smart City", "SmartCity", "smart-city", "Sm­art City" with a soft hyphen, "Wali
Kota" and "Walikota", "#RakernasAPEKSI". So a text is read as lower-case words, a phrase matches with or without the
gaps between its words, and every match still knows where it stands in the text as written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

# Soft hyphen, joiners, zero-width and bidirectional characters, variation selectors: nobody sees them, and they split
# a name in two.
INVISIBLE = re.compile(
    "[\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)

# The two letters beyond ASCII whose lower case is ASCII. `topics.scan_bytes` drops whatever is not ASCII, so reading
# them as "i" and "k" here would find what it cannot; besides, "İ".lower() is two characters long.
_ODD_CAPITALS = str.maketrans({"\u0130": "\u0131", "\u212a": "\u0138"})

_WORD = re.compile(r"[^\W\d_]+|\d+")
# Inside "RakernasAPEKSI", or where a link was glued to the word after it ("BandungSiapa").
_HUMP = re.compile(r"[a-z](?=[A-Z])")
_JOINT = re.compile(r"[\s\-‐-―/&'’‘\"“”*_#]*")
_LIST_JOINT = re.compile(r"[\s\-‐-―/&'’‘\"“”*_#,]*")
_BRACES = re.compile(r"\{([^{}]*)\}")


class Words:
    """The words of one text: `keys` in lower case, `starts` and `ends` in `text`, where nothing invisible is left.

    `offset` leads back from there to the text as it was given.
    """

    __slots__ = ("_kept", "ends", "keys", "starts", "text")

    def __init__(self, text: str) -> None:
        self._kept: list[int] | None = None
        if not text.isascii():
            text = self._drop_invisible(text)
            if "\u0130" in text or "\u212a" in text:
                text = text.translate(_ODD_CAPITALS)
        self.text = text
        lowered = text.lower()
        if len(lowered) != len(text):  # no other letter is known to grow; a new Unicode must not shift the offsets
            lowered = text
        spans = [found.span() for found in _WORD.finditer(text)]
        humps = [found.start() + 1 for found in _HUMP.finditer(text)]
        if humps:
            spans = list(_cut_spans(spans, humps))
        self.starts = [start for start, _ in spans]
        self.ends = [end for _, end in spans]
        self.keys = [lowered[start:end] for start, end in spans]

    def __len__(self) -> int:
        return len(self.keys)

    def offset(self, index: int) -> int:
        """Where word `index` starts in the text as given."""
        start = self.starts[index]
        return start if self._kept is None else self._kept[start]

    def slice(self, first: int, last: int) -> str:
        """The text from word `first` to word `last`, both included."""
        return self.text[self.starts[first] : self.ends[last]]

    def is_capital(self, index: int) -> bool:
        return self.text[self.starts[index]].isupper()

    def gap_before(self, index: int) -> str:
        """What stands between word `index` and the word before it (or the start of the text)."""
        return self.text[self.ends[index - 1] if index else 0 : self.starts[index]]

    def are_joined(self, first: int, last: int, *, commas: bool = False) -> bool:
        """Nothing but blanks, hyphens, slashes and quotation marks stands between these words."""
        joint = _LIST_JOINT if commas else _JOINT
        return all(
            (gap := self.text[self.ends[index] : self.starts[index + 1]]) == " " or joint.fullmatch(gap)
            for index in range(first, last)
        )

    def _drop_invisible(self, text: str) -> str:
        if not INVISIBLE.search(text):
            return text
        self._kept = [index for index, char in enumerate(text) if not INVISIBLE.match(char)]
        return INVISIBLE.sub("", text)


class PhraseMatch(NamedTuple, Generic[T]):
    """Words `first` to `last` (both included) are a phrase that stands for `value`."""

    first: int
    last: int
    value: T


class PhraseIndex(Generic[T]):
    """Phrases to be found in Words. A blank in a phrase is any gap or none; a comma must be written in the phrase."""

    def __init__(self, phrases: Mapping[str, T]) -> None:
        self._by_first: dict[str, list[tuple[list[str], bool, T]]] = {}
        for phrase, value in phrases.items():
            for spelling in _spell(Words(phrase).keys):
                self._by_first.setdefault(spelling[0], []).append((spelling[1:], "," in phrase, value))
        for options in self._by_first.values():
            options.sort(key=lambda option: -len(option[0]))

    def find(self, words: Words) -> Iterator[PhraseMatch[T]]:
        """Every match, left to right; the longest phrase wins, and no word belongs to two."""
        known, keys = self._by_first, words.keys
        free = 0
        for first in [index for index, key in enumerate(keys) if key in known]:
            if first < free:
                continue
            for rest, commas, value in known[keys[first]]:
                last = first + len(rest)
                if keys[first + 1 : last + 1] == rest and words.are_joined(first, last, commas=commas):
                    yield PhraseMatch(first, last, value)
                    free = last + 1
                    break


def expand_phrase(pattern: str, most: int = 1_000) -> list[str]:
    """Every phrase a pattern stands for: "{wawa,wa}li kota" → "wawali kota", "wali kota". A choice may be empty.

    Raises ValueError for a pattern that stands for more than `most`.
    """
    parts = _BRACES.split(pattern)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    if prod(map(len, choices)) > most:
        raise ValueError(f"stands for more than {most} phrases")
    return [" ".join("".join(choice).split()) for choice in product(*choices)]


def fold_letters(phrase: str) -> bytes:
    """The ASCII letters and digits of a phrase, in lower case and without gaps: what a scan of bytes looks for."""
    return "".join(Words(phrase).keys).encode("ascii", "ignore")


def _cut_spans(spans: list[tuple[int, int]], cuts: list[int]) -> Iterator[tuple[int, int]]:
    """The spans, cut in two wherever one of the ascending `cuts` falls inside."""
    pending = iter((*cuts, sys.maxsize))
    cut = next(pending)
    for start, end in spans:
        begin = start
        while cut < end:
            yield begin, cut
            begin, cut = cut, next(pending)
        yield begin, end


def _spell(keys: list[str]) -> Iterator[list[str]]:
    """The ways to write these words: each gap left open or closed ("wali kota", "walikota")."""
    if not keys:
        return
    for closed in product((False, True), repeat=len(keys) - 1):
        spelling = [keys[0]]
        for key, is_closed in zip(keys[1:], closed, strict=True):
            if is_closed:
                spelling[-1] += key
            else:
                spelling.append(key)
        yield spelling
