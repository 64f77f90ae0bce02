"""Tells the furniture of a page (navigation, sharing, related posts, credits) from its article. Pure.

Elements are judged by tag, role, visibility and class names; lines by how they begin. Two errors are possible, and
furniture in the text is the worse one: it makes duplicates of strangers and topics out of sidebars. Yet a whole article
lost to a class name such as "content-with-sidebar" is worse still, so a weak judgement on most of a page's text is
overruled (`prose.WRAPPER_SHARE`). The words are in furniture.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from importlib import resources
from itertools import chain

from lxml import etree

MAX_NAMES_CHARS = 300  # of class names and id
MAX_LEVELS = 12
NAMES_CACHED = 20_000  # a portal's pages share their class names
MAX_ENDING_CHARS = 60
COPYRIGHT_WITHIN = 30  # characters: "Contents © 2026", "Hak cipta dilindungi © 2026"
MAX_COMMENTS_CHARS = 200  # WordPress repeats the headline: "3 thoughts on …"
MAX_POINTER_CHARS = 200
MAX_POINTER_LABEL = 20  # characters of "Baca Juga: " and the like


class Strength(Enum):
    """How surely an element is furniture."""

    NONE = 0
    WEAK = 1
    STRONG = 2


Attributes = Mapping[str, str] | etree._Element  # noqa: SLF001 - lxml has no public name; what has get()


def _join(words: Iterable[str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(words, key=len, reverse=True))


def _compile_words(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{_join(words)})(?![a-z])")


_TABLE = tomllib.loads(resources.files(__package__).joinpath("furniture.toml").read_text(encoding="utf-8"))
_ELEMENTS, _CLASSES, _LINES = _TABLE["elements"], _TABLE["classes"], _TABLE["lines"]

_SURE_TAGS = frozenset(_ELEMENTS["sure"])
_TAGS = frozenset(_ELEMENTS["tags"])
_LISTS = frozenset(_ELEMENTS["lists"])
_ROLES = frozenset(_ELEMENTS["roles"])
_NEVER_BY_CLASS = frozenset(_ELEMENTS["never_by_class"])
_BESIDE_TAGS = frozenset(_ELEMENTS["beside"])
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)

_STRONG = _compile_words(_CLASSES["strong"])
_WEAK = _compile_words(_CLASSES["weak"])
_SURELY_WHOLE = frozenset(_CLASSES["surely_whole"])
_WHOLE = re.compile(rf"(?<!\S)(?:{_join(_CLASSES['whole'])})(?!\S)")
_BESIDE = _compile_words(_CLASSES["beside"])
_EXEMPT = _compile_words(_CLASSES["exempt"])
_CONTAINER = _compile_words(_CLASSES["containers"])
_IGNORED = re.compile(rf"(?<!\S)(?:{_join(_CLASSES['ignored'])})\S*")
_FOOTER = re.compile(r"(?:entry|post|article)[-_]footer")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DASHES = re.compile(r"[-_]+")

_LINE = re.compile(
    rf"[^\w“”\"'‘’]{{0,3}}(?:(?:{_join(_LINES['starts'])})(?:(?<!\w)|(?!\w))"
    rf"|(?:{_join(_LINES['exact'])})\W*$"
    rf"|(?:{_join(_LINES['pages'])})\b\W{{0,3}}[\d\s|/,.…»>-]+$"
    rf"|(?:{_join(_LINES['feed_tails'])})\b.*\b(?:{_join(_LINES['feed_verbs'])})\b"
    rf"|(?:{_join(_LINES['calls'])})\b.*\b(?:{_join(_LINES['places'])})\b)",
    re.IGNORECASE,
)
# "Penulis: Budi"; "Penulis" in one cell and ": Budi" in the next; "Kontributor Budi Santoso"
_LABEL = re.compile(
    rf"\W{{0,3}}(?i:{_join(_LINES['labels'])})(?:\s*[:：]|\W*$|\s[A-Z][\w.'’-]*(?:\s[A-Z][\w.'’-]*){{0,3}}$)|\s*[:：]",
)
_ENDING = re.compile(rf"\W{{0,3}}(?:{_join(_LINES['endings'])})\W*$", re.IGNORECASE)
_COMMENTS = re.compile(
    rf"\W{{0,3}}(?:\d[\d.,]{{0,6}}\s(?:{_join(_LINES['comments'])})\b|(?:{_join(_LINES['comments'])})\s?[(:]\s?\d[\d.]{{0,6}}\)?$)",
    re.IGNORECASE,
)
# "… Senin.  Baca Juga: Another headline" at the end of a paragraph
_POINTER = re.compile(
    rf"(?<=[.!?…”\"'’)])\s*[(\[]?(?:{_join(_LINES['pointers'])})\s?[:：].{{0,{MAX_POINTER_CHARS}}}$", re.IGNORECASE
)
_POINTER_START = re.compile(rf"\s*[(\[]?(?:{_join(_LINES['pointers'])})\s?[:：]", re.IGNORECASE)
_LIST_ENDING = re.compile(
    rf"\W{{0,3}}(?:(?:{_join(_LINES['list_endings'])})\W*$|(?:{_join(_LINES['list_openings'])})\b)", re.IGNORECASE
)


# A line that begins with none of these words is no furniture: one cheap look instead of a dozen of dear ones.
_FIRST_WORD = re.compile(r"\W{0,4}(\w+)")
_FIRST_WORDS = frozenset(
    found[1].lower()
    for key in ("starts", "exact", "feed_tails", "pages", "calls", "labels", "endings", "list_endings", "list_openings")
    for phrase in _LINES[key]
    if (found := _FIRST_WORD.match(phrase))
)


def judge_element(tag: str, attributes: Attributes) -> tuple[Strength, str]:
    """How surely an element is furniture by what it is called, and its names if an article's container is called so.

    Class names are one string, as on the page.
    """
    names, identity, is_body, is_doubtful = "", "", False, False
    for name, value in attributes.items():  # few elements have many; asking for each of six costs more
        if name == "class":
            names = value
        elif name == "id":
            identity = value
        elif name == "style":
            is_doubtful = is_doubtful or _UNSEEN.search(value) is not None
        elif name == "itemprop":
            is_body = value == "articleBody"
            is_doubtful = is_doubtful or value == "author"
        elif name == "hidden" or (name == "role" and value in _ROLES):
            is_doubtful = True
    strength, container = _judge_names(tag, (f"{names} {identity}" if identity else names)[:MAX_NAMES_CHARS])
    if is_body:
        container = container or f"{names} {identity}".strip()[:MAX_NAMES_CHARS] or "articleBody"
    if is_doubtful and strength is Strength.NONE:
        return Strength.WEAK, container
    return strength, container


def is_beside_article(element: etree._Element) -> bool:
    """Whether an element stands in a teaser, widget or comment: its date or name is another article's.

    The footer of an article is its own (where themes put writer and date), that of a comment or of the page is not.
    """
    is_in_footer = False
    for level, above in enumerate(chain((element,), element.iterancestors())):
        tag, names = above.tag, _read_names(above)
        if tag == "article":
            return (is_in_footer and _is_beside_name(names)) or any(map(_is_surely_beside, above.iterancestors()))
        if tag in ("body", "main") or level > MAX_LEVELS:
            return is_in_footer
        if tag == "footer" or _FOOTER.search(names):
            is_in_footer = True
        elif tag in _BESIDE_TAGS or _is_beside_name(names):
            return True
    return is_in_footer


def is_furniture_line(text: str) -> bool:
    """Whether a line is a pointer elsewhere, a credit or a label."""
    if "©" in text[:COPYRIGHT_WITHIN] and len(text) <= _LINES["label_most"]:
        return True
    if not _may_be_furniture(text):
        return False
    if len(text) <= _LINES["label_most"] and _LABEL.match(text):
        return True
    return len(text) <= _LINES["most"] and _LINE.match(text) is not None


def judge_ending(text: str) -> Strength:
    """How surely a line is the heading of what follows an article; weakly, where it heads a list of other articles."""
    if len(text) > MAX_ENDING_CHARS or not _may_be_furniture(text):
        return Strength.NONE
    if _ENDING.match(text):
        return Strength.STRONG
    return Strength.WEAK if _LIST_ENDING.match(text) else Strength.NONE


def _may_be_furniture(text: str) -> bool:
    found = _FIRST_WORD.match(text)
    return found is None or found[1].lower() in _FIRST_WORDS or "©" in text[:4] or text.lstrip()[:1] in (":", "：")


def heads_comments(text: str) -> bool:
    """Whether a line heads readers' comments: "3 tanggapan", "12 Comments", "Komentar (3)"."""
    return len(text) <= MAX_COMMENTS_CHARS and _COMMENTS.match(text) is not None


def is_pointer(text: str) -> bool:
    """Whether a text begins like a pointer to another article: "Baca Juga: …"."""
    return _POINTER_START.match(text) is not None


def cut_pointer(text: str, link_chars: int) -> str:
    """A paragraph without the "Baca Juga: …" at its end, where most of what follows the colon may be links."""
    found = _POINTER.search(text)
    return text[: found.start()] if found and 2 * link_chars >= len(found[0]) - MAX_POINTER_LABEL else text


def _read_names(attributes: Attributes) -> str:
    return f"{attributes.get('class', '')} {attributes.get('id', '')}".strip()[:MAX_NAMES_CHARS]


def _is_surely_beside(element: etree._Element) -> bool:
    return not _SURELY_WHOLE.isdisjoint((element.get("class") or "").split())


def _fold_names(names: str) -> str:
    """Class names in one spelling: "relatedPosts", "related_posts" and "related--posts" become "related-posts"."""
    return _DASHES.sub("-", _HUMP.sub("-", names).lower())


@lru_cache(maxsize=NAMES_CACHED)
def _judge_names(tag: str, names: str) -> tuple[Strength, str]:
    names = names.strip()
    container = names if names and _CONTAINER.search(_fold_names(names)) else ""
    if tag in _SURE_TAGS:
        return Strength.STRONG, container
    if tag in _TAGS:
        return Strength.WEAK, container
    if tag in _NEVER_BY_CLASS or not names:
        return Strength.NONE, container
    if not _SURELY_WHOLE.isdisjoint(names.split()):
        return Strength.STRONG, container
    words = _fold_names(_IGNORED.sub("", names))
    if _EXEMPT.search(words):
        return Strength.NONE, container
    if _STRONG.search(words):
        return Strength.STRONG, container
    if _WEAK.search(words) or _WHOLE.search(words):
        return (Strength.STRONG if tag in _LISTS else Strength.WEAK), container
    return Strength.NONE, container


@lru_cache(maxsize=NAMES_CACHED)
def _is_beside_name(names: str) -> bool:
    if not _SURELY_WHOLE.isdisjoint(names.split()):
        return True
    words = _fold_names(_IGNORED.sub("", names))
    return _BESIDE.search(words) is not None or _WHOLE.search(words) is not None
