"""The article's text where it stands in no element, only in a page's data, for scripts to show. Pure.

JSON-LD's articleBody, Next.js (`script#__NEXT_DATA__`), Inertia (`data-page`): the longest text under a name that texts
go by, and beside it who wrote it and when. Asked only where the page's elements hold none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from crawler.extraction.fragments import clean_fragment
from crawler.extraction.jsonld import list_names
from crawler.extraction.page import Page

LEAST_CHARS = 250  # shorter ones are excerpts
MAX_DATA_CHARS = 2_000_000
MAX_VALUES = 20_000
_TEXT_NAMES = frozenset(
    ("article_body", "articlebody", "body", "content", "content_html", "html", "isi", "konten", "post_content", "text")
)
_DATE_NAMES = (
    "published_at",
    "publishedat",
    "published",
    "publish_date",
    "publishdate",
    "datepublished",
    "date",
    "tanggal",
)
_AUTHOR_NAMES = ("authors", "author", "reporter", "penulis", "writer")
_FIND_DATA = etree.XPath("//script[@id='__NEXT_DATA__']/text() | //*[@data-page]/@data-page")


@dataclass(frozen=True, kw_only=True, slots=True)
class DataArticle:
    """An article as a page's data hold it; the date as written."""

    paragraphs: tuple[str, ...]
    published: str = ""
    authors: tuple[str, ...] = ()


def read_page_data(page: Page) -> DataArticle | None:
    """The article with the longest text in the page's data; None where there is none."""
    holders = [
        (page.meta.linked.body, {}),
        *(text for data in _FIND_DATA(page.root)[:2] for text in _list_texts(str(data))),
    ]
    text, holder = max(holders, key=lambda found: len(found[0]))
    if len(text) < LEAST_CHARS:
        return None
    said = {str(name).lower(): value for name, value in holder.items()}
    dates = (value for name in _DATE_NAMES if isinstance(value := said.get(name), str))
    authors = (tuple(list_names(said[name])) for name in _AUTHOR_NAMES if name in said)
    paragraphs = tuple(filter(None, clean_fragment(text).split("\n")))
    if not paragraphs:
        return None
    return DataArticle(
        paragraphs=paragraphs,
        published=next(dates, ""),
        authors=next(filter(None, authors), ()),
    )


def _list_texts(data: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Texts and the objects that hold them."""
    try:
        waiting: list[object] = [json.loads(data[:MAX_DATA_CHARS], strict=False)]
    except (ValueError, RecursionError):  # RecursionError: a hundred thousand open brackets
        return
    for _ in range(MAX_VALUES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict):
            yield from (
                (text, value)
                for name, text in value.items()
                if isinstance(text, str) and str(name).lower() in _TEXT_NAMES
            )
            waiting += [inner for inner in value.values() if isinstance(inner, dict | list)]
        elif isinstance(value, list):
            waiting += [inner for inner in value if isinstance(inner, dict | list)]
