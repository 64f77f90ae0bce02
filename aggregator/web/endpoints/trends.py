"""Coverage over time: the page, and its figures as CSV and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aggregator.feeds import FeedKind
from aggregator.periods import Counted, Step
from aggregator.prominence import find_people, find_words, read_opening
from aggregator.publish.wording import get_wording
from aggregator.spikes import WINDOW
from aggregator.store import Store
from aggregator.trend_rows import Subject
from aggregator.web.context import PageContext, answer_body
from aggregator.web.endpoints.refusals import show_crowded
from aggregator.web.feeds_form import Asked, Choice, read_asked
from aggregator.web.finding import RefusalError
from aggregator.web.selection import Count, list_choices
from aggregator.web.texts import WIB, Texts
from aggregator.web.trend_files import render_csv, render_json
from aggregator.web.trend_query import KEYS, KINDS, Choices, TrendQuery, read_trend
from aggregator.web.trends_page import (
    SPIKES_SHOWN,
    FoundSpike,
    Prominence,
    TrendsPage,
    TrendsPicture,
    build_picture,
    build_trends_form,
    extend,
    find_all_spikes,
    mark_spikes,
)

NEWS_READ = 300  # the newest of a selection, for the words and people in it
SHOWN = 12  # of sources, words and people
STORIES_SHOWN = 3  # of a day

_Counts = Mapping[Subject, Sequence[Counted]]


def list_routes(context: PageContext) -> list[Route]:
    trends = _Trends(context)
    return [
        Route(path, context.turnstile.guard(work, show_crowded), methods=["GET"])
        for path, work in (
            ("/trends", trends.show),
            ("/trends.csv", trends.show_csv),
            ("/trends.json", trends.show_json),
        )
    ]


class _Trends:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """The chart and what it consists of; a selection that cannot be read gets the form again, and why."""
        context = self._context
        texts, asked = context.get_texts(request), read_asked(request.query_params.multi_items())
        choices: dict[FeedKind, Sequence[Choice]] = dict.fromkeys(KINDS, ())
        picture: TrendsPicture | None = None
        refusal: RefusalError | None = None
        if context.has_database:
            with context.read() as store:
                choices = _list_choices(store, texts)
                try:
                    picture = self._draw(store, asked, choices, texts)
                except RefusalError as error:
                    refusal = error
        page = TrendsPage(
            form=build_trends_form(asked, choices, texts), problem=str(refusal) if refusal else "", picture=picture
        )
        query = asked.take(*KEYS)
        if refusal is None:
            return context.answer(request, "trends.html", page, query=query, nav="/trends")
        return context.answer(request, "trends.html", page, query=query, nav="/trends", status=refusal.status)

    def show_csv(self, request: Request) -> Response:
        """The figures as a table."""
        return self._answer_figures(
            request, "text/csv; charset=utf-8", lambda query, counted, _: render_csv(query, counted)
        )

    def show_json(self, request: Request) -> Response:
        """The figures for the script of the page."""
        return self._answer_figures(request, "application/json", _render_json)

    def _answer_figures(
        self, request: Request, media_type: str, render: Callable[[TrendQuery, _Counts, list[FoundSpike]], str]
    ) -> Response:
        """A selection that cannot be read is refused in a line of text."""
        texts, asked = self._context.get_texts(request), read_asked(request.query_params.multi_items())
        if not self._context.has_database:
            headers = {"cache-control": "no-store", "retry-after": "60"}
            return PlainTextResponse(f"{get_wording(texts.language)['not_yet']}\n", 503, headers)
        with self._context.read() as store:
            try:
                query = self._read(store, asked, _list_choices(store, texts), texts)
            except RefusalError as refusal:
                return PlainTextResponse(f"{refusal}\n", refusal.status, {"cache-control": "no-store"})
            counted, spikes = _count(store, query)
        return answer_body(request, render(query, counted, spikes).encode(), media_type)

    def _read(self, store: Store, asked: Asked, choices: Choices, texts: Texts) -> TrendQuery:
        """Raises RefusalError."""
        today = self._context.clock().astimezone(WIB).date()
        return read_trend(asked, choices, texts, today=today, span=store.get_coverage_span())

    def _draw(self, store: Store, asked: Asked, choices: Choices, texts: Texts) -> TrendsPicture | None:
        """None while there is nothing. Raises RefusalError."""
        query = self._read(store, asked, choices, texts)
        if store.get_coverage_span() is None:
            return None
        counted, spikes = _count(store, query)
        explained = [
            (found, store.get_stories_of_day(found.subject, found.day, most=STORIES_SHOWN))
            for found in spikes[:SPIKES_SHOWN]
        ]
        return build_picture(
            query,
            counted,
            explained,
            _find_prominence(store, query),
            texts,
            asked=asked.take(*KEYS),
            spikes=spikes,
        )


def _list_choices(store: Store, texts: Texts) -> dict[FeedKind, Sequence[Choice]]:
    feeds = store.get_feeds()
    return {kind: list_choices(feeds, kind, texts) for kind in KINDS}


def _count(store: Store, query: TrendQuery) -> tuple[_Counts, list[FoundSpike]]:
    """The steps of each subject, and the spikes among them."""
    before = WINDOW if query.step is Step.DAY else 0
    counted = store.count_by_step(
        [subject for subject, _ in query.subjects],
        extend(query.period, before),
        query.step,
        articles=query.count is Count.ARTICLES,
    )
    spikes = find_all_spikes(query, counted, before=before)
    return {subject: steps[before:] for subject, steps in counted.items()}, spikes


def _find_prominence(store: Store, query: TrendQuery) -> Prominence:
    news = store.list_recent_news([subject for subject, _ in query.subjects], query.period, most=NEWS_READ)
    openings = [read_opening(*opening) for opening in store.get_openings([each.article_id for each in news])]
    people = find_people(openings, most=SHOWN)
    return Prominence(
        read=len(news),
        sources=store.count_sources([each.group_id for each in news], most=SHOWN),
        words=find_words(openings, most=SHOWN, people=people),
        people=people,
    )


def _render_json(query: TrendQuery, counted: _Counts, spikes: list[FoundSpike]) -> str:
    return render_json(query, counted, mark_spikes(query, spikes))
