"""A kliping as Markdown, as Slack, Discord and Matrix take it. PURE."""

from __future__ import annotations

import re

from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.kliping.wording import Wording, get_public_url, get_words

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~]|&(?=#?\w+;))")
_LINE_MARKS = re.compile(r"^(?:([-+=])|(\d+)([.)]))")  # make a list or a heading of the line that they begin
_BREAK = "  \n"


def render_markdown(kliping: Kliping) -> str:
    """One text; whoever sends it parts it."""
    words = get_words(kliping.language)
    told = words.tell_counts(kliping) if kliping.news else words["nothing"]
    head = (_mark(kliping.office, "**"), _mark(kliping.title, "**"), _mark(words.tell_period(kliping), "_"))
    blocks = [_BREAK.join(filter(None, (*head, escape_markdown(told))))]
    for story in kliping.stories:
        blocks += _render_story(story, words)
    page = get_public_url(kliping.page_url)
    rest = escape_markdown(words.tell_rest(kliping.left_out)) if kliping.left_out else ""
    foot = _BREAK.join(filter(None, (rest, link_markdown(words["in_browser"], page) if page else "")))
    return "\n\n".join(filter(None, (*blocks, foot)))


def escape_markdown(text: str) -> str:
    """The text with nothing in it that Markdown takes for a mark of its own."""
    escaped = _MARKS.sub(r"\\\1", text)
    return _LINE_MARKS.sub(lambda mark: f"\\{mark[1]}" if mark[1] else f"{mark[2]}\\{mark[3]}", escaped)


def link_markdown(text: str, url: str) -> str:
    """The text, as a link where there is an address."""
    if not url:
        return escape_markdown(text)
    return f"[{escape_markdown(text)}](<{url.replace('<', '%3C').replace('>', '%3E')}>)"


def _render_story(story: KlipingStory, words: Wording) -> list[str]:
    clippings = [_render_clipping(clipping, words) for clipping in story.clippings]
    if len(clippings) < 2:
        return clippings
    about = (f"▪ {_mark(words.tell_event(story), '**')}", escape_markdown(words.tell_places(story)))
    return [_BREAK.join(filter(None, about)), *clippings]


def _render_clipping(clipping: Clipping, words: Wording) -> str:
    lines = (
        f"{clipping.number}. {link_markdown(clipping.title, clipping.url)}",
        _mark(words.tell_source(clipping), "_"),
        escape_markdown(clipping.extract),
        escape_markdown(words.tell_copies(clipping)),
    )
    return _BREAK.join(filter(None, lines))


def _mark(text: str, sign: str) -> str:
    """Bold (`**`) or italics (`_`); Markdown heeds them only around what begins and ends with no space."""
    return f"{sign}{escape_markdown(text.strip())}{sign}" if text.strip() else ""
