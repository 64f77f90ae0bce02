"""The page of searches."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.feed_rows import FeedRow
from aggregator.finding import Found
from aggregator.passage_rows import Passage
from aggregator.publish.wording import get_wording
from aggregator.store import Store
from aggregator.web.context import PageContext
from aggregator.web.endpoints.refusals import show_crowded
from aggregator.web.feeds_form import read_asked
from aggregator.web.finding import RefusalError
from aggregator.web.search_page import build_search_page

_NO_PASSAGES: Mapping[int, Passage] = MappingProxyType({})


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/search", context.turnstile.guard(_Search(context).show, show_crowded), methods=["GET"])]


class _Search:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """What has the words, newest first; without a question, how to ask."""
        context = self._context
        texts, asked = context.get_texts(request), read_asked(request.query_params.multi_items())
        feeds: dict[str, FeedRow] = {}
        found, passages = None, _NO_PASSAGES
        refusal = RefusalError(503, get_wording(texts.language)["not_yet"]) if asked.has_question else None
        if context.has_database:
            with context.read() as store:
                feeds = store.get_feeds()
                if asked.has_question:
                    found, refusal = self._find(store, request)
                if found and found.query.match:
                    passages = store.get_passages(found.groups, found.query.match)
        page = build_search_page(asked, feeds, texts, found=found, passages=passages, refusal=refusal)
        query = asked.pairs or ([("q", "")] if asked.has_question else [])
        status = refusal.status if refusal else 200
        headers = {"retry-after": "60"} if status == 503 else None
        return context.answer(request, "search.html", page, query=query, nav="/search", status=status, headers=headers)

    def _find(self, store: Store, request: Request) -> tuple[Found | None, RefusalError | None]:
        desk = self._context.desk
        try:
            return desk.find(store, desk.read(request), limit=self._context.site.page_size), None
        except RefusalError as refusal:
            return None, refusal
