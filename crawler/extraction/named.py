"""The elements of a page that carry class names: looked up once, asked often. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

MAX_NAMED = 30_000
MAX_NAMES_CHARS = 300

_FIND_NAMED = etree.XPath("//*[@class]")


class NamedElements:
    """The elements with a class, in the order of the page, by class attribute: on a page few differ."""

    def __init__(self, root: etree._Element) -> None:
        self._elements = _FIND_NAMED(root)[:MAX_NAMED]
        self._places: dict[str, list[int]] = {}
        for place, element in enumerate(self._elements):
            self._places.setdefault(element.get("class", "")[:MAX_NAMES_CHARS], []).append(place)

    def list_names(self) -> set[str]:
        """Every class name of the page."""
        return set(" ".join(self._places).split())

    def select(self, is_wanted: Callable[[str], bool], *, most: int) -> Iterator[etree._Element]:
        """The first `most` elements whose class attribute is wanted; cache the answer, names repeat."""
        places = sorted(place for names, alike in self._places.items() if is_wanted(names) for place in alike[:most])
        return (self._elements[place] for place in places[:most])
