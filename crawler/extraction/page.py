"""A page, parsed once: what every later step reads from. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from crawler.extraction.decoding import parse_markup, read_markup
from crawler.extraction.index import ElementIndex
from crawler.extraction.metadata import Metadata, read_metadata
from crawler.extraction.outline import Outline, fold_text, outline_page
from crawler.extraction.profiles import Profile, choose_profile, select_elements

MAX_ELEMENT_CHARS = 400  # of a title, name or date
MAX_PIECES = 400  # starts and ends of elements; one that holds more is none of these

_SPACE_BEFORE_SIGN = re.compile(r"(?<=\w) (?=[,.;:!?)])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One lxml tree and what was read from it; `data` is the page in UTF-8."""

    url: str
    data: bytes
    root: etree._Element
    index: ElementIndex
    outline: Outline
    meta: Metadata
    profile: Profile

    def select(self, selectors: tuple[str, ...]) -> Iterator[etree._Element]:
        """The elements that selectors of the profile find."""
        return select_elements(self.root, self.index, selectors)


def read_page(
    html: bytes, url: str, profile: Profile | None = None, *, profiles: Iterable[Profile] | None = None
) -> Page | None:
    """The page in `html`, fetched from `url`; None where there is no markup at all.

    Without `profile` one is chosen among `profiles`, or the built-in ones.
    """
    data = read_markup(html)
    root = parse_markup(data)
    if root is None:
        return None
    index = ElementIndex(root, data)
    profile = profile or choose_profile(index, url, profiles) or Profile(name="")
    return Page(
        url=url,
        data=data,
        root=root,
        index=index,
        outline=outline_page(root, frozenset(select_elements(root, index, profile.drop))),
        meta=read_metadata(root, index, url),
        profile=profile,
    )


def read_element(element: etree._Element) -> str:
    """The text of an element on one line; elements inside it are words apart (more titles hold <br> than <b>ig)."""
    pieces: list[str] = []
    for event, inner in islice(etree.iterwalk(element, events=("start", "end")), MAX_PIECES):
        piece = inner.text if event == "start" else inner.tail if inner is not element else None
        if piece:
            pieces.append(piece)
    text = fold_text(" ".join(pieces)[: 4 * MAX_ELEMENT_CHARS])
    return _SPACE_BEFORE_SIGN.sub("", text)[:MAX_ELEMENT_CHARS].strip()
