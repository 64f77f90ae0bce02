"""The page of data, and the files that it lists."""

from __future__ import annotations

import re

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
_RANGE = re.compile(r"bytes=(?:\d{1,18}-\d{0,18}|-\d{1,18})", re.ASCII)


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/data", _Data(context).show, methods=["GET"])]


def make_download_route(context: PageContext) -> Route:
    """Apart from the pages: a snapshot is compressed already, or too large to be while somebody waits."""
    return Route("/data/{name}", _Data(context).give, methods=["GET"])


class _Gift(FileResponse):
    """Of what a client does not read, little is held for it."""

    chunk_size = 16 * 1024


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
        _keep_plain_range(request)
        return answer_unchanged(request, headers) or _Gift(
            found.path, headers=headers, media_type=found.media_type, filename=found.name
        )


def _keep_plain_range(request: Request) -> None:
    """Leaves of `Range` what resumes a download: one range of bytes in a GET. To any other the answer is the whole
    file, as RFC 9110 (14.2) demands for units that are not understood, and allows for the rest."""
    asked = request.headers.getlist("range")
    if request.method != "GET" or len(asked) != 1 or not _RANGE.fullmatch(asked[0]):
        scope = request.scope
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"range"]
