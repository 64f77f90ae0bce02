"""Characters of hostile text: entities read, what no text holds dropped. Pure; a leaf."""

from __future__ import annotations

import html
import re

# Controls but tab and line feed, lone surrogates (JSON writes them), noncharacters: XML 1.0 allows none of these.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")

LONGEST_REASON = 500


def unescape(text: str) -> str:
    """`text` with its entities read; as it is where one of them has more digits than Python reads (4,300)."""
    if "&" not in text:
        return text
    try:
        return html.unescape(text)
    except ValueError:
        return text


def drop_unsafe(text: str) -> str:
    """`text` without the characters that cannot be stored or published."""
    return _UNSAFE.sub("", text) if _UNSAFE.search(text) else text


def clean_reason(text: str) -> str:
    """A reason for people on one line of printable characters: it may quote a portal, and is shown on terminals."""
    return " ".join("".join(each if each.isprintable() else " " for each in text[:LONGEST_REASON]).split())
