"""The API as an ASGI application of its own, for two routes of the web server.

OPTIONS ─▶ 204, what may be asked from other sites      HEAD ─▶ as GET; the server drops the body      others ─▶ FastAPI
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import cache, cached_property, partial
from inspect import Parameter, signature
from threading import Lock
from typing import get_args, get_origin, get_type_hints

from fastapi import APIRouter, Depends, FastAPI
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.models import Language
from aggregator.search import is_tracking
from aggregator.web.api.about import VERSION, IndexEndpoints, SchemaEndpoints
from aggregator.web.api.articles import ArticleEndpoints
from aggregator.web.api.desk import MEDIA_TYPE, ROOT, ApiDesk
from aggregator.web.api.figures import FigureEndpoints
from aggregator.web.api.news import NewsEndpoints
from aggregator.web.api.openapi import ApiDocument, describe_api
from aggregator.web.api.places import PlaceEndpoints
from aggregator.web.api.problems import ProblemDesk, ProblemError, ProblemKind
from aggregator.web.api.sources import SourceEndpoints
from aggregator.web.api.stories import StoryEndpoints
from aggregator.web.conditional import answer_content
from aggregator.web.context import PAGE_MAX_AGE_SECONDS, PageContext
from aggregator.web.turnstile import Turnstile

METHODS = "GET, HEAD, OPTIONS"
DOCUMENT = f"{ROOT}/openapi.json"
_FROM_ELSEWHERE = {"access-control-allow-origin": "*", "access-control-expose-headers": "ETag, Link, Retry-After"}
_PREFLIGHT = {
    "allow": METHODS,
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": "*",
    "access-control-max-age": "86400",
}
_describing = Lock()
_PARTS = (
    IndexEndpoints,
    ArticleEndpoints,
    NewsEndpoints,
    StoryEndpoints,
    PlaceEndpoints,
    SourceEndpoints,
    FigureEndpoints,
    SchemaEndpoints,
)


class RestConvertor(PathConvertor):
    """All that follows, line breaks too: they are in no address of ours, and still are asked for."""

    regex = "(?s:.*)"


register_url_convertor("rest", RestConvertor())


def list_routes(context: PageContext) -> list[Route]:
    """All addresses of the API, whatever is asked of them."""
    api = Api(partial(make_fastapi, context))
    return [Route(ROOT, api, methods=None), Route(f"{ROOT}/{{rest:rest}}", api, methods=None)]


def make_fastapi(context: PageContext) -> FastAPI:
    """FastAPI without its own pages: they load scripts from elsewhere."""
    app = FastAPI(
        title=context.site.name,
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        exception_handlers=ProblemDesk(context.site).list_handlers(),
        redirect_slashes=False,
    )
    app.include_router(make_router(context))

    def show_document(request: Request) -> Response:
        language = Language.INDONESIAN if request.query_params.get("lang") == Language.INDONESIAN else Language.ENGLISH
        headers = {"cache-control": f"public, max-age={PAGE_MAX_AGE_SECONDS}"}
        return answer_content(request, load_document(context, language).body, MEDIA_TYPE, headers)

    app.router.routes.append(Route(DOCUMENT, show_document, methods=["GET"]))
    return app


def make_router(context: PageContext) -> APIRouter:
    """All endpoints."""
    turnstile = Turnstile()  # of its own: a crawler keeps no reader's search waiting

    async def pass_turnstile() -> AsyncIterator[None]:
        async with turnstile.enter():
            yield

    guards = [Depends(refuse_unknown), Depends(pass_turnstile, scope="function")]
    router = APIRouter(prefix=ROOT, dependencies=guards)
    for part in _PARTS:
        part(ApiDesk(context)).add_to(router)
    return router


def load_document(context: PageContext, language: Language) -> ApiDocument:
    """The OpenAPI document. The first time it takes half a second."""
    with _describing:
        return describe_api(lambda: make_router(context).routes, VERSION, context.site, language)


async def refuse_unknown(request: Request) -> None:
    """A parameter that is misspelt would go unnoticed. What others hang onto addresses is passed over."""
    known = _list_parameters(request.scope["endpoint"])
    for key in request.query_params:
        if key not in known and not is_tracking(key):
            keys = ", ".join(known)
            raise ProblemError(ProblemKind.BAD_PARAMETER, "unknown_parameter", parameter=key[:80], keys=keys)
        if not known.get(key, True) and len(request.query_params.getlist(key)) > 1:
            raise ProblemError(ProblemKind.BAD_PARAMETER, "given_twice", parameter=key)


@cache
def _list_parameters(endpoint: Callable[..., object]) -> dict[str, bool]:
    """Those of the query: all that its signature has by name alone; and whether each may come several times."""
    kinds = get_type_hints(endpoint)
    names = (name for name, each in signature(endpoint).parameters.items() if each.default is not Parameter.empty)
    return {name: any(get_origin(kind) is list for kind in get_args(kinds[name])) for name in names}


class Api:
    """See above."""

    def __init__(self, make_app: Callable[[], ASGIApp]) -> None:
        self._make_app = make_app

    @cached_property
    def _app(self) -> ASGIApp:
        """Made when it is first asked: it takes longer than all other pages together."""
        return self._make_app()

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
