"""Compression of what is made for each request, for those who take it."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.web.conditional import rank_codings

_LEVEL = 5
_ASKED = b"accept-encoding"


class CompressionMiddleware(GZipMiddleware):
    """Starlette's looks for the word `gzip`, which is also in `gzip;q=0`."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, minimum_size=1, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked = b", ".join(value for name, value in scope["headers"] if name == _ASKED).decode("latin-1")
            headers = [pair for pair in scope["headers"] if pair[0] != _ASKED]
            if "gzip" in rank_codings(asked):
                headers.append((_ASKED, b"gzip"))
            scope = {**scope, "headers": headers}
        await super().__call__(scope, receive, send)
