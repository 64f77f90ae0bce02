"""Filters the blocks of an article's container: what stays are its paragraphs. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence

from crawler.extraction.furniture import Strength, cut_pointer, is_furniture_line, judge_ending
from crawler.extraction.outline import HEADINGS, Block, Outline
from crawler.extraction.sentences import MAX_LINK_SHARE, PROSE_FROM, ends_sentence, fold_words

# A heading such as "Leave a reply" or "Related posts" ends the article when this share of its prose stands before it.
ENDING_FROM = 0.4
GOES_ON = 2  # paragraphs without a link after a list of other articles: the article goes on
ABOVE_HEADLINE = 0.5  # of the prose below it: advertisements, a call to subscribe
LINKED_SENTENCE_FROM = 60
LONGEST_DATELINE = 60

_ADDRESS = re.compile(r"https?://\S+$")
_DASHES = ("-", "–", "—")
# "lg", "mk/el", "*an-", "(fyk/ash)": who typed the article.
_INITIALS = re.compile(
    r"[(\[*\-–/]{0,3}\s*[A-Za-z]{1,4}\d?(?:\s?[/\-.,&]{1,2}\s?[A-Za-z\d]{1,5}){0,3}\s*[)\]*.\-–]{0,3}"
)
# The same in brackets behind the last sentence or on a line of its own: "(fyk/ash)", "(mcr23/jpnn)", "(H-2)", "(*)".
_TYPIST = (
    r"(?!.dan/atau)[(\[]\s?(?:\*{1,3}|[A-Z]{1,2}-\d{1,2}"
    r"|[A-Za-z]{2,6}\d{0,3}(?:\s?/\s?[A-Za-z*]{1,12}\d{0,3}){1,3})\s?[)\]]"
)
# "(Asmara Putera/balipost)": a writer and the portal.
_NAME = r"[A-Z][\w.’'-]*"
_SIGNED = (
    rf"[(\[]\s?(?:{_NAME}(?:\s{_NAME}){{0,3}}\s?/\s?[\w.]+(?:\s[\w.]+){{0,2}}"
    rf"|[\w.]+/\s?{_NAME}(?:\s{_NAME}){{0,3}})\s?[)\]]"
)
_SIGNATURE = re.compile(rf"(?:{_TYPIST}|{_SIGNED})\.?")
_CLOSING = ")]."
_INNER_INITIALS = re.compile(rf"(?<=[.!?”\"’])\s*{_TYPIST}\.?$")
_LAST_INITIALS = re.compile(
    rf"(?<=[.!?”\"’])\s*(?:[(\[]\s?[A-Za-z]{{2,4}}\d{{0,3}}(?:\s?[/\-]\s?[A-Za-z*\d]{{1,5}}){{0,3}}\s?[)\]]|{_SIGNED})\.?$"
)


def keep_paragraphs(outline: Outline, blocks: Sequence[Block], title: str = "") -> tuple[str, ...]:
    """The paragraphs among the blocks of a container, in order; those that repeat the title above them are dropped."""
    return keep_own(outline, cut_at_ending(outline, blocks), title)


def keep_own(outline: Outline, blocks: Sequence[Block], title: str) -> tuple[str, ...]:
    """The same of blocks behind which nothing is to be cut off."""
    nodes = outline.nodes
    prose_parents = Counter(nodes[block.node].parent for block in blocks if block.weight >= PROSE_FROM)
    kept = [block for block in blocks if not _is_noise(outline, block, prose_parents)]
    start = _find_start(outline, kept, fold_words(title))
    paragraphs = [_read_text(block) for block in kept[start : _find_end(outline, kept)]]
    if paragraphs:
        paragraphs[-1] = _LAST_INITIALS.sub("", paragraphs[-1])
    if len(paragraphs) > 1 and len(paragraphs[0]) <= LONGEST_DATELINE and paragraphs[0].endswith(_DASHES):
        paragraphs[:2] = [" ".join(paragraphs[:2])]  # "JAKARTA -", and the paragraph in an element of its own
    return tuple(paragraphs)


def _read_text(block: Block) -> str:
    text = cut_pointer(block.text, block.link_chars) if block.link_chars else block.text
    return _INNER_INITIALS.sub("", text) if text[-1] in _CLOSING else text


def cut_at_ending(outline: Outline, blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks before the heading of what follows an article; all of them where there is none."""
    least = ENDING_FROM * sum(block.weight for block in blocks)
    parents = [outline.nodes[block.node].parent for block in blocks]
    own: set[int] = set()  # the elements around the paragraphs so far
    seen = 0.0
    for index, block in enumerate(blocks):
        if seen > least:
            ending = judge_ending(block.text)
            if ending is Strength.STRONG or _SIGNATURE.fullmatch(block.text):
                return blocks[:index]
            if ending is Strength.WEAK and not _goes_on(outline, blocks, parents, index, own):
                return blocks[:index]
        if block.is_prose:
            own.add(parents[index])
        seen += block.weight
    return blocks


def _goes_on(
    outline: Outline, blocks: Sequence[Block], parents: Sequence[int], ending: int, own: Container[int]
) -> bool:
    """Whether the article goes on after a list of others: with a paragraph beside its earlier ones (in the elements
    `own`), or with several.

    Teasers are told by the linked title right before each.
    """
    box = _find_box(outline, blocks[ending], own)
    run = 0
    for index in range(ending + 1, len(blocks)):
        block, before = blocks[index], blocks[index - 1]
        if block.link_share > MAX_LINK_SHARE:
            run = 0
        elif block.is_prose:
            is_teaser = (
                before.link_share > MAX_LINK_SHARE
                and parents[index - 1] == parents[index]
                and not _is_within(outline, before, box)
            )
            run += len(block.text) >= PROSE_FROM
            if run == GOES_ON or (parents[index] in own and not is_teaser):
                return True
    return False


def _find_box(outline: Outline, heading: Block, own: Container[int]) -> int:
    """The element around a list's heading, if the article's paragraphs do not stand in it; else the heading's own."""
    parent = outline.nodes[heading.node].parent
    return heading.node if parent in own or parent < 0 else parent


def _is_within(outline: Outline, block: Block, node: int) -> bool:
    return outline.nodes[node].first <= outline.nodes[block.node].first < outline.nodes[node].end


def _is_noise(outline: Outline, block: Block, prose_parents: Mapping[int, int]) -> bool:
    if block.link_share > MAX_LINK_SHARE and not _is_linked_text(outline, block, prose_parents):
        return True
    if judge_ending(block.text) is not Strength.NONE:
        return True
    return is_furniture_line(block.text) or not any(map(str.isalnum, block.text))


def _is_linked_text(outline: Outline, block: Block, prose_parents: Mapping[int, int]) -> bool:
    """Whether a block that is mostly a link is text: a heading or sentence beside paragraphs, an address."""
    node = outline.nodes[block.node]
    if prose_parents.get(node.parent, 0) < 2:
        return False
    if node.tag in HEADINGS:
        return True
    sentence = len(block.text) >= LINKED_SENTENCE_FROM and ends_sentence(block.text)
    return sentence or (node.tag == "p" and _ADDRESS.match(block.text) is not None)


def _find_start(outline: Outline, blocks: Sequence[Block], title: str) -> int:
    """The first paragraph, after titles, dates and names above the text."""
    for index in range(_find_headline(outline, blocks, title), len(blocks)):
        block = blocks[index]
        if block.is_prose and not _is_title(outline, block, title):
            start = index
            while (
                start
                and _leads_in(outline, blocks[start - 1], block)
                and not _is_title(outline, blocks[start - 1], title)
            ):
                start -= 1
            return start
    return 0


def _find_headline(outline: Outline, blocks: Sequence[Block], title: str) -> int:
    """The block of the h1 with the title where little stands above it, and the text below; else the first."""
    headings = (index for index, block in enumerate(blocks) if outline.nodes[block.node].tag == "h1")
    place = next((index for index in headings if fold_words(blocks[index].text) == title), 0)
    above, below = (sum(block.weight for block in part) for part in (blocks[:place], blocks[place:]))
    return place if above <= ABOVE_HEADLINE * below else 0


def _is_title(outline: Outline, block: Block, title: str) -> bool:
    return outline.nodes[block.node].tag == "h1" or (title != "" and fold_words(block.text) == title)


def _leads_in(outline: Outline, before: Block, block: Block) -> bool:
    """Headings, and short lines that stand beside the first paragraph or, with a dash, before it ("JAKARTA -")."""
    above, node = outline.nodes[before.node], outline.nodes[block.node]
    if above.tag in HEADINGS or before.node == block.node:
        return True
    if before.node == node.parent and before.text.endswith(_DASHES):
        return True
    return above.tag == node.tag and node.tag in ("p", "li") and above.parent == node.parent


def _find_end(outline: Outline, blocks: Sequence[Block]) -> int:
    """After the last paragraph: headings with nothing under them and the initials of who typed it go."""
    end = len(blocks)
    while end and (outline.nodes[blocks[end - 1].node].tag in HEADINGS or _INITIALS.fullmatch(blocks[end - 1].text)):
        end -= 1
    return end
