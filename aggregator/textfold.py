"""Words of a text with their places, and phrases found among them. Pure; shared by topics, regions and spam.

Portals write one name in many ways: "Smart City", "SmartCity", "smart-city", "Sm­art City" with a soft hyphen, "Wali
Kota" and "Walikota", "#RakernasAPEKSI". So a text is read as lower-case words, a phrase matches with or without the
gaps between its words, and every match still knows where it stands in the text as written.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

# Soft hyphen, joiners, zero-width and bidirectional characters, variation selectors: nobody sees them, and they split
# a name in two.
INVISIBLE = re.compile(
    "[\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)

TYPOGRAPHY = "“”‘’–—…\xa0"  # no word holds these, nor what NFKC makes of them

# The two letters beyond ASCII whose lower case is ASCII. `topics.scan_bytes` drops whatever is not ASCII, so reading
# them as "i" and "k" here would find what it cannot; besides, "İ".lower() is two characters long.
_ODD_CAPITALS = str.maketrans({"\u0130": "\u0131", "\u212a": "\u0138"})

# A run of letters, or of digits; cut inside "RakernasAPEKSI", or where a link was glued to the word after it
# ("BandungSiapa"). In both no place of a text is tried twice.
_WORD = re.compile(r"(?:[^\W\d_a-z]+[a-z]*|[a-z]+)(?:[^\W\d_\x00-\x7f][^\W\d_a-z]*[a-z]*)*|\d+")
_ASCII_WORD = re.compile(r"[A-Z]+[a-z]*|[a-z]+|\d+")  # the same of ASCII, at two thirds of its cost
_JOINT = re.compile(r"[\s\-‐-―/&'’‘\"“”*_#]*")
_LIST_JOINT = re.compile(r"[\s\-‐-―/&'’‘\"“”*_#,]*")
_PLAIN = re.compile(r"[a-z]+(?: [a-z]+)*")
_BRACES = re.compile(r"\{([^{}]*)\}")


class Words:
    """The words of one text: `keys` in lower case, `starts` and `ends` in `text`, where nothing invisible is left.

    `offset` leads back from there to the text as it was given. In most texts nothing is found, so that where the words
    stand is looked up when it is asked for.
    """

    __slots__ = ("_given", "_kept", "ends", "keys", "starts", "text")

    starts: list[int]
    ends: list[int]

    def __init__(self, text: str) -> None:
        self._given = text
        self._kept: Sequence[int] | None = None
        plain = blank_typography(text)
        if plain.isascii():
            found = _ASCII_WORD.findall(plain)
        else:
            text = INVISIBLE.sub("", text)
            if "\u0130" in text or "\u212a" in text:
                text = text.translate(_ODD_CAPITALS)
            found = _WORD.findall(text)
        self.text = text
        if "\u03a3" in text:  # of this letter the lower case depends on what stands beside it
            lowered = text.lower()
            self.keys = [lowered[start:end] for start, end in zip(self.starts, self.ends, strict=True)]
        else:
            self.keys = " ".join(found).lower().split()

    def __getattr__(self, name: str) -> list[int]:
        """`starts` and `ends`, the first time that one of them is asked for."""
        if name not in {"starts", "ends"}:
            raise AttributeError(name)
        word = _ASCII_WORD if self.text.isascii() else _WORD
        spans = [found.span() for found in word.finditer(self.text)]
        self.starts, self.ends = [start for start, _ in spans], [end for _, end in spans]
        return self.starts if name == "starts" else self.ends

    def __len__(self) -> int:
        return len(self.keys)

    def offset(self, index: int) -> int:
        """Where word `index` starts in the text as given."""
        if self._kept is None:
            is_whole = len(self._given) == len(self.text)
            self._kept = range(len(self.text)) if is_whole else _list_visible(self._given)
        return self._kept[self.starts[index]]

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


def _list_visible(text: str) -> list[int]:
    """Where the characters of a text are that are not invisible."""
    return [index for index, char in enumerate(text) if not INVISIBLE.match(char)]


class PhraseMatch(NamedTuple, Generic[T]):
    """Words `first` to `last` (both included) are a phrase that stands for `value`."""

    first: int
    last: int
    value: T


class _Node(Generic[T]):
    """A beginning of phrases. `follow` leads on by the next word of a text, which may be several of a phrase's."""

    __slots__ = ("ends", "follow")

    def __init__(self) -> None:
        self.follow: dict[str, _Node[T]] = {}
        self.ends: tuple[T, bool] | None = None  # (value, whether commas may stand in it) of a phrase that ends here


class PhraseIndex(Generic[T]):
    """Phrases to be found in Words. A blank in a phrase is any gap or none; a comma must be written in the phrase.

    A graph of words: a phrase of n words, each gap open or closed, takes n²/2 steps in it instead of 2ⁿ spellings.
    Beginnings of the same letters are one, so that "padang sidimpuan" and "padangsidimpuan" go on alike.
    """

    def __init__(self, phrases: Mapping[str, T]) -> None:
        self._root: _Node[T] = _Node()
        nodes: dict[str, _Node[T]] = defaultdict(_Node)  # by the letters that lead there
        for phrase, value in phrases.items():
            keys = split_phrase(phrase)
            ends = _join(self._root, keys, nodes)
            if ends is not self._root and ends.ends is None:  # of two spelt alike the first counts
                ends.ends = (value, "," in phrase)

    def find(self, words: Words) -> Iterator[PhraseMatch[T]]:
        """Every match, left to right; the longest phrase wins, and no word belongs to two."""
        known = self._root.follow
        if known.keys().isdisjoint(words.keys):  # quickly said, and so of most
            return
        free = 0
        for first in [index for index, key in enumerate(words.keys) if key in known]:
            if first >= free and _may_end(known[words.keys[first]], words.keys, first):
                match = _walk(known[words.keys[first]], words, first)
                if match is not None:
                    yield match
                    free = match.last + 1

    def is_in(self, words: Words) -> bool:
        """Whether there is a match."""
        return next(self.find(words), None) is not None


def _join(root: _Node[T], keys: list[str], nodes: dict[str, _Node[T]]) -> _Node[T]:
    """Leads from `root` to where a phrase of these words ends, through every gap open or closed."""
    path, letters = [root], ""
    for end, key in enumerate(keys, start=1):
        letters += key
        node = nodes[letters]
        for start in range(end):
            path[start].follow["".join(keys[start:end])] = node
        path.append(node)
    return path[-1]


def _may_end(node: _Node[T], keys: Sequence[str], first: int) -> bool:
    """Whether a phrase ends on the way of `_walk`, if nothing stands between its words: that is dearer to see."""
    index = first + 1
    while node.ends is None and index < len(keys) and keys[index] in node.follow:
        node = node.follow[keys[index]]
        index += 1
    return node.ends is not None


def _walk(node: _Node[T], words: Words, first: int) -> PhraseMatch[T] | None:
    """The longest phrase that begins with word `first`, which has led to `node`."""
    match = PhraseMatch(first, first, node.ends[0]) if node.ends else None
    is_plain = True  # no comma so far
    index = first + 1
    while index < len(words.keys) and words.keys[index] in node.follow:
        if not words.are_joined(index - 1, index):
            if not words.are_joined(index - 1, index, commas=True):
                break
            is_plain = False
        node = node.follow[words.keys[index]]
        if node.ends and (is_plain or node.ends[1]):
            match = PhraseMatch(first, index, node.ends[0])
        index += 1
    return match


def blank_typography(text: str) -> str:
    """The text with blanks for quotes, dashes and the like, which most texts are ASCII but for. Places stay."""
    if not text.isascii():
        for mark in TYPOGRAPHY:
            text = text.replace(mark, " ")
    return text


def split_phrase(phrase: str) -> list[str]:
    """The words of a phrase, as `Words` has them; tables hold thousands of plain ones, which need no such care."""
    return phrase.split(" ") if _PLAIN.fullmatch(phrase) else Words(phrase).keys


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
