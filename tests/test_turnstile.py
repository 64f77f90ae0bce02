"""A crowd of searches keeps nobody else waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from page_room import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from test_serve import wait_for

from aggregator.web.turnstile import Turnstile


class Search:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.at_work = 0
        self.most = 0

    def __call__(self, request: Request) -> Response:
        with self.lock:
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        self.gate.wait(60)
        with self.lock:
            self.at_work -= 1
        if request.query_params.get("q") == "bad":
            raise ValueError
        return PlainTextResponse("found")


@pytest.fixture
def search() -> Search:
    return Search()


@pytest.fixture
def client(search: Search) -> Iterator[httpx.Client]:
    turnstile = Turnstile(at_once=2, waiting=3)
    guarded = turnstile.guard(search, lambda _: PlainTextResponse("crowded", 503))
    app = Starlette(routes=[Route("/search", guarded), Route("/", lambda _: PlainTextResponse("page"))])
    with (
        serve(app) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60, headers={"connection": "close"}) as client,
    ):
        yield client


def test_few_at_once_some_wait_and_the_others_are_told(search: Search, client: httpx.Client) -> None:
    with ThreadPoolExecutor(9) as pool:
        asked = [pool.submit(client.get, "/search") for _ in range(9)]
        wait_for(lambda: sum(each.done() for each in asked) == 4)
        assert {each.result().status_code for each in asked if each.done()} == {503}
        assert client.get("/").text == "page"  # all the while
        search.gate.set()
        assert sorted(each.result().status_code for each in asked) == [200] * 5 + [503] * 4
    assert search.most == 2


def test_one_that_fails_makes_room_for_the_next(search: Search, client: httpx.Client) -> None:
    search.gate.set()
    for _ in range(10):
        assert client.get("/search?q=bad").status_code == 500
    assert client.get("/search").text == "found"
