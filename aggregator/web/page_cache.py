"""Pages that were just made, for others who ask for the same: a crowd costs no more than a page of each address.

address, codings taken, state of the database ─▶ kept for seconds? ── yes ─▶ the same bytes
                                                      └── no ─▶ made once, whoever else asks for it waits for that
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT_SECONDS = 5.0  # readers' own caches keep a page for a minute
KEPT_BYTES = 8_000_000  # of all pages, as they are sent
PAGE_BYTES = 500_000  # of one
KEY_BYTES = 1_000  # of an address with its query
_OWN = frozenset({b"authorization", b"cookie", b"if-none-match", b"range"})  # whose answers are not everybody's

Kept = tuple[Message, bytes]


class PageCache:
    """For one event loop. `read_state` tells what the pages are made of: what differs is made anew."""

    def __init__(self, read_state: Callable[[], Hashable], *, seconds: float = KEPT_SECONDS) -> None:
        self.read_state = read_state
        self._seconds = seconds
        self._pages: OrderedDict[Hashable, tuple[float, Kept]] = OrderedDict()  # the oldest first
        self._bytes = 0
        self.making: dict[Hashable, asyncio.Future[Kept | None]] = {}

    def find(self, key: Hashable) -> Kept | None:
        now = time.monotonic()
        while self._pages:
            made, (_, body) = next(iter(self._pages.values()))
            if now - made < self._seconds and self._bytes <= KEPT_BYTES:
                break
            self._pages.popitem(last=False)
            self._bytes -= len(body)
        found = self._pages.get(key)
        return found[1] if found else None

    def keep(self, key: Hashable, page: Kept) -> None:
        if key not in self._pages and len(page[1]) <= PAGE_BYTES:
            self._pages[key] = (time.monotonic(), page)
            self._bytes += len(page[1])


class PageCacheMiddleware:
    """Before a route whose pages are the same for all, and outside of its compression."""

    def __init__(self, app: ASGIApp, cache: PageCache) -> None:
        self._app, self._cache = app, cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        address = (scope["raw_path"], scope["query_string"])
        if scope["method"] != "GET" or not _OWN.isdisjoint(headers) or sum(map(len, address)) > KEY_BYTES:
            await self._app(scope, receive, send)
            return
        cache = self._cache
        key = (address, headers.get(b"accept-encoding", b"")[:KEY_BYTES], cache.read_state())
        page = cache.find(key)
        if page is None:
            making = cache.making.get(key)
            if making is None:
                await self._make(key, scope, receive, send)
                return
            page = await asyncio.shield(making)  # one who goes away does not take it from the others
        if page is None:
            await self._app(scope, receive, send)
            return
        start, body = page
        await send({**start, "headers": [*start["headers"]]})
        await send({"type": "http.response.body", "body": body})

    async def _make(self, key: Hashable, scope: Scope, receive: Receive, send: Send) -> None:
        """Those who wait for it get it before it is sent: whoever asked first may read slowly."""
        messages: list[Message] = []

        async def note(message: Message) -> None:
            messages.append(message)

        making = self._cache.making[key] = asyncio.get_running_loop().create_future()
        page = None
        try:
            await self._app(scope, receive, note)
            page = _make_page(messages)
        finally:
            del self._cache.making[key]
            making.set_result(page)
        if page is not None:
            self._cache.keep(key, page)
        for message in messages:
            await send(message)


def _make_page(messages: Sequence[Message]) -> Kept | None:
    """An answer as it is kept; None: it is not everybody's."""
    start, *parts = messages
    if not _is_for_all(start):
        return None
    # a copy: to the headers of what is sent others add
    return {**start, "headers": [*start["headers"]]}, b"".join(part.get("body", b"") for part in parts)


def _is_for_all(start: Message) -> bool:
    headers: dict[bytes, bytes] = dict(start["headers"])
    return (
        int(start["status"]) == 200
        and headers.get(b"cache-control", b"").startswith(b"public")
        and headers.get(b"content-type", b"").startswith(b"text/html")
    )
