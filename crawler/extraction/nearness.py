"""Which of several dates or names belongs to the headline: the one that shares the innermost element with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from crawler.extraction.index import ElementIndex
from crawler.extraction.page import Page, read_element
from crawler.extraction.sentences import fold_words

MAX_HEADINGS = 60


def sort_by_nearness(page: Page, title: str, elements: Iterable[etree._Element]) -> list[etree._Element]:
    """The elements, those nearest to the heading that says the title first; as they are where none does.

    Where the heading stands in an <article>, those of other <article>s are left out.
    """
    found = list(elements)
    heading = _find_heading(page.index, title) if found else None
    if heading is None:
        return found
    around = [heading, *heading.iterancestors()]
    depths = {element: len(around) - level for level, element in enumerate(around)}
    if any(element.tag == "article" for element in around):
        found = [element for element in found if _find_article(element) in (None, *around)]
    return sorted(found, key=lambda element: -_measure(element, depths))


def _find_article(element: etree._Element) -> etree._Element | None:
    return next(element.iterancestors("article"), None)


def _find_heading(index: ElementIndex, title: str) -> etree._Element | None:
    folded = fold_words(title)
    headings = (heading for tag in ("h1", "h2", "h3") for heading in index.list_tag(tag)[:MAX_HEADINGS])
    return next((heading for heading in headings if fold_words(read_element(heading)) == folded), None)


def _measure(element: etree._Element, depths: dict[etree._Element, int]) -> int:
    """The depth of the innermost element around both."""
    return next((depths[above] for above in (element, *element.iterancestors()) if above in depths), 0)
