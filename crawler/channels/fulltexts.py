"""Whether what a feed calls content is the whole text. PURE.

Portals put excerpts there too. A feed whose contents are mostly long carries full texts, and then its short ones are
short news; a feed whose contents are all short carries excerpts. The worse error is to take an excerpt for the text:
the other way costs a request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crawler.channels.links import LIMITS, to_plain
from crawler.channels.raw import RawEntry

LONG_CHARS = 600  # excerpts are shorter: WordPress cuts at 55 words, which are 350 to 450
SHORT_CHARS = 80  # what is shorter is a caption, and the text was built in some other way
_EXCERPT_END = re.compile(
    r"(?:\[\s?(?:…|\.\.\.|&#8230;|&hellip;)\s?\]|baca selengkapnya|selengkapnya|read more|continue reading"
    r"|appeared first on.{0,200}|…|\.\.\.)\W{0,20}$",
    re.IGNORECASE | re.DOTALL,
)


def choose_full_texts(entries: Sequence[RawEntry]) -> list[str]:
    """For each entry its full text (HTML), "" where the feed holds none."""
    lengths = [_measure(entry.content) for entry in entries]
    contents = [length for length in lengths if length]
    carries = sum(length >= LONG_CHARS for length in contents) * 2 >= len(contents)
    least = SHORT_CHARS if carries else LONG_CHARS
    return [
        entry.content[: LIMITS["content"]] if length >= least and not _is_excerpt(entry, length) else ""
        for entry, length in zip(entries, lengths, strict=True)
    ]


def _measure(content: str) -> int:
    """Characters of text, counted as far as they matter."""
    length = len(to_plain(content, LONG_CHARS))  # looks at the first 2,400; most need no more
    return length if length >= LONG_CHARS or len(content) <= LONG_CHARS * 4 else len(to_plain(content, 5_000))


def _is_excerpt(entry: RawEntry, length: int) -> bool:
    if length < LONG_CHARS and length < 0.9 * len(to_plain(entry.summary, LONG_CHARS)):
        return True
    if len(entry.content) < len(entry.summary):
        return True
    cut = _EXCERPT_END.search(to_plain(entry.content[-600:], 600))
    return cut is not None and entry.content.lower().count("<p") < 3
