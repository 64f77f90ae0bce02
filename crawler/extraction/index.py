"""The elements of a page by tag, class, itemprop and rel: one walk, many questions. Pure.

An XPath for each question walks the whole tree each time; a dozen of them cost more than parsing the page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

from lxml import etree

MAX_ELEMENTS = 50_000
MAX_NAMES_CHARS = 300
MAX_ALIKE = 500  # of one tag, itemprop or rel

_TAGS = frozenset(("abbr", "address", "h1", "h2", "h3", "link", "meta", "script", "time", "title"))


class ElementIndex:
    """The elements of the page under `root`, in its order. `data`: the page, which tells what not to look for."""

    def __init__(self, root: etree._Element, data: bytes) -> None:
        self._all = list(islice(root.iter(), MAX_ELEMENTS))  # kept: lxml makes each element anew where nobody holds it
        self._named: list[etree._Element] = []
        self._places: dict[str, list[int]] = {}  # class attribute → places in _named; on a page few differ
        self._collect_named()
        self._by_tag: dict[str, list[etree._Element]] = {tag: [] for tag in (*_TAGS, "a")}
        for element in islice(root.iter(*self._by_tag), MAX_ELEMENTS):
            self._by_tag[str(element.tag)].append(element)
        self._by_relation = _group(self._by_tag["a"], "rel")
        has_properties = b"itemprop" in data or b"itemProp" in data or b"ITEMPROP" in data
        self._by_property = _group(self._all, "itemprop") if has_properties else {}

    def _collect_named(self) -> None:
        named, places = self._named, self._places
        for element in self._all:
            if names := element.get("class"):
                names = names[:MAX_NAMES_CHARS]
                if names in places:
                    places[names].append(len(named))
                else:
                    places[names] = [len(named)]
                named.append(element)

    @property
    def size(self) -> int:
        """How many elements the page has."""
        return len(self._all)

    def list_names(self) -> set[str]:
        """Every class name of the page."""
        return set(" ".join(self._places).split())

    def select_named(self, is_wanted: Callable[[str], bool], *, most: int) -> Iterator[etree._Element]:
        """The first `most` elements whose class attribute is wanted; cache the answer, names repeat."""
        wanted = [alike[:most] for names, alike in self._places.items() if is_wanted(names)]
        places = sorted(place for alike in wanted for place in alike)
        return (self._named[place] for place in places[:most])

    def select_class(self, name: str) -> Iterator[etree._Element]:
        """The elements with a class."""
        return self.select_named(lambda names: name in names and name in names.split(), most=MAX_ALIKE)

    def list_tag(self, tag: str) -> Sequence[etree._Element]:
        """The elements of one of the tags that are kept."""
        return self._by_tag[tag][:MAX_ALIKE]

    def list_metas(self, names: Collection[str]) -> Iterator[etree._Element]:
        """The `<meta>` of one of these names (lower case), however many others stand before them."""
        wanted = (each for each in self._by_tag["meta"] if (each.get("name") or "").strip().lower() in names)
        return islice(wanted, MAX_ALIKE)

    def list_property(self, name: str) -> Sequence[etree._Element]:
        """The elements whose itemprop is `name`."""
        return self._by_property.get(name, ())[:MAX_ALIKE]

    def list_relation(self, name: str) -> Sequence[etree._Element]:
        """The links whose rel has the word `name`."""
        return self._by_relation.get(name, ())[:MAX_ALIKE]


def _group(elements: Iterable[etree._Element], attribute: str) -> dict[str, list[etree._Element]]:
    """Elements by the words of an attribute."""
    groups: dict[str, list[etree._Element]] = {}
    for element in elements:
        if words := element.get(attribute):
            for word in words.split():
                groups.setdefault(word, []).append(element)
    return groups
