"""Texts in which words were found, cut into pieces that were and were not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from aggregator.cleaning import xml_safe
from aggregator.passage_rows import BEGIN_MARK, END_MARK, Passage

TITLE_LIMIT = 300  # characters of a title that is marked: a longer one is shown cut, and then without marks


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a text in which words were looked for."""

    text: str
    is_found: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """What to show of a piece of news as found; () where nothing may be, or nothing was found there."""

    title: tuple[Piece, ...] = ()
    text: tuple[Piece, ...] = ()  # the passage that has most of the words


def mark_passage(passage: Passage | None) -> Marked:
    """No title that is shown cut, and no passage that is longer than may be quoted."""
    if passage is None:
        return Marked()
    title, text = split_marked(passage.title), split_marked(passage.text)
    may_quote = passage.limit is None or _measure(text) <= passage.limit
    return Marked(
        title=title if _measure(title) <= TITLE_LIMIT else (),
        text=text if may_quote and any(piece.is_found for piece in text) else (),
    )


def split_marked(text: str) -> tuple[Piece, ...]:
    """The pieces of a text with marks, each safe to encode, none escaped yet. Marks that have no end run to the end."""
    return tuple(piece for piece in _split(" ".join(text.split())) if piece.text)


def write_html(pieces: Iterable[Piece]) -> str:
    """The text as HTML: what was found between `<mark>` and `</mark>`, everything else escaped."""
    return "".join(f"<mark>{escape(piece.text)}</mark>" if piece.is_found else escape(piece.text) for piece in pieces)


def _measure(pieces: Iterable[Piece]) -> int:
    return sum(len(piece.text) for piece in pieces)


def _split(text: str) -> Iterator[Piece]:
    before, *marked = text.split(BEGIN_MARK)
    yield Piece(xml_safe(before), is_found=False)
    for each in marked:
        words, _, after = each.partition(END_MARK)
        yield Piece(xml_safe(words), is_found=True)
        yield Piece(xml_safe(after), is_found=False)
