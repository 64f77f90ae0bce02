"""What the endpoints of the API share: reading the database, cursors and links, and how a model is answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlencode

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from aggregator.search import NewsQuery, is_tracking
from aggregator.store import Store
from aggregator.web.api.cursors import CursorError, Key, read_cursor, write_cursor
from aggregator.web.api.problems import ProblemError, ProblemKind
from aggregator.web.conditional import answer_content
from aggregator.web.context import PAGE_MAX_AGE_SECONDS, PageContext
from aggregator.web.feed_desk import read_language
from aggregator.web.protection import LET_IN

ROOT = "/api/v1"
MEDIA_TYPE = "application/json"
_NOT_ASKED = frozenset({"cursor", "limit", "lang"})  # what does not change which list it is


class ApiDesk:
    """See above."""

    def __init__(self, context: PageContext) -> None:
        self.context = context

    @contextmanager
    def read(self) -> Iterator[Store]:
        """The store, all of it as at one moment. Raises ProblemError without a database; StoreError."""
        if not self.context.has_database:
            raise ProblemError(ProblemKind.NOT_YET)
        with self.context.read() as store:
            yield store

    def read_question(self, request: Request, keys: Sequence[str]) -> NewsQuery:
        """What is asked for by those keys of the query, as in the addresses of feeds. Raises RefusalError."""
        pairs = [(key, value) for key, value in request.query_params.multi_items() if key in keys]
        return self.context.desk.read_pairs(pairs, read_language(request))

    def read_cursor(self, request: Request, cursor: str | None, *kinds: type) -> Key | None:
        """The key of the place where a list goes on; None for its beginning. Raises ProblemError."""
        if cursor is None:
            return None
        try:
            return read_cursor(_name_question(request), cursor, kinds)
        except CursorError as error:
            raise ProblemError(ProblemKind.BAD_CURSOR, parameter="cursor") from error

    def link_next(self, request: Request, key: Sequence[int | str] | None) -> str | None:
        """The address of the page that goes on after a key; None: there is none."""
        if key is None:
            return None
        return self.link_with(request, "cursor", write_cursor(_name_question(request), key))

    def link_with(self, request: Request, name: str, value: str) -> str:
        """The address of the request with that parameter in place of its own."""
        pairs = [pair for pair in _list_pairs(request) if pair[0] != name]
        return self.context.site.locate(f"{request.url.path.lstrip('/')}?{urlencode([*pairs, (name, value)])}")

    def shows_health(self, request: Request) -> bool:
        """Whether who asks may know how sources are doing."""
        return bool(request.scope.get(LET_IN, True))

    def answer(self, request: Request, model: BaseModel) -> Response:
        """The model as JSON, or 304. What only some may know is kept by nobody."""
        body = model.model_dump_json().encode()
        if request.scope.get(LET_IN):
            return Response(body, 200, {"cache-control": "no-store"}, MEDIA_TYPE)
        headers = {"cache-control": f"public, max-age={PAGE_MAX_AGE_SECONDS}"}
        if following := getattr(model, "next", None):
            headers["link"] = f'<{following}>; rel="next"'
        return answer_content(request, body, MEDIA_TYPE, headers)

    def lead(self, path: str) -> Response:
        """To what it became. Never kept: later evidence may part the two again."""
        return Response(status_code=308, headers={"location": path, "cache-control": "no-store"})


def _list_pairs(request: Request) -> list[tuple[str, str]]:
    return [(key, value) for key, value in request.query_params.multi_items() if not is_tracking(key)]


def _name_question(request: Request) -> str:
    """The list that a cursor is of: however its parameters are ordered."""
    pairs = sorted(pair for pair in _list_pairs(request) if pair[0] not in _NOT_ASKED)
    return f"{request.url.path}?{urlencode(pairs)}"
