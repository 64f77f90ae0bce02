"""What every letter of ours in HTML is set in: a page of tables, light and dark, that needs nothing. PURE.

Mail programs know tables and style attributes; few read a style sheet, none loads one. What a style sheet adds here is
the dark mode of those that do.
"""

from __future__ import annotations

from html import escape

from aggregator.models import Language

SERIF = "font-family:Georgia,'Times New Roman',serif"
SANS = "font-family:Arial,Helvetica,sans-serif"
INK, SOFT, ACCENT, RULE = "#1d1b18", "#5e5a52", "#972a1c", "#d9d4c7"
_DARK = """\
@media (prefers-color-scheme: dark) {
body, .k-page { background: #17171a !important; }
.k-ink, .k-ink a { color: #ebe8e1 !important; }
.k-soft { color: #aaa59b !important; }
.k-link { color: #f2927f !important; }
.k-rule { border-color: #37373c !important; }
}"""


def open_page(subject: str, language: Language) -> str:
    """Up to the first row."""
    return f"""<!doctype html>
<html lang="{language.value}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<title>{escape(subject)}</title><style>{_DARK}</style></head>
<body style="margin:0;padding:0;background:#fbfaf6">
<table role="presentation" class="k-page" width="100%" cellpadding="0" cellspacing="0" style="background:#fbfaf6"><tr>\
<td align="center" style="padding:20px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:640px;text-align:left">
"""


PAGE_END = "</table></td></tr></table></body></html>\n"


def set_head(title: str, above: str, below: str) -> str:
    """The first row: the heading, and what is over and under it, in HTML."""
    style = f"margin:0 0 6px;{SERIF};font-size:24px;line-height:1.25;color:{INK}"
    return f"""<tr><td class="k-rule" style="padding:0 0 14px;border-bottom:2px solid {ACCENT}">
{set_soft(above) if above else ""}
<h1 class="k-ink" style="{style}">{fit(title)}</h1>
{set_soft(below) if below else ""}</td></tr>
"""


def set_item(title: str, url: str, lines: str, number: int) -> str:
    """The row of a piece of news: its title, which is a link, and lines under it, in HTML."""
    style = f"margin:0;{SERIF};font-size:18px;line-height:1.3"
    heading = f'<h2 class="k-ink" style="{style}">{number}. {set_link(title, url, INK)}</h2>'
    return (
        f'<tr><td class="k-rule" style="padding:8px 0 14px;border-bottom:1px solid {RULE}">{heading}{lines}</td></tr>\n'
    )


def set_line(inside: str) -> str:
    """A row of plain text, in HTML."""
    return f'<tr><td class="k-ink" style="padding:14px 0;{SANS};font-size:15px;color:{INK}">{inside}</td></tr>\n'


def set_soft(inside: str) -> str:
    return f'<p class="k-soft" style="margin:4px 0 0;{SANS};font-size:13px;line-height:1.5;color:{SOFT}">{inside}</p>'


def set_link(text: str, url: str, colour: str = ACCENT, name: str = "") -> str:
    if not url:
        return fit(text)
    marks = f' class="{name}"' if name else ""
    return f'<a href="{escape(url)}"{marks} style="color:{colour}">{fit(text)}</a>'


def fit(text: str) -> str:
    """Text of others, whichever way it is written."""
    return f"<bdi>{escape(text)}</bdi>"
