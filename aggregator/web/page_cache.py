"""Pages that were just made, for others who ask for the same: a crowd costs no more than a page of each address.

address, codings taken, state of the database ─▶ kept for seconds? ── yes ─▶ the same bytes
                                                      └── no ─▶ made once, whoever else asks for it waits for that
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

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
        self.making: dict[Hashable, asyncio.Lock] = {}

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
            lock = cache.making.setdefault(key, asyncio.Lock())
            try:
                async with lock:
                    page = cache.find(key)
                    if page is None:
                        await self._make(key, scope, receive, send)
                        return
            finally:
                if not lock.locked():
                    cache.making.pop(key, None)
        start, body = page
        await send({**start, "headers": [*start["headers"]]})
        await send({"type": "http.response.body", "body": body})

    async def _make(self, key: Hashable, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        parts: list[bytes] = []

        async def note(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = {**message, "headers": [*message["headers"]]}  # to which others add
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body") and _is_for_all(start):
                    self._cache.keep(key, (start, b"".join(parts)))
            await send(message)

        await self._app(scope, receive, note)


def _is_for_all(start: Message) -> bool:
    headers: dict[bytes, bytes] = dict(start["headers"])
    return (
        int(start["status"]) == 200
        and headers.get(b"cache-control", b"").startswith(b"public")
        and headers.get(b"content-type", b"").startswith(b"text/html")
    )
