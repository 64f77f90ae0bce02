"""What a chart of coverage over time is of, read from the query of an address. Pure.

topic, city, province, komwil
        slugs, as in the addresses of feeds; each topic in each place is a line, four at most
step    day, week or month; without it what suits the period
per     sources: for each hundred sources at work
days, since, until, count
        as for the map
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

from aggregator.feeds import FeedKind, make_name
from aggregator.periods import Counted, Period, Step, choose_step
from aggregator.trend_rows import Subject
from aggregator.web.charts import SERIES_MOST
from aggregator.web.feeds_form import Asked, Choice
from aggregator.web.finding import RefusalError
from aggregator.web.selection import ANYTHING, Count, read_choice, read_period, read_slugs
from aggregator.web.texts import Texts

PLACES = (FeedKind.CITY, FeedKind.PROVINCE, FeedKind.KOMWIL)
KINDS = (FeedKind.TOPIC, *PLACES)
KEYS = (*(kind.value for kind in KINDS), "days", "since", "until", "step", "count", "per")
PER_SOURCE, NOT_DIVIDED = "sources", "none"
AUTOMATIC = "auto"

Choices = Mapping[FeedKind, Sequence[Choice]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendQuery:
    """A chart that can be drawn; each subject with its name."""

    subjects: tuple[tuple[Subject, str], ...]
    period: Period
    step: Step
    count: Count
    is_rate: bool  # for each hundred sources at work

    def measure(self, counted: Counted) -> float | None:
        return counted.rate if self.is_rate else counted.value


def read_trend(
    asked: Asked, choices: Choices, texts: Texts, *, today: date, span: tuple[date, date] | None
) -> TrendQuery:
    """Raises RefusalError."""
    topics = read_slugs(asked, FeedKind.TOPIC, choices[FeedKind.TOPIC], texts)
    places: list[tuple[FeedKind | None, Choice]] = [
        (kind, place) for kind in PLACES for place in read_slugs(asked, kind, choices[kind], texts)
    ]
    period = read_period(asked, texts, today=today, span=span)
    step = read_choice(asked, "step", [AUTOMATIC, *Step], texts)
    subjects = [
        _make_subject(kind, place, topic, texts)
        for (kind, place), topic in product(places or [(None, ANYTHING)], topics or [ANYTHING])
    ]
    if len(subjects) > SERIES_MOST:
        raise RefusalError(400, texts["refused_many"].format(most=SERIES_MOST, count=len(subjects)))
    return TrendQuery(
        subjects=tuple(subjects),
        period=period,
        step=choose_step(period, Step(step) if step != AUTOMATIC else None, lines=len(subjects)),
        count=Count(read_choice(asked, "count", Count, texts)),
        is_rate=read_choice(asked, "per", [NOT_DIVIDED, PER_SOURCE], texts) == PER_SOURCE,
    )


def _make_subject(kind: FeedKind | None, place: Choice, topic: Choice, texts: Texts) -> tuple[Subject, str]:
    subject = Subject(topic=topic.value, region=make_name(kind, place.value) if kind else "")
    return subject, " · ".join(filter(None, (place.name, topic.name))) or texts["all_coverage"]
