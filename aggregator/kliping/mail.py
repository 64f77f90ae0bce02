"""A kliping as the HTML part of an e-mail. PURE.

Mail programs know tables and style attributes; few read a style sheet, none loads one. What a style sheet adds here is
the dark mode of those that do. Programs cut what is longer than about 102 kB, so it ends earlier, and says where the
rest is.
"""

from __future__ import annotations

from html import escape

from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.kliping.wording import Wording, entitle, get_public_url, get_words

SIZE_LIMIT = 100_000  # bytes
_FOOT_ROOM = 12_000  # two addresses of ours with long questions in them

_SERIF = "font-family:Georgia,'Times New Roman',serif"
_SANS = "font-family:Arial,Helvetica,sans-serif"
_INK, _SOFT, _ACCENT, _RULE = "#1d1b18", "#5e5a52", "#972a1c", "#d9d4c7"
_DARK = """\
@media (prefers-color-scheme: dark) {
body, .k-page { background: #17171a !important; }
.k-ink, .k-ink a { color: #ebe8e1 !important; }
.k-soft { color: #aaa59b !important; }
.k-link { color: #f2927f !important; }
.k-rule { border-color: #37373c !important; }
}"""


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
    title = f"margin:0 0 6px;{_SERIF};font-size:24px;line-height:1.25;color:{_INK}"
    return f"""<!doctype html>
<html lang="{kliping.language.value}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<title>{escape(entitle(kliping))}</title><style>{_DARK}</style></head>
<body style="margin:0;padding:0;background:#fbfaf6">
<table role="presentation" class="k-page" width="100%" cellpadding="0" cellspacing="0" style="background:#fbfaf6"><tr>\
<td align="center" style="padding:20px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:640px;text-align:left">
<tr><td class="k-rule" style="padding:0 0 14px;border-bottom:2px solid {_ACCENT}">
{_soft(_fit(kliping.office)) if kliping.office else ""}
<h1 class="k-ink" style="{title}">{_fit(kliping.title)}</h1>
{_soft(f"{escape(words.tell_period(kliping))}<br>{escape(told)}")}</td></tr>
"""


def _render_about(story: KlipingStory, words: Wording) -> str:
    """Over the first clipping of a story."""
    event = words.tell_event(story) if len(story.clippings) > 1 else ""
    about = " · ".join(filter(None, (event, words.tell_places(story))))
    if not about:
        return ""
    return (
        f'<tr><td class="k-soft" style="padding:16px 0 0;{_SANS};font-size:12px;font-weight:bold;color:{_SOFT}">'
        f"{escape(about)}</td></tr>\n"
    )


def _render_clipping(clipping: Clipping, words: Wording) -> str:
    style = f"margin:0;{_SERIF};font-size:18px;line-height:1.3"
    title = f"{clipping.number}. {_link(clipping.title, clipping.url, _INK)}"
    lines = [f'<h2 class="k-ink" style="{style}">{title}</h2>', _soft(escape(words.tell_source(clipping)))]
    if clipping.extract:
        style = f"margin:4px 0 0;{_SANS};font-size:15px;line-height:1.5;color:{_INK}"
        lines.append(f'<p class="k-ink" dir="auto" style="{style}">{escape(clipping.extract)}</p>')
    if copies := words.tell_copies(clipping):
        lines.append(_soft(escape(copies)))
    body = "".join(lines)
    return f'<tr><td class="k-rule" style="padding:8px 0 14px;border-bottom:1px solid {_RULE}">{body}</td></tr>\n'


def _render_rest(kliping: Kliping, count: int, words: Wording) -> str:
    if not count:
        return ""
    url = get_public_url(kliping.page_url)
    link = _link(words.tell_rest(count), url, _ACCENT, "k-link") if url else escape(words.tell_rest(count))
    return f'<tr><td class="k-ink" style="padding:14px 0;{_SANS};font-size:15px;color:{_INK}">{link}</td></tr>\n'


def _render_foot(kliping: Kliping, words: Wording) -> str:
    urls = ((words["in_browser"], kliping.page_url), (words["as_feed"], kliping.feed_url))
    links = [_link(name, public, _ACCENT, "k-link") for name, url in urls if (public := get_public_url(url, 4_000))]
    lines = [" · ".join(links), escape(words["made_by"].format(publisher=kliping.publisher)), escape(words["rights"])]
    body = "".join(_soft(line) for line in lines if line)
    return f'<tr><td style="padding:14px 0">{body}</td></tr>\n</table></td></tr></table></body></html>\n'


def _soft(inside: str) -> str:
    return f'<p class="k-soft" style="margin:4px 0 0;{_SANS};font-size:13px;line-height:1.5;color:{_SOFT}">{inside}</p>'


def _link(text: str, url: str, colour: str, name: str = "") -> str:
    if not url:
        return _fit(text)
    marks = f' class="{name}"' if name else ""
    return f'<a href="{escape(url)}"{marks} style="color:{colour}">{_fit(text)}</a>'


def _fit(text: str) -> str:
    return f"<bdi>{escape(text)}</bdi>"
