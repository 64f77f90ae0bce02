"""The article's text: the container's paragraphs, and a second opinion where they look poor. Pure.

outline ─▶ a listing? ─▶ container (profile, name, prose) ─▶ paragraphs ─▶ enough? ─▶ done
                                                  │ no
                  weak signs of furniture not believed ─▶ still not? ─▶ trafilatura, favouring precision
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crawler.extraction.containers import choose_container
from crawler.extraction.listings import is_listing, mark_teasers
from crawler.extraction.page import Page
from crawler.extraction.paragraphs import keep_paragraphs
from crawler.extraction.prose import ProseMap
from crawler.extraction.second_opinion import ask_trafilatura

# A text of so many characters needs no second opinion unless the page holds several times as much prose.
LEAST_CHARS = 150  # less is a caption or a date: pages of photographs hold nothing but captions
ENOUGH_CHARS = 250
ENOUGH_SHARE = 0.2
CLEARLY_MORE = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """An article's paragraphs and how they were found: profile, container, open, trafilatura; listing, "" for none."""

    paragraphs: tuple[str, ...] = ()
    method: str = ""

    @property
    def size(self) -> int:
        """Characters of text."""
        return sum(map(len, self.paragraphs))


def find_body(page: Page, title: str) -> Body:
    """The body of the article with this title."""
    outline = page.outline
    places = {element: index for index, element in enumerate(outline.elements)}
    preferred = [places[element] for element in page.select(page.profile.container) if element in places]
    prose = ProseMap(outline)
    if is_listing(prose):
        return Body(method="listing")
    if mark_teasers(outline):
        prose = ProseMap(outline)
    body = _read_body(prose, preferred, title)
    if body.method == "profile" or (body.size >= ENOUGH_CHARS and body.size >= ENOUGH_SHARE * prose.total):
        return body
    if body.size < LEAST_CHARS:
        opened = replace(_read_body(ProseMap(outline, trusting=True), preferred, title), method="open")
        body = opened if opened.size >= CLEARLY_MORE * body.size else body
    if body.size >= ENOUGH_CHARS:
        return body
    other = Body(paragraphs=ask_trafilatura(outline, page.data), method="trafilatura")
    if other.paragraphs and other.size >= CLEARLY_MORE * body.size:
        return other
    return body if body.paragraphs else Body()


def _read_body(prose: ProseMap, preferred: Sequence[int], title: str) -> Body:
    container = choose_container(prose, preferred)
    paragraphs = keep_paragraphs(prose.outline, list(prose.list_blocks(container)), title)
    return (
        Body(paragraphs=paragraphs, method="profile" if container in preferred else "container")
        if paragraphs
        else Body()
    )
