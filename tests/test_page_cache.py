"""Pages are made once for all who ask at the same time, and never kept where they are not everybody's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from newsroom import add_channel
from page_room import Stage
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.settings import PrivatePages
from aggregator.web import page_cache
from aggregator.web.app import create_app
from aggregator.web.page_cache import PageCache, PageCacheMiddleware
from aggregator.web.protection import Protection
from aggregator.web.site import SiteInfo

PUBLIC = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"public, max-age=60")]


class Desk:
    """An application that counts what it makes, and the pages before it."""

    def __init__(self, *, seconds: float = 3600.0) -> None:
        self.state, self.made = 0, Counter[bytes]()
        self.headers, self.status, self.body = PUBLIC, 200, b"halaman"
        self.cache = PageCache(lambda: self.state, seconds=seconds)
        self.app: ASGIApp = PageCacheMiddleware(self._make, self.cache)

    async def _make(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.made[scope["raw_path"]] += 1
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": self.body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[3:]})

    async def ask(
        self,
        path: str,
        *headers: tuple[bytes, bytes],
        method: str = "GET",
        query: bytes = b"",
        reads_on: asyncio.Event | None = None,
    ) -> bytes:
        """`reads_on`: nothing is read before."""
        told: list[Message] = []

        async def send(message: Message) -> None:
            if reads_on is not None:
                await reads_on.wait()
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-added", b"outside"))
            told.append(message)

        async def receive() -> Message:
            raise AssertionError

        scope: Scope = {
            "type": "http",
            "method": method,
            "headers": list(headers),
            "raw_path": path.encode(),
            "query_string": query,
        }
        await self.app(scope, receive, send)
        assert [name for name, _ in told[0]["headers"]].count(b"x-added") == 1
        return b"".join(message.get("body", b"") for message in told[1:])

    def ask_all(self, asked: Iterable[str]) -> list[bytes]:
        async def run() -> list[bytes]:
            return [*await asyncio.gather(*(self.ask(path) for path in asked))]

        return asyncio.run(run())


def test_a_crowd_costs_one_page_of_each_address() -> None:
    desk = Desk()
    assert desk.ask_all(["/a", "/b"] * 50) == [b"halaman"] * 100
    assert desk.made == {b"/a": 1, b"/b": 1}
    assert desk.cache.making == {}
    desk.state = 1
    desk.ask_all(["/a"])
    assert desk.made[b"/a"] == 2


def test_who_reads_slowly_keeps_nobody_waiting() -> None:
    desk = Desk()

    async def ask() -> None:
        reads_on = asyncio.Event()
        slow = asyncio.create_task(desk.ask("/a", reads_on=reads_on))
        assert await asyncio.gather(desk.ask("/a"), desk.ask("/a")) == [b"halaman"] * 2
        assert not slow.done()
        reads_on.set()
        assert await slow == b"halaman"

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert desk.made == {b"/a": 1}


def test_who_goes_away_leaves_the_page_to_the_others() -> None:
    desk = Desk()

    async def ask() -> None:
        first, second, third = (asyncio.create_task(desk.ask("/a")) for _ in range(3))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()
        assert await third == b"halaman"
        await asyncio.gather(first, second, return_exceptions=True)

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert desk.cache.making == {}


def test_what_is_old_is_made_anew() -> None:
    desk = Desk(seconds=0)
    desk.ask_all(["/a"])
    desk.ask_all(["/a"])
    assert desk.made[b"/a"] == 2


@pytest.mark.parametrize("name", [b"authorization", b"cookie", b"if-none-match", b"range"])
def test_answers_of_ones_own_are_not_kept(name: bytes) -> None:
    desk = Desk()

    async def ask() -> None:
        for _ in range(2):
            await desk.ask("/a", (name, b"x"))

    asyncio.run(ask())
    assert desk.made[b"/a"] == 2


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (404, PUBLIC),
        (200, [PUBLIC[0], (b"cache-control", b"private")]),
        (200, PUBLIC[:1]),
        (200, [(b"content-type", b"text/csv"), PUBLIC[1]]),
    ],
)
def test_only_public_pages_are_kept(status: int, headers: list[tuple[bytes, bytes]]) -> None:
    desk = Desk()
    desk.status, desk.headers = status, headers
    assert desk.ask_all(["/a", "/a"]) == [b"halaman"] * 2
    assert desk.made[b"/a"] == 2


def test_methods_queries_and_codings_are_told_apart() -> None:
    desk = Desk()

    async def ask() -> None:
        await desk.ask("/a")
        await desk.ask("/a", query=b"lang=en")
        await desk.ask("/a", (b"accept-encoding", b"br"))
        await desk.ask("/a", method="HEAD")

    asyncio.run(ask())
    assert desk.made[b"/a"] == 4


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "KEPT_BYTES", 30)
    desk = Desk()
    desk.ask_all([f"/{number}" for number in range(20)])
    desk.ask_all(["/19", "/0"])
    assert (desk.made[b"/19"], desk.made[b"/0"]) == (1, 2)
    monkeypatch.setattr(page_cache, "PAGE_BYTES", 5)
    desk.ask_all(["/long"])
    desk.ask_all(["/long"])
    assert desk.made[b"/long"] == 2


@pytest.mark.parametrize("is_private", [False, True])
def test_a_page_follows_the_database_and_a_private_one_stays_private(
    tmp_path: Path, stage: Stage, is_private: bool
) -> None:
    add_channel(tmp_path / "news.db", 1, due=datetime.now(UTC))
    private = frozenset({PrivatePages.SOURCES} if is_private else ())
    stage.app = create_app(
        database=tmp_path / "news.db",
        public=tmp_path,
        site=SiteInfo(url=""),
        protection=Protection(private=private, password="rahasia"),
    )
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        assert "sumber-2" not in client.get("/sources", auth=("", "rahasia")).text
        assert client.get("/sources").status_code == (401 if is_private else 200)
        add_channel(tmp_path / "news.db", 2, due=datetime.now(UTC))
        assert "/source/sumber-2" in client.get("/sources", auth=("", "rahasia") if is_private else None).text
