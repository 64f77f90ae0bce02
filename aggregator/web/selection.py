"""What part of the news a map or a chart is of, read from the query of an address. Pure.

days            7, 30, 90 or 365, up to today
since, until    days (WIB), instead; either may be left out
topic           slug
count           news or articles
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from aggregator.cleaning import cut_text, xml_safe
from aggregator.feed_rows import FeedRow
from aggregator.feeds import KOMWILS, FeedKind, split_name
from aggregator.periods import Period
from aggregator.publish.describing import name_subject
from aggregator.publish.wording import get_wording
from aggregator.web.charts import name_start
from aggregator.web.feeds_form import Asked, Choice
from aggregator.web.finding import RefusalError
from aggregator.web.texts import Texts

MAP_KEYS = ("days", "since", "until", "topic", "count")  # that a map depends on
DAYS = (7, 30, 90, 365)
DAYS_USUAL = 30
DAYS_MOST = 3_660  # of a period, the latest of it: ten years
TYPED_LIMIT = 80  # characters of a value that are shown again


ANYTHING = Choice(value="", name="")  # any topic, any place


class Count(StrEnum):
    """What is counted."""

    NEWS = "news"
    ARTICLES = "articles"


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodForm:
    """The fields for a period, filled with what was asked."""

    days: str  # "" for none of the choices
    choices: tuple[Choice, ...]
    since: str
    until: str


def read_choice(asked: Asked, key: str, choices: Iterable[str], texts: Texts) -> str:
    """One of the choices; the first where nothing is given. Raises RefusalError."""
    choices = list(choices)
    value = asked.get_last(key).lower() or choices[0]
    if value not in choices:
        problem = texts["refused_choice"].format(value=cut_text(value, TYPED_LIMIT), choices=", ".join(choices))
        raise RefusalError(400, problem)
    return value


def read_period(asked: Asked, texts: Texts, *, today: date, span: tuple[date, date] | None) -> Period:
    """The period, within what there is (`span`: first and last day with news) and today. Raises RefusalError."""
    since, until = asked.get_last("since"), asked.get_last("until")
    if not since and not until:
        days = int(read_choice(asked, "days", [str(DAYS_USUAL), *map(str, DAYS)], texts))
        return Period(since=today - timedelta(days=days - 1), until=today)
    first, last = (min(span[0], today), max(span[1], today)) if span else (today, today)
    wanted = (_read_date(since, texts) if since else first, _read_date(until, texts) if until else last)
    if since and until and wanted[0] > wanted[1]:
        raise RefusalError(400, texts["refused_order"].format(since=wanted[0], until=wanted[1]))
    if wanted[0] > last or wanted[1] < first:
        raise RefusalError(
            400, texts["refused_outside"].format(first=name_start(first, texts), last=name_start(last, texts))
        )
    until_day = min(wanted[1], last)
    return Period(since=max(wanted[0], first, until_day - timedelta(days=DAYS_MOST - 1)), until=until_day)


def read_slugs(asked: Asked, kind: FeedKind, choices: Iterable[Choice], texts: Texts) -> list[Choice]:
    """What is asked for of a kind (topics, cities …), each once. Raises RefusalError."""
    known = {choice.value: choice for choice in choices}
    found = []
    for slug in dict.fromkeys(value.lower() for value in asked.get_all(kind)):
        if slug not in known:
            group = get_wording(texts.language)["groups"][kind]
            raise RefusalError(404, texts["unknown_name"].format(group=group, value=cut_text(slug, TYPED_LIMIT)))
        found.append(known[slug])
    return found


def list_choices(feeds: Mapping[str, FeedRow], kind: FeedKind, texts: Texts) -> list[Choice]:
    """Slug and name of all topics, cities …, by name; Komwil by number."""
    choices = [_make_choice(feed, texts) for feed in feeds.values() if split_name(feed.name)[0] == kind]
    return sorted(choices, key=lambda each: each.value if kind is FeedKind.KOMWIL else each.name.casefold())


def _make_choice(feed: FeedRow, texts: Texts) -> Choice:
    kind, slug = split_name(feed.name)
    is_komwil = kind == FeedKind.KOMWIL and slug in {str(number) for number in KOMWILS}
    name = texts["map_komwil"].format(number=KOMWILS[int(slug)]) if is_komwil else None
    return Choice(
        value=slug,
        name=cut_text(xml_safe(name or name_subject(feed.name, feed.title, texts.language)), TYPED_LIMIT),
    )


def build_period_form(asked: Asked, texts: Texts) -> PeriodForm:
    since, until = (_show_date(asked.get_last(key)) for key in ("since", "until"))
    days = asked.get_last("days") or str(DAYS_USUAL)
    return PeriodForm(
        days="" if since or until else days,
        choices=tuple(Choice(value=str(each), name=texts["last_days"].format(count=each)) for each in DAYS),
        since=since,
        until=until,
    )


def tell_period(period: Period, texts: Texts) -> str:
    """E.g. "5 Okt 2026 – 3 Nov 2026"."""
    since, until = name_start(period.since, texts), name_start(period.until, texts)
    return since if since == until else f"{since} – {until}"


def _read_date(text: str, texts: Texts) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RefusalError(400, texts["refused_date"].format(value=cut_text(text, TYPED_LIMIT))) from error


def _show_date(text: str) -> str:
    """A field for dates takes nothing else."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""
