"""The headline of an article, and which of several dates or names belong to it. Pure.

Those that share the innermost element with it are nearest; where it stands in an <article>, those of other <article>s
are not of it at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from lxml import etree

from crawler.extraction.page import Page, read_element
from crawler.extraction.sentences import fold_words

MAX_HEADINGS = 60


class Headline:
    """A title and the heading on the page that says it."""

    def __init__(self, page: Page, title: str) -> None:
        self.title = title
        self.folded = fold_words(title)
        self._index = page.index

    def sort(self, elements: Iterable[etree._Element]) -> list[etree._Element]:
        """The elements that may be of its article, the nearest first; as they are where no heading says the title."""
        found = list(elements)
        depths = self._depths if found else {}
        if not depths:
            return found
        if any(element.tag == "article" for element in depths):
            found = [element for element in found if _find_article(element) in (None, *depths)]
        return sorted(found, key=lambda element: -_measure(element, depths)) if len(found) > 1 else found

    @cached_property
    def _depths(self) -> dict[etree._Element, int]:
        """The heading and the elements around it, with their depths; none where there is no heading."""
        headings = (heading for tag in ("h1", "h2", "h3") for heading in self._index.list_tag(tag)[:MAX_HEADINGS])
        heading = next((heading for heading in headings if fold_words(read_element(heading)) == self.folded), None)
        around = [heading, *heading.iterancestors()] if heading is not None else []
        return {element: len(around) - level for level, element in enumerate(around)}


def _find_article(element: etree._Element) -> etree._Element | None:
    return next(element.iterancestors("article"), None)


def _measure(element: etree._Element, depths: dict[etree._Element, int]) -> int:
    """The depth of the innermost element around both."""
    return next((depths[above] for above in (element, *element.iterancestors()) if above in depths), 0)
