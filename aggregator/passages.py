"""An article cut into the places where a match counts differently. Pure; shared by topics and regions.

    title │ summary │ lead │ body … │ tail │ tags

The lead says what happened, the tail (the last paragraph) is where passing mentions live. Offsets in lead, body and
tail count from the start of the article's text, for these three are one text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import pairwise

from aggregator.textfold import Words

# A lead is one paragraph, or more when the first is only a dateline; texts without line breaks are cut by length.
LEAD_LEAST = 200
LEAD_MOST = 600
# Texts shorter than this have no tail: their last sentence is still the news.
TAIL_FROM = 1200
TAIL_MOST = 500
# A mention counts once a paragraph. Long paragraphs count as several, a run of stubs (or of empty lines) as one.
BLOCK_LEAST = 40
BLOCK_MOST = 700
# Characters that are read; no title, summary or news article is longer.
TEXT_MOST = 100_000
SUMMARY_MOST = 5_000
TITLE_MOST = 1_000


# Between two tags, so that no phrase goes over it.
TAG_GAP = " | "
# Lines that lead to other articles: what they name is not what this one is about.
_ASIDE = re.compile(
    r"^[ \t]{0,20}(?:(?:baca|lihat|simak|tonton)[ \t]{1,5}(?:juga|pula)|(?:berita|artikel|pos)[ \t]{1,5}terkait)\b"
    r"[^\n]{0,1000}",
    re.IGNORECASE | re.MULTILINE,
)


class Passage:
    """A piece of an article: `place` names it, `slot` tells one body paragraph from another."""

    def __init__(self, place: str, text: str, *, start: int = 0, slot: int = 0) -> None:
        self.place = place
        self.text = text
        self.start = start
        self.slot = slot

    @cached_property
    def words(self) -> Words:
        return Words(self.text)

    def offset(self, index: int) -> int:
        """Where word `index` stands, in characters from the start of the title, summary, tags or article text."""
        return self.start + self.words.offset(index)


@lru_cache(maxsize=8)  # topics and regions read the same article one after the other
def lay_out(title: str, text: str, summary: str, tags: tuple[str, ...]) -> tuple[Passage, ...]:
    """The passages of an article, the empty ones left out, in the order title, summary, lead, body, tail, tags."""
    passages = [Passage("title", title[:TITLE_MOST]), Passage("summary", summary[:SUMMARY_MOST])]
    passages += [*_cut_text(text[:TEXT_MOST]), Passage("tags", TAG_GAP.join(tags)[:SUMMARY_MOST])]
    return tuple(passage for passage in passages if passage.text.strip())


def read_article(title: str, text: str, summary: str, tags: Sequence[str]) -> tuple[Passage, ...]:
    """`lay_out` for arguments as callers have them."""
    return lay_out(title, text, summary, tuple(tags))


def _cut_text(text: str) -> list[Passage]:
    text = _ASIDE.sub(lambda line: " " * len(line[0]), text)  # so that offsets stay
    lead_start = len(text) - len(text.lstrip())
    lead_end = lead_start + _end_lead(text[lead_start : lead_start + LEAD_MOST + 1])
    tail_start = _start_tail(text, lead_end)
    passages = [Passage("lead", text[lead_start:lead_end], start=lead_start)]
    for slot, (start, end) in enumerate(pairwise(_cut_body(text, lead_end, tail_start))):
        passages.append(Passage("body", text[start:end], start=start, slot=slot))
    passages.append(Passage("tail", text[tail_start:], start=tail_start))
    return passages


def _end_lead(text: str) -> int:
    if len(text) <= LEAD_MOST:
        return len(text)
    line_end = text.find("\n", LEAD_LEAST, LEAD_MOST)
    return line_end if line_end >= 0 else _find_gap(text, LEAD_LEAST, LEAD_MOST)


def _start_tail(text: str, lead_end: int) -> int:
    last_line = text.rstrip().rfind("\n") + 1
    if len(text) < TAIL_FROM or last_line <= lead_end or len(text) - last_line > TAIL_MOST:
        return len(text)
    return last_line


def _cut_body(text: str, start: int, end: int) -> list[int]:
    """Where the blocks of text[start:end] begin, and `end`: one a paragraph, long paragraphs in several."""
    cuts = [start]
    while True:
        most = cuts[-1] + BLOCK_MOST
        line_end = text.find("\n", cuts[-1] + BLOCK_LEAST, min(most, end))
        if line_end < 0 and most >= end:
            return [*cuts, end]
        cuts.append(line_end if line_end >= 0 else _find_gap(text, cuts[-1] + BLOCK_LEAST, most))


def _find_gap(text: str, start: int, end: int) -> int:
    """The last blank in text[start:end], so that no name is cut in two; `end` when there is none."""
    gap = text.rfind(" ", start, end)
    return gap if gap > start else end
