"""Hundreds of portals on loopback, each at an address of its own, whose feeds and pages fail in turn, in every way.

A process of its own (`python tests/soak_portals.py --portals N`). It prints the portals' addresses as JSON on one line,
and serves until its standard input closes; then it prints what was asked, and how often. Which fault comes next depends
on how often a portal was asked, never on the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import html
import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import islice

CITIES = ("Gorontalo", "Bandung", "Surabaya", "Makassar", "Ambon", "Kupang", "Batam", "Bogor", "Manado", "Palembang")
WORDS = (
    *("layanan", "warga", "data", "terbuka", "sensor", "banjir", "lampu", "jalan", "parkir", "kanal", "aduan", "pasar"),
    *("puskesmas", "sekolah", "sungai", "taman", "bus", "retribusi", "perizinan", "arsip", "peta", "dermaga", "sampah"),
    *("air", "bersih", "posko", "relawan", "kelurahan", "kecamatan", "anggaran", "dinas"),
)
ITEMS_MOST = 20  # of a feed
ARTICLES_MOST = 2  # of a portal
HUGE = 12 * 2**20
FORBIDDEN = ("http://169.254.169.254/latest/", "http://10.0.0.1/feed", "http://0.0.0.0:1/", "ftp://127.0.0.1/x")

Writer = asyncio.StreamWriter
Fault = Callable[["Portal", Writer], Awaitable[None]]


@dataclass(kw_only=True)
class Portal:
    number: int
    base: str
    canary: str  # an address where nobody may knock
    asked: int = 0
    edition: int = 0
    articles: list[tuple[str, datetime]] = field(default_factory=list)  # title, published

    def publish(self) -> None:
        """An article, and later another edition of those that are there: what is published grows with its articles, and
        so does the memory that it takes, which is no leak."""
        self.edition += 1
        serial = len(self.articles)
        if serial >= ARTICLES_MOST:
            return
        city = CITIES[(self.number + serial) % len(CITIES)]
        word = WORDS[(self.number * 7 + serial * 3) % len(WORDS)]
        self.articles.append(
            (f"Kota {city} dan APEKSI bahas {word} kota cerdas {self.number}-{serial}", datetime.now(UTC))
        )


def write_feed(portal: Portal, extra: str = "") -> bytes:
    newest = islice(reversed(list(enumerate(portal.articles))), ITEMS_MOST)
    items = "".join(
        f"<item><title>{html.escape(title)}</title><link>{portal.base}/berita/{serial}</link>"
        f"<pubDate>{format_datetime(published)}</pubDate>"
        f"<description>{html.escape(title)}, {portal.edition}.</description></item>"
        for serial, (title, published) in newest
    )
    head = f"<title>Kabar {portal.number}</title><link>{portal.base}/</link>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{items}{extra}</channel></rss>'.encode()


def write_page(portal: Portal, serial: int) -> bytes:
    title, published = portal.articles[serial]
    texts = []
    for line in range(6):
        chosen = [
            WORDS[(portal.number * (line + 3) + serial * (place + 5) + place * line) % len(WORDS)]
            for place in range(25)
        ]
        texts.append(
            f"<p>{title}, kata wali kota pada rapat ke-{line}. "
            f"Program {' '.join(chosen)} dimulai bulan {portal.edition}.</p>"
        )
    return (
        f"<html><head><title>{title}</title><meta property='article:published_time' content='{published.isoformat()}'>"
        f"</head><body><article><h1>{title}</h1>{''.join(texts)}</article></body></html>"
    ).encode()


# ── what feeds do in turn ─────────────────────────────────────────────────────────────────────────────────────────


def answer(status: str, content_type: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        f"Content-Length: {size}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def give(
    status: str, make: Callable[[Portal], bytes], *headers: str, content_type: str = "application/rss+xml"
) -> Fault:
    async def send(portal: Portal, writer: Writer) -> None:
        writer.write(answer(status, content_type, make(portal), *headers))

    return send


async def feed(portal: Portal, writer: Writer) -> None:
    portal.publish()
    writer.write(answer("200 OK", "application/rss+xml", write_feed(portal)))


async def hang(_portal: Portal, _writer: Writer) -> None:
    await asyncio.sleep(30)  # ten times as long as anybody waits


async def drip(portal: Portal, writer: Writer) -> None:
    for byte in answer("200 OK", "application/rss+xml", write_feed(portal)):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.5)


async def truncate(portal: Portal, writer: Writer) -> None:
    portal.publish()
    body = write_feed(portal)
    writer.write(answer("200 OK", "application/rss+xml", body[: len(body) // 2], length=len(body)))


async def reset(_portal: Portal, writer: Writer) -> None:
    writer.transport.abort()


async def flood(_portal: Portal, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n\r\n<rss>")
    for _ in range(HUGE // 65_536):
        writer.write(b" " * 65_536)
        await writer.drain()


async def redirect(portal: Portal, writer: Writer) -> None:
    places = (*FORBIDDEN, portal.canary, f"{portal.base}/feed")
    place = places[portal.asked // len(FEEDS) % len(places)]
    writer.write(answer("302 Found", "text/plain", b"", f"Location: {place}"))


def write_spam(portal: Portal) -> bytes:
    link = f"{portal.base}/slot/{portal.asked}"
    title = f"Slot gacor maxwin RTP live gampang menang {portal.asked}"
    return write_feed(
        portal, f"<item><title>{title}</title><link>{link}</link><description>{title} apeksi</description></item>"
    )


def write_hostile(portal: Portal) -> bytes:
    """Live payloads, control characters and odd dates in the fields of an item."""
    title = "&lt;script&gt;alert(1)&lt;/script&gt; APEKSI kota cerdas ]]&gt; \x0b=cmd|' /C calc'!A0"
    first = (
        f"<item><title>{title} {portal.asked}</title><link>javascript:alert(1)</link>"
        "<pubDate>Mon, 01 Jan -1 00:00</pubDate></item>"
    )
    second = f"<item><title>{title}</title><link>{portal.base}/berita/0#x</link><pubDate>2099-01-01</pubDate></item>"
    return write_feed(portal, first + second)


FEEDS: tuple[Fault, ...] = (
    *(feed, feed, feed),
    give("200 OK", write_feed),
    give("500 Internal Server Error", lambda _: b"<h1>500</h1>"),
    feed,
    give("200 OK", lambda _: bytes(range(256)) * 200),
    feed,
    give("200 OK", write_hostile),
    hang,
    feed,
    truncate,
    give("503 Service Unavailable", lambda _: b"", "Retry-After: 1"),
    feed,
    give("200 OK", write_spam),
    redirect,
    give(
        "200 OK",
        lambda _: b"<html><title>Attention Required</title>Checking your browser</html>",
        content_type="text/html",
    ),
    feed,
    reset,
    give("200 OK", lambda _: gzip.compress(b"<rss>" + b"a" * (64 * 2**20), 1), "Content-Encoding: gzip"),
    feed,
    drip,
    give("200 OK", lambda _: b"<rss>" + b"<a>" * 50_000),
    feed,
    give("200 OK", lambda portal: write_feed(portal).replace(b"<item>", b"", 1)),
    flood,
    give("404 Not Found", lambda _: b"", content_type="text/html"),
)
PAGES: tuple[Fault | None, ...] = (
    *(None,) * 9,
    give("200 OK", lambda _: b"<p " + b"a=1 " * 100_000 + b">APEKSI kota cerdas", content_type="text/html"),
    give("404 Not Found", lambda _: b"", content_type="text/html"),
    hang,
    give("200 OK", lambda _: b"<div>" * 20_000 + b"APEKSI kota cerdas", content_type="text/html"),
    reset,
)


class Origin:
    """All portals, at one port."""

    def __init__(self) -> None:
        self.portals: dict[str, Portal] = {}
        self.tally: Counter[str] = Counter()

    async def handle(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            portal = self.portals[writer.get_extra_info("sockname")[0]]
            await self.choose(portal, head.split(None, 2)[1].decode("latin-1"))(portal, writer)
            await writer.drain()
        writer.close()

    def choose(self, portal: Portal, path: str) -> Fault:
        if path == "/feed":
            chosen = FEEDS[(portal.number + portal.asked) % len(FEEDS)]
            portal.asked += 1
            self.tally["feeds"] += 1
            return chosen
        kind, _, rest = path.strip("/").partition("/")
        if kind == "berita" and rest.isdigit() and int(rest) < len(portal.articles):
            self.tally["pages"] += 1
            fault = PAGES[(portal.number + int(rest)) % len(PAGES)]
            return fault or give("200 OK", lambda each: write_page(each, int(rest)), content_type="text/html")
        self.tally["else"] += 1
        return give("404 Not Found", lambda _: b"", content_type="text/html")

    async def knock(self, _reader: asyncio.StreamReader, writer: Writer) -> None:
        self.tally["canary"] += 1
        writer.close()


async def run(count: int) -> None:
    origin = Origin()
    hosts = [f"127.50.{number // 200}.{number % 200 + 1}" for number in range(count)]
    try:
        trap = await asyncio.start_server(origin.knock, "::1", 0)
        canary = f"http://[::1]:{trap.sockets[0].getsockname()[1]}/"
    except OSError:  # no IPv6 here
        canary = FORBIDDEN[0]
    first = await asyncio.start_server(origin.handle, hosts[0], 0)
    port = first.sockets[0].getsockname()[1]
    others = await asyncio.start_server(origin.handle, hosts[1:], port)
    for number, host in enumerate(hosts):
        origin.portals[host] = Portal(number=number, base=f"http://{host}:{port}", canary=canary)
    print(json.dumps([portal.base for portal in origin.portals.values()]), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True).start()
    async with first, others:
        await ended.wait()
        print(json.dumps(origin.tally), flush=True)
        os._exit(0)  # whoever still waits for an answer gets none


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portals", type=int, default=300)
    asyncio.run(run(parser.parse_args().portals))
