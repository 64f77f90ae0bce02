"""Renders the templates: Jinja2 with everything escaped and every name defined."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aggregator.publish.feed_info import Format
from aggregator.web.feeds_form import Asked
from aggregator.web.feeds_page import FeedsPage
from aggregator.web.front_page import FrontPage
from aggregator.web.links import make_feeds_link, make_link, make_story_link
from aggregator.web.site import SiteInfo
from aggregator.web.status_page import StatusPage
from aggregator.web.story_page import StoryPage
from aggregator.web.texts import Language, Texts, get_texts

_FOLDER = Path(__file__).parent
STATIC_FOLDER = _FOLDER / "static"
_ERRORS_WITH_TEXTS = frozenset({404, 405, 410, 500})


class PageRenderer:
    """Turns what a page shows into HTML."""

    def __init__(self, site: SiteInfo) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals |= {"site": site, "static": name_static_file, "formats": tuple(Format)}

    def render_front(self, page: FrontPage, texts: Texts, *, before: str | None) -> str:
        """The front page, its older pages included."""
        return self._render("front.html", page, texts, lambda language: make_link("/", language, before=before))

    def render_status(self, page: StatusPage, texts: Texts) -> str:
        """The status page."""
        return self._render("status.html", page, texts, lambda language: make_link("/status", language))

    def render_story(self, page: StoryPage, texts: Texts) -> str:
        """The page of a story."""
        return self._render("story.html", page, texts, lambda language: make_story_link(page.id, language))

    def render_feeds(self, page: FeedsPage, texts: Texts, asked: Asked) -> str:
        """The page of feeds, with a question or without."""
        pairs = asked.pairs or ([("q", "")] if asked.has_question else [])
        return self._render("feeds.html", page, texts, lambda language: make_feeds_link(pairs, language))

    def _render(
        self,
        template: str,
        page: FrontPage | StatusPage | StoryPage | FeedsPage,
        texts: Texts,
        link: Callable[[Language], str],
    ) -> str:
        """`link` leads to the page in a language."""
        other = get_texts(_get_other(texts.language))
        return self._templates.get_template(template).render(
            page=page,
            texts=texts,
            front_url=make_link("/", texts.language),
            feeds_url=make_feeds_link([], texts.language),
            other=other,
            other_url=link(other.language),
        )

    def render_error(self, status: int, language: Language) -> str:
        """An error page in both languages, `language` first: whoever lands here may not have chosen one."""
        return self._templates.get_template("error.html").render(
            status=status,
            kind=status if status in _ERRORS_WITH_TEXTS else 404 if status < 500 else 500,
            texts=get_texts(language),
            both=[get_texts(language), get_texts(_get_other(language))],
            front_url=make_link("/", language),
            feeds_url=make_feeds_link([], language),
        )


@cache
def name_static_file(name: str) -> str:
    """The address of a static file, with a mark of its content so that a new release is not shown in old clothes."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:8]
    return f"/static/{name}?v={digest}"


def _get_other(language: Language) -> Language:
    return next(each for each in Language if each is not language)
