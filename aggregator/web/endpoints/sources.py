"""The pages of sources: the list of all, and one for each."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.feeds import FeedKind, make_name
from aggregator.finding import suggest
from aggregator.web.context import PageContext
from aggregator.web.source_history import DAYS
from aggregator.web.source_page import ARTICLES_MOST, MONTHS_MOST, build_missing_page, build_source_page
from aggregator.web.sources_page import build_sources_page, read_asked_sources

_NAV = "/sources"
_ID_LIMIT = 64  # characters of an unknown id that are looked at and shown again


def list_routes(context: PageContext) -> list[Route]:
    pages = _Sources(context)
    return [
        Route("/sources", pages.show_list, methods=["GET"]),
        Route("/source/{source_id}", pages.show_source, methods=["GET"]),
    ]


class _Sources:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show_list(self, request: Request) -> Response:
        """All sources with how they are doing, trouble first, or those asked for."""
        context = self._context
        texts, asked = context.get_texts(request), read_asked_sources(request.query_params)
        if not context.has_database:
            return context.answer(request, "not_yet.html", texts["sources_title"], nav=_NAV)
        now = context.clock()
        with context.read() as store:
            sources = store.list_sources(now)
        page = build_sources_page(sources, asked, now, texts)
        query = [*asked.pairs, *([("page", asked.page)] if asked.page else [])]
        status = 404 if page.problem else 200
        return context.answer(request, "sources.html", page, query=query, nav=_NAV, status=status)

    def show_source(self, request: Request) -> Response:
        """All about one source; 404 with what was most likely meant where there is none with that id."""
        context = self._context
        texts, source_id = context.get_texts(request), request.path_params["source_id"]
        if not context.has_database:
            return context.answer(request, "not_yet.html", texts["sources_title"], nav=_NAV)
        now = context.clock()
        with context.read() as store:
            operation = store.get_source_operation(source_id, now, polls=0, days=DAYS, months=MONTHS_MOST)
            if operation is None:
                near = suggest(source_id[:_ID_LIMIT].lower(), store.list_source_ids())
                missing = build_missing_page(source_id[:_ID_LIMIT], near, texts)
                return context.answer(request, "source_missing.html", missing, nav=_NAV, status=404)
            (facts,) = store.list_sources(now, source_id)
            articles = store.list_source_articles(source_id, most=ARTICLES_MOST)
            has_feed = store.find_feed(make_name(FeedKind.SOURCE, source_id)) is not None
        page = build_source_page(facts, operation, articles, now, texts, has_feed=has_feed)
        return context.answer(request, "source.html", page, nav=_NAV)
