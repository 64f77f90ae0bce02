"""The headline of a page. Pure.

the profile's element ─▶ the heading that the head of the page repeats ─▶ the only h1, where the head says little
  ─▶ the head's title less the site's name
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice

from lxml import etree

from aggregator.urls import get_host
from crawler.extraction.outline import HEADINGS, Block, Outline
from crawler.extraction.page import Page, read_element
from crawler.extraction.sentences import ends_sentence, fold_words

MAX_HEADINGS = 60
# A heading of fewer characters is a rubric ("Berita") that the page's title happens to hold.
LEAST_TITLE_CHARS = 12
LEAST_HEADLINE_CHARS = 20  # names of sites are shorter
LEAST_UNDER_HEADLINE = 150.0  # characters of prose

_SITE_CLAIM = re.compile(r"^(?:beranda|home|selamat datang)\b|\b(?:laman|portal|situs|web|website) resmi\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")  # of a date in bold type
_HOME = re.compile(r"(?:https?://[^/]+)?/?(?:index\.\w{3,5})?", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s+[-|–—»«•]\s+|\s+::\s+|\s*\|\s*")


def find_title(page: Page) -> tuple[str, str]:
    """The way that found the article's title, as readers see it, and the title."""
    return next(list_titles(page), ("", ""))


def list_titles(page: Page) -> Iterator[tuple[str, str]]:
    """Ways and the titles that they find, the most reliable first: profile, h1, heading, emphasis; then what the head
    says in json-ld, meta or title.
    """
    meta = page.meta
    for element in page.select(page.profile.title):
        if title := read_element(element):
            yield "profile", title
    head = (("json-ld", meta.linked.headline), ("meta", meta.share_title), ("title", meta.document_title))
    claims = [title for _, title in head if title]
    sites = _list_site_names(page, claims)
    first_headings = [heading for heading in _read_headings(page, "h1") if fold_words(heading) not in sites]
    said = [title for title in claims if fold_words(title) not in sites]
    yield from (("h1", heading) for heading in first_headings for claim in said if _is_same(heading, claim))
    named = chain(page.index.select_named(_is_title_name, most=MAX_HEADINGS), page.index.list_property("headline"))
    headings = [*first_headings, *_read_headings(page, "h2"), *_read_headings(page, "h3")]
    headings += map(read_element, islice(named, MAX_HEADINGS))
    matched = filter(None, (_match_heading(headings, claim) for claim in said))
    yield from (("h1" if title in first_headings else "heading", title) for title in matched)
    if said == [meta.document_title] and len(first_headings) == 1 and len(first_headings[0]) >= LEAST_HEADLINE_CHARS:
        yield "h1", first_headings[0]  # nothing was made for sharing, and the window's title is the same on every page
    if not said and (title := _find_heading_of_text(page, sites)):
        yield "heading", title  # the head says no more than the site's name
    if (not said or (said == [meta.document_title] and not headings)) and (title := _find_emphasized(page)):
        yield "emphasis", title  # pages laid out in tables
    named_in_head = said or claims
    yield from (
        (way, title) for way, claim in head if claim in named_in_head and (title := _strip_site(claim, meta.site_name))
    )
    yield from (("h1", title) for title in first_headings)


def _list_site_names(page: Page, claims: Sequence[str]) -> frozenset[str]:
    """What on the page is the site's name, folded: claims such as "Website Resmi Pemerintah Kota …", and those h1 that
    lead to the front page or are part of such a claim.
    """
    named = fold_words(page.meta.site_name)
    sites = {folded for claim in claims if (folded := fold_words(claim)) == named or _SITE_CLAIM.search(folded)}
    for heading in page.index.list_tag("h1")[:MAX_HEADINGS]:
        folded = fold_words(read_element(heading))
        if _leads_home(heading) or any(f" {folded} " in f" {site} " for site in sites):
            sites.add(folded)
    labels = frozenset(get_host(page.url).split("."))
    for claim in claims:
        parts = (fold_words(part) for part in _SEPARATOR.split(claim))
        if all(labels.issuperset(part.split()) or any(f" {part} " in f" {site} " for site in sites) for part in parts):
            sites.add(fold_words(claim))
    return frozenset(sites)


def _leads_home(heading: etree._Element) -> bool:
    """Whether a heading is the site's name: a link to its front page."""
    links = islice(heading.iter("a"), 2)
    return any(_HOME.fullmatch((link.get("href") or "").strip()) for link in links)


def _find_heading_of_text(page: Page, sites: Container[str]) -> str:
    """The heading under which the most prose stands, and which is none of the site's names."""
    nodes = page.outline.nodes

    def is_headline(block: Block) -> bool:
        return nodes[block.node].tag in HEADINGS and fold_words(block.text) not in sites

    return _find_line_above_text(page.outline, is_headline)


def _find_emphasized(page: Page) -> str:
    """The line in bold type under which the most prose stands."""
    bold = {read_element(element) for element in islice(page.root.iter("b", "strong", "font"), MAX_HEADINGS)}
    lines = {line for line in bold if not ends_sentence(line) and not _YEAR.search(line)}
    return _find_line_above_text(page.outline, lambda block: block.text in lines)


def _find_line_above_text(outline: Outline, is_line: Callable[[Block], bool]) -> str:
    """Of lines of one kind that are long enough for a headline, and no links, the one with the most prose under it."""
    best, most = "", LEAST_UNDER_HEADLINE
    line, weight = "", 0.0
    for block in outline.blocks:
        if is_line(block):
            line, weight = "" if block.link_chars or len(block.text) < LEAST_HEADLINE_CHARS else block.text, 0.0
        else:
            weight += block.weight
            if line and weight >= most:
                best, most = line, weight
    return best


def _read_headings(page: Page, tag: str) -> list[str]:
    return [*filter(None, map(read_element, page.index.list_tag(tag)[:MAX_HEADINGS]))]


@lru_cache(maxsize=20_000)
def _is_title_name(names: str) -> bool:
    return "entry-title" in names


def _is_same(heading: str, claim: str) -> bool:
    return fold_words(heading) == fold_words(claim)


def _match_heading(headings: Sequence[str], claim: str) -> str:
    """The heading that equals what the head says, or else the longest one that it holds."""
    words = f" {fold_words(claim)} "
    best = ""
    for heading in headings:
        folded = f" {fold_words(heading)} "
        if folded == words:
            return heading
        if len(folded) > LEAST_TITLE_CHARS and folded in words and len(heading) > len(best):
            best = heading
    # A short part of a long title is the site's name or a rubric.
    return best if 2 * len(best) >= len(claim) or fold_words(claim).startswith(fold_words(best)) else ""


def _strip_site(claim: str, site_name: str) -> str:
    """A title without the site's name after the last separator (or before the first)."""
    parts = _SEPARATOR.split(claim)
    if len(parts) == 1:
        return claim
    site = fold_words(site_name)
    if site and fold_words(parts[0]) == site:
        return claim[_SEPARATOR.search(claim).end() :]  # type: ignore[union-attr]
    last = [found.start() for found in _SEPARATOR.finditer(claim)][-1]
    if (site and fold_words(parts[-1]) == site) or len(parts[-1]) * 2 < last:
        return claim[:last]
    return claim
