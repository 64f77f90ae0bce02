"""Answers that are too big, too slow, too many, cut short, or not HTTP."""

from __future__ import annotations

import asyncio

from battery.case import Expect, case
from battery.visitor import Visitor
from battery.writing import RSS


@case("drip-feed", "transport", Expect(codes=("timeout",), seconds_most=70))
async def drip_feed(visitor: Visitor) -> None:
    """The channel comes a byte a second."""
    if visitor.path != "/feed":
        return await visitor.answer_plainly(1)
    body = visitor.feed(1)
    await visitor.write(f"HTTP/1.1 200 OK\r\nContent-Type: {RSS}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    for byte in body:
        await visitor.write(bytes([byte]))
        await asyncio.sleep(1)


@case("silent-page", "transport", Expect(stores=(1, 3), never=(2,), seconds_most=90))
async def silent_page(visitor: Visitor) -> None:
    """One article's page is never answered; the others are read all the same."""
    if visitor.number == 2:
        return await visitor.hang()
    await visitor.answer_plainly(1, 2, 3)
