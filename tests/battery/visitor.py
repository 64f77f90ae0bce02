"""A connection of the crawler as a case sees it: what was asked, and raw bytes in answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from battery.news import News, make_news
from battery.writing import HTML, RSS, write_feed, write_item, write_page

HANG_SECONDS = 600  # longer than any limit; the origin's end cuts it short
REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 404: "Not Found"}


@dataclass
class Visitor:
    """One request."""

    case: str
    base: str  # http://127.20.x.y:port
    canary: str  # http://127.0.0.1:port, which may not be reached
    method: str
    path: str  # with its query
    headers: dict[str, str]  # names in lower case
    writer: asyncio.StreamWriter
    count: int  # of requests for this path, this one included
    tls_base: str = ""
    state: dict[str, object] = field(default_factory=dict)  # of the case, over all its requests
    bases: Mapping[str, str] = field(default_factory=dict)  # of all cases, by name

    def news(self, number: int = 1) -> News:
        return make_news(self.case, number)

    @property
    def number(self) -> int:
        """Of the news whose page is asked for; 0: another page."""
        tail = unquote(self.path.partition("?")[0]).removeprefix("/news/")
        return int(tail) if tail.isdigit() else 0

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send(
        self, body: bytes, content_type: str = HTML, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """A well-formed answer."""
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'X')}", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines.append(f"Content-Length: {len(body)}")
        await self.write(
            "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + (b"" if self.method == "HEAD" else body)
        )

    async def redirect(self, location: str, status: int = 302) -> None:
        await self.send(b"", status=status, headers=(("Location", location),))

    async def hang(self) -> None:
        await asyncio.sleep(HANG_SECONDS)

    def feed(self, *numbers: int, head: str = "", prolog: str = "", **fields: str) -> bytes:
        """The case's news of these numbers as RSS; `fields` as for `write_item`, of each item."""
        items = (write_item(self.news(number), self.base, **fields) for number in numbers)
        return write_feed(items, base=self.base, head=head, prolog=prolog)

    def item(self, number: int, **fields: str) -> str:
        return write_item(self.news(number), self.base, **fields)

    def page(self, number: int, **places: str) -> bytes:
        return write_page(self.news(number), self.base, **places)

    async def answer_feed(self, feed: bytes, *numbers: int, content_type: str = RSS) -> None:
        """As a plain portal with these news, but for its feed."""
        if self.path == "/feed":
            await self.send(feed, content_type)
        else:
            await self.answer_plainly(*numbers)

    async def answer_items(self, items: Iterable[str], *numbers: int, head: str = "") -> None:
        """As a plain portal with these news, but for the items of its feed."""
        await self.answer_feed(write_feed(items, base=self.base, head=head), *numbers)

    async def answer_plainly(self, *numbers: int) -> None:
        """As a plain portal with these news: no robots.txt, a feed, a page for each."""
        if self.path.partition("?")[0] == "/feed":
            await self.send(self.feed(*numbers), RSS)
        elif self.number in numbers:
            await self.send(self.page(self.number))
        else:
            await self.send(b"<p>tidak ada</p>", status=404)
