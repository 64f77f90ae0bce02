"""Pages for what is refused, and for what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from aggregator.obstacles import classify_obstacle
from aggregator.store import StoreError
from aggregator.web.feed_desk import read_language
from aggregator.web.headers import SECURITY_HEADERS
from aggregator.web.templating import PageRenderer

logger = logging.getLogger(__name__)

Handler = Callable[[Request, Exception], Response]


def show_crowded(_request: Request) -> Response:
    """Too many ask at once. Raises HTTPException."""
    raise HTTPException(503, headers={"retry-after": "60"})


def make_handlers(renderer: PageRenderer) -> dict[type[Exception] | int, Handler]:
    """What Starlette calls: for what is refused (404, 405, 410 …), for trouble with the database, and for what
    went wrong here."""

    def show_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        body = renderer.render_error(error.status_code, read_language(request))
        return HTMLResponse(body, error.status_code, {**(error.headers or {}), "cache-control": "no-store"})

    def show_failure(request: Request, _error: Exception) -> Response:
        """Called from outside all other middleware (and logged by the server), so the security headers come along."""
        body = renderer.render_error(500, read_language(request))
        return HTMLResponse(body, 500, {**SECURITY_HEADERS, "cache-control": "no-store"})

    def show_trouble(request: Request, error: Exception) -> Response:
        """The database cannot be read: for a moment, or until the operator sees the log."""
        logger.error("%s", error)
        body = renderer.render_error(503, read_language(request), obstacle=classify_obstacle(error).value)
        return HTMLResponse(body, 503, {"retry-after": "60", "cache-control": "no-store"})

    return {HTTPException: show_refusal, StoreError: show_trouble, 500: show_failure}
