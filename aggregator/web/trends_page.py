"""What the page of coverage over time shows, worked out before any HTML is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from aggregator.cleaning import cut_text, safe_url, xml_safe
from aggregator.feeds import FeedKind
from aggregator.periods import Counted, Period, Step
from aggregator.prominence import Prominent
from aggregator.spikes import Spike, find_spikes
from aggregator.trend_rows import DayStory, SourceShare, Subject, write_trend_query
from aggregator.web.charts import Chart, Series, draw_chart, name_start, tell_number
from aggregator.web.feeds_form import Asked, Choice, Filter, build_form
from aggregator.web.links import make_feeds_link, make_query_link, make_story_link
from aggregator.web.selection import MAP_KEYS, Count, PeriodForm, build_period_form, tell_period
from aggregator.web.texts import Texts
from aggregator.web.trend_query import AUTOMATIC, KINDS, NOT_DIVIDED, PER_SOURCE, Choices, TrendQuery

SPIKES_SHOWN = 4
TITLE_LIMIT = 200
_FIRST_KINDS = (FeedKind.TOPIC, FeedKind.CITY)
_USUAL = frozenset({AUTOMATIC, Count.NEWS.value, NOT_DIVIDED})
_MORE_KEYS = (FeedKind.PROVINCE.value, FeedKind.KOMWIL.value, "since", "until", "step", "count", "per")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendsForm:
    first_filters: tuple[Filter, ...]
    more_filters: tuple[Filter, ...]
    is_open: bool  # what is asked for rarely: where it is asked for
    period: PeriodForm
    step: str
    steps: tuple[Choice, ...]
    count: str
    counts: tuple[Choice, ...]
    per: str
    pers: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSpike:
    """A day far above the usual of its subject."""

    subject: Subject
    name: str
    day: date
    spike: Spike


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A name that leads somewhere, with a figure."""

    name: str
    url: str
    told: str
    language: str = "id"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownSpike:
    title: str
    told: str
    stories: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prominence:
    """Who and what is most in the news of the selection; `read` is how many pieces of it were looked at."""

    read: int
    sources: Sequence[SourceShare] = ()
    words: Sequence[Prominent] = ()
    people: Sequence[Prominent] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendsPicture:
    """The chart for a selection that could be read, and what it consists of."""

    title: str
    chart: Chart
    note: str  # what the figures are
    csv_url: str
    map_url: str
    sql: str
    spikes: tuple[ShownSpike, ...]
    more_spikes: int
    no_spikes: str  # why there are none; "" where there are
    read: str  # which news the lists are from
    sources: tuple[Link, ...]
    words: tuple[Link, ...]
    people: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendsPage:
    form: TrendsForm
    problem: str  # why there is no picture; "" for none
    picture: TrendsPicture | None


def find_all_spikes(
    query: TrendQuery, counted: Mapping[Subject, Sequence[Counted]], *, before: int
) -> list[FoundSpike]:
    """The spikes of all subjects, the newest first; only days have any.

    `before`: so many days at the beginning are there to know the usual by, and not shown; indexes count from them on.
    """
    if query.step is not Step.DAY:
        return []
    found = [
        FoundSpike(
            subject=subject,
            name=name,
            day=counted[subject][spike.index].start,
            spike=Spike(spike.index - before, spike.found, spike.usual),
        )
        for subject, name in query.subjects
        for spike in find_spikes([each.value for each in counted[subject]])
        if spike.index >= before
    ]
    return sorted(found, key=lambda each: (each.day, each.spike.found), reverse=True)


def mark_spikes(query: TrendQuery, spikes: Sequence[FoundSpike]) -> dict[Subject, frozenset[int]]:
    """subject → the steps that are spikes."""
    return {
        subject: frozenset(each.spike.index for each in spikes if each.subject == subject)
        for subject, _ in query.subjects
    }


def build_picture(
    query: TrendQuery,
    counted: Mapping[Subject, Sequence[Counted]],
    explained: Sequence[tuple[FoundSpike, Sequence[DayStory]]],
    prominence: Prominence,
    texts: Texts,
    *,
    spikes: Sequence[FoundSpike],
    asked: Sequence[tuple[str, str]],
) -> TrendsPicture:
    """`counted`: the steps of each subject; `explained`: some of the `spikes`, each with the stories of its day."""
    names = ", ".join(name for _, name in query.subjects)
    title = f"{names}, {tell_period(query.period, texts)}"
    unit = texts["units"][query.count].format(step=texts["unit_steps"][query.step])
    marked = mark_spikes(query, spikes)
    chart = draw_chart(
        [
            Series(name=name, values=tuple(map(query.measure, counted[subject])), spikes=marked[subject])
            for subject, name in query.subjects
        ],
        [step.start for step in counted[query.subjects[0][0]]],
        texts,
        step=query.step,
        title=title,
        unit=texts["unit_rate"].format(unit=unit) if query.is_rate else unit,
        source=make_query_link("/trends.json", asked, texts.language),
    )
    return TrendsPicture(
        title=title,
        chart=chart,
        note=texts["note_rate"] if query.is_rate else texts["note_absolute"],
        csv_url=make_query_link("/trends.csv", asked, texts.language),
        map_url=make_query_link("/map", [each for each in asked if each[0] in MAP_KEYS], texts.language),
        sql=write_trend_query([subject for subject, _ in query.subjects], query.period, query.step),
        spikes=tuple(_show_spike(spike, stories, texts, query.count) for spike, stories in explained),
        more_spikes=len(spikes) - len(explained),
        no_spikes="" if spikes else texts["no_spikes" if query.step is Step.DAY else "spikes_need_days"],
        read=texts["prominence_read"].format(count=tell_number(prominence.read, texts)),
        sources=tuple(_show_source(each, texts) for each in prominence.sources),
        words=tuple(_show_prominent(each, texts) for each in prominence.words),
        people=tuple(_show_prominent(each, texts) for each in prominence.people),
    )


def build_trends_form(asked: Asked, choices: Choices, texts: Texts) -> TrendsForm:
    names = {kind.value: {choice.value: choice.name for choice in choices[kind]} for kind in KINDS}
    filters = build_form(asked, {kind.value: choices[kind] for kind in KINDS}, names, texts).filters
    firsts = {kind.value for kind in _FIRST_KINDS}
    return TrendsForm(
        first_filters=tuple(each for each in filters if each.key in firsts),
        more_filters=tuple(each for each in filters if each.key in names.keys() - firsts),
        is_open=any(value.lower() not in _USUAL for _, value in asked.take(*_MORE_KEYS)),
        period=build_period_form(asked, texts),
        step=asked.get_last("step").lower(),
        steps=tuple(Choice(value=each, name=texts["step_choices"][each]) for each in (AUTOMATIC, *Step)),
        count=asked.get_last("count").lower(),
        counts=tuple(Choice(value=each.value, name=texts["counts"][each]) for each in Count),
        per=asked.get_last("per").lower(),
        pers=tuple(Choice(value=each, name=texts["per_choices"][each]) for each in (NOT_DIVIDED, PER_SOURCE)),
    )


def _show_spike(found: FoundSpike, stories: Sequence[DayStory], texts: Texts, count: Count) -> ShownSpike:
    spike = found.spike
    return ShownSpike(
        title=f"{name_start(found.day, texts)}: {found.name}",
        told=texts["spike_told"].format(
            found=texts[f"told_{count}"].format(count=tell_number(spike.found, texts)),
            usual=tell_number(spike.usual, texts),
        ),
        stories=tuple(
            Link(
                name=cut_text(xml_safe(story.title), TITLE_LIMIT),
                url=make_story_link(story.story_id, texts.language) or safe_url(story.url),
                told=texts["told_articles"].format(count=tell_number(story.articles, texts)),
                language=story.language,
            )
            for story in stories
        ),
    )


def _show_source(share: SourceShare, texts: Texts) -> Link:
    told = texts["source_told"].format(news=tell_number(share.news, texts), first=tell_number(share.first, texts))
    name = cut_text(xml_safe(share.name), TITLE_LIMIT)
    return Link(name=name, url=make_feeds_link([("source", share.id)], texts.language), told=told)


def _show_prominent(each: Prominent, texts: Texts) -> Link:
    name = cut_text(xml_safe(each.name), TITLE_LIMIT)
    told = texts["told_news"].format(count=tell_number(each.news, texts))
    return Link(
        name=name,
        url=make_query_link("/search", [("q", f'"{name}"' if each.office else name)], texts.language),
        told=f"{each.office}, {told}" if each.office else told,
    )


def extend(period: Period, before: int) -> Period:
    """The same with so many days before it."""
    return Period(since=date.fromordinal(max(period.since.toordinal() - before, 1)), until=period.until)
