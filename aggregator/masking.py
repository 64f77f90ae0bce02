"""Phone numbers, e-mail addresses and population numbers (NIK) in text, put out of sight. Pure.

    text ─▶ mail addresses ─▶ numbers (aggregator.personal_numbers) ─▶ the same text, with a mark for each

A mark is no word: it finds nothing in a search, is counted in no comparison, and reads alike in every language. It
tells nothing of what it stands for, neither the last digits nor the domain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from aggregator.article_json import pack_row, unpack_row
from aggregator.personal_numbers import find_personal_numbers

MARK = "•••"
MAIL_MARK = "•••@•••"

_AT = "[@\uff20\ufe6b]"
_LOCAL = r"(?<![\w.%+'-])[\w.%+'-]{1,200}+"  # only from where it begins, and never given back: else quadratic
_LABEL = r"[^\W_](?:[\w-]{0,62}[^\W_])?"
_DOT = r"(?:\.|\s?[\[({<]\s?(?:dot|titik|\.)\s?[\])}>]\s?|\s(?:dot|titik)\s)"
# Of what is written in another way, only what ends as addresses here do: "rapat @ balai" is none.
_ENDING = r"(?:com|net|org|info|biz|id|co|gov|edu|io|me|xyz|online|site|asia|news|tv|sg|my|au|uk|us|jp|nl|de)\b"
_MAIL = re.compile(rf"{_LOCAL}{_AT}(?:{_LABEL}[.\uff0e\u3002\u2024]){{1,8}}[^\W\d_]{{2,24}}")
_WRITTEN_MAIL = re.compile(
    rf"{_LOCAL}(?:"
    rf"\s?[\[({{<]\s?(?:{_AT}|at|et|a)\s?[\])}}>]\s?{_LABEL}(?:{_DOT}{_LABEL}){{0,4}}{_DOT}{_ENDING}"  # budi [at] …
    rf"|\s{_AT}\s{_LABEL}(?:\.{_LABEL}){{0,4}}\.{_ENDING}"  # budi @ kota.go.id
    rf"|\sat\s{_LABEL}(?:{_DOT}{_LABEL}){{0,4}}\s(?:dot|titik)\s{_ENDING})",  # budi at kota dot go dot id
    re.IGNORECASE,
)
_HAS_AT = re.compile(_AT)
_MAYBE_WRITTEN = re.compile(rf"[\[({{<\s](?:{_AT}|at|et|a)\s?[\])}}>\s]", re.IGNORECASE)
_MARKS = re.compile(rf"[\s,;:|/–-]*[(<\[]?\s*(?:{MAIL_MARK}|{MARK})\s*[)>\]]?")


def mask_personal(text: str) -> str:
    """`text` with a mark for each number or address by which a person can be reached, or told from all others."""
    if _HAS_AT.search(text):
        text = _MAIL.sub(MAIL_MARK, text)
    if _MAYBE_WRITTEN.search(text):
        text = _WRITTEN_MAIL.sub(MAIL_MARK, text)
    spans = find_personal_numbers(text)
    if not spans:
        return text
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += text[at:start], MARK
        at = end
    return "".join((*parts, text[at:]))


def mask_name(text: str) -> str:
    """The same of persons' names, which need no mark: "Budi (budi@kota.go.id)" is Budi."""
    masked = mask_personal(text)
    return text if masked == text else _MARKS.sub("", masked).strip()


def mask_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of the columns that hold a portal's words, those that change by masking. What is JSON stays JSON."""
    masked = {name: mask(row[name]) for name, mask in _MASKS.items() if name in row}
    return {name: text for name, text in masked.items() if text != row[name]}


def _mask_packed(text: str) -> str:
    row = unpack_row(text)
    changes = mask_columns(row)
    return pack_row(row | changes) if changes else text


_MASKS: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(("title", "text", "summary", "tags", "published_raw", "difference"), mask_personal),
    **dict.fromkeys(("author", "byline"), mask_name),
    "article": _mask_packed,  # of a rejected page
}
