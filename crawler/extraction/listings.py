"""Tells lists of articles (front, category, tag, author, search) from articles, teasers and comments from text. Pure.

Theory: a list holds several teasers of one make beside each other, and most of the page's prose in them. The error to
avoid is an article taken for a list; so a page whose body class says "single" is never one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from crawler.extraction.furniture import Strength, heads_comments
from crawler.extraction.outline import HEADINGS, Block, Outline
from crawler.extraction.prose import ProseMap
from crawler.extraction.sentences import MAX_LINK_SHARE

LEAST_TEASERS = 4
TEASER_SHARE = 0.6  # of the page's prose, in all teasers
LARGEST_TEASER = 0.5  # of the teasers' prose; an article among teasers of others holds more
LEAST_BESIDE = 3  # teasers of one make beside an article
LONGEST_TEASER = 800  # characters
COMMENTS_FROM = 150  # characters of prose before them; readers' comments may be longer than the article
LEAST_TITLE = 15  # characters, linked
TITLE_WITHIN = 4  # blocks: category, date, picture, title

_CARD_TAGS = frozenset(("div", "li", "section", "tr"))
# What WordPress writes into <body class>.
_LIST_CLASSES = (frozenset(("archive",)), frozenset(("search-results",)), frozenset(("blog", "home")))
_ARTICLE_CLASSES = frozenset(("attachment", "page", "single", "single-post", "singular"))


def is_listing(prose: ProseMap, *, describes_article: bool) -> bool:
    """Whether a page lists articles and holds none itself. `describes_article`: the head names one, or its date."""
    classes = _read_body_classes(prose)
    if classes & _ARTICLE_CLASSES:
        return False
    if any(classes >= names for names in _LIST_CLASSES) or _is_made_of_teasers(prose):
        return True
    return not describes_article and _is_made_of_cards(prose)


def _read_body_classes(prose: ProseMap) -> frozenset[str]:
    outline = prose.outline
    for node, element in zip(outline.nodes[:3], outline.elements, strict=False):
        if node.tag == "body":
            return frozenset((element.get("class") or "").split())
    return frozenset()


def _is_made_of_teasers(prose: ProseMap) -> bool:
    teasers: dict[object, list[float]] = defaultdict(list)
    for index, node in enumerate(prose.outline.nodes):
        if node.tag == "article" and prose.prose[index]:
            teasers[node.parent].append(prose.prose[index])
    return _hold_the_page(teasers, prose)


def _is_made_of_cards(prose: ProseMap) -> bool:
    """The same of other elements, beside each other and of one make, each with a linked title."""
    outline = prose.outline
    cards: dict[object, list[float]] = defaultdict(list)
    for index, node in enumerate(outline.nodes):
        if node.tag in _CARD_TAGS and prose.prose[index] and _is_titled(outline.blocks[node.first : node.end]):
            cards[node.parent, node.tag, _read_make(outline, index)].append(prose.prose[index])
    return _hold_the_page(cards, prose)


def _hold_the_page(groups: Mapping[object, Sequence[float]], prose: ProseMap) -> bool:
    return any(
        len(sizes) >= LEAST_TEASERS
        and sum(sizes) >= TEASER_SHARE * prose.total
        and max(sizes) <= LARGEST_TEASER * sum(sizes)
        for sizes in groups.values()
    )


def _is_titled(blocks: Sequence[Block]) -> bool:
    """Whether a link with a title stands among the first blocks."""
    return any(block.link_share > MAX_LINK_SHARE and len(block.text) >= LEAST_TITLE for block in blocks[:TITLE_WITHIN])


def mark_teasers(outline: Outline) -> bool:
    """Marks the <article>s that are teasers beside or below an article as furniture; False where there are none."""
    teasers: dict[str, list[int]] = defaultdict(list)
    for index in _list_teasers(outline):
        teasers[_read_make(outline, index)].append(index)
    found = [index for alike in teasers.values() if len(alike) >= LEAST_BESIDE for index in alike]
    for index in found:
        outline.nodes[index].strength = Strength.STRONG
    return bool(found)


def mark_comments(outline: Outline) -> bool:
    """Marks the box under a heading such as "3 tanggapan", or else all beside it that follows, as furniture; False
    where there is none.
    """
    seen = 0.0
    for index, block in enumerate(outline.blocks):
        if seen >= COMMENTS_FROM and heads_comments(block.text):
            box = _find_box(outline, index)
            marked = [box]
            if outline.nodes[box].tag in HEADINGS:
                parent = outline.nodes[box].parent
                marked += [
                    place for place in range(box + 1, len(outline.nodes)) if outline.nodes[place].parent == parent
                ]
            for place in marked:
                outline.nodes[place].strength = Strength.STRONG
            return True
        seen += block.weight
    return False


def _find_box(outline: Outline, index: int) -> int:
    """The largest element that begins with a block."""
    here = outline.blocks[index].node
    while (parent := outline.nodes[here].parent) > 0 and outline.nodes[parent].first == index:
        here = parent
    return here


def _list_teasers(outline: Outline) -> Iterator[int]:
    """Short <article>s with a linked title and no others inside."""
    articles = [index for index, node in enumerate(outline.nodes) if node.tag == "article"]
    if len(articles) < LEAST_BESIDE:
        return
    for index, after in zip(articles, [*articles[1:], len(outline.nodes)], strict=True):
        node = outline.nodes[index]
        blocks = outline.blocks[node.first : node.end]
        is_outer = after < len(outline.nodes) and outline.nodes[after].first < node.end
        if _is_titled(blocks) and not is_outer and sum(len(block.text) for block in blocks) <= LONGEST_TEASER:
            yield index


def _read_make(outline: Outline, index: int) -> str:
    """The class names that teasers of one list share: numbers of posts and names of categories come after these."""
    names = (outline.elements[index].get("class") or "").split()
    return " ".join(name for name in names[:2] if not any(map(str.isdigit, name)))
