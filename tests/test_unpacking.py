"""Large bodies of all spiders are unpacked a few at a time."""

from __future__ import annotations

import asyncio
import threading
import zlib

import pytest
from scrapy import Request
from scrapy.http import Response

from crawler import answers
from crawler.answers import SMALL_BYTES, DecodingMiddleware
from crawler.ballast import UNPACKED_AT_ONCE, Ballast
from crawler.decoding import Decoded

BODY = zlib.compress(bytes(range(256)) * 1_000, 0)


def test_spiders_share_the_threads_that_unpack(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, gate = threading.Lock(), threading.Event()
    busy, most = 0, 0

    def decode(body: bytes, *_: object, **__: object) -> Decoded:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
            if most > UNPACKED_AT_ONCE:
                gate.set()
        gate.wait(0.02)  # so long that others would begin, if they might
        with lock:
            busy -= 1
        return Decoded(content=body, is_whole=True)

    async def main() -> None:
        ballast = Ballast()
        spiders = [DecodingMiddleware(1_000_000, ballast) for _ in range(6)]
        response = Response("http://kabar.example/", headers={"Content-Encoding": "deflate"}, body=BODY)
        asked = [each.process_response(Request(response.url), response) for each in spiders]
        assert len(await asyncio.gather(*asked)) == 6

    assert len(BODY) > SMALL_BYTES
    monkeypatch.setattr(answers, "decode", decode)
    asyncio.run(main())
    assert most <= UNPACKED_AT_ONCE
