"""Pages for what is refused, and for what went wrong."""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from aggregator.web.feed_desk import read_language
from aggregator.web.headers import SECURITY_HEADERS
from aggregator.web.templating import PageRenderer

Handler = Callable[[Request, Exception], Response]


def show_crowded(_request: Request) -> Response:
    """Too many ask at once. Raises HTTPException."""
    raise HTTPException(503, headers={"retry-after": "60"})


def make_handlers(renderer: PageRenderer) -> dict[type[Exception] | int, Handler]:
    """What Starlette calls: for what is refused (404, 405, 410 …), and for what went wrong here."""

    def show_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        body = renderer.render_error(error.status_code, read_language(request))
        return HTMLResponse(body, error.status_code, {**(error.headers or {}), "cache-control": "no-store"})

    def show_failure(request: Request, _error: Exception) -> Response:
        """Called from outside all other middleware (and logged by the server), so the security headers come along."""
        body = renderer.render_error(500, read_language(request))
        return HTMLResponse(body, 500, {**SECURITY_HEADERS, "cache-control": "no-store"})

    return {HTTPException: show_refusal, 500: show_failure}
