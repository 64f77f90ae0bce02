"""Finding the entries of a listing page without being told where they are. PURE.

The theory: on a listing, the links to articles stand in blocks of one make (same tags and classes around them), their
texts are headlines, and no other group of links on the page has as much headline text. The lead story above the list
is of another make, so headlines in the same part of the page join the group. What stands in navigation, in sidebars
and in boxes headed "Terpopuler" does not.

Known exception: pages whose links are drawn by a script. The worse error is to miss an entry: one too many costs a
request, one too few the news.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from lxml import etree

from aggregator.urls import get_host, get_registrable_domain
from crawler.channels.boxes import Boxes
from crawler.channels.entries import (
    HEADINGS,
    LEAST_HEADLINE,
    Entry,
    find_title,
    is_dated,
    is_read_more,
    read_anchor,
    read_text,
)
from crawler.channels.links import resolve

LONGEST_HEADLINE = 150  # longer ones weigh no more: they hold the excerpt too
LEAST_LINKS = 3
MAX_ANCHORS = 5_000
PATH_LENGTH = 5  # ancestors that are the make of a link
BLOCK_HEIGHT = 8  # ancestors that an entry's block may reach up
LOOKED_AT = 5  # groups that are weighed with their dates
_BLOCKS = ("article", "li", "tr")
_AREAS = ("main", "body", "html", "ul", "ol", "table", "tbody")
_FLAT = ("a", "p", "b", "strong", "span", "dt", *HEADINGS)  # blocks beside which, not in which, a date stands
_NO_ARTICLE = re.compile(
    r"/(?:tags?|topi[ck]s?|category|categories|kategori|rubrik|author|penulis|search|login|register|feed)(?:/\d+)?(?:/[^/?#]*)?/?$"
    r"|/(?:page|halaman|hal)/\d+/?$|/wp-login|\.(?:jpe?g|png|gif|pdf|webp|mp4|docx?|xlsx?|zip)$"
    r"|[?&](?:s|q|share|replytocom)=|^https?://[^/]+/?$",
    re.IGNORECASE,
)
_SLUG = re.compile(r"(?<![^/-])(?:[^/-]+-){3}|\d{4}")  # from the start of a part, or else a long one costs its square
_ORDINAL_CLASS = re.compile(r"\d|^(?:odd|even|first|last|active|alt|clearfix)$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A link that may be an article's."""

    anchor: etree._Element
    address: str
    headline: str
    in_heading: bool

    @property
    def is_headline(self) -> bool:
        return len(self.headline) >= LEAST_HEADLINE

    @property
    def weight(self) -> float:
        slug = 1.5 if _SLUG.search(self.address.partition("://")[2].partition("/")[2]) else 1
        return min(len(self.headline), LONGEST_HEADLINE) * slug * (2 if self.in_heading else 1)


def find_entries(root: etree._Element, url: str, base: str, sites: Iterable[str]) -> list[Entry]:
    """The entries of the page at `url`, in its order. `sites`: the registrable domains that articles may be on."""
    candidates = list(_list_candidates(root, url, base, frozenset(sites)))
    boxes = Boxes(root, [candidate.anchor for candidate in candidates if candidate.is_headline])
    candidates = [candidate for candidate in candidates if not boxes.is_beside(candidate.anchor)]
    chosen = _choose_group(candidates)
    if not chosen:
        return []
    chosen |= _find_others(candidates, chosen, boxes)
    blocks = Blocks(candidates, chosen)
    ordered = (candidate for candidate in candidates if candidate.anchor in chosen)
    return [blocks.make_entry(candidate) for candidate in ordered]


def _list_candidates(root: etree._Element, url: str, base: str, sites: frozenset[str]) -> Iterator[Candidate]:
    anchors = [
        (anchor, address)
        for anchor in islice(root.iter("a"), MAX_ANCHORS)
        if (address := resolve(anchor.get("href") or "", base).partition("#")[0])
        and address != url
        and not _NO_ARTICLE.search(address)
        and get_registrable_domain(get_host(address)) in sites
    ]
    owners = _map_owners(anchors)
    for anchor, address in anchors:
        said = read_anchor(anchor)
        heading = next((element for element in islice(anchor.iterancestors(), 3) if element.tag in HEADINGS), None)
        in_heading = heading is not None or find_title(anchor) is not None
        if not said or is_read_more(said):
            said = _read_beside(anchor, address, owners)
            in_heading = False
        if said and not said.isdigit():
            yield Candidate(anchor=anchor, address=address, headline=said, in_heading=in_heading)


def _map_owners(anchors: Iterable[tuple[etree._Element, str]]) -> dict[etree._Element, str]:
    """For every element around the anchors the address that all of those in it have; "" where they differ."""
    owners: dict[etree._Element, str] = {}
    for anchor, address in anchors:
        for element in (anchor, *anchor.iterancestors()):
            if owners.setdefault(element, address) != address:
                owners[element] = ""
    return owners


def _read_beside(anchor: etree._Element, address: str, owners: dict[etree._Element, str]) -> str:
    """The heading in the largest element around the anchor that holds no other link."""
    around = list(takewhile(lambda element: owners[element] == address, islice(anchor.iterancestors(), BLOCK_HEIGHT)))
    title = find_title(around[-1]) if around else None
    return read_text(title, LONGEST_HEADLINE) if title is not None else ""


# ── choosing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _choose_group(candidates: Sequence[Candidate]) -> set[etree._Element]:
    """The links of one make with the most headline text; where no make has three, the few that are surely headlines."""
    groups: defaultdict[tuple[str, ...], dict[str, Candidate]] = defaultdict(dict)
    for candidate in candidates:
        groups[_describe_make(candidate.anchor)].setdefault(candidate.address, candidate)
    lists = [group for group in map(_drop_short, groups.values()) if len(group) >= LEAST_LINKS]
    lists = sorted(lists, key=_weigh, reverse=True)[:LOOKED_AT]
    best = max(lists, key=lambda group: _weigh(group) * (2 if _is_dated(group) else 1), default=())
    return {candidate.anchor for candidate in best or _choose_few(candidates)}


def _drop_short(group: dict[str, Candidate]) -> list[Candidate]:
    return [candidate for candidate in group.values() if candidate.is_headline]


def _weigh(group: Iterable[Candidate]) -> float:
    return sum(candidate.weight for candidate in group)


def _is_dated(group: Sequence[Candidate]) -> bool:
    """Whether at least half of the entries show a date."""
    blocks = Blocks(group, {candidate.anchor for candidate in group})
    looked_at = group[:10]
    return sum(is_dated(blocks.make_entry(candidate)) for candidate in looked_at) * 2 >= len(looked_at)


def _choose_few(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Of a page with one or two entries, or each of its own make: headings that are links, in an article or dated."""
    headings = {candidate.address: candidate for candidate in candidates if candidate.in_heading}
    few = [candidate for candidate in headings.values() if candidate.is_headline]
    blocks = Blocks(few, {candidate.anchor for candidate in few})
    return [
        candidate
        for candidate in few
        if next(candidate.anchor.iterancestors("article"), None) is not None or is_dated(blocks.make_entry(candidate))
    ]


def _describe_make(anchor: etree._Element) -> tuple[str, ...]:
    """Tags and telling classes of the link and the elements around it."""
    around = islice(anchor.iterancestors(), PATH_LENGTH)
    return tuple(f"{element.tag!s}.{_choose_class(element)}" for element in around)


def _choose_class(element: etree._Element) -> str:
    """The first class that does not count or alternate."""
    names = (element.get("class") or "")[:300].split()
    return next((name for name in names if not _ORDINAL_CLASS.search(name)), "")


def _find_others(candidates: Sequence[Candidate], chosen: set[etree._Element], boxes: Boxes) -> set[etree._Element]:
    """Short headlines of the chosen make, and headlines of another make in the same part of the page."""
    makes = {_describe_make(anchor) for anchor in chosen}
    blocks = Blocks(candidates, chosen)
    known = blocks.addresses
    area = _find_area(chosen, boxes)
    others: dict[str, etree._Element] = {}
    for candidate in candidates:
        if candidate.address in known or blocks.holds(candidate.anchor):
            continue
        same_make = not candidate.is_headline and _describe_make(candidate.anchor) in makes
        nearby = candidate.is_headline and candidate.in_heading and area in candidate.anchor.iterancestors()
        if same_make or nearby:
            others.setdefault(candidate.address, candidate.anchor)
    return set(others.values())


def _find_area(chosen: Iterable[etree._Element], boxes: Boxes) -> etree._Element:
    """The largest element around all the chosen links that holds nothing beside the matter."""
    chains = [list(reversed(list(anchor.iterancestors()))) for anchor in chosen]
    common = [level[0] for level in takewhile(lambda level: len(set(level)) == 1, zip(*chains, strict=False))]
    free: etree._Element = next((element for element in common if boxes.is_free_of_boxes(element)), common[-1])
    return free


# ── blocks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Blocks:
    """The largest elements that hold one chosen entry each."""

    def __init__(self, candidates: Iterable[Candidate], chosen: set[etree._Element]) -> None:
        candidates = list(candidates)
        self.addresses = {candidate.address for candidate in candidates if candidate.anchor in chosen}
        pairs = [(candidate.anchor, candidate.address) for candidate in candidates]
        self._owners = _map_owners(pair for pair in pairs if pair[1] in self.addresses)
        self._blocks = {self._find_block(*pair) for pair in pairs if pair[0] in chosen}

    def holds(self, anchor: etree._Element) -> bool:
        return any(element in self._blocks for element in anchor.iterancestors())

    def make_entry(self, candidate: Candidate) -> Entry:
        block = self._find_block(candidate.anchor, candidate.address)
        after = tuple(self._list_after(block)) if block.tag in _FLAT else ()
        return Entry(anchor=candidate.anchor, block=block, after=after)

    def _find_block(self, anchor: etree._Element, address: str) -> etree._Element:
        block = anchor
        for element in islice(anchor.iterancestors(), BLOCK_HEIGHT):
            if element.tag in _AREAS or self._owners.get(element) != address:
                break
            block = element
            if element.tag in _BLOCKS:
                break
        return block

    def _list_after(self, block: etree._Element) -> Iterator[etree._Element]:
        siblings = islice(block.itersiblings(), 6)
        return takewhile(lambda sibling: sibling not in self._owners, siblings)
