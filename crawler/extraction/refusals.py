"""Tells pages that hold no article, and why: error, login and challenge pages that come with status 200. Pure.

The error to avoid is an article taken for one of these: a long text is one whatever its title says ("Halaman Tidak
Ditemukan" may be a headline), and so is what a theme itself marks as a single post. Lists of articles: see `listings`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib import resources

from lxml import etree

from crawler.extraction.index import ElementIndex
from crawler.extraction.page import Page, read_element
from crawler.extraction.sentences import fold_words

LONG_TEXT = 600  # characters; error pages that say more than this offer other articles, and then little else
LOGIN_TEXT = 400
LONGEST_TITLE = 80  # characters, the site's name included

_TABLE = tomllib.loads(resources.files(__package__).joinpath("refusals.toml").read_text(encoding="utf-8"))
_FIND_PASSWORD = etree.XPath("boolean(//input[@type='password'])")


def _compile(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(phrases, key=len, reverse=True)))})\b")


_MISSING, _LOGIN = _compile(_TABLE["missing"]["titles"]), _compile(_TABLE["login"]["titles"])
_MISSING_WHOLE = frozenset(_TABLE["missing"]["whole_titles"])
_KINDS = tuple((frozenset(kind["classes"]), str(kind["reason"])) for kind in _TABLE["kinds"])
PROTECTED_FORM = b"post-password-form"


def find_refusal(page: Page, headlines: Iterable[str], text_size: int) -> str:
    """Why a page with these headlines and so many characters of text is no article; "" where it may be one."""
    body = page.root.find("body")
    classes = frozenset((body.get("class") or "").split()) if body is not None else frozenset[str]()
    for names, reason in _KINDS:
        if classes >= names:
            return reason
    if ("single" in classes or text_size < LONG_TEXT) and PROTECTED_FORM in page.data and _has_form(page.index):
        return "a protected article"
    if text_size >= LONG_TEXT:
        return ""
    headlines = (*headlines, *map(read_element, page.index.list_tag("h1")[:1]))
    titles = [fold_words(headline) for headline in headlines if len(headline) <= LONGEST_TITLE]
    if any(map(_MISSING.search, titles)) or not _MISSING_WHOLE.isdisjoint(titles):
        return "the page says that it was not found"
    if text_size < LOGIN_TEXT and (any(map(_LOGIN.fullmatch, titles)) or _FIND_PASSWORD(page.root)):
        return "a login page"
    return ""


def _has_form(index: ElementIndex) -> bool:
    return next(index.select_class(PROTECTED_FORM.decode()), None) is not None
