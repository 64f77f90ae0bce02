"""The page of the API."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.web.context import PageContext


def list_routes(context: PageContext) -> list[Route]:
    def show(request: Request) -> Response:
        """Its endpoints, parameters, examples and problems. Needs no database."""
        from aggregator.web.api.application import load_document  # loads FastAPI, which takes a while
        from aggregator.web.api_page import build_api_page

        texts = context.get_texts(request)
        document = load_document(context, texts.language).document
        page = build_api_page(document, context.site, texts)
        return context.answer(request, "api.html", page, nav="/data")

    return [Route("/api", show, methods=["GET"])]
