"""The headline of a page. Pure.

the profile's element ─▶ the heading that the head of the page repeats ─▶ the only h1, where the head says little
  ─▶ the head's title less the site's name
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice, takewhile

from crawler.extraction.page import Page, read_element
from crawler.extraction.sentences import ends_sentence, fold_words

MAX_HEADINGS = 60
# A heading of fewer characters is a rubric ("Berita") that the page's title happens to hold.
LEAST_TITLE_CHARS = 12
LEAST_HEADLINE_CHARS = 20  # names of sites are shorter

_SEPARATOR = re.compile(r"\s+[-|–—»«•]\s+|\s+::\s+|\s*\|\s*")


def find_title(page: Page) -> str:
    """The article's title as readers see it."""
    return next((title for _, title in list_titles(page)), "")


def list_titles(page: Page) -> Iterator[tuple[str, str]]:
    """Ways and the titles that they find, the most reliable first: profile, h1, heading, emphasis, head."""
    meta = page.meta
    for element in page.select(page.profile.title):
        if title := read_element(element):
            yield "profile", title
    first_headings = _read_headings(page, "h1")
    said = [title for title in (meta.linked.headline, meta.share_title, meta.document_title) if title]
    yield from (("h1", heading) for heading in first_headings for claim in said if _is_same(heading, claim))
    named = chain(page.index.select_named(_is_title_name, most=MAX_HEADINGS), page.index.list_property("headline"))
    headings = [*first_headings, *_read_headings(page, "h2"), *_read_headings(page, "h3")]
    headings += map(read_element, islice(named, MAX_HEADINGS))
    yield from (("heading", title) for claim in said if (title := _match_heading(headings, claim)))
    if said == [meta.document_title] and len(first_headings) == 1 and len(first_headings[0]) >= LEAST_HEADLINE_CHARS:
        yield "h1", first_headings[0]  # nothing was made for sharing, and the window's title is the same on every page
    if said == [meta.document_title] and not headings and (title := _find_emphasized(page)):
        yield "emphasis", title  # pages laid out in tables
    yield from (("head", title) for claim in said if (title := _strip_site(claim, meta.site_name)))
    yield from (("h1", title) for title in first_headings)


def _find_emphasized(page: Page) -> str:
    """The first line in bold type above the first paragraph that is long enough for a headline."""
    outline = page.outline
    before = takewhile(lambda block: not block.is_prose, outline.blocks)
    lines = {block.text for block in before if not block.link_chars and len(block.text) >= LEAST_HEADLINE_CHARS}
    bold = map(read_element, islice(page.root.iter("b", "strong", "font"), MAX_HEADINGS)) if lines else ()
    return next((text for text in bold if text in lines and not ends_sentence(text)), "")


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
