"""A kliping as the HTML part of an e-mail. PURE.

Programs cut what is longer than about 102 kB, so it ends earlier, and says where the rest is.
"""

from __future__ import annotations

from html import escape

from aggregator.kliping.frame import (
    INK,
    PAGE_END,
    SANS,
    SOFT,
    fit,
    open_page,
    set_head,
    set_item,
    set_line,
    set_link,
    set_soft,
)
from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.kliping.wording import Wording, entitle, get_public_url, get_words

SIZE_LIMIT = 100_000  # bytes
_FOOT_ROOM = 12_000  # two addresses of ours with long questions in them


def render_email_html(kliping: Kliping) -> str:
    """A document of at most 100 kB that needs nothing from elsewhere."""
    words = get_words(kliping.language)
    head, foot = _render_head(kliping, words), _render_foot(kliping, words)
    room = SIZE_LIMIT - _FOOT_ROOM - len(head.encode())
    rows: list[str] = []
    for story in kliping.stories:
        about = _render_about(story, words)
        for clipping in story.clippings:
            row = about + _render_clipping(clipping, words)
            room -= len(row.encode())
            if room < 0:
                return "".join((head, *rows, _render_rest(kliping, kliping.news - len(rows), words), foot))
            rows.append(row)
            about = ""
    return "".join((head, *rows, _render_rest(kliping, kliping.left_out, words), foot))


def _render_head(kliping: Kliping, words: Wording) -> str:
    told = words.tell_counts(kliping) if kliping.news else words["nothing"]
    below = f"{escape(words.tell_period(kliping))}<br>{escape(told)}"
    head = set_head(kliping.title, fit(kliping.office) if kliping.office else "", below)
    return open_page(entitle(kliping), kliping.language) + head


def _render_about(story: KlipingStory, words: Wording) -> str:
    """Over the first clipping of a story."""
    event = words.tell_event(story) if len(story.clippings) > 1 else ""
    about = " · ".join(filter(None, (event, words.tell_places(story))))
    if not about:
        return ""
    return (
        f'<tr><td class="k-soft" style="padding:16px 0 0;{SANS};font-size:12px;font-weight:bold;color:{SOFT}">'
        f"{escape(about)}</td></tr>\n"
    )


def _render_clipping(clipping: Clipping, words: Wording) -> str:
    lines = [set_soft(escape(words.tell_source(clipping)))]
    if clipping.extract:
        style = f"margin:4px 0 0;{SANS};font-size:15px;line-height:1.5;color:{INK}"
        lines.append(f'<p class="k-ink" dir="auto" style="{style}">{escape(clipping.extract)}</p>')
    if copies := words.tell_copies(clipping):
        lines.append(set_soft(escape(copies)))
    return set_item(clipping.title, clipping.url, "".join(lines), clipping.number)


def _render_rest(kliping: Kliping, count: int, words: Wording) -> str:
    if not count:
        return ""
    url = get_public_url(kliping.page_url)
    return set_line(set_link(words.tell_rest(count), url, name="k-link"))


def _render_foot(kliping: Kliping, words: Wording) -> str:
    urls = ((words["in_browser"], kliping.page_url), (words["as_feed"], kliping.feed_url))
    links = [set_link(name, public, name="k-link") for name, url in urls if (public := get_public_url(url, 4_000))]
    lines = [" · ".join(links), escape(words["made_by"].format(publisher=kliping.publisher)), escape(words["rights"])]
    body = "".join(set_soft(line) for line in lines if line)
    return f'<tr><td style="padding:14px 0">{body}</td></tr>\n{PAGE_END}'
