"""The front page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.feed_rows import FeedRow, make_place
from aggregator.search import read_since
from aggregator.search_terms import QueryError
from aggregator.store import Store
from aggregator.web.context import PageContext
from aggregator.web.endpoints.refusals import show_crowded
from aggregator.web.feeds_form import Asked, read_asked
from aggregator.web.finding import BadQueryError, RefusalError
from aggregator.web.front_page import FRONT_KEYS, NEW, Cards, build_front_page
from aggregator.web.texts import Language


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/", _choose_way(context), methods=["GET"])]


def _choose_way(context: PageContext) -> Callable[[Request], Awaitable[Response]]:
    """The page itself queues behind nothing; a question is a search."""
    show = _Front(context).show
    search = context.turnstile.guard(show, show_crowded)

    async def answer(request: Request) -> Response:
        return await (search(request) if _read_question(request).pairs else run_in_threadpool(show, request))

    return answer


def _read_question(request: Request) -> Asked:
    return read_asked([pair for pair in request.query_params.multi_items() if pair[0] in FRONT_KEYS])


class _Front:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """The newest stories, or those that answer a question; an unknown guid in `before` is the end of the list."""
        context, now = self._context, self._context.clock()
        texts, asked = context.get_texts(request), _read_question(request)
        feeds: dict[str, FeedRow] = {}
        cards, refusal, entered, stale_since = None, None, None, None
        if context.has_database:
            with context.read() as store:
                feeds = store.get_feeds()
                stale_since = context.find_silence(store)
                try:
                    entered = _read_entered(asked, now, texts.language)
                    cards = self._find(store, asked, now, entered, texts.language)
                except RefusalError as error:
                    refusal = error
        page = build_front_page(
            asked,
            feeds,
            texts,
            context.publisher,
            now=now,
            cards=cards,
            refusal=refusal,
            entered=entered,
            stale_since=stale_since,
        )
        status = refusal.status if refusal else 200
        return context.answer(request, "front.html", page, query=asked.pairs, nav="/", status=status)

    def _find(
        self, store: Store, asked: Asked, now: datetime, entered: datetime | None, language: Language
    ) -> Cards | None:
        """None where there is nothing to begin after. Raises RefusalError."""
        desk = self._context.desk
        query = desk.read_pairs([*asked.leave_out(NEW), ("lang", language.value)], language)
        if query.before and store.find_place(query.before) is None:
            return None
        search, subjects = desk.look_up(store, query)
        if entered:
            search = replace(search, from_place=make_place(entered) + 1)
        found = store.list_cards(search, limit=self._context.site.page_size)
        return Cards(
            query=query,
            subjects=subjects,
            records=store.get_cards(found.places, now),
            next_before=store.get_guid(found.last) if found.last else "",
        )


def _read_entered(asked: Asked, now: datetime, language: Language) -> datetime | None:
    """Since when what is shown shall have come in. Raises RefusalError."""
    text = asked.get_last(NEW)
    try:
        return read_since(text, now).at if text else None
    except QueryError as error:
        raise BadQueryError(QueryError(NEW, error.problem), language) from error
