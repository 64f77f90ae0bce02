"""When an article was published. Pure; the reading of date strings is crawler.dates'.

    the data that held the text ─▶ JSON-LD ─▶ itemprop ─▶ meta ─▶ time[datetime] ─▶ the profile's element
      ─▶ dates near the title ─▶ the address ─▶ the dateline of the text ─▶ the date of the last change

The first date that can be believed counts; when it is a mere day, a later way that gives the clock of the same day is
preferred. A machine date in UTC whose clock is the one shown to readers with WIB beside it is local time mislabelled
(seen at large portals), and the label shown to readers is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import lru_cache
from itertools import chain
from urllib.parse import urlsplit

from lxml import etree

from aggregator.models import DatePrecision, ParsedDate
from aggregator.times import WIB
from crawler.dates import find_dateline, parse_date
from crawler.extraction.furniture import is_beside_article
from crawler.extraction.headline import Headline
from crawler.extraction.outline import Outline
from crawler.extraction.page import Page, read_element
from crawler.extraction.sentences import fold_words

# Western Indonesia, where most portals are: stands in where the source's zone is not known.
DEFAULT_ZONE = WIB
MAX_DATE_CHARS = 120
MAX_ELEMENTS = 20
MAX_TIMES = 60
# How far from the title its date is looked for, in blocks; development pages need 2 before and 12 after.
MAX_HEADLINES = 3  # more repetitions of the title are links to it
# Right after it, right before it, then farther away.
NEAR_TITLE = (*range(1, 5), -1, -2, *range(5, 15), -3, -4)
DATELINE_CHARS = 1_500

_DATE_NAME = re.compile(r"date|tanggal|waktu|tgl|posted-on|published", re.IGNORECASE)
_PUBLISHED_NAMES = frozenset(("entry-date", "published"))
_TITLE_TAGS = frozenset(("h1", "h2", "h3", "h4", "div", "p", "td"))
_PIECES = re.compile(r"\s+[|•·]\s+|\s*\|\s*")
_DIGIT = re.compile(r"\d")
_DATE_IN_PATH = re.compile(r"/((?:19|20)\d\d)/(0?[1-9]|1[0-2])/(0?[1-9]|[12]\d|3[01])(?=/|$)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """A date with the string it was read from and the way it was found."""

    at: datetime
    precision: DatePrecision
    raw: str
    method: str  # data, json-ld, itemprop, meta, time, profile, text, url, dateline, modified


@dataclass(frozen=True, kw_only=True, slots=True)
class DateReader:
    """Reads date strings. `zone` (WIB without it) is that of dates that name none; no relative ones without `now`."""

    zone: tzinfo | None = None
    now: datetime | None = None
    utc_is_local: bool = False  # the source labels its own clock GMT or UTC

    def parse(self, raw: str) -> ParsedDate | None:
        """The date in a string, or in the pieces between its bars ("oleh Ani | 27 Mar 2022 | Berita")."""
        raw = " ".join(raw[: 4 * MAX_DATE_CHARS].split())[:MAX_DATE_CHARS]
        if not _DIGIT.search(raw):
            return None
        pieces = (piece for piece in _PIECES.split(raw) if _DIGIT.search(piece) and piece != raw)
        return next(filter(None, map(self._parse, chain((raw,), pieces))), None)

    def read(self, method: str, raw: str) -> Publication | None:
        """The same with its origin."""
        found = self.parse(raw)
        return found and Publication(
            at=found.at,
            precision=found.precision,
            raw=" ".join(raw[: 4 * MAX_DATE_CHARS].split())[:MAX_DATE_CHARS],
            method=method,
        )

    def find_dateline(self, text: str) -> Publication | None:
        """The date that opens a text, or that its first sentences give to the event."""
        found = find_dateline(text[:DATELINE_CHARS], zone=self.zone or DEFAULT_ZONE, now=self.now)
        return found and Publication(
            at=found.at, precision=found.precision, raw=" ".join(text[:MAX_DATE_CHARS].split()), method="dateline"
        )

    def _parse(self, raw: str) -> ParsedDate | None:
        return parse_date(raw, zone=self.zone or DEFAULT_ZONE, now=self.now, utc_is_local=self.utc_is_local)


def find_publication(
    page: Page, headline: Headline, text: str, reader: DateReader, in_data: str = ""
) -> Publication | None:
    """When the article with this headline and text was published; None where nothing tells.

    `in_data` stands beside a text that was read from the page's data.
    """
    best: Publication | None = None
    for method, raw in _list_machine_dates(page, headline, in_data):
        best = _prefer(best, reader.read(method, raw))
        if best is not None and best.precision is not DatePrecision.DAY:
            return _correct_zone(best, page, headline, reader)
    for method, raw in _list_shown_dates(page, headline):
        best = _prefer(best, reader.read(method, raw))
        if best is not None and best.precision is not DatePrecision.DAY:
            return best
    return best or _guess_publication(page, text, reader)


def list_dates(
    page: Page, headline: Headline, text: str, reader: DateReader, in_data: str = ""
) -> Iterator[tuple[str, str, Publication | None]]:
    """Every way, what stands there, and the date read from it, in the order in which they are asked."""
    for method, raw in chain(_list_machine_dates(page, headline, in_data), _list_shown_dates(page, headline)):
        if _DIGIT.search(raw):
            yield method, raw, reader.read(method, raw)
    if guess := _guess_publication(page, text, reader):
        yield guess.method, guess.raw, guess


def find_modification(page: Page, reader: DateReader) -> datetime | None:
    """When the article was last changed, if the page says so."""
    found = next(filter(None, map(reader.parse, _list_updates(page))), None)
    return found.at if found else None


def _prefer(best: Publication | None, found: Publication | None) -> Publication | None:
    """The first date, or the same day with its clock."""
    if best is None or found is None:
        return best or found
    same_day = found.at.astimezone(best.at.tzinfo).date() == best.at.date() or found.at.date() == best.at.date()
    return found if same_day and found.precision is not DatePrecision.DAY else best


def _list_machine_dates(page: Page, headline: Headline, in_data: str) -> Iterator[tuple[str, str]]:
    if in_data:
        yield "data", in_data
    if page.meta.linked.published:
        yield "json-ld", page.meta.linked.published
    for element in page.index.list_property("datePublished")[:MAX_ELEMENTS]:
        if not is_beside_article(element):
            for raw in (element.get("content"), element.get("datetime"), read_element(element)):
                if raw:
                    yield "itemprop", raw
    for raw in page.meta.published:
        yield "meta", raw
    for element in page.index.list_tag("abbr")[:MAX_ELEMENTS]:  # hAtom, which Blogger's templates still write
        if "published" in element.get("class", "") and (raw := element.get("title", "")):
            yield "time", raw
    for element in _list_times(page, headline):
        for raw in (element.get("datetime"), read_element(element)):
            if raw:
                yield "time", raw


def _list_times(page: Page, headline: Headline) -> list[etree._Element]:
    """<time> elements of the article itself, those of updates left out: nearest to the headline first, and of those
    that are equally near, the ones marked as publication.
    """
    times = [element for element in page.index.list_tag("time")[:MAX_TIMES] if not is_beside_article(element)]
    own = [element for element in times if not _is_update(element)]
    return headline.sort(sorted(own, key=lambda element: "published" not in element.get("class", "")))


def _is_update(element: etree._Element) -> bool:
    """Themes call the only date "entry-date updated"; "updated" alone stands beside the date of publication."""
    names = set(element.get("class", "").split())
    return "updated" in names and not names & _PUBLISHED_NAMES and element.get("itemprop") != "datePublished"


def _list_updates(page: Page) -> Iterator[str]:
    if page.meta.modified:
        yield page.meta.modified
    for element in page.index.list_tag("time")[:MAX_ELEMENTS]:
        if _is_update(element) and not is_beside_article(element):
            yield element.get("datetime") or read_element(element)


def _list_shown_dates(page: Page, headline: Headline) -> Iterator[tuple[str, str]]:
    for element in page.select(page.profile.date):
        yield "profile", read_element(element)
    for text in _list_lines_near_title(page.outline, headline):
        yield "text", text
    for element in page.index.select_named(_is_date_name, most=MAX_ELEMENTS):
        text = read_element(element)
        if len(text) <= MAX_DATE_CHARS and not is_beside_article(element):
            yield "text", text


@lru_cache(maxsize=20_000)
def _is_date_name(names: str) -> bool:
    return _DATE_NAME.search(names) is not None


def _list_lines_near_title(outline: Outline, headline: Headline) -> Iterator[str]:
    """Short lines with digits around the headline (see NEAR_TITLE)."""
    folded = headline.folded
    if not folded:
        return
    blocks = outline.blocks
    places = 0
    for index, block in enumerate(blocks):
        if (
            len(folded) <= len(block.text) <= 2 * len(headline.title)
            and outline.nodes[block.node].tag in _TITLE_TAGS
            and fold_words(block.text) == folded
        ):
            places += 1
            if places > MAX_HEADLINES:
                return
            near = (place for step in NEAR_TITLE if 0 <= (place := index + step) < len(blocks))
            for place in near:
                text = blocks[place].text
                if len(text) <= MAX_DATE_CHARS and not is_beside_article(outline.elements[blocks[place].node]):
                    yield text


def _correct_zone(best: Publication, page: Page, headline: Headline, reader: DateReader) -> Publication:
    """Replaces a UTC label by the one shown to readers, where both show the same clock."""
    if best.at.utcoffset():
        return best
    shown_dates = (reader.read(method, raw) for method, raw in _list_shown_dates(page, headline))
    for shown in shown_dates:
        if shown is not None and shown.precision is not DatePrecision.DAY:
            clocks = {date.replace(second=0, microsecond=0, tzinfo=None) for date in (best.at, shown.at)}
            return replace(best, at=best.at.replace(tzinfo=shown.at.tzinfo)) if len(clocks) == 1 else best
    return best


def _guess_publication(page: Page, text: str, reader: DateReader) -> Publication | None:
    """A date that comes near: of the address, of the event in the text, of the last change."""
    updates = (reader.read("modified", raw) for raw in _list_updates(page))
    return _read_path_date(page.url, reader) or reader.find_dateline(text) or next(filter(None, updates), None)


def _read_path_date(url: str, reader: DateReader) -> Publication | None:
    try:
        found = _DATE_IN_PATH.search(urlsplit(url).path)
    except ValueError:  # an unclosed bracket in the host
        return None
    return reader.read("url", f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}") if found else None
