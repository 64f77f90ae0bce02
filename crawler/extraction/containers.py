"""Chooses the node of a page that holds the article's text. Pure.

a node named so ("entry-content", itemprop=articleBody) ─▶ the headline's <article> or column ─▶ where the prose is
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from crawler.extraction.outline import HEADINGS, Outline
from crawler.extraction.prose import ProseMap
from crawler.extraction.sentences import fold_words

# Shares of prose, measured on 276 development pages; results hardly move within ± 0.1.
LEAST_PROSE = 150.0  # characters; less is a caption or an excerpt
LEAST_SHARE = 0.25  # of the page; excerpts of other articles hold less
LEAST_COLUMN = 0.15  # of the page, in the column with the headline: beside it stand lists of others with excerpts
TWIN_GAIN = 1.2  # an article in several pieces of one name is taken whole
NESTED_SHARE = 0.9  # a container inside a container is taken if nothing is lost
DESCEND_SHARE = 0.75
SHORT_SHARE = 0.5  # of the prose in the element that a short text shares with its headline
MAX_HEADING_BLOCKS = 20
MAX_HEADING_CHARS = 1_000

_STOP_TAGS = frozenset(("p", "li", "blockquote"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Headlines:
    """Headings of a page, as nodes: that of the article, and the first h1 after it, of the article that follows."""

    own: int | None = None
    next: int | None = None


def choose_container(prose: ProseMap, title: str, preferred: Sequence[Sequence[int]] = ()) -> tuple[str, int]:
    """The way to the node of the article with this title, and its index: the first of `preferred` with text in it, or
    the best one found.
    """
    return next(list_containers(prose, title, preferred))


def list_containers(prose: ProseMap, title: str, preferred: Sequence[Sequence[int]] = ()) -> Iterator[tuple[str, int]]:
    """Ways (profile, name, article, short, column, prose) and nodes, the most reliable first; at least one."""
    headlines = find_headlines(prose.outline, title)
    for alike in preferred:
        whole = _take_pieces(prose, alike, headlines)
        yield from (("profile", index) for index in (*whole, *alike) if prose.prose[index] >= LEAST_PROSE)
    known = [index for alike in preferred for index in alike]
    article, named = _find_headed_article(prose, headlines), _find_named(prose, headlines)
    if named is not None and not (prose.trusting and article is not None):
        yield "name", named
    if article is not None:
        yield "article", _descend(prose, article)
    if named is None and article is None and (short := _find_headed_short(prose, headlines, known)) is not None:
        yield "short", short
    column = _find_headed_column(prose, headlines)
    if column is not None:
        yield "column", _descend(prose, column)
    yield "prose", _descend(prose, 0)


def find_headlines(outline: Outline, title: str) -> Headlines:
    """The heading that says the title, an h1 if one does, else the first h1; and the h1 with another text after it."""
    folded, nodes = fold_words(title), outline.nodes
    firsts = [index for index, node in enumerate(nodes) if node.tag == "h1"]
    said = {
        index for index, node in enumerate(nodes) if node.tag in HEADINGS and _read_heading(outline, index) == folded
    }
    own = min(
        (index for index in said if nodes[index].tag == "h1"), default=min(said, default=next(iter(firsts), None))
    )
    if own is None or own not in said:
        return Headlines(own=own)
    return Headlines(own=own, next=next((index for index in firsts if index > own and index not in said), None))


def _read_heading(outline: Outline, index: int) -> str | None:
    """The words of a heading; None for what is too long to be one, of which there may be thousands in one another."""
    node = outline.nodes[index]
    if node.end - node.first > MAX_HEADING_BLOCKS:
        return None
    texts = [block.text for block in outline.blocks[node.first : node.end]]
    return fold_words(" ".join(texts)) if sum(map(len, texts)) <= MAX_HEADING_CHARS else None


def _find_named(prose: ProseMap, headlines: Headlines) -> int | None:
    nodes = prose.outline.nodes
    least = max(LEAST_PROSE, LEAST_SHARE * prose.total)
    named = [index for index, node in enumerate(nodes) if prose.prose[index] > 0 and node.container]
    if headlines.next is not None:  # pages that go on with the next article as one scrolls
        own = [index for index in named if nodes[index].end <= nodes[headlines.next].first]
        if max(map(prose.prose.__getitem__, own), default=0) >= LEAST_PROSE:
            named, least = own, LEAST_PROSE
    best = max(named, key=prose.prose.__getitem__, default=None)
    if best is None:
        return None
    best = _take_twins(prose, best, named)
    if prose.prose[best] < least:
        return None
    for index in named:
        inside = nodes[best].first <= nodes[index].first and nodes[index].end <= nodes[best].end and index > best
        if inside and prose.prose[index] >= NESTED_SHARE * prose.prose[best]:
            best = index
    return best


def _take_twins(prose: ProseMap, best: int, named: Sequence[int]) -> int:
    """The node above all pieces of an article that carry the name of `best`, unless they are articles of their own."""
    nodes = prose.outline.nodes
    twins = [index for index in named if nodes[index].container == nodes[best].container]
    if sum(prose.prose[index] for index in twins) < TWIN_GAIN * prose.prose[best]:
        return best
    around = _list_articles(prose.outline)
    articles = {around[index] for index in twins}
    return _find_common(prose.outline, twins) if len(articles) == 1 else best


def _take_pieces(prose: ProseMap, alike: Sequence[int], headlines: Headlines) -> list[int]:
    """The node above the pieces in which a profile finds an article; none where it is in one piece, or where another
    article may begin between two.
    """
    nodes = prose.outline.nodes
    pieces = [index for index in alike if prose.prose[index] > 0]
    if len(pieces) < 2:
        return []
    first, last = nodes[pieces[0]], nodes[pieces[-1]]
    between = range(pieces[0], pieces[-1])
    if headlines.next is not None and headlines.next in between:
        return []
    around = _list_articles(prose.outline)
    is_one = len({around[index] for index in pieces}) == 1
    return [_find_common(prose.outline, pieces)] if is_one and first.end <= last.first else []


def _list_ancestors(outline: Outline, index: int) -> Iterator[int]:
    while index >= 0:
        yield index
        index = outline.nodes[index].parent


def _list_articles(outline: Outline) -> list[int]:
    """For each node the nearest <article> around it, or -1."""
    articles: list[int] = []
    for index, node in enumerate(outline.nodes):
        articles.append(index if node.tag == "article" else articles[node.parent] if node.parent >= 0 else -1)
    return articles


def _find_common(outline: Outline, indexes: Sequence[int]) -> int:
    first, last = min(indexes), max(indexes)
    end = max(outline.nodes[index].end for index in indexes)
    return next(
        above
        for above in _list_ancestors(outline, first)
        if above == 0 or (above < first and outline.nodes[above].end >= end and above in _list_ancestors(outline, last))
    )


def _find_headed_article(prose: ProseMap, headlines: Headlines) -> int | None:
    """The <article> that holds the headline, else an h1, if it holds a fair share of the prose."""
    nodes = prose.outline.nodes
    around = _list_articles(prose.outline)
    heads = {around[index] for index, node in enumerate(nodes) if node.tag == "h1"} - {-1}
    best = max(heads, key=prose.prose.__getitem__, default=None)
    # where weak signs are not believed, the page's prose is mostly that of others
    least = LEAST_PROSE if prose.trusting else max(LEAST_PROSE, LEAST_SHARE * prose.total)
    if headlines.own is not None and headlines.next is not None:
        own = around[headlines.own]
        if own != -1 and prose.prose[own] >= LEAST_PROSE:
            return own
    return best if best is not None and prose.prose[best] >= least else None


def _find_headed_short(prose: ProseMap, headlines: Headlines, known: Iterable[int]) -> int | None:
    """The container next to the headline, with little text in it but more than around it: news of a sentence or two."""
    nodes = prose.outline.nodes
    named = {index for index, node in enumerate(nodes) if node.container and _holds_sentence(prose, index)}
    named.update(index for index in known if _holds_sentence(prose, index))
    for above in _list_ancestors(prose.outline, headlines.own) if named and headlines.own is not None else ():
        inside = [index for index in named if index > above and nodes[index].end <= nodes[above].end]
        if inside:
            best = max(inside, key=prose.prose.__getitem__)
            return best if prose.prose[best] >= SHORT_SHARE * prose.prose[above] else None
    return None


def _holds_sentence(prose: ProseMap, index: int) -> bool:
    return prose.prose[index] > 0 and any(block.is_prose for block in prose.list_blocks(index))


def _find_headed_column(prose: ProseMap, headlines: Headlines) -> int | None:
    """The smallest node with the headline and text, if that is a fair share: beside it may stand columns with more."""
    nodes, heading = prose.outline.nodes, headlines.own or 0
    column = next((above for above in _list_ancestors(prose.outline, heading) if prose.prose[above] >= LEAST_PROSE), 0)
    is_fair = column and nodes[column].tag != "header" and prose.prose[column] >= LEAST_COLUMN * prose.total
    return column if is_fair and sum(block.is_prose for block in prose.list_blocks(column)) > 1 else None


def _descend(prose: ProseMap, start: int) -> int:
    """The innermost node under `start` that still holds most of its prose."""
    nodes = prose.outline.nodes
    children: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        children.setdefault(node.parent, []).append(index)
    here = start
    while True:
        best = max(children.get(here, ()), key=prose.prose.__getitem__, default=None)
        if best is None or nodes[best].tag in _STOP_TAGS or not prose.prose[best]:
            return here
        if prose.prose[best] < DESCEND_SHARE * prose.prose[here]:
            return here
        here = best
