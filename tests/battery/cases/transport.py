"""Answers that are too big, too slow, too many, cut short, badly packed, or not HTTP."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable

import brotli
import zstandard

from battery.case import Expect, Play, case
from battery.spoiling import on_feed
from battery.visitor import Visitor
from battery.writing import HTML, RSS

MEGABYTE = 1 << 20
FAILS_ON_SIZE = Expect(codes=("too-large",), seconds_most=70)
FAILS_SLOWLY = Expect(codes=("timeout",), seconds_most=70)
FAILS_BROKEN = Expect(codes=("broken-off", "truncated", "invalid-answer"), seconds_most=70)
PAGE_FAILS = Expect(stores=(1, 3), never=(2,), seconds_most=120)


def channel(name: str, expect: Expect) -> Callable[[Play], Play]:
    return on_feed(name, "transport", expect)


def page(name: str, expect: Expect = PAGE_FAILS) -> Callable[[Play], Play]:
    """A case in which the page of news 2 is answered by what is decorated, and all else plainly."""

    def register(play: Play) -> Play:
        async def answer(visitor: Visitor) -> None:
            if visitor.number == 2:
                await play(visitor)
            else:
                await visitor.answer_plainly(1, 2, 3)

        answer.__doc__ = play.__doc__
        return case(name, "transport", expect)(answer)

    return register


def head(content_type: str = RSS, *lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {content_type}", *lines, "", ""]).encode()


async def flood(visitor: Visitor, piece: bytes, most: int = 400 * MEGABYTE) -> None:
    """Writes a piece again and again; the end of the case comes from the other side, or at `most` bytes."""
    for _ in range(most // len(piece)):
        await visitor.write(piece)


# ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@channel("drip-feed", FAILS_SLOWLY)
async def drip_feed(visitor: Visitor) -> None:
    """The channel comes a byte a second."""
    body = visitor.feed(1)
    await visitor.write(head(RSS, f"Content-Length: {len(body)}"))
    for byte in body:
        await visitor.write(bytes([byte]))
        await asyncio.sleep(1)


@channel("drip-headers", FAILS_SLOWLY)
async def drip_headers(visitor: Visitor) -> None:
    """A header line each second, without an end."""
    await visitor.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(600):
        await visitor.write(f"X-{number}: 1\r\n".encode())
        await asyncio.sleep(1)


@channel("silent", FAILS_SLOWLY)
async def silent(visitor: Visitor) -> None:
    """Nothing at all is answered."""
    await visitor.hang()


@channel("silent-after-headers", FAILS_SLOWLY)
async def silent_after_headers(visitor: Visitor) -> None:
    """Headers, then nothing."""
    await visitor.write(head(RSS, "Content-Length: 5000"))
    await visitor.hang()


@channel("silent-in-the-middle", FAILS_SLOWLY)
async def silent_in_the_middle(visitor: Visitor) -> None:
    """Half the body, then nothing."""
    body = visitor.feed(1)
    await visitor.write(head(RSS, f"Content-Length: {len(body)}") + body[: len(body) // 2])
    await visitor.hang()


@page("silent-page", Expect(stores=(1, 3), never=(2,), seconds_most=120))
async def silent_page(visitor: Visitor) -> None:
    """One article's page is never answered; the others are read all the same."""
    await visitor.hang()


@page("drip-page", Expect(stores=(1, 3), never=(2,), seconds_most=120))
async def drip_page(visitor: Visitor) -> None:
    """One article's page comes a byte a second."""
    body = visitor.page(2)
    await visitor.write(head(HTML, f"Content-Length: {len(body)}"))
    for byte in body:
        await visitor.write(bytes([byte]))
        await asyncio.sleep(1)


@case("slow-everywhere", "transport", Expect(codes=(), articles_most=3, seconds_most=180))
async def slow_everywhere(visitor: Visitor) -> None:
    """Every answer takes twelve seconds: honest, but it must not hold the others."""
    await asyncio.sleep(12)
    await visitor.answer_plainly(1, 2, 3)


# ── size ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@channel("endless-body", FAILS_ON_SIZE)
async def endless_body(visitor: Visitor) -> None:
    """A body without length and end."""
    await visitor.write(head())
    await flood(visitor, b"<item/>" * 9_000)


@channel("endless-chunks", FAILS_ON_SIZE)
async def endless_chunks(visitor: Visitor) -> None:
    """Chunks without an end."""
    await visitor.write(head(RSS, "Transfer-Encoding: chunked"))
    await flood(visitor, b"10000\r\n" + b"a" * 65_536 + b"\r\n")


@channel("endless-tiny-chunks", Expect(codes=("too-large", "timeout", "invalid-answer"), seconds_most=70))
async def endless_tiny_chunks(visitor: Visitor) -> None:
    """Chunks of one byte without an end."""
    await visitor.write(head(RSS, "Transfer-Encoding: chunked"))
    await flood(visitor, b"1\r\na\r\n" * 9_000, 60 * MEGABYTE)


@channel("announced-gigabyte", FAILS_ON_SIZE)
async def announced_gigabyte(visitor: Visitor) -> None:
    """A Content-Length of a gigabyte."""
    await visitor.write(head(RSS, f"Content-Length: {1 << 30}"))
    await flood(visitor, b" " * 65_536)


@page("large-page")
async def large_page(visitor: Visitor) -> None:
    """A page of five megabytes, beyond what a page may have."""
    await visitor.send(visitor.page(2, after="<p>" + "kata kota " * 520_000))


@channel("header-flood", Expect(codes=("too-large", "invalid-answer", "broken-off"), seconds_most=70))
async def header_flood(visitor: Visitor) -> None:
    """Two hundred thousand headers."""
    await visitor.write(b"HTTP/1.1 200 OK\r\n")
    await visitor.write(b"".join(b"X-Header-%d: %s\r\n" % (n, b"v" * 60) for n in range(200_000)) + b"\r\n")
    await visitor.write(visitor.feed(1))
    visitor.writer.close()


@channel("long-header", Expect(codes=("too-large", "invalid-answer", "broken-off"), seconds_most=70))
async def long_header(visitor: Visitor) -> None:
    """One header of a hundred megabytes."""
    await visitor.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    await flood(visitor, b"v" * 65_536, 100 * MEGABYTE)
    await visitor.write(b"\r\n\r\n")


@channel("endless-status-line", Expect(codes=("too-large", "invalid-answer", "broken-off"), seconds_most=70))
async def endless_status_line(visitor: Visitor) -> None:
    """A status line without an end."""
    await visitor.write(b"HTTP/1.1 200 ")
    await flood(visitor, b"O" * 65_536, 100 * MEGABYTE)


@channel("informational-flood", Expect(codes=("too-large", "invalid-answer", "broken-off", "timeout"), seconds_most=70))
async def informational_flood(visitor: Visitor) -> None:
    """Early hints without an end, never an answer."""
    await flood(visitor, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 500, 60 * MEGABYTE)
    await visitor.hang()


@channel("chunk-extension", Expect(codes=("too-large", "invalid-answer", "broken-off"), seconds_most=70))
async def chunk_extension(visitor: Visitor) -> None:
    """A chunk whose extension has no end."""
    await visitor.write(head(RSS, "Transfer-Encoding: chunked") + b"5;")
    await flood(visitor, b"x=y;" * 10_000, 100 * MEGABYTE)


@channel(
    "trailer-flood",
    Expect(articles_most=1, codes=("", "too-large", "invalid-answer", "broken-off", "truncated"), seconds_most=70),
)
async def trailer_flood(visitor: Visitor) -> None:
    """A whole feed in a chunk, then trailers without an end."""
    body = visitor.feed(1)
    await visitor.write(head(RSS, "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n" % (len(body), body))
    await flood(visitor, b"X-Trailer: 1\r\n" * 3_000, 60 * MEGABYTE)


# ── packed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def pack(encoding: str, data: bytes) -> bytes:
    if encoding == "br":
        return brotli.compress(data, quality=5)
    if encoding == "zstd":
        return zstandard.compress(data)
    return gzip.compress(data) if encoding == "gzip" else zlib.compress(data)


def make_bomb(encoding: str) -> bytes:
    """Two hundred megabytes of nothing, packed."""
    if encoding == "br":
        packer = brotli.Compressor(quality=4)
        return b"".join(packer.process(bytes(MEGABYTE)) for _ in range(200)) + packer.finish()
    if encoding == "zstd":
        zstd = zstandard.ZstdCompressor().compressobj()
        return b"".join(zstd.compress(bytes(MEGABYTE)) for _ in range(200)) + zstd.flush()
    gz = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    return b"".join(gz.compress(bytes(MEGABYTE)) for _ in range(200)) + gz.flush()


BOMBS: dict[str, bytes] = {}


def add_bombs(encoding: str) -> None:
    async def send_bomb(visitor: Visitor, content_type: str) -> None:
        body = BOMBS.setdefault(encoding, make_bomb(encoding))
        await visitor.send(body, content_type, headers=(("Content-Encoding", encoding),))

    @channel(f"bomb-{encoding}", FAILS_ON_SIZE)
    async def bomb_channel(visitor: Visitor) -> None:
        """The channel unpacks to two hundred megabytes."""
        await send_bomb(visitor, RSS)

    @page(f"bomb-page-{encoding}")
    async def bomb_page(visitor: Visitor) -> None:
        """A page unpacks to two hundred megabytes."""
        await send_bomb(visitor, HTML)

    @channel(f"packed-{encoding}", Expect(stores=(1, 2, 3)))
    async def packed(visitor: Visitor) -> None:
        """Honestly packed."""
        await visitor.send(pack(encoding, visitor.feed(1, 2, 3)), RSS, headers=(("Content-Encoding", encoding),))

    @channel(f"cut-{encoding}", Expect(codes=("truncated", "broken-off", "invalid-answer"), articles_most=3))
    async def cut(visitor: Visitor) -> None:
        """A packed body that ends in the middle, with a validator that must not be remembered."""
        body = pack(encoding, visitor.feed(1, 2, 3))
        headers = (("Content-Encoding", encoding), ("ETag", '"half"'))
        await visitor.send(body[: len(body) * 2 // 3], RSS, headers=headers)

    @channel(f"lying-{encoding}", Expect(codes=(), articles_most=3))
    async def lying(visitor: Visitor) -> None:
        """A plain body that is called packed."""
        await visitor.send(visitor.feed(1, 2, 3), RSS, headers=(("Content-Encoding", encoding),))


for each in ("gzip", "deflate", "br", "zstd"):
    add_bombs(each)


@channel("bomb-in-a-bomb", Expect(codes=("too-large", "invalid-answer"), seconds_most=70))
async def bomb_in_a_bomb(visitor: Visitor) -> None:
    """Packed three times over."""
    body = BOMBS.setdefault("stacked", gzip.compress(gzip.compress(make_bomb("gzip"))))
    await visitor.send(body, RSS, headers=(("Content-Encoding", "gzip, gzip, gzip"),))


@channel("many-encodings", Expect(codes=(), articles_most=3))
async def many_encodings(visitor: Visitor) -> None:
    """A thousand names of encodings, of a plain body."""
    await visitor.send(visitor.feed(1), RSS, headers=(("Content-Encoding", ", ".join(["gzip"] * 1_000)),))


@channel("unknown-encoding", Expect(codes=(), articles_most=3))
async def unknown_encoding(visitor: Visitor) -> None:
    """An encoding that nobody knows."""
    await visitor.send(visitor.feed(1), RSS, headers=(("Content-Encoding", "rot13"),))


@case("bomb-sitemap-file", "transport", FAILS_ON_SIZE, kind="sitemap", path="/sitemap.xml.gz")
async def bomb_sitemap_file(visitor: Visitor) -> None:
    """A sitemap that is a packed file of two hundred megabytes."""
    if visitor.path == "/sitemap.xml.gz":
        return await visitor.send(BOMBS.setdefault("gzip", make_bomb("gzip")), "application/gzip")
    return await visitor.answer_plainly(1)


# ── cut short ──────────────────────────────────────────────────────────────────────────────────────────────────────


@channel("cut-length", Expect(stores=(1, 2), codes=("truncated", "broken-off"), articles_most=3))
async def cut_length(visitor: Visitor) -> None:
    """Fewer bytes than announced; two whole items are there."""
    body = visitor.feed(1, 2, 3)
    kept = body[: body.rindex(b"<item>") + 30]
    await visitor.write(head(RSS, f"Content-Length: {len(body)}", 'ETag: "half"') + kept)
    visitor.writer.close()


@channel("cut-chunks", Expect(stores=(1, 2), codes=("truncated", "broken-off"), articles_most=3))
async def cut_chunks(visitor: Visitor) -> None:
    """Chunks without the last; two whole items are there."""
    body = visitor.feed(1, 2, 3)
    kept = body[: body.rindex(b"<item>") + 30]
    await visitor.write(head(RSS, "Transfer-Encoding: chunked", 'ETag: "half"') + b"%x\r\n%s\r\n" % (len(kept), kept))
    visitor.writer.close()


@page("cut-page")
async def cut_page(visitor: Visitor) -> None:
    """A page that ends in its first paragraph: it is no article yet."""
    body = visitor.page(2)
    await visitor.write(head(HTML, f"Content-Length: {len(body)}") + body[: body.index(b"<p>") + 150])
    visitor.writer.close()


@channel("closes-at-once", FAILS_BROKEN)
async def closes_at_once(visitor: Visitor) -> None:
    """The connection is closed without a word."""
    visitor.writer.close()


@channel("resets", FAILS_BROKEN)
async def resets(visitor: Visitor) -> None:
    """The connection is reset in the body."""
    await visitor.write(head(RSS, "Content-Length: 90000") + b"<rss>")
    visitor.writer.transport.abort()


# ── not HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────────

BAD_HEADS: dict[str, tuple[bytes, Expect]] = {
    "garbage": (bytes(range(256)) * 40, FAILS_BROKEN),
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n" * 3, FAILS_BROKEN),
    "status-0": (b"HTTP/1.1 0 Nothing\r\nContent-Length: 0\r\n\r\n", Expect(codes=())),
    "status-999": (b"HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n", Expect(codes=())),
    "status-words": (b"HTTP/1.1 OK OK\r\nContent-Length: 0\r\n\r\n", FAILS_BROKEN),
    "status-204": (b"HTTP/1.1 204 No Content\r\n\r\n", Expect(codes=())),
    "length-negative": (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Expect(codes=())),
    "length-words": (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", Expect(codes=())),
    "length-twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 90\r\n\r\n<rss>", Expect(codes=())),
    "length-and-chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n0\r\n\r\n",
        Expect(codes=()),
    ),
    "chunk-huge": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n", Expect(codes=())),
    "chunk-negative": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", Expect(codes=())),
    "nul-in-header": (b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", Expect(codes=())),
    "folded-headers": (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n c\r\nContent-Length: 0\r\n\r\n", Expect(codes=())),
    "bare-newlines": (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", Expect(codes=())),
    "http-0-9": (b"<rss version='2.0'><channel></channel></rss>", FAILS_BROKEN),
    "http-3": (b"HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n", Expect(codes=())),
    "upgrade": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        Expect(codes=(), seconds_most=70),
    ),
}


def add_head(name: str, data: bytes, expect: Expect) -> None:
    @channel(name, expect)
    async def answer(visitor: Visitor) -> None:
        """Bytes that are no plain answer."""
        await visitor.write(data)
        visitor.writer.close()


for called, (sent, expected) in BAD_HEADS.items():
    add_head(f"bad-{called}", sent, expected)


# ── certificates ───────────────────────────────────────────────────────────────────────────────────────────────────


def add_certificate(kind: str, expect: Expect, entry: str = "") -> None:
    @case(f"tls-{kind}", "transport", expect, tls=kind, entry=entry)
    async def answer(visitor: Visitor) -> None:
        """A plain portal behind such a certificate."""
        await visitor.answer_plainly(1, 2)


for flaw in ("self-signed", "expired", "wrong-host", "unknown-authority"):
    add_certificate(flaw, Expect(codes=("tls",), never=(1, 2)))
# with the bundle
