"""The API as a FastAPI application, without FastAPI's own pages: they load scripts from elsewhere.

Loaded by `routes.py` and the page of the API when they are first asked, for FastAPI takes longer than all other pages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import cache
from inspect import Parameter, signature
from threading import Lock
from typing import get_args, get_origin, get_type_hints

from fastapi import APIRouter, Depends, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.models import Language
from aggregator.search import is_tracking
from aggregator.web.api.about import VERSION, IndexEndpoints, SchemaEndpoints
from aggregator.web.api.articles import ArticleEndpoints
from aggregator.web.api.desk import MEDIA_TYPE, ROOT, ApiDesk
from aggregator.web.api.figures import FigureEndpoints
from aggregator.web.api.news import NewsEndpoints
from aggregator.web.api.openapi import ApiDocument, describe_api
from aggregator.web.api.places import PlaceEndpoints
from aggregator.web.api.problem_desk import ProblemDesk
from aggregator.web.api.problems import ProblemError, ProblemKind
from aggregator.web.api.sources import SourceEndpoints
from aggregator.web.api.stories import StoryEndpoints
from aggregator.web.conditional import answer_content
from aggregator.web.context import PAGE_MAX_AGE_SECONDS, PageContext
from aggregator.web.turnstile import Turnstile

DOCUMENT = f"{ROOT}/openapi.json"
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


def make_fastapi(context: PageContext) -> FastAPI:
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
