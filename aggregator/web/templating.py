"""Renders the templates: Jinja2 with everything escaped and every name defined."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aggregator.publish.feed_info import Format
from aggregator.web.links import make_link, make_query_link
from aggregator.web.site import SiteInfo
from aggregator.web.texts import Language, Texts, get_texts

_FOLDER = Path(__file__).parent
STATIC_FOLDER = _FOLDER / "static"
# Path → key of its name in the texts, in the order of the navigation.
NAVIGATION = {
    "/": "nav_front",
    "/cities": "nav_cities",
    "/map": "nav_map",
    "/trends": "nav_trends",
    "/search": "nav_search",
    "/kliping": "nav_kliping",
    "/sources": "nav_sources",
    "/feeds": "nav_feeds",
    "/data": "nav_data",
}
# Controls, halves of letters, and marks that turn a line around: what we store has none, what is asked of us may.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_ERRORS_WITH_TEXTS = frozenset({401, 403, 404, 405, 410, 429, 500})


class PageRenderer:
    """Turns what a page shows into HTML."""

    def __init__(self, site: SiteInfo) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_make_showable,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals |= {
            "site": site,
            "static": name_static_file,
            "formats": tuple(Format),
            "navigation": NAVIGATION,
            "link": make_link,
        }

    def render(
        self,
        template: str,
        page: object,
        texts: Texts,
        *,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        nav: str = "",
    ) -> str:
        """`path` and `query`, without the language: where the page is; `nav`: where it is in the navigation.

        Templates get `page`, `texts`, `nav`, `own_url`, and for the other language `other` and `other_url`.
        """
        other = get_texts(_get_other(texts.language))
        return self._templates.get_template(template).render(
            page=page,
            texts=texts,
            nav=nav,
            front_url=make_link("/", texts.language),
            feeds_url=make_link("/feeds", texts.language),
            own_url=make_query_link(path, query, texts.language),
            other=other,
            other_url=make_query_link(path, query, other.language),
        )

    def render_error(self, status: int, language: Language, *, obstacle: str = "") -> str:
        """An error page in both languages, `language` first: whoever lands here may not have chosen one.

        `obstacle`: why nothing can be read.
        """
        return self._templates.get_template("error.html").render(
            status=status,
            obstacle=obstacle,
            kind=status if status in _ERRORS_WITH_TEXTS else 404 if status < 500 else 500,
            texts=get_texts(language),
            both=[get_texts(language), get_texts(_get_other(language))],
            nav="",
            front_url=make_link("/", language),
            feeds_url=make_link("/feeds", language),
            other=None,
        )


@cache
def name_static_file(name: str) -> str:
    """The address of a static file, with a mark of its content so that a new release is not shown in old clothes."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:8]
    return f"/static/{name}?v={digest}"


def _make_showable(value: object) -> object:
    """A value as pages show it. Words of an address come back on many pages, and are whatever somebody wrote there."""
    if not isinstance(value, str) or value.isprintable() or not _UNSHOWABLE.search(value):
        return value
    return type(value)(_UNSHOWABLE.sub("", value))  # what is escaped already stays so


def _get_other(language: Language) -> Language:
    return next(each for each in Language if each is not language)
