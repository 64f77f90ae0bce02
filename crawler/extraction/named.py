"""The elements of a page that carry class names: looked up once, asked often. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from lxml import etree

MAX_NAMED = 30_000
MAX_NAMES_CHARS = 300

_FIND_NAMED = etree.XPath("//*[@class]")


class NamedElements:
    """The elements with a class, in the order of the page."""

    def __init__(self, root: etree._Element) -> None:
        found = _FIND_NAMED(root)[:MAX_NAMED]
        self._pairs = [(element, element.get("class", "")[:MAX_NAMES_CHARS]) for element in found]

    def list_names(self) -> set[str]:
        """Every class name of the page."""
        return set(" ".join(names for _, names in self._pairs).split())

    def select(self, is_wanted: Callable[[str], bool], *, most: int) -> Iterator[etree._Element]:
        """The first `most` elements whose class attribute is wanted; cache the answer, names repeat."""
        return islice((element for element, names in self._pairs if is_wanted(names)), most)
