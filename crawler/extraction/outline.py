"""A page as blocks of text and the elements that hold them. Pure.

One walk over the tree; everything that judges text (furniture, containers, hashes) works on its outcome. A block is
what a reader sees as one paragraph: a run of text between two borders of block elements or line breaks. The blocks of
a node are `outline.blocks[node.first : node.end]`.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree

from aggregator.textfold import INVISIBLE
from crawler.extraction.furniture import Attributes, Strength, is_pointer, judge_element
from crawler.extraction.sentences import is_prose_text, weigh_text

# Bounds on monstrous pages. The longest of 276 development pages has 1,900 blocks and 200,000 characters.
MAX_BLOCKS = 10_000
MAX_NODES = 30_000
MAX_TEXT_CHARS = 1_000_000
MAX_SWALLOWERS = 20

MAX_CAPTION_CHARS = 300  # the longest real caption of the same pages has 257

# fmt: off
BLOCK_TAGS = frozenset((
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "dir",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section",
    "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
))
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
# What they hold is never read as text.
SILENT_TAGS = frozenset((
    "amp-ad", "amp-analytics", "amp-consent", "amp-embed", "amp-sidebar", "amp-user-notification", "applet", "area",
    "audio", "base", "button", "canvas", "datalist", "embed", "frame", "frameset", "head", "iframe", "input", "link",
    "map", "math", "meta", "noembed", "noframes", "noscript", "object", "option", "param", "progress", "script",
    "select", "source", "style", "svg", "template", "textarea", "title", "track", "video",
))
# fmt: on
# Left open inside, these swallow the rest of the page in libxml2, while browsers close them.
SWALLOWING_TAGS = frozenset(("button", "map", "nav", "object", "select", "svg"))
LEAST_PARAGRAPHS = 3
POST_CONTENT = "wp-block-post-content"
MARKING_TAGS = frozenset(("a", "br"))  # inline ones that matter
POINTING_TAGS = frozenset(("a", "b", "em", "font", "i", "mark", "span", "strong", "u"))


@dataclass(slots=True)
class Block:
    """A paragraph, heading, list item, cell or line. `link_chars` of its characters are inside links."""

    text: str
    link_chars: int
    node: int  # index of the innermost node that holds it
    is_prose: bool  # a sentence or more, links or not
    weight: float  # characters of running text: links count against it, short lines hardly count

    @property
    def link_share(self) -> float:
        return self.link_chars / len(self.text)


@dataclass(slots=True)
class Node:
    """A block element, or an inline one that a profile drops."""

    tag: str
    strength: Strength  # how surely it is furniture by its own name
    container: str  # its class names and id, if they are those of an article's container
    parent: int  # index; the root's is -1
    first: int  # index of its first block
    end: int = 0  # index after its last block


@dataclass(slots=True)
class Outline:
    """Nodes and blocks in the order of the page; a node stands before its children."""

    nodes: list[Node] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    elements: list[etree._Element] = field(default_factory=list)  # of the nodes; none for a fragment
    depth: int = 0  # of the deepest node


def outline_page(root: etree._Element, dropped: Set[etree._Element] = frozenset()) -> Outline:  # noqa: PLR0912 - its branches run for each element of each page
    """The outline of the tree under `root`; the elements in `dropped` are furniture, whatever they are called, unless
    most of the page's prose is in them: portals give the names in a profile to wrappers, too.

    What is surely furniture is not walked through: menus and comments are half of many a page.
    """
    writer = OutlineWriter()
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        tag: str = element.tag  # type: ignore[assignment]  # the rest is parsed away
        is_dropped = bool(dropped) and element in dropped and tag not in SILENT_TAGS
        is_node = is_dropped or tag in BLOCK_TAGS
        if event == "start":
            if writer.is_full:
                break
            if is_node:
                is_read = _enter(writer, tag, element, is_dropped=is_dropped)
            elif tag in SILENT_TAGS:
                is_read = writer.holds_page(element)
            else:
                if tag in MARKING_TAGS:
                    writer.open_inline(tag)
                if tag in POINTING_TAGS:
                    is_read = element is not writer.pointed_at and not _is_inner_pointer(element, writer)
                else:
                    is_read = True
            if not is_read:
                walker.skip_subtree()
            elif text := element.text:
                writer.add_text(text)
        else:
            if is_node:
                writer.close_node()
            elif tag == "a":
                writer.close_link()
            if (text := element.tail) and element is not root:
                writer.add_text(text)
    return writer.finish()


def _is_inner_pointer(element: etree._Element, writer: OutlineWriter) -> bool:
    """Whether an inline element is a linked "Baca juga: …" with text of the paragraph before or after it."""
    first = element
    if not (first.text or "").strip() and len(first):
        first = first[0]  # <span><b>Baca Juga:
    if not first.text or not is_pointer(first.text) or not (writer.is_in_text or (element.tail or "").strip()):
        return False
    if element.tag == "a" or next(element.iter("a"), None) is not None:
        return True
    after = element.getnext()
    if after is None or after.tag != "a" or (element.tail or "").strip():
        return False
    writer.pointed_at = after
    return True


def _enter(writer: OutlineWriter, tag: str, element: etree._Element, *, is_dropped: bool) -> bool:
    """Whether what is inside a block element is worth reading."""
    writer.outline.elements.append(element)
    if writer.open_node(tag, element, is_dropped=is_dropped) is Strength.STRONG:
        if not writer.holds_page(element):
            return False
        writer.doubt_node()
    return True


def _holds_page(element: etree._Element) -> bool:
    """Whether a menu or button has swallowed the page, its end tag lost; or a list of posts shows one, whole: a block
    theme without a template for single posts.
    """
    if element.tag not in SWALLOWING_TAGS:
        names = element.get("class") or ""
        return "wp-block-" in names and any(POST_CONTENT in (inner.get("class") or "") for inner in element.iter("div"))
    return len(list(islice(element.iter("p"), LEAST_PARAGRAPHS))) == LEAST_PARAGRAPHS


def fold_text(text: str) -> str:
    """`text` on one line, single spaces, without characters nobody sees."""
    if not text.isascii():
        text = INVISIBLE.sub("", text)
    return " ".join(text.split())


class OutlineWriter:
    """Makes an outline of the tags and texts that a walk over a tree meets."""

    def __init__(self) -> None:
        self.outline = Outline()
        self._open_links = 0
        self._open: list[int] = []
        self._pieces: list[str] = []
        self._link_chars = 0
        self._chars = 0
        self.is_full = False
        self.pointed_at: object = None  # the link behind a "Baca juga:" inside a paragraph
        self._swallowers = 0

    @property
    def is_in_text(self) -> bool:
        """Whether there is text in the block so far."""
        return bool(self._pieces)

    def holds_page(self, element: etree._Element) -> bool:
        """Whether an element has swallowed the page; of hostile thousands inside one another the inner ones are not
        looked through.
        """
        holds = self._swallowers < MAX_SWALLOWERS and _holds_page(element)
        self._swallowers += holds
        return holds

    def open_node(self, tag: str, attributes: Attributes, *, is_dropped: bool = False) -> Strength:
        """Enters a block element; one that a profile drops is furniture whatever it is called."""
        if self._pieces:
            self.end_block()
        outline, open_nodes = self.outline, self._open
        nodes = outline.nodes
        strength, container = judge_element(tag, attributes)
        if is_dropped and strength is Strength.NONE:
            strength = Strength.WEAK
        parent = open_nodes[-1] if open_nodes else -1
        open_nodes.append(len(nodes))
        nodes.append(Node(tag, strength, container, parent, len(outline.blocks)))
        outline.depth = max(outline.depth, len(open_nodes))
        if len(nodes) > MAX_NODES:
            self.is_full = True
        return strength

    def doubt_node(self) -> None:
        """The node just opened is less surely furniture than its name says."""
        self.outline.nodes[-1].strength = Strength.WEAK

    def close_node(self) -> None:
        if self._pieces:
            self.end_block()
        self.outline.nodes[self._open.pop()].end = len(self.outline.blocks)

    def open_inline(self, tag: str) -> None:
        if tag == "a":
            self._open_links += 1
        elif tag == "br":
            self.end_block()

    def close_link(self) -> None:
        self._open_links -= 1

    def finish(self) -> Outline:
        """The outline; what is open is closed. Captions as long as an article are text (seen in block editors)."""
        while self._open:
            self.close_node()
        for node in self.outline.nodes:
            if node.tag == "figcaption" and node.strength is Strength.WEAK:
                blocks = self.outline.blocks[node.first : node.end]
                if sum(len(block.text) for block in blocks) > MAX_CAPTION_CHARS:
                    node.strength = Strength.NONE
        return self.outline

    def add_text(self, text: str) -> None:
        if not self._pieces and text.isspace():
            return  # the indentation between elements
        text = text[:MAX_TEXT_CHARS]
        self._pieces.append(text)
        self._chars += len(text)
        if self._open_links > 0:
            self._link_chars += len(text.strip())

    def end_block(self) -> None:
        if not self._pieces:
            return
        text = fold_text("".join(self._pieces))
        if text:
            blocks = self.outline.blocks
            links = min(self._link_chars, len(text))
            is_prose = is_prose_text(text)
            weight = weigh_text(text, links, is_prose=is_prose)
            blocks.append(Block(text, links, self._open[-1] if self._open else 0, is_prose, weight))
            if self._chars > MAX_TEXT_CHARS or len(blocks) > MAX_BLOCKS:
                self.is_full = True
        self._pieces.clear()
        self._link_chars = 0
