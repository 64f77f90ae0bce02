"""One entry of a listing: its address, headline, dates, author and picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from lxml import etree

from aggregator.models import ArticleLink
from crawler.channels.links import LIMITS, resolve, to_plain
from crawler.dates import MONTHS

MAX_ELEMENTS = 300  # of one entry that are looked at
MAX_LINE = 120  # characters: a longer line is an excerpt, and what it dates is the event
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
LEAST_HEADLINE = 20  # characters: menu entries are shorter
_PARTS = ("div", "p", "li", "section", "figcaption")
_SILENT = ("script", "style", "svg", "noscript", "template")
TITLE_NAME = re.compile(r"(?<![a-z])(?:title|judul|headline|heading)(?![a-z])", re.IGNORECASE)
_DATE_NAME = re.compile(
    r"(?<![a-z])(?:date|tanggal|tgl|time|waktu|posted|publi[cs]\w{0,9}|meta|ago)(?![a-z])", re.IGNORECASE
)
_ISO = re.compile(r"\d{4}-?\d\d-?\d\d")
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"(?<!\d)\d{{1,2}}[\s./-]{{1,3}}(?:\d{{1,2}}|(?:{_MONTH})\b)[.,]?[\s./-]{{1,3}}\d{{2}}"
    rf"|(?<!\d)\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}|\b(?:{_MONTH})\.?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}"
    r"|\b(?:detik|menit|jam|hari|minggu|bulan|tahun)\s(?:yang\s)?lalu\b"
    r"|\b(?:seconds?|min(?:ute)?s?|hours?|days?|weeks?)\sago\b"
    r"|^\W{0,5}(?:baru saja|kemarin|hari ini|yesterday|today)\b",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"^\W{0,3}(?:(?:di)?(?:posting|tulis|terbit|publikasi)(?:kan)?\soleh|posted by|oleh|penulis|reporter|pewarta|by)"
    r"\b\s?:?\s?([^|•·/\d]{2,60})",
    re.IGNORECASE,
)
_READ_MORE = re.compile(
    r"(?:\W|baca|lihat|read|view|selengkapnya|more|lanjutkan|membaca|lanjut|continue|detail|klik|simak|berita|artikel"
    r"|post|reading|di ?sini|lebih|semua|all|the|full|story)+",
    re.IGNORECASE,
)
_find_dates = etree.XPath(
    "descendant::*[self::time or self::abbr[@title] or @itemprop='datePublished' or @itemprop='dateModified']"
)
_find_authors = etree.XPath(
    "descendant::*[contains(@class, 'author') or contains(@class, 'vcard') or contains(@class, 'penulis')"
    " or @rel='author' or @itemprop='author']"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Where an entry stands: the link, the element around all of it, and its headline where a selector named one."""

    anchor: etree._Element
    block: etree._Element
    heading: etree._Element | None = None
    after: tuple[etree._Element, ...] = ()  # what follows the block, up to the next entry


def read_entry(entry: Entry, base: str, *, date: str | None = None, author: str | None = None) -> ArticleLink:
    """The link of an entry. `date` and `author` are CSS selectors within the block."""
    published, modified = _read_dates(entry, date)
    return ArticleLink(
        url=resolve(entry.anchor.get("href") or "", base),
        title=read_headline(entry),
        published_raw=published,
        modified_raw=modified,
        author=_read_author(entry, author),
        image=_read_image(entry.block, base),
    )


# ── the headline ───────────────────────────────────────────────────────────────────────────────────────────────────


def read_headline(entry: Entry) -> str:
    """What the selected heading or the link says, or else the heading beside it, or else the words for its picture."""
    if entry.heading is not None:
        return read_text(entry.heading, LIMITS["title"])
    said = read_anchor(entry.anchor)
    if said and not is_read_more(said):
        return said
    heading = find_title(entry.block)
    return read_text(heading, LIMITS["title"]) if heading is not None else said


def read_anchor(anchor: etree._Element) -> str:
    """The headline in a link, of a link around a whole card its heading; "" where it says nothing."""
    title = find_title(anchor) if len(anchor) else None
    if title is None:
        title = _find_headline_block(anchor)
    text = read_text(title if title is not None else anchor, LIMITS["title"])
    full = to_plain(anchor.get("title") or "", LIMITS["title"])
    if text.endswith(("...", "…")) and full.startswith(text.rstrip(".… ")):
        return full  # the portal has cut what is shown
    if text or full:
        return text or full
    picture = anchor.find(".//img[@alt]")
    return read_text(picture, LIMITS["title"]) if picture is not None else ""


def _find_headline_block(anchor: etree._Element) -> etree._Element | None:
    """Of a card without headings the first part that can be a headline: category and date are shorter."""
    parts = [element for element in islice(anchor.iterdescendants(), MAX_ELEMENTS) if element.tag in _PARTS]
    if not parts:
        return None
    texts = (
        (part, read_text(part, MAX_LINE * 2)) for part in parts if next(part.iterdescendants(*_PARTS), None) is None
    )
    return next((part for part, text in texts if len(text) >= LEAST_HEADLINE and not _DATE.search(text)), None)


def read_text(element: etree._Element, limit: int) -> str:
    """The text of an element, its parts apart; of a picture its description, of a meta element its content."""
    if element.tag in ("img", "meta"):
        return to_plain(element.get("alt") or element.get("content") or "", limit)
    return to_plain(" ".join(_list_texts(element)), limit)


def find_title(element: etree._Element) -> etree._Element | None:
    """The heading within `element`, or what is named as one."""
    named = None
    for inner in islice(element.iterdescendants(), MAX_ELEMENTS):
        if inner.tag in HEADINGS:
            return inner
        if named is None and TITLE_NAME.search(inner.get("class") or ""):
            named = inner
    return named


def is_read_more(text: str) -> bool:
    """Whether a link says no more than that there is more."""
    return len(text) <= 40 and _READ_MORE.fullmatch(text) is not None


def _list_texts(element: etree._Element) -> Iterator[str]:
    for inner in islice(element.iter(), MAX_ELEMENTS):
        if inner.text and inner.tag not in _SILENT:
            yield inner.text
        if inner.tail and inner is not element:
            yield inner.tail


# ── dates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_dated(entry: Entry) -> bool:
    return bool(_read_dates(entry, None)[0])


def _read_dates(entry: Entry, selector: str | None) -> tuple[str, str]:
    """(published, modified) as written: machine-readable where the attribute is one, else the visible text."""
    published = modified = ""
    for element in entry.block.cssselect(selector) if selector else _list_parts(entry, _find_dates):
        machine = (element.get("datetime") or element.get("content") or element.get("title") or "").strip()[:100]
        value = machine if _ISO.match(machine) else read_text(element, 100) or machine
        names = f"{element.get('class') or ''} {element.get('itemprop') or ''}"
        if "published" not in names and ("updated" in names or "dateModified" in names):
            modified = modified or machine or value
        else:
            published = published or value
    if not published and not modified and not selector:
        published = _read_shown_date(entry)
    return published or modified, modified


def _read_shown_date(entry: Entry) -> str:
    """A date that no markup names: in an element called one, or else in any short line outside the headline."""
    lines = list(_list_lines(entry))
    for element, _ in lines:
        told = (element.get("title") or "")[:100]  # the full date behind "1 jam yang lalu"
        if element.tag not in ("a", "img") and _DATE.search(told):
            return told
    for element, _ in lines:
        if _DATE_NAME.search(f"{element.get('class') or ''} {element.get('itemprop') or ''}"):
            text = read_text(element, MAX_LINE + 1)
            if len(text) <= MAX_LINE and _DATE.search(text):
                return text[:100]
    for _, line in lines:
        if len(line) <= MAX_LINE and _DATE.search(line):
            return line[:100]
    return ""


def _list_lines(entry: Entry) -> Iterator[tuple[etree._Element, str]]:
    """Every text of the entry outside its headline, with the element that it stands in."""
    title = entry.heading if entry.heading is not None else find_title(entry.anchor)
    if title is None and not len(entry.anchor):
        title = entry.anchor
    headline = set(title.iter()) if title is not None else set()
    parts = (part.iter() for part in (entry.block, *entry.after))
    for element in islice(chain.from_iterable(parts), MAX_ELEMENTS):
        if element not in headline and element.tag not in _SILENT:
            yield element, to_plain(element.text or "", MAX_LINE + 1)
        parent = element.getparent()
        if element.tail and parent is not None and element is not entry.block and parent not in headline:
            yield parent, to_plain(element.tail, MAX_LINE + 1)


def _list_parts(entry: Entry, find: etree.XPath) -> Iterator[etree._Element]:
    for part in (entry.block, *entry.after):
        yield from islice(find(part), MAX_ELEMENTS)


# ── author and picture ─────────────────────────────────────────────────────────────────────────────────────────────


def _read_author(entry: Entry, selector: str | None) -> str:
    for element in entry.block.cssselect(selector) if selector else _list_parts(entry, _find_authors):
        inner = element.find(".//a")
        name = _strip_label(read_text(element if inner is None else inner, LIMITS["author"]))
        if name:
            return name
    if selector:
        return ""
    return next((match[1].strip(" -") for _, line in _list_lines(entry) if (match := _BYLINE.match(line))), "")


def _strip_label(name: str) -> str:
    match = _BYLINE.match(name)
    return match[1].strip(" -") if match else name


def _read_image(block: etree._Element, base: str) -> str:
    for picture in islice(block.iter("img"), 5):
        for name in ("data-src", "data-lazy-src", "data-original", "src"):
            if address := resolve(picture.get(name) or "", base):
                return address
    return ""
