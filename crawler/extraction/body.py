"""The article's text: the container's paragraphs, and a second opinion where they look poor. Pure.

outline ─▶ a listing? ─▶ container (profile, name, article, prose) ─▶ paragraphs ─▶ enough? ─▶ done
                                                  │ no
    weak signs of furniture not believed ─▶ the page's data ─▶ trafilatura, favouring precision
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from crawler.extraction.containers import choose_container
from crawler.extraction.listings import is_listing, mark_comments, mark_teasers
from crawler.extraction.page import Page
from crawler.extraction.page_data import DataArticle, read_page_data
from crawler.extraction.paragraphs import cut_at_ending, keep_own
from crawler.extraction.prose import ProseMap
from crawler.extraction.second_opinion import ask_trafilatura

# A text of so many characters needs no second opinion unless the page holds several times as much prose.
LEAST_CHARS = 150  # less is a caption or a date: pages of photographs hold nothing but captions
ENOUGH_CHARS = 250
ENOUGH_SHARE = 0.2
MOST_SHARE = 0.6
CLEARLY_MORE = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """An article's paragraphs and how they were found.

    `method`: profile, name, article, short, column, prose (see `containers`), open, data, trafilatura; without text,
    listing or "".
    """

    paragraphs: tuple[str, ...] = ()
    method: str = ""
    is_ended: bool = False  # by the heading of what follows articles
    refusal: str = ""  # why the page holds no article
    data: DataArticle | None = None  # what the text was read from, with its date and authors

    @property
    def size(self) -> int:
        """Characters of text."""
        return sum(map(len, self.paragraphs))


def find_body(page: Page, title: str) -> Body:
    """The body of the article with this title."""
    outline = page.outline
    preferred = list_preferred(page)
    prose = ProseMap(outline)
    if is_listing(prose, describes_article=page.meta.describes_article):
        return Body(method="listing", refusal="a list of articles")
    if mark_teasers(outline) | mark_comments(outline):
        prose = ProseMap(outline)
    body = read_body(prose, *choose_container(prose, title, preferred), title)
    if body.method in ("profile", "short") or _is_enough(body, prose):
        return body
    if body.size < LEAST_CHARS:
        trusting = ProseMap(outline, trusting=True)
        opened = replace(read_body(trusting, *choose_container(trusting, title, preferred), title), method="open")
        body = opened if opened.size >= CLEARLY_MORE * body.size else body
    if body.size < LEAST_CHARS and (found := ask_data(page)).paragraphs:
        return found
    if body.size >= ENOUGH_CHARS:
        return body
    other = ask_second(page)
    if other.paragraphs and other.size >= CLEARLY_MORE * body.size:
        return other
    return body if body.paragraphs else Body()


def _is_enough(body: Body, prose: ProseMap) -> bool:
    """A short text is enough where its end is marked, or the page holds little else."""
    if body.is_ended and body.size >= LEAST_CHARS:
        return True
    share = ENOUGH_SHARE if body.size >= ENOUGH_CHARS else MOST_SHARE
    return body.size >= LEAST_CHARS and body.size >= share * prose.total


def list_preferred(page: Page) -> list[list[int]]:
    """The nodes that the page's profile takes for the article's: those of each of its selectors, in its order."""
    selected = [list(page.select((selector,))) for selector in page.profile.container]
    if not any(selected):
        return []
    places = {element: index for index, element in enumerate(page.outline.elements)}
    return [[places[element] for element in alike if element in places] for alike in selected]


def read_body(prose: ProseMap, way: str, container: int, title: str) -> Body:
    """The paragraphs in one container."""
    blocks = list(prose.list_blocks(container))
    own = cut_at_ending(prose.outline, blocks)
    paragraphs = keep_own(prose.outline, own, title)
    return Body(paragraphs=paragraphs, method=way, is_ended=len(own) < len(blocks)) if paragraphs else Body()


def ask_data(page: Page) -> Body:
    """The text in the page's data."""
    data = read_page_data(page)
    return Body(paragraphs=data.paragraphs if data else (), method="data", data=data)


def ask_second(page: Page) -> Body:
    """What trafilatura makes of the page."""
    return Body(paragraphs=ask_trafilatura(page.outline, page.data, page.index.size), method="trafilatura")
