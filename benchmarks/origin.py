"""Portals on loopback that publish the material's pages: an RSS feed, robots.txt, articles in gzip.

A process of its own (`python -m benchmarks.origin PLAN.json`), so that its CPU time counts for nobody. Each portal has
an address of 127.1.0.0/16. It prints the portals as JSON on one line and serves until its stdin closes.

    plan: {"folder": where the files are, "window": items of a feed, "portals": [{"shown": n, "items": [item, …]}, …]}
    item: {"path", "title", "summary", "published", "file": its page or "", "content": its full text in HTML or ""}

The first `shown` items are out at the start. Who measures asks for more, at any portal:

    GET /-/reset                     as at the start
    GET /-/publish?count=3&step=5    three more items at every fifth portal, each time at others
"""

from __future__ import annotations

import asyncio
import gzip
import html
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen
from zlib import crc32

import uvloop

from benchmarks.material import read_index

ROOT = Path(__file__).resolve().parent.parent
ROBOTS = b"User-agent: *\nDisallow: /wp-admin/\n"
CONTROL = "/-/"
# The pages say that they belong to their first publisher, and must not: they would all be reposts.
_CANONICAL = re.compile(
    rb"<link\b[^>]*\brel=[\"']?canonical\b[^>]*>|<meta\b[^>]*\bproperty=[\"']?og:url\b[^>]*>", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Item:
    """An article of a portal: with a page, or with its full text in the feed."""

    path: str
    title: str
    summary: str
    published: str  # ISO 8601
    file: str = ""
    content: str = ""


@dataclass(frozen=True, kw_only=True)
class Portal:
    """A portal that runs."""

    slug: str
    feed: str
    entries: int  # in its feed, at the start

    @property
    def base(self) -> str:
        return self.feed.removesuffix("/feed/")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a path answers: a body packed by gzip."""

    packed: bytes
    media_type: str

    @property
    def etag(self) -> str:
        return f'"{crc32(self.packed):x}"'


@contextmanager
def serve_plan(
    folder: Path, portals: Iterable[Sequence[Item]], *, shown: int, window: int
) -> Iterator[Sequence[Portal]]:
    """Portals with these items for as long as the block lasts. `folder`: the material's; the plan is put there, too."""
    plan = {
        "folder": str(folder),
        "window": window,
        "portals": [{"shown": min(shown, len(items)), "items": [asdict(item) for item in items]} for items in portals],
    }
    file = folder / "plan.json"
    file.write_text(json.dumps(plan), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.origin", str(file)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield [Portal(**portal) for portal in json.loads(process.stdout.readline())]
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


@contextmanager
def serve_material(folder: Path, *, portals: int, entries: int) -> Iterator[Sequence[Portal]]:
    """Portals with the material's pages, each published once; fewer entries than asked for where there are too few."""
    pages = read_index(folder)["pages"]
    entries = min(entries, len(pages) // portals)
    dealt = [[make_item(page) for page in pages[number : entries * portals : portals]] for number in range(portals)]
    with serve_plan(folder, dealt, shown=entries, window=entries) as running:
        yield running


def make_item(page: Mapping[str, Any], *, number: int | None = None) -> Item:
    """The article of a page of the material; with a `number`, for the page may be published more than once."""
    name = Path(page["file"]).name
    return Item(
        path=f"/berita/{name}.html" if number is None else f"/berita/{number}-{name}.html",
        title=page["title"],
        summary=page["summary"],
        published=page["published"],
        file=page["file"],
    )


def tell(portal: Portal, order: str) -> dict[str, Any]:
    """Has the portals publish: `reset`, or `publish?…`."""
    with urlopen(f"{portal.base}{CONTROL}{order}", timeout=30) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


class Place:
    """One portal's answers."""

    def __init__(self, base: str, plan: Mapping[str, Any], folder: Path, window: int, packed: dict[str, Answer]):
        self._base, self._folder, self._window, self._packed = base, folder, window, packed
        self._items = [Item(**item) for item in plan["items"]]
        self._files = {item.path: item.file for item in self._items if item.file}
        self._start = self.shown = plan["shown"]
        self._feeds: dict[int, Answer] = {}

    def reset(self) -> None:
        self.shown = self._start

    def publish(self, count: int) -> int:
        """Returns how many there were left to publish."""
        before, self.shown = self.shown, min(self.shown + count, len(self._items))
        return self.shown - before

    def get(self, path: str) -> Answer | None:
        if path == "/feed/":
            if self.shown not in self._feeds:
                self._feeds[self.shown] = self._make_feed()
            return self._feeds[self.shown]
        if path == "/robots.txt":
            return self._packed.setdefault(path, pack(ROBOTS, "text/plain"))
        file = self._files.get(path)
        if not file:
            return None
        if file not in self._packed:
            self._packed[file] = pack(_CANONICAL.sub(b"", (self._folder / file).read_bytes()), "text/html")
        return self._packed[file]

    def _make_feed(self) -> Answer:
        newest = self._items[max(0, self.shown - self._window) : self.shown]
        items = "".join(_write_item(self._base, item) for item in reversed(newest))
        feed = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
            f"<channel><title>{self._base}</title><link>{self._base}/</link>{items}</channel></rss>"
        )
        return pack(feed.encode(), "application/rss+xml; charset=utf-8")


def _write_item(base: str, item: Item) -> str:
    content = f"<content:encoded>{html.escape(item.content)}</content:encoded>" if item.content else ""
    return (
        f"<item><title>{html.escape(item.title)}</title><link>{base}{item.path}</link>"
        f'<guid isPermaLink="true">{base}{item.path}</guid>'
        f"<pubDate>{format_datetime(datetime.fromisoformat(item.published))}</pubDate>"
        f"<description>{html.escape(item.summary)}</description>{content}</item>\n"
    )


def pack(body: bytes, media_type: str) -> Answer:
    return Answer(packed=gzip.compress(body, 6, mtime=0), media_type=media_type)


class Web:
    """All portals, and their common clock."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self._turn = 0

    def order(self, path: str) -> bytes:
        """Does what the path says, and tells what came of it."""
        parts = urlsplit(path)
        if parts.path == f"{CONTROL}reset":
            self._turn = 0
            for place in self.places:
                place.reset()
            return json.dumps({"portals": len(self.places)}).encode()
        asked = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        chosen = self.places[self._turn % asked["step"] :: asked["step"]]
        self._turn += 1
        return json.dumps(
            {"portals": len(chosen), "items": sum(each.publish(asked["count"]) for each in chosen)}
        ).encode()


class Talker(asyncio.Protocol):
    """HTTP/1.1 as clients of ours and of the peers speak it: GET without a body, connections kept."""

    def __init__(self, web: Web, place: Place) -> None:
        self._web, self._place = web, place
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is of another class

    def data_received(self, data: bytes) -> None:
        self._got += data
        while b"\r\n\r\n" in self._got:
            head, _, self._got = self._got.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            self._transport.write(self._answer(first.split(" ")[1], fields))
            if fields.get("connection", "").lower() == "close":
                self._transport.close()

    def _answer(self, path: str, fields: Mapping[str, str]) -> bytes:
        if path.startswith(CONTROL):
            return _write(200, {"Content-Type": "application/json"}, self._web.order(path))
        answer = self._place.get(path)
        if answer is None:
            return _write(404, {}, b"tidak ditemukan\n")
        if fields.get("if-none-match") == answer.etag:
            return _write(304, {"ETag": answer.etag}, b"")
        headers = {"ETag": answer.etag, "Content-Type": answer.media_type, "Content-Encoding": "gzip"}
        return _write(200, headers, answer.packed)


def _write(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    told = dict(headers) if status == 304 else {**headers, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode() + body


async def serve(plan: Mapping[str, Any]) -> None:
    """Until stdin closes."""
    loop = asyncio.get_running_loop()
    web, port, running = Web(), 0, []
    packed: dict[str, Answer] = {}  # many portals may publish one page
    for number, portal in enumerate(plan["portals"]):
        host = f"127.1.{number // 200}.{number % 200 + 1}"

        def talk(number: int = number) -> Talker:
            return Talker(web, web.places[number])

        server = await loop.create_server(talk, host, port)
        port = server.sockets[0].getsockname()[1]
        base = f"http://{host}:{port}"
        place = Place(base, portal, Path(plan["folder"]), plan["window"], packed)
        web.places.append(place)
        entries = min(place.shown, plan["window"])
        running.append({"slug": f"portal-{number + 1}", "feed": f"{base}/feed/", "entries": entries})
    print(json.dumps(running), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main(file: str) -> None:
    plan = json.loads(Path(file).read_text(encoding="utf-8"))
    uvloop.run(serve(plan))


if __name__ == "__main__":
    main(*sys.argv[1:])
