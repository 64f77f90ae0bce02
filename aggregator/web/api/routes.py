"""The API as two routes of the web server.

OPTIONS ─▶ 204, what may be asked from other sites      HEAD ─▶ as GET; the server drops the body      others ─▶ FastAPI
"""

from __future__ import annotations

from functools import cached_property

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.web.api.desk import ROOT
from aggregator.web.context import PageContext

METHODS = "GET, HEAD, OPTIONS"
_FROM_ELSEWHERE = {"access-control-allow-origin": "*", "access-control-expose-headers": "ETag, Link, Retry-After"}
_PREFLIGHT = {
    "allow": METHODS,
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": "*",
    "access-control-max-age": "86400",
}


class RestConvertor(PathConvertor):
    """All that follows, line breaks too: they are in no address of ours, and still are asked for."""

    regex = "(?s:.*)"


register_url_convertor("rest", RestConvertor())


def list_routes(context: PageContext) -> list[Route]:
    """All addresses of the API, whatever is asked of them."""
    api = Api(context)
    return [Route(ROOT, api, methods=None), Route(f"{ROOT}/{{rest:rest}}", api, methods=None)]


class Api:
    """See above."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    @cached_property
    def _app(self) -> ASGIApp:
        """Loaded and made when it is first asked: it takes longer than all other pages together."""
        from aggregator.web.api.application import make_fastapi

        return make_fastapi(self._context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            answer = Response(status_code=204, headers={**_PREFLIGHT, **_FROM_ELSEWHERE})
            await answer(scope, receive, send)
            return

        async def send_onward(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(name.encode(), value.encode()) for name, value in _FROM_ELSEWHERE.items()]
                allowed = [(b"allow", METHODS.encode())] if message["status"] == 405 else []
                kept = [pair for pair in message["headers"] if not allowed or pair[0].lower() != b"allow"]
                message["headers"] = [*kept, *headers, *allowed]
            await send(message)

        onward = {**scope, "method": "GET" if scope["method"] == "HEAD" else scope["method"]}
        if scope["path"] == f"{ROOT}/":
            onward |= {"path": ROOT, "raw_path": ROOT.encode()}
        await self._app(onward, receive, send_onward)
