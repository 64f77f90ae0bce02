"""The front page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.web.context import PageContext
from aggregator.web.front_page import build_front_page

_MAX_GUID_LENGTH = 200


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/", _Front(context).show, methods=["GET"])]


class _Front:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """The newest items, or those after `?before=`; an unknown guid gives an empty page, not an error."""
        context = self._context
        before = request.query_params.get("before", "")[:_MAX_GUID_LENGTH] or None
        size = context.site.page_size
        items, stale_since = [], None
        if context.has_database:
            with context.read() as store:
                items = store.get_feed_items(limit=size + 1, before=before)
                stale_since = context.find_silence(store)
        texts = context.get_texts(request)
        page = build_front_page(items, texts, page_size=size, before=before, stale_since=stale_since)
        return context.answer(request, "front.html", page, query=[("before", before)] if before else [], nav="/")
