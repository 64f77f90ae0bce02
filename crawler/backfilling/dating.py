"""How old what an archive lists is, as far as the list tells. PURE."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from aggregator.models import ArticleLink, Source
from crawler.dates import parse_date

_DAY_IN_PATH = re.compile(r"/((?:19|20)\d\d)[/-](0?[1-9]|1[0-2])[/-](0?[1-9]|[12]\d|3[01])(?=[/-])")
_MONTH_IN_PATH = re.compile(r"/((?:19|20)\d\d)[/-](0[1-9]|1[0-2])(?=[/-])")
_MONTH_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_/]?(0[1-9]|1[0-2])(?!\d)")
_YEAR_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_ISO_DAY = re.compile(r"((?:19|20)\d\d)-([01]\d)-([0-3]\d)")


class Span(NamedTuple):
    """The days that were asked for, at the source."""

    since: date
    until: date | None
    zone: str
    utc_is_local: bool
    now: datetime

    def is_before(self, day: date) -> bool:
        return day < self.since

    def is_after(self, day: date) -> bool:
        return self.until is not None and day > self.until

    def has(self, instant: datetime) -> bool:
        """Whether an article of that moment was asked for."""
        day = self.get_day(instant)
        return not self.is_before(day) and not self.is_after(day)

    def get_day(self, instant: datetime) -> date:
        """The day at the source."""
        return instant.astimezone(ZoneInfo(self.zone)).date()


def make_span(source: Source, since: date, until: date | None, now: datetime) -> Span:
    return Span(since=since, until=until, zone=source.timezone, utc_is_local=source.utc_is_local, now=now)


def find_published(link: ArticleLink, span: Span) -> date | None:
    """The day on which it was published, at the source; what the list says counts before the day in the address."""
    return read_day(link.published_raw, span) or _find_day_in_path(link.url)


def find_latest(link: ArticleLink, span: Span) -> date | None:
    """The last day on which it can have been published: that, or the day of its last change, or the end of the month
    in its address. Addresses may be made by another clock than the source's."""
    found = read_day(link.published_raw, span) or _add_day(
        _find_day_in_path(link.url) or _find_month(_MONTH_IN_PATH, link.url)
    )
    modified = read_day(link.modified_raw, span)
    return min(found, modified) if found and modified else found or modified


def find_latest_in_file(link: ArticleLink, span: Span) -> date | None:
    """The last day on which anything in a sitemap can have been published: its last change, or its name tells.

    A month in a name counts even where the index says that every file changed today. A year alone may be part of a
    subject ("pemilu2024"), and counts where nothing else tells.
    """
    name = link.url.partition("://")[2].partition("/")[2]
    month = _add_day(_find_month(_MONTH_IN_NAME, name))
    modified = read_day(link.modified_raw, span)
    return min(month, modified) if month and modified else month or modified or _add_day(_find_year(name))


def read_day(raw: str, span: Span) -> date | None:
    """The day that a date names, at the source."""
    if not raw:
        return None
    if len(raw) == 10 and (match := _ISO_DAY.fullmatch(raw)):  # an archive has 50,000 of them
        return _make_day(match[1], match[2], match[3])
    parsed = parse_date(raw, zone=span.zone, now=span.now, utc_is_local=span.utc_is_local)
    return span.get_day(parsed.at) if parsed else None


def _find_day_in_path(url: str) -> date | None:
    match = _DAY_IN_PATH.search(url)
    return _make_day(match[1], match[2], match[3]) if match else None


def _find_month(pattern: re.Pattern[str], text: str) -> date | None:
    match = pattern.search(text)
    return _end_month(int(match[1]), int(match[2])) if match else None


def _find_year(text: str) -> date | None:
    match = _YEAR_IN_NAME.search(text)
    return date(int(match[1]), 12, 31) if match else None


def _add_day(day: date | None) -> date | None:
    return day + timedelta(days=1) if day else None


def _end_month(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _make_day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
