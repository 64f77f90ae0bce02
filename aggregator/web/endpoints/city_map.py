"""The map."""

from __future__ import annotations

from datetime import date

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.feeds import FeedKind
from aggregator.store import Store
from aggregator.web.context import PageContext
from aggregator.web.feeds_form import Asked, Choice, read_asked
from aggregator.web.finding import RefusalError
from aggregator.web.map_page import MapForm, MapPage, Picture, build_picture
from aggregator.web.selection import (
    ANYTHING,
    MAP_KEYS,
    Count,
    build_period_form,
    list_choices,
    read_choice,
    read_period,
    read_slugs,
)
from aggregator.web.texts import WIB, Texts


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/map", _Map(context).show, methods=["GET"])]


class _Map:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """The cities by coverage; a selection that cannot be read gets the form again, and why."""
        context = self._context
        texts, asked = context.get_texts(request), read_asked(request.query_params.multi_items())
        topics: list[Choice] = []
        picture: Picture | None = None
        refusal: RefusalError | None = None
        if context.has_database:
            today = context.clock().astimezone(WIB).date()
            with context.read() as store:
                topics = list_choices(store.get_feeds(), FeedKind.TOPIC, texts)
                try:
                    picture = _draw(store, asked, topics, texts, today)
                except RefusalError as error:
                    refusal = error
        page = MapPage(form=_build_form(asked, topics, texts), problem=str(refusal) if refusal else "", picture=picture)
        query = asked.take(*MAP_KEYS)
        if refusal is None:
            return context.answer(request, "map_page.html", page, query=query, nav="/map")
        return context.answer(request, "map_page.html", page, query=query, nav="/map", status=refusal.status)


def _draw(store: Store, asked: Asked, topics: list[Choice], texts: Texts, today: date) -> Picture | None:
    """None while there is nothing. Raises RefusalError."""
    topic = (read_slugs(asked, FeedKind.TOPIC, topics, texts) or [ANYTHING])[-1]
    span = store.get_coverage_span()
    period = read_period(asked, texts, today=today, span=span)
    count = Count(read_choice(asked, "count", Count, texts))
    if span is None:
        return None
    return build_picture(
        store.sum_coverage(topic.value, since=period.since, until=period.until),
        texts,
        period=period,
        topic=topic.name,
        count=count,
        query=asked.take(*MAP_KEYS),
    )


def _build_form(asked: Asked, topics: list[Choice], texts: Texts) -> MapForm:
    return MapForm(
        period=build_period_form(asked, texts),
        topic=asked.get_last("topic").lower(),
        topics=tuple(topics),
        count=asked.get_last("count").lower(),
        counts=tuple(Choice(value=each.value, name=texts["counts"][each]) for each in Count),
    )
