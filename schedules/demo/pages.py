"""Renders what the portals print: article pages, lists, and the documents of their channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from schedules.demo.dialects import write_date
from schedules.demo.posts import Edition, Post


def render(template: str, edition: Edition, **context: Any) -> bytes:
    """Fills `templates/<template>` in the portal's charset. What that cannot write becomes a character reference,
    as in the forms of an old CMS."""
    text = (
        _load_templates()
        .get_template(template)
        .render(
            edition=edition,
            portal=edition.portal,
            date=partial(write_date, now=edition.now),
            make_body=make_body,
            make_teaser=make_teaser,
            **context,
        )
    )
    return text.encode(edition.portal.charset, "xmlcharrefreplace")


def render_post(edition: Edition, post: Post, number: int = 1) -> bytes:
    """Page `number` of an article, in the portal's theme."""
    length = post.article.page_length or len(post.paragraphs)
    return render(
        f"themes/{edition.portal.theme}.html.j2",
        edition,
        post=replace(post, paragraphs=post.paragraphs[(number - 1) * length : number * length]),
        number=number,
        pages=post.page_count,
        related=edition.pick_others(post, 3),
        popular=edition.pick_others(post, 6)[1:],
    )


def render_list(edition: Edition, posts: Sequence[Post], next_url: str = "") -> bytes:
    """A home or index page."""
    return render("list.html.j2", edition, posts=posts, next_url=next_url)


def make_body(post: Post) -> str:
    """The article's HTML as feeds and the REST API carry it."""
    return _load_templates().get_template("body.html.j2").render(post=post)


def make_teaser(post: Post, words: int = 30) -> str:
    """The first words, as WordPress cuts its excerpts."""
    all_words = " ".join(post.paragraphs).split()
    return " ".join(all_words[:words]) + (" […]" if len(all_words) > words else "")


@cache
def _load_templates() -> Environment:
    return Environment(
        loader=PackageLoader("schedules.demo"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
