"""Does a page name a topic at all? Asked of the bytes of every page, before any of them is parsed. Pure.

Extracting a page costs some ten milliseconds, and most pages of a portal are about football. So the page is reduced to
the letters and digits of what it shows and of its `<meta>`: scripts, tags, entities, escapes, blanks, hyphens and all
that is not ASCII fall out, and the terms of the topics, reduced alike, are looked for in what is left.

The worse error is to miss an article, so the scan finds more than `classify_topics` would: it knows no word boundaries,
no weights and no place on the page. Known to escape it: a name in the middle of which stands a comment with markup in
it, or a tag with ">" inside an attribute, and text that only a script would draw (JSON-LD is read).

Any charset that holds ASCII works, also UTF-16, whose zero bytes fall out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

LONG_KEY = 5
_STEM = 8  # keys that agree so far are looked for together

# Up to the closing tag; JSON-LD stays. Possessive, so that a page of a million "<script" costs no more than another.
_SCRIPT = re.compile(rb"<s(?:cript(?![^<>]{0,200}json)|tyle)\b[^<]*+(?:<(?!/s(?:cript|tyle))[^<]*+)*+")
# From a ">" to the next "<", which is the text after a tag.
_SHOWN = re.compile(rb">([^<]+)")
# The attributes of <meta>, which hold titles and summaries; and "<" that opens no tag ("5 < 6").
_HELD = re.compile(rb"<(?:meta|[^a-z/!?])([^<]+)")
# Browsers take "&nbsp" and "&shy" without a semicolon; feeds escape twice.
_ENTITY = re.compile(rb"&(?:amp;)*(?:(?:nbsp|shy|zwnj|zwj);?|[a-z][a-z0-9]{1,30};|#x?[0-9a-f]{1,7};?)")
_ESCAPED_LETTER = re.compile(rb"&(?:amp;)*#(?:x0*([3-7][0-9a-f])|0*([4-9]\d|1[01]\d|12[0-2]));?")
_JSON_ESCAPE = re.compile(rb"\\(?:u([0-9a-f]{4})|[nrtbf])")
_DROPPED = bytes(byte for byte in range(256) if not (48 <= byte < 58 or 97 <= byte < 123))


class PageScan:
    """Finds any of a set of keys (lower-case ASCII letters and digits) in pages or fragments of pages.

    A key of fewer than `LONG_KEY` letters is looked for as a word, in which no tag may stand: as a run of letters it
    occurs in every tenth page, in some hash or image.

    0.3 to 0.45 ms for 100 kB that hold none (276 saved pages, one core), the terms of two topics.
    """

    def __init__(self, keys: Iterable[bytes]) -> None:
        distinct = set(keys)
        self._stems = _group_keys(sorted(key for key in distinct if len(key) >= LONG_KEY))
        short = sorted(key for key in distinct if len(key) < LONG_KEY)
        self._short = [(key, re.compile(rb"(?<![0-9a-z])" + key + rb"(?![0-9a-z])")) for key in short]

    def matches(self, html: bytes) -> bool:
        """Whether the page shows one of the keys."""
        parts = _find_text(html)
        if self._short:
            text = b" ".join(parts)
            if any(key in text and word.search(text) for key, word in self._short):
                return True
        shown = _fold_text(b"".join(parts))
        return any(stem in shown and any(key in shown for key in keys) for stem, keys in self._stems)


def read_shown(html: bytes) -> str:
    """What a page shows, in lower case, tags replaced by blanks: rough, and enough to tell a notice from an article."""
    return b" ".join(_SHOWN.findall(b">" + _drop_scripts(html))).decode("utf-8", "replace")


def _find_text(html: bytes) -> list[bytes]:
    """The pieces of text between the tags of a page, in lower case. What has no tags is all text."""
    page = _drop_scripts(html)
    return _SHOWN.findall(b">" + page) + _HELD.findall(page)


def _drop_scripts(html: bytes) -> bytes:
    return _SCRIPT.sub(b"", (html.replace(b"\0", b"") if b"\0" in html else html).lower())


def _fold_text(text: bytes) -> bytes:
    if b"&" in text:
        text = _ENTITY.sub(b"", _ESCAPED_LETTER.sub(_read_code, text))
    if b"\\" in text:
        text = _JSON_ESCAPE.sub(_read_code, text)
    return text.translate(None, _DROPPED)


def _group_keys(keys: list[bytes]) -> list[tuple[bytes, tuple[bytes, ...]]]:
    """(what all keys of a group begin with, the keys), without keys that hold another one.

    A page without "apeksi" cannot hold "ketuaapeksi".
    """
    kept: list[bytes] = []
    for key in sorted(keys, key=len):
        if not any(other in key for other in kept):
            kept.append(key)
    groups = (tuple(group) for _, group in groupby(sorted(kept), key=lambda key: key[:_STEM]))
    return [(_share_start(group[0], group[-1]), group) for group in groups]  # sorted: first and last differ most


def _share_start(one: bytes, other: bytes) -> bytes:
    """The bytes both begin with."""
    length = next((index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    return one[:length] if length is not None else min(one, other, key=len)


def _read_code(escape: re.Match[bytes]) -> bytes:
    """The ASCII letter or digit that an entity or a JSON escape stands for."""
    hexadecimal, *decimal = escape.groups()
    code = int(hexadecimal, 16) if hexadecimal else int(decimal[0]) if any(decimal) else 0
    return bytes((code,)).lower() if code < 128 else b""
