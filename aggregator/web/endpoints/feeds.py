"""The page of feeds."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.feed_rows import FeedRow
from aggregator.finding import Found
from aggregator.publish.wording import get_wording
from aggregator.store import Store
from aggregator.web.context import PageContext
from aggregator.web.endpoints.refusals import show_crowded
from aggregator.web.feed_desk import check_order
from aggregator.web.feeds_form import read_asked
from aggregator.web.feeds_page import PREVIEW_ITEMS, build_feeds_page
from aggregator.web.finding import RefusalError


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/feeds", context.turnstile.guard(_Feeds(context).show, show_crowded), methods=["GET"])]


class _Feeds:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """Which feeds there are, and any question as a feed: its addresses and its newest items."""
        context = self._context
        texts, asked = context.get_texts(request), read_asked(request.query_params.multi_items())
        feeds: dict[str, FeedRow] = {}
        found: Found | None = None
        refusal = RefusalError(503, get_wording(texts.language)["not_yet"]) if asked.has_question else None
        if context.has_database:
            with context.read() as store:
                feeds = store.get_feeds()
                found, refusal = self._find(store, request) if asked.has_question else (None, None)
        page = build_feeds_page(asked, feeds, texts, context.publisher, found=found, refusal=refusal)
        query = asked.pairs or ([("q", "")] if asked.has_question else [])
        if refusal is None:
            return context.answer(request, "feeds.html", page, query=query, nav="/feeds")
        headers = {"retry-after": "60"} if refusal.status == 503 else {}
        return context.answer(
            request, "feeds.html", page, query=query, nav="/feeds", status=refusal.status, headers=headers
        )

    def _find(self, store: Store, request: Request) -> tuple[Found | None, RefusalError | None]:
        desk = self._context.desk
        try:
            query = desk.read(request)
            check_order(query)
            return desk.find(store, query, limit=PREVIEW_ITEMS), None
        except RefusalError as refusal:
            return None, refusal
