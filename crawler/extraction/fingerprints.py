"""Hashes of paragraphs, from which a source's own boilerplate is learnt. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from hashlib import blake2b

# A paragraph over this length is told by its beginning; it bounds the work on monstrous pages.
MAX_CHARS = 4_000

_WORD = re.compile(r"\w+")


def hash_paragraphs(paragraphs: Iterable[str]) -> tuple[int, ...]:
    """One signed 64-bit number for each paragraph, in order, alike for texts that differ in case, spaces or signs only.

    BLAKE2b of the words (NFKC, casefold). Signed, because SQLite's integers are. Numbers are kept in databases, so what
    goes into them must not change.
    """
    return tuple(map(_hash_paragraph, paragraphs))


def _hash_paragraph(paragraph: str) -> int:
    text = paragraph[:MAX_CHARS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    words = " ".join(_WORD.findall(text.casefold()))
    return int.from_bytes(blake2b(words.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)
