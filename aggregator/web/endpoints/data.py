"""The page of data, and the files that it lists."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from aggregator.schema.describing import DescribedRelation
from aggregator.web.conditional import answer_unchanged
from aggregator.web.context import PageContext
from aggregator.web.data_page import build_data_page
from aggregator.web.downloads import find_download, list_downloads

_NAV = "/data"
_MAX_AGE_SECONDS = 300


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/data", _Data(context).show, methods=["GET"])]


def make_download_route(context: PageContext) -> Route:
    """Apart from the pages: a snapshot is compressed already, or too large to be while somebody waits."""
    return Route("/data/{name}", _Data(context).give, methods=["GET"])


class _Data:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """Downloads, the schema, examples, whom to write to."""
        context = self._context
        schema: tuple[DescribedRelation, ...] = ()
        if context.has_database:
            with context.read() as store:
                schema = store.get_schema_docs()
        page = build_data_page(list_downloads(context.feed.parent), schema, context.get_texts(request))
        return context.answer(request, "data.html", page, nav=_NAV)

    def give(self, request: Request) -> Response:
        """A file, whole or in part. Raises HTTPException 404."""
        found = find_download(self._context.feed.parent, request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        headers = {"cache-control": f"public, max-age={_MAX_AGE_SECONDS}", "etag": f'"{found.mark}"'}
        return answer_unchanged(request, headers) or FileResponse(
            found.path, headers=headers, media_type=found.media_type, filename=found.name
        )
