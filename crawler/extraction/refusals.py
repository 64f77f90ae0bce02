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

from crawler.extraction.sentences import fold_words

LONG_TEXT = 600  # characters; error pages that say more than this offer other articles, and then little else
LOGIN_TEXT = 400
LONGEST_TITLE = 80  # characters, the site's name included

_TABLE = tomllib.loads(resources.files(__package__).joinpath("refusals.toml").read_text(encoding="utf-8"))
_FIND_PASSWORD = etree.XPath("boolean(//input[@type='password'])")


def _compile(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(phrases, key=len, reverse=True)))})\b")


_MISSING, _LOGIN = _compile(_TABLE["missing"]["titles"]), _compile(_TABLE["login"]["titles"])
_MISSING_CLASSES = frozenset(_TABLE["missing"]["classes"])


def find_refusal(root: etree._Element, headlines: Iterable[str], text_size: int) -> str:
    """Why a page with these headlines and so many characters of text is no article; "" where it may be one."""
    if text_size >= LONG_TEXT:
        return ""
    body = root.find("body")
    if body is not None and _MISSING_CLASSES.intersection((body.get("class") or "").split()):
        return "the page says that it was not found"
    titles = [fold_words(headline) for headline in headlines if len(headline) <= LONGEST_TITLE]
    if any(map(_MISSING.search, titles)):
        return "the page says that it was not found"
    if text_size < LOGIN_TEXT and (any(map(_LOGIN.fullmatch, titles)) or _FIND_PASSWORD(root)):
        return "a login page"
    return ""
