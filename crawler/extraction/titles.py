"""The headline of a page. Pure.

the profile's element ─▶ the heading that the head of the page repeats ─▶ the only h1, where the head says little
  ─▶ the head's title less the site's name
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from crawler.extraction.page import Page, read_element
from crawler.extraction.paragraphs import fold_words

MAX_HEADINGS = 60
# A heading of fewer characters is a rubric ("Berita") that the page's title happens to hold.
LEAST_TITLE_CHARS = 12
LEAST_HEADLINE_CHARS = 20  # names of sites are shorter

_FIND_HEADINGS = etree.XPath("//h1 | //h2 | //h3 | //*[contains(@class, 'entry-title') or @itemprop='headline']")
_FIND_FIRST_HEADINGS = etree.XPath("//h1")
_SEPARATOR = re.compile(r"\s+[-|–—»«•]\s+|\s+::\s+|\s*\|\s*")


def find_title(page: Page) -> str:
    """The article's title as readers see it."""
    meta = page.meta
    for element in page.select(page.profile.title):
        if title := read_element(element):
            return title
    headings = [read_element(element) for element in _FIND_HEADINGS(page.root)[:MAX_HEADINGS]]
    said = [title for title in (meta.linked.headline, meta.share_title, meta.document_title) if title]
    for claim in said:
        if title := _match_heading(headings, claim):
            return title
    first_headings = [*filter(None, map(read_element, _FIND_FIRST_HEADINGS(page.root)[:MAX_HEADINGS]))]
    if said == [meta.document_title] and len(first_headings) == 1 and len(first_headings[0]) >= LEAST_HEADLINE_CHARS:
        return first_headings[0]  # nothing was made for sharing, and the window's title is the same on every page
    for claim in said:
        if title := _strip_site(claim, meta.site_name):
            return title
    return first_headings[0] if first_headings else ""


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
