"""A kliping as a page to print: by itself, or to be set into a page of ours. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from aggregator.kliping.model import Kliping
from aggregator.kliping.wording import entitle, get_public_url, get_words

ADDRESS_SPELLED = 300  # characters: a longer one nobody types


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A kliping; each part stands in an element of the class `kliping`."""

    header: Markup
    body: Markup


def render_print_html(kliping: Kliping, style: str) -> str:
    """A document of its own that needs nothing from elsewhere; `style`: our own style sheet of the sheet."""
    return (
        _get_templates()
        .get_template("page.html")
        .render(kliping=kliping, title=entitle(kliping), style=Markup(style), sheet=render_sheet(kliping))  # noqa: S704 - as said
    )


def render_sheet(kliping: Kliping) -> Sheet:
    """The kliping alone, in its two parts, for a page that has the style sheet kliping-sheet.css."""
    templates = _get_templates()
    page = get_public_url(kliping.page_url, ADDRESS_SPELLED)
    shown = {"kliping": kliping, "words": get_words(kliping.language), "page": page}
    return Sheet(
        header=Markup(templates.get_template("sheet_header.html").render(shown)),  # noqa: S704 - escaped there
        body=Markup(templates.get_template("sheet.html").render(shown)),  # noqa: S704 - escaped there
    )


@cache
def _get_templates() -> Environment:
    return Environment(
        loader=PackageLoader("aggregator.kliping", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
