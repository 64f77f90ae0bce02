"""The article's text where it stands in no element, only in a page's data, for scripts to show. Pure.

JSON-LD's articleBody, Next.js (`script#__NEXT_DATA__`), Inertia (`data-page`): the longest text under a name that texts
go by. Asked only where the page's elements hold none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from lxml import etree

from crawler.extraction.fragments import clean_fragment
from crawler.extraction.page import Page

LEAST_CHARS = 250  # shorter ones are excerpts
MAX_DATA_CHARS = 2_000_000
MAX_VALUES = 20_000
_TEXT_NAMES = frozenset(
    ("article_body", "articlebody", "body", "content", "content_html", "html", "isi", "konten", "post_content", "text")
)
_FIND_DATA = etree.XPath("//script[@id='__NEXT_DATA__']/text() | //*[@data-page]/@data-page")


def read_page_data(page: Page) -> tuple[str, ...]:
    """The paragraphs of the longest text in the page's data; none where it holds none."""
    texts = [page.meta.linked.body, *(text for data in _FIND_DATA(page.root)[:2] for text in _list_texts(str(data)))]
    longest = max(texts, key=len)
    return tuple(clean_fragment(longest).split("\n")) if len(longest) >= LEAST_CHARS else ()


def _list_texts(data: str) -> Iterator[str]:
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
                text for name, text in value.items() if isinstance(text, str) and str(name).lower() in _TEXT_NAMES
            )
            waiting += [inner for inner in value.values() if isinstance(inner, dict | list)]
        elif isinstance(value, list):
            waiting += [inner for inner in value if isinstance(inner, dict | list)]
