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
from aggregator.feeds import FeedKind, split_name
from aggregator.periods import Period
from aggregator.publish.describing import name_subject
from aggregator.web.charts import name_start
from aggregator.web.feeds_form import Choice
from aggregator.web.finding import RefusalError
from aggregator.web.texts import Texts

DAYS = (7, 30, 90, 365)
DAYS_USUAL = 30
TYPED_LIMIT = 80  # characters of a value that are shown again


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


def read_given(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """key → values that are not empty; safe to show again."""
    given: dict[str, list[str]] = {}
    for key, value in pairs:
        if clean := xml_safe(value).strip()[:TYPED_LIMIT]:
            given.setdefault(xml_safe(key)[:TYPED_LIMIT], []).append(clean)
    return given


def read_last(given: Mapping[str, list[str]], key: str) -> str:
    return given.get(key, [""])[-1]


def read_choice(given: Mapping[str, list[str]], key: str, choices: Iterable[str], texts: Texts) -> str:
    """One of the choices; the first where nothing is given. Raises RefusalError."""
    choices = list(choices)
    value = read_last(given, key).lower() or choices[0]
    if value not in choices:
        problem = texts["refused_choice"].format(value=value, choices=", ".join(choices))
        raise RefusalError(400, problem)
    return value


def read_period(given: Mapping[str, list[str]], texts: Texts, *, today: date, span: tuple[date, date] | None) -> Period:
    """The period, within what there is (`span`: first and last day with news) and today. Raises RefusalError."""
    since, until = read_last(given, "since"), read_last(given, "until")
    if not since and not until:
        days = int(read_choice(given, "days", [str(DAYS_USUAL), *map(str, DAYS)], texts))
        return Period(since=today - timedelta(days=days - 1), until=today)
    first, last = (min(span[0], today), max(span[1], today)) if span else (today, today)
    wanted = (_read_date(since, texts) if since else first, _read_date(until, texts) if until else last)
    if since and until and wanted[0] > wanted[1]:
        raise RefusalError(400, texts["refused_order"].format(since=wanted[0], until=wanted[1]))
    if wanted[0] > last or wanted[1] < first:
        raise RefusalError(
            400, texts["refused_outside"].format(first=name_start(first, texts), last=name_start(last, texts))
        )
    return Period(since=max(wanted[0], first), until=min(wanted[1], last))


def read_topic(given: Mapping[str, list[str]], topics: Iterable[Choice], texts: Texts) -> str:
    """The topic's slug; "" for any. Raises RefusalError."""
    value = read_last(given, "topic").lower()
    if value and value not in {topic.value for topic in topics}:
        raise RefusalError(404, texts["refused_topic"].format(value=value))
    return value


def list_topics(feeds: Mapping[str, FeedRow], texts: Texts) -> list[Choice]:
    """The topics that there are, by name."""
    return sorted(list_choices(feeds, FeedKind.TOPIC, texts), key=lambda choice: choice.name.casefold())


def list_choices(feeds: Mapping[str, FeedRow], kind: FeedKind, texts: Texts) -> list[Choice]:
    """slug and name of the feeds of a kind."""
    return [
        Choice(
            value=split_name(feed.name)[1],
            name=cut_text(xml_safe(name_subject(feed.name, feed.title, texts.language)), TYPED_LIMIT),
        )
        for feed in feeds.values()
        if split_name(feed.name)[0] == kind
    ]


def build_period_form(given: Mapping[str, list[str]], texts: Texts) -> PeriodForm:
    since, until = (_show_date(read_last(given, key)) for key in ("since", "until"))
    days = read_last(given, "days") or str(DAYS_USUAL)
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


def keep_query(given: Mapping[str, list[str]], keys: Iterable[str]) -> list[tuple[str, str]]:
    """What a page depends on, in one order; a key comes as often as it was given."""
    return [(key, value) for key in keys for value in given.get(key, ())]


def _read_date(text: str, texts: Texts) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RefusalError(400, texts["refused_date"].format(value=text)) from error


def _show_date(text: str) -> str:
    """A field for dates takes nothing else."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""
