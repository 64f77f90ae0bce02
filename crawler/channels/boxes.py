"""The parts of a page that are beside the matter: navigation, footers, sidebars, boxes headed "Terpopuler". PURE."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lxml import etree

from crawler.channels.entries import HEADINGS, TITLE_NAME, read_text

MAX_ELEMENTS = 50_000
LARGEST_SHARE = 0.5  # of the page's headlines: what holds more is the page, whatever its class says
HEADLINES_OF_ENTRY = 2  # a `header` with links to more articles than that is the page's, not an entry's
LONGEST_BOX_TITLE = 40
_BORDER_NAME = re.compile(
    r"(?<![a-z])(?:nav|navbar|navigation|menu|footer|sidebar|breadcrumbs?|dropdown|offcanvas|topbar|copyright)(?![a-z])"
    r"|(?<![\w-])secondary(?![\w-])",
    re.IGNORECASE,
)
_BESIDE_NAME = re.compile(
    r"(?<![a-z])(?:(?<!elementor-)widget(?! blog)|related|terkait|popul[ae]r|terpopuler|trending|ticker|share"
    r"|comments?|komentar|modal|tagcloud|pagination|iklan|ads?|advertisement)(?![a-z])",
    re.IGNORECASE,
)
_BESIDE_TITLE = re.compile(
    r"\W*(?:(?:berita |artikel |kabar |paling )?(?:(?:ter)?populer|popular|(?:banyak |ter)?dibaca|dikomentari|trending)"
    r"|most (?:popular|read|viewed)|trending(?: topics?| now)?|(?:berita |artikel |tautan |link )?terkait"
    r"|(?:baca|lihat) juga|rekomendasi(?: untuk anda)?|pilihan(?: editor| redaksi)?|editor'?s? (?:picks?|choice)"
    r"|related (?:posts?|articles?|news)|recent comments|komentar terbaru"
    r"|(?:berita |artikel )?sponsor(?:ed)?|iklan|arsip|jangan lewatkan|pengumuman|agenda"
    r"|you may (?:also )?(?:like|have missed))\W*",
    re.IGNORECASE,
)


class Boxes:
    """Says of the links of a page whether they stand beside the matter."""

    def __init__(self, root: etree._Element, headlines: Sequence[etree._Element]) -> None:
        """`headlines`: the links on the page that may be articles'."""
        self._total = len(headlines)
        self._held = count_ancestors(headlines)
        self._beside: dict[etree._Element, bool] = {}
        self._under_title = set(self._find_under_titles(root, set(headlines)))
        self._held_beside = count_ancestors(filter(self.is_beside, headlines))

    def is_beside(self, anchor: etree._Element) -> bool:
        return anchor in self._under_title or self._is_inside(anchor.getparent())

    def is_free_of_boxes(self, element: etree._Element) -> bool:
        """Whether all headlines within `element` are the matter."""
        return not self._held_beside[element]

    def _is_inside(self, element: etree._Element | None) -> bool:
        climbed = []
        while element is not None and element not in self._beside:
            climbed.append(element)
            if self._is_box(element):
                self._beside[element] = True
                break
            element = element.getparent()
        answer = element is not None and self._beside[element]
        self._beside |= dict.fromkeys(climbed, answer)
        return answer

    def _is_box(self, element: etree._Element) -> bool:
        if element.tag in ("html", "body", "main"):
            return False
        names = f"{element.get('class') or ''} {element.get('id') or ''}"
        is_border = element.tag in ("nav", "footer", "aside") or _BORDER_NAME.search(names) is not None
        if is_border and next(element.iter("main", "article", "h1"), None) is None:
            return True
        if self._held[element] > self._total * LARGEST_SHARE:
            return False
        if element.tag == "header":
            return self._held[element] > HEADLINES_OF_ENTRY
        return is_border or _BESIDE_NAME.search(names) is not None

    def _find_under_titles(self, root: etree._Element, headlines: set[etree._Element]) -> Iterator[etree._Element]:
        """The links in boxes whose title says that they are beside the matter, up to the next title."""
        marks = [
            element
            for element in islice(root.iter(), MAX_ELEMENTS)
            if element in headlines or (not self._held[element] and _may_be_title(element))
        ]
        for position, title in enumerate(marks):
            if title.tag == "h1" or title in headlines:  # the page itself may be called "Terpopuler"
                continue
            if _BESIDE_TITLE.fullmatch(read_text(title, LONGEST_BOX_TITLE + 1)):
                found = set(self._list_under(title, marks[position + 1 :], headlines))
                if any(anchor not in found and not self._is_inside(anchor.getparent()) for anchor in headlines):
                    yield from found

    def _list_under(
        self, title: etree._Element, following: Sequence[etree._Element], headlines: set[etree._Element]
    ) -> Iterator[etree._Element]:
        box = next((element for element in title.iterancestors() if self._held[element]), None)
        for mark in following:
            if mark not in headlines:
                if mark.tag == title.tag:
                    return
            elif box is None or box not in mark.iterancestors():
                return
            else:
                yield mark


def count_ancestors(elements: Iterable[etree._Element]) -> Counter[etree._Element]:
    """How many of the elements each of their ancestors holds."""
    return Counter(ancestor for element in elements for ancestor in element.iterancestors())


def _may_be_title(element: etree._Element) -> bool:
    return element.tag in HEADINGS or (
        element.tag in ("div", "span", "p", "strong", "a") and TITLE_NAME.search(element.get("class") or "") is not None
    )
