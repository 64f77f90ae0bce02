"""The map."""

from __future__ import annotations

from datetime import date

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.store import Store
from aggregator.web.context import PageContext
from aggregator.web.feeds_form import Choice
from aggregator.web.finding import RefusalError
from aggregator.web.map_page import MapForm, MapPage, Picture, build_picture
from aggregator.web.selection import (
    Count,
    build_period_form,
    keep_query,
    list_topics,
    read_choice,
    read_given,
    read_last,
    read_period,
    read_topic,
)
from aggregator.web.texts import WIB, Texts

_KEYS = ("days", "since", "until", "topic", "count")
_Given = dict[str, list[str]]


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/map", _Map(context).show, methods=["GET"])]


class _Map:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """The cities by coverage; a selection that cannot be read gets the form again, and why."""
        context = self._context
        texts, given = context.get_texts(request), read_given(request.query_params.multi_items())
        topics: list[Choice] = []
        picture: Picture | None = None
        refusal: RefusalError | None = None
        if context.has_database:
            today = context.clock().astimezone(WIB).date()
            with context.read() as store:
                topics = list_topics(store.get_feeds(), texts)
                try:
                    picture = _draw(store, given, topics, texts, today)
                except RefusalError as error:
                    refusal = error
        page = MapPage(form=_build_form(given, topics, texts), problem=str(refusal) if refusal else "", picture=picture)
        query = keep_query(given, _KEYS)
        if refusal is None:
            return context.answer(request, "map_page.html", page, query=query, nav="/map")
        return context.answer(request, "map_page.html", page, query=query, nav="/map", status=refusal.status)


def _draw(store: Store, given: _Given, topics: list[Choice], texts: Texts, today: date) -> Picture | None:
    """None while there is nothing. Raises RefusalError."""
    topic = read_topic(given, topics, texts)
    span = store.get_coverage_span()
    period = read_period(given, texts, today=today, span=span)
    count = Count(read_choice(given, "count", Count, texts))
    if span is None:
        return None
    return build_picture(
        store.sum_coverage(topic, since=period.since, until=period.until),
        texts,
        period=period,
        topic=topic,
        topic_name=next((each.name for each in topics if each.value == topic), ""),
        count=count,
        query=[(key, read_last(given, key)) for key in _KEYS if read_last(given, key)],
    )


def _build_form(given: _Given, topics: list[Choice], texts: Texts) -> MapForm:
    return MapForm(
        period=build_period_form(given, texts),
        topic=read_last(given, "topic").lower(),
        topics=tuple(topics),
        count=read_last(given, "count").lower(),
        counts=tuple(Choice(value=each.value, name=texts["counts"][each]) for each in Count),
    )
