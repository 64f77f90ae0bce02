"""A kliping as plain text. PURE."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from aggregator.kliping.model import Clipping, Kliping
from aggregator.kliping.wording import Wording, get_public_url, get_words

WIDTH = 76  # columns that mail programs show without breaking lines of their own
_RULE = "-" * WIDTH


def render_text(kliping: Kliping) -> str:
    """The plain part of an e-mail, and a file of its own."""
    words = get_words(kliping.language)
    lines = [*_render_head(kliping, words), ""]
    for story in kliping.stories:
        lines.append(_RULE)
        if len(story.clippings) > 1:
            lines += _wrap(words.tell_event(story))
        lines += _wrap(words.tell_places(story))
        for clipping in story.clippings:
            lines += ["", *_render_clipping(clipping, words)]
        lines.append("")
    lines += [_RULE, *_render_foot(kliping, words)]
    return "\n".join(lines) + "\n"


def render_brief(kliping: Kliping, most: int) -> str:
    """Titles, media and links alone, in at most so many characters: for the body of a link to a mail program.

    What does not fit is counted, with the page that has all.
    """
    words = get_words(kliping.language)
    page = get_public_url(kliping.page_url, most // 2)
    brief = "\n".join(filter(None, (kliping.office, kliping.title, words.tell_period(kliping)))) + "\n"
    clippings = [clipping for story in kliping.stories for clipping in story.clippings]
    for place, clipping in enumerate(clippings):
        longer = f"{brief}\n{clipping.number}. {clipping.title} ({clipping.medium})\n{clipping.url}\n"
        left = kliping.news - place - 1
        rest = f"\n{words.tell_rest(left, page)}\n" if left else ""
        if len(longer) + len(rest) > most:
            return f"{brief}\n{words.tell_rest(left + 1, page)}\n"
        brief = longer
    return f"{brief}\n{words.tell_rest(kliping.left_out, page)}\n" if kliping.left_out else brief


def _render_head(kliping: Kliping, words: Wording) -> Iterator[str]:
    yield from _wrap(kliping.office)
    yield from _wrap(kliping.title)
    yield from _wrap(words.tell_period(kliping))
    if kliping.news:
        yield from _wrap(words.tell_counts(kliping))
    else:
        yield from ("", *_wrap(words["nothing"]))


def _render_clipping(clipping: Clipping, words: Wording) -> Iterator[str]:
    mark = f"{clipping.number:>3}. "
    indent = " " * len(mark)
    title, *others = _wrap(clipping.title, indent) or [indent]
    yield mark + title.removeprefix(indent)
    yield from others
    for line in (words.tell_source(clipping), clipping.extract, words.tell_copies(clipping)):
        yield from _wrap(line, indent)
    if clipping.url:
        yield indent + clipping.url


def _render_foot(kliping: Kliping, words: Wording) -> Iterator[str]:
    page, feed = get_public_url(kliping.page_url), get_public_url(kliping.feed_url)
    if kliping.left_out:
        yield words.tell_rest(kliping.left_out, page)
    if page:
        yield f"{words['in_browser']}: {page}"
    if feed:
        yield f"{words['as_feed']}: {feed}"
    yield words["made_by"].format(publisher=kliping.publisher)
    yield from _wrap(words["rights"])


def _wrap(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
