"""Who wrote an article: persons, never the publisher or its desk. Pure.

a labelled line ("Penulis: …") ─▶ a signature ("(Asmara Putera/portal)") ─▶ the profile's element
  ─▶ elements for bylines ─▶ the page's data ─▶ JSON-LD ─▶ meta tags ─▶ a line "Kontributor: …"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import chain, islice
from typing import NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from crawler.dates import MONTHS
from crawler.extraction.furniture import is_beside_article
from crawler.extraction.headline import Headline
from crawler.extraction.outline import Outline
from crawler.extraction.page import Page, read_element
from crawler.extraction.sentences import fold_words

MAX_AUTHORS = 6
MAX_NAME_CHARS = 60
MAX_NAME_WORDS = 6
MAX_LINE_CHARS = 120
MAX_ELEMENTS = 40

_BYLINE_NAME = re.compile(
    r"(?<![a-z])(?:author|author[-_]?name|vcard|byline|by|posted[-_]by|penulis|(?:nm)?reporter|writer)(?![a-z])",
    re.IGNORECASE,
)
_OTHER_NAME = re.compile(
    r"comment|avatar|bio|desc|box|about|image|photo|social|count|date|time|posts?-list|has-author", re.IGNORECASE
)
_SPLIT = re.compile(r"\s*[;/|&]\s*|\s+(?:dan|and)\s+", re.IGNORECASE)
_COMMA = re.compile(r"\s*,\s*")
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DATE_TAIL = re.compile(
    r"(?:^|\s*[,|•·–-]?\s+)(?:on\s+|pada\s+)?(?:\d{1,2}[\s/.-]|\d{4}-\d"
    r"|(?:senin|selasa|rabu|kamis|jumat|jum'at|sabtu|minggu)\b"
    rf"|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+(?:\d|(?:{_MONTH})\b)|(?:{_MONTH})\.?\s+\d"
    r"|(?:last\s|telah\s|terakhir\s)?(?:updated|published|posted|modified|diperbarui|dipublikasikan|diterbitkan|tayang)\b"
    r").*",
    re.IGNORECASE,
)
_COLON = r"[^\S\n]*\n?[:：][^\S\n]*"  # a cell of a table may hold the label, the next one the name
_LINES = re.IGNORECASE | re.MULTILINE
_SIGNATURE = re.compile(
    r"[.!?”\"’]\s?[(\[]([A-Z][\w.’'-]+(?:\s[A-Z][\w.’'-]*){1,3})\s?/\s?([\w.]+(?:\s[\w.]+){0,2})[)\]]$"
)
_HANDLE = re.compile(r"\s+@\w{2,30}.*")
_REPEATED = re.compile(r"^(.{4,40})\s+\1$")  # once for the eye, once for a picture's text
_PARTICLES = frozenset(("al", "bin", "binti", "da", "de", "del", "den", "der", "di", "el", "ibnu", "la", "van", "von"))
_SITE_TAIL = re.compile(r"\s+[-–—|•·]\s+.*")
_DATE_LIKE = re.compile(r"\b(?:19|20)\d\d\b|\d{1,2}[./]\d{1,2}[./]\d")
_ADDRESS = re.compile(r"https?:|www\.|@\w+\.|\.(?:com|co|id|net|org|go)\b", re.IGNORECASE)


class _Words(NamedTuple):
    label: re.Pattern[str]
    helper: re.Pattern[str]
    editing: re.Pattern[str]
    prefix: re.Pattern[str]
    before: re.Pattern[str]
    others: re.Pattern[str]
    editor: re.Pattern[str]
    suffix: re.Pattern[str]
    desk: re.Pattern[str]
    degrees: frozenset[str]


@cache
def _load_words() -> _Words:
    table = tomllib.loads(resources.files(__package__).joinpath("bylines.toml").read_text(encoding="utf-8"))

    def join(key: str) -> str:
        return "|".join(sorted(map(re.escape, table[key]), key=len, reverse=True))

    return _Words(
        label=re.compile(
            rf"^[^\w\n]{{0,3}}(?:(?:{join('editors')})\s?[&/]\s?)?(?:{join('labels')}){_COLON}(.+)", _LINES
        ),
        helper=re.compile(rf"^[^\w\n]{{0,3}}(?:{join('helpers')}){_COLON}(.+)", _LINES),
        editing=re.compile(rf"^[^\w\n]{{0,3}}(?:{join('editors')}){_COLON}(.+)", _LINES),
        prefix=re.compile(rf"\W*(?:{join('prefixes')})\b\s*[:：]?\s*", re.IGNORECASE),
        # "Published on 14 November 2026 by Sekar", "View all posts by Sekar": what stands before is none of the name
        before=re.compile(r"^(?:.{3,80}\d.{0,40}?|[^,;|]{1,30}?)\s(?:[Oo]leh|[Bb]y)\s+"),
        others=re.compile(rf"\W*(?:{join('others')})\b", re.IGNORECASE),
        editor=re.compile(rf"\W*(?:{join('editors')})\s*[:：]", re.IGNORECASE),
        suffix=re.compile(rf"[\s,(/-]+(?:{join('suffixes')})\b.*$", re.IGNORECASE),
        desk=re.compile(rf"\W*(?:{join('desks')})(?![^\W_])", re.IGNORECASE),
        degrees=frozenset(table["degrees"]),
    )


class Byline(NamedTuple):
    """What a page says of its writer, and the persons named in it; none where a desk or an account signs."""

    way: str  # label, signature, profile, byline, data, json-ld, meta, contributor
    said: str
    names: tuple[str, ...]


def find_byline(page: Page, headline: Headline, in_data: Iterable[str] = ()) -> Byline:
    """The first byline of the article with this headline that names persons, or else the first at all.

    `in_data` stands beside a text that was read from the page's data.
    """
    first = Byline("", "", ())
    for byline in list_bylines(page, headline, in_data):
        if byline.names:
            others = (*_list_linked_writers(page, byline.names), *_read_labelled(page, _load_words().helper))
            return byline._replace(names=tuple(dict.fromkeys((*byline.names, *others)))[:MAX_AUTHORS])
        first = first if first.said else byline
    return first


def _list_linked_writers(page: Page, names: Sequence[str]) -> Iterator[str]:
    """The other writers in JSON-LD where all of `names` are among them, less those whom the page calls editors."""
    linked = [name for said in page.meta.linked.authors for name in read_names(said, url=page.url)]
    if len(linked) > len(names) and set(names) <= set(linked):
        editors = frozenset(_read_labelled(page, _load_words().editing))
        yield from (name for name in linked if name not in editors)


def _read_labelled(page: Page, label: re.Pattern[str]) -> Iterator[str]:
    """The persons behind a label in the text."""
    for said in _list_labelled(page.outline, label):
        yield from read_names(said, url=page.url)


def list_bylines(page: Page, headline: Headline, in_data: Iterable[str] = ()) -> Iterator[Byline]:
    """Everything that may name the writers, the most reliable first."""
    linked = page.meta.linked
    publishers = _list_publishers(page.url, *page.meta.owners)
    ways: tuple[tuple[str, Iterable[str]], ...] = (
        ("label", _list_labelled(page.outline, _load_words().label)),
        ("signature", _list_signatures(page.outline, publishers)),
        ("profile", (_read_signed(page),)),
        ("byline", _list_signed(page, headline)),
        ("data", in_data),
        ("json-ld", (" & ".join(linked.authors),)),
        ("meta", (page.meta.author,)),
        ("contributor", _list_labelled(page.outline, _load_words().helper)),
    )
    for way, sayings in ways:
        for said in filter(None, sayings):
            yield Byline(way, said, tuple(_list_names(said, publishers))[:MAX_AUTHORS])


def read_names(said: str, *, url: str) -> tuple[str, ...]:
    """The persons named in what a channel gives as author of an article at `url`."""
    return tuple(_list_names(said, _list_publishers(url)))[:MAX_AUTHORS]


def _read_signed(page: Page) -> str:
    """What the profile's elements hold, taken together: several links, or names parted by bars."""
    elements = islice(page.select(page.profile.author), MAX_AUTHORS)
    return " & ".join(read_element(element).replace("|", "&") for element in elements)


def _list_labelled(outline: Outline, label: re.Pattern[str]) -> Iterator[str]:
    """What stands after "Penulis:" and the like; a cell of a table may hold the label, the next one the name."""
    lines = "\n".join(block.text for block in outline.blocks if len(block.text) <= MAX_LINE_CHARS)
    for found in label.finditer(lines):
        yield found[1]


def _list_signed(page: Page, headline: Headline) -> Iterator[str]:
    index = page.index
    marked = chain(index.list_relation("author"), index.list_property("author"))
    signed = chain(index.select_named(_is_byline_name, most=MAX_ELEMENTS), islice(marked, MAX_ELEMENTS))
    addresses = (element for element in index.list_tag("address") if _load_words().prefix.match(read_element(element)))
    for element in headline.sort(filter(_is_of_article, chain(signed, addresses))):
        text = read_element(element)
        if len(text) <= MAX_LINE_CHARS:
            yield text


def _list_signatures(outline: Outline, publishers: Container[str]) -> Iterator[str]:
    """The name beside the portal's in brackets behind a paragraph; not that behind a caption, which is in capitals."""
    for block in reversed(outline.blocks):
        if not block.is_prose or not block.text.endswith((")", "]")) or outline.nodes[block.node].tag == "figcaption":
            continue
        found = _SIGNATURE.search(block.text[-MAX_LINE_CHARS:])
        if found and not found[1].isupper() and fold_words(found[2]).replace(" ", "") in publishers:
            yield found[1]


def _is_of_article(element: etree._Element) -> bool:
    """Whether a signature is neither another article's nor a photographer's."""
    is_photographers = next(element.iterancestors("figure"), None) is not None
    return element.tag != "time" and not is_photographers and not is_beside_article(element)


@lru_cache(maxsize=20_000)
def _is_byline_name(names: str) -> bool:
    return _BYLINE_NAME.search(names) is not None and _OTHER_NAME.search(names) is None


def _list_publishers(url: str, *names: str) -> frozenset[str]:
    """What the publisher is called, folded: its names, its host, the labels of the host."""
    try:
        host = (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        host = ""
    return frozenset(
        filter(None, (fold_words(name).replace(" ", "") for name in (*names, host, *host.split(".")[:-1])))
    )


def _list_names(said: str, publishers: frozenset[str]) -> Iterator[str]:
    words = _load_words()
    text = said[: 2 * MAX_LINE_CHARS]
    if _ADDRESS.match(text.strip()):
        return
    if words.others.match(text):
        return
    text = words.before.sub("", text)
    text = _strip_prefix(_strip_prefix(text))  # "Penulis: Kontributor …", "Oleh: Reporter …"
    seen = set()
    for part in _split_names(_DATE_TAIL.sub("", _SITE_TAIL.sub("", text))):
        if words.editor.match(part):
            continue
        name = words.suffix.sub("", _HANDLE.sub("", _strip_prefix(part))).strip(" \t,:;-–—()[]*\"'")
        name = _REPEATED.sub(r"\1", name)
        name = name if "," in name else name.strip(".")  # the last full stop of "S.Kom." belongs to it
        if _is_person(name, publishers) and name.casefold() not in seen:
            seen.add(name.casefold())
            yield name


def _strip_prefix(text: str) -> str:
    """`text` without the word for the writer before it, unless it is all there is."""
    found = _load_words().prefix.match(text)
    return text[found.end() :] or text if found else text


def _split_names(text: str) -> Iterator[str]:
    """Names one by one; degrees stay with their names."""
    for part in _SPLIT.split(text):
        name = ""
        for piece in _COMMA.split(part):
            if name and _is_degree(piece):
                name += ", " + piece
            else:
                if name:
                    yield name
                name = piece
        if name:
            yield name


def _is_degree(piece: str) -> bool:
    plain = piece.strip()
    return ("." in plain and len(plain) <= 12) or plain.casefold() in _load_words().degrees


def _is_person(name: str, publishers: frozenset[str]) -> bool:
    if not name or len(name) > MAX_NAME_CHARS or len(name.split()) > MAX_NAME_WORDS:
        return False
    if not any(map(str.isalpha, name)) or _ADDRESS.search(name) or _load_words().desk.match(name):
        return False
    if _is_sentence(name) or _DATE_LIKE.search(name):
        return False
    folded = fold_words(name).replace(" ", "")
    # "Kompas Cyber Media" at kompas.com: no person is called like the portal
    return folded not in publishers and not any(len(own) > 4 and folded.startswith(own) for own in publishers)


def _is_sentence(name: str) -> bool:
    """ "Sekar Arum menulis tentang ruang publik": words in lower case among others are no part of a name."""
    small = [word for word in name.split() if word.islower() and word not in _PARTICLES]
    return len(small) > 1 and not name.islower()
