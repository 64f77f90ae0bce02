"""Hostile answers to a request for a feed, by name; what is to come of them is told by the tests."""

from __future__ import annotations

import gzip
import zlib

import brotli
import zstandard
from raw_portal import Connection, Talk, answer, head, whole

MEBIBYTE = 1024 * 1024
ITEMS = [
    f"<item><title>Rapat APEKSI {number}</title><link>/{number}</link>"
    f"<description>{'Wali kota. ' * 80}</description></item>"
    for number in range(5)
]
FEED = f'<rss version="2.0"><channel><title>Uji</title>{"".join(ITEMS)}</channel></rss>'.encode()
CHUNKED = head("200 OK", "Transfer-Encoding: chunked")


def deflate_zeros(megabytes: int) -> bytes:
    """Raw deflate of that many zeros, without an end; made in a moment, for a flushed block can be repeated."""
    packer = zlib.compressobj(9, wbits=-15)
    return (packer.compress(bytes(10 * MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)) * (megabytes // 10)


def gzip_zeros(megabytes: int) -> bytes:
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03" + deflate_zeros(megabytes)


def brotli_zeros(megabytes: int) -> bytes:
    packer = brotli.Compressor(quality=1)
    return b"".join(packer.process(bytes(10 * MEBIBYTE)) for _ in range(megabytes // 10)) + packer.finish()


def zstd_zeros(megabytes: int) -> bytes:
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    return b"".join(packer.compress(bytes(10 * MEBIBYTE)) for _ in range(megabytes // 10)) + packer.flush()


def zstd_of_window(exponent: int) -> bytes:
    """A frame that asks for a window of so many bytes: 2 to the power of `exponent`."""
    parameters = zstandard.ZstdCompressionParameters(window_log=exponent, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(FEED) + packer.flush()


def packed(body: bytes, *encodings: str) -> bytes:
    return whole(body, f"Content-Encoding: {', '.join(encodings)}")


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def drip(first: bytes, rest: bytes, pause: float = 0.05) -> Talk:
    """`first` at once, then byte after byte."""

    def talk(connection: Connection) -> None:
        connection.send(first)
        for position in range(len(rest)):
            if connection.stopped.wait(pause):
                return
            connection.send(rest[position : position + 1])

    return talk


def flood(first: bytes, part: bytes) -> Talk:
    """`first`, then the same again and again."""

    def talk(connection: Connection) -> None:
        connection.send(first)
        connection.repeat(part)

    return talk


def fall_silent(*parts: bytes) -> Talk:
    def talk(connection: Connection) -> None:
        connection.send(*parts)
        connection.wait()

    return talk


SLOW: dict[str, Talk] = {
    "silent": fall_silent(),
    "silent after half a head": fall_silent(head()[:30]),
    "silent after the head": fall_silent(head("200 OK", f"Content-Length: {len(FEED)}")),
    "silent after half a body": fall_silent(head("200 OK", f"Content-Length: {len(FEED)}"), FEED[:2000]),
    "silent chunks": fall_silent(CHUNKED, chunk(FEED[:2000])),
    "drip of a head": drip(b"", whole(FEED)),
    "drip of a body": drip(head("200 OK", f"Content-Length: {len(FEED)}"), FEED),
    "drip of headers": drip(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n" * 10_000),
    "drip of chunks": drip(CHUNKED, chunk(b"x") * 10_000),
}
ENDLESS: dict[str, Talk] = {
    "endless body": flood(head(), bytes(64 * 1024)),
    "endless chunks": flood(CHUNKED, chunk(bytes(64 * 1024))),
    "endless crumbs": flood(CHUNKED, chunk(b"x") * 10_000),
    "endless chunk extension": flood(CHUNKED + b"5;", b"x=" * 30_000),
    "crumbs with long extensions": flood(CHUNKED, (b"1;" + b"e" * 1000 + b"\r\nx\r\n") * 60),
    "endless trailers": flood(CHUNKED + chunk(FEED) + b"0\r\n", b"X-Trailer: 1\r\n" * 1000),
    "endless status line": flood(b"HTTP/1.1 200 ", b"O" * 65536),
    "endless header": flood(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
    "endless continued header": flood(b"HTTP/1.1 200 OK\r\nX: y\r\n", b" y\r\n" * 10_000),
    "endless headers": flood(b"HTTP/1.1 200 OK\r\n", b"X-Header: 1\r\n" * 5_000),
    "endless blank line of CR": flood(b"", b"\r" * 65536),
    "endless 103": flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1_000),
    "endless 100": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
}
HEADS: dict[str, Talk] = {
    "200,000 headers": answer(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200_000 + b"\r\n", FEED),
    "many small headers": answer(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(FEED) + b"a: b\r\n" * 6_000 + b"\r\n", FEED
    ),
    "a header of 100 MB": answer(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 100_000_000, b"\r\n\r\n", FEED),
    "negative length": answer(head("200 OK", "Content-Length: -5"), FEED),
    "length twice, different": answer(head("200 OK", "Content-Length: 5", f"Content-Length: {len(FEED)}"), FEED),
    "length that is no number": answer(head("200 OK", "Content-Length: banyak"), FEED),
    "length of 5,000 digits": answer(head("200 OK", f"Content-Length: {'9' * 5000}"), FEED),
    "length of an exabyte": answer(head("200 OK", f"Content-Length: {10**18}"), FEED),
    "unknown transfer encoding": answer(head("200 OK", "Transfer-Encoding: rahasia"), FEED),
    "chunks that are none": answer(CHUNKED, b"zz\r\n" + FEED),
    "chunk of negative size": answer(CHUNKED, b"-5\r\n" + FEED),
    "chunk of a huge size": answer(CHUNKED, b"f" * 500 + b"\r\n" + FEED),
    "HTTP/0.9": answer(FEED),
    "garbage first": answer(b"\x00\xff\x16\x03" * 50 + b"\r\n" + whole(FEED)),
    "ICY": answer(b"ICY 200 OK\r\n\r\n", FEED),
    "HTTP/9.9": answer(whole(FEED).replace(b"HTTP/1.1", b"HTTP/9.9")),
    "status 000": answer(whole(FEED, status="000 Nol")),
    "status 1000": answer(whole(FEED, status="1000 Seribu")),
    "status -200": answer(whole(FEED, status="-200 OK")),
    "status of 20 digits": answer(whole(FEED, status=f"{'9' * 20} OK")),
    "status of 4,000 digits": answer(whole(FEED, status=f"{'9' * 4000} OK")),
    "status that is no number": answer(whole(FEED, status="OK OK")),
    "hangs up": answer(),
    "bare line feeds in the head": answer(b"\n" * 100, whole(FEED)),
    "101": fall_silent(head("101 Switching Protocols", "Upgrade: websocket")),
    "transfer encoding gzip": answer(head("200 OK", "Transfer-Encoding: gzip, chunked"), chunk(FEED), b"0\r\n\r\n"),
    "zstd with a window of 128 MiB": answer(packed(zstd_of_window(27), "zstd")),
    "an endless page not found": flood(head("404 Not Found"), bytes(64 * 1024)),
    "an endless redirect": flood(head("302 Found", "Location: /lain"), bytes(64 * 1024)),
}
ODD: dict[str, Talk] = {  # these are whole all the same
    "length and chunks": answer(
        head("200 OK", "Content-Length: 3", "Transfer-Encoding: chunked"), chunk(FEED), b"0\r\n\r\n"
    ),
    "length twice, the same": answer(
        head("200 OK", f"Content-Length: {len(FEED)}", f"Content-Length: {len(FEED)}"), FEED
    ),
    "no length": answer(head(), FEED),
    "HTTP/1.0": answer(whole(FEED).replace(b"HTTP/1.1", b"HTTP/1.0")),
    "NUL in headers": answer(whole(FEED, "X-Nol: a\0b", 'ETag: "a\0b"')),
    "control characters in the ETag": answer(whole(FEED, 'ETag: "a\x1b[31mb\x7f"')),
    "headers without a colon": answer(whole(FEED, "tanpa titik dua")),
    "headers with odd names": answer(
        whole(
            FEED,
            "X Powered By: PHP",
            " lanjutan",
            ": nothing",
            "a/b: 1",
            "caf\xe9: 1",
            "Server : x",
            "Content-Type: x y",
        )
    ),
    "a continued line first": answer(whole(FEED).replace(b"\r\n", b"\r\n lanjutan\r\n", 1)),
    "chunk sizes with blanks": answer(CHUNKED, b"%x  \r\n" % len(FEED) + FEED + b"\r\n0 \r\n\r\n"),
    "transfer encoding identity": answer(whole(FEED, "Transfer-Encoding: identity")),
    "transfer encoding identity, chunked": answer(
        head("200 OK", "Transfer-Encoding: identity, Chunked"), chunk(FEED), b"0\r\n\r\n"
    ),
    "an ETag without quotes": answer(whole(FEED, "ETag: *")),
    "103 first": answer(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3, whole(FEED)),
    "bytes after the end": answer(whole(FEED), b"HTTP/1.1 200 OK\r\n\r\nlagi"),
    "chunk extensions": answer(CHUNKED, b"%x;nama=nilai\r\n" % len(FEED) + FEED + b"\r\n0\r\nX: 1\r\n\r\n"),
    "says gzip, is plain": answer(packed(FEED, "gzip")),
    "says br, is plain": answer(packed(FEED, "br")),
    "says zstd, is plain": answer(packed(FEED, "zstd")),
    "says deflate, is plain": answer(packed(FEED, "deflate")),
    "says gzip, is gzip twice": answer(packed(gzip.compress(FEED), "identity, gzip")),
    "unknown encoding": answer(packed(FEED, "aes128gcm")),
    "gzip and gzip": answer(packed(gzip.compress(gzip.compress(FEED)), "gzip", "gzip")),
    "gzip in two members": answer(packed(gzip.compress(FEED[:999]) + gzip.compress(FEED[999:]), "gzip")),
    "gzip with bytes after it": answer(packed(gzip.compress(FEED) + b"\0" * 500, "gzip")),
    "deflate": answer(packed(zlib.compress(FEED), "deflate")),
    "raw deflate": answer(packed(zlib.compress(FEED, wbits=-15), "deflate")),
    "br": answer(packed(brotli.compress(FEED), "br")),
    "zstd": answer(packed(zstandard.compress(FEED), "zstd")),
}
CUT: dict[str, Talk] = {
    "206": answer(whole(FEED, 'ETag: "7"', f"Content-Range: bytes 0-99/{2 * len(FEED)}", status="206 Partial Content")),
    "a range with status 200": answer(whole(FEED, 'ETag: "7"', "Content-Range: bytes 0-99/100000")),
    "length larger than the body": answer(
        head("200 OK", f"Content-Length: {len(FEED) + 999}", 'ETag: "7"'), FEED[:-900]
    ),
    "chunks without their end": answer(CHUNKED, chunk(FEED[:-900])),
    "half a chunk": answer(CHUNKED, chunk(FEED)[:-900]),
    "half a gzip": answer(packed(gzip.compress(FEED)[:-20], "gzip")),
    "half a deflate": answer(packed(zlib.compress(FEED)[:-20], "deflate")),
    "half a br": answer(packed(brotli.compress(FEED)[:-20], "br")),
    "half a zstd": answer(packed(zstandard.ZstdCompressor(level=1).compress(FEED + FEED)[:-9], "zstd")),
    "gzip with a wrong sum": answer(packed(gzip.compress(FEED)[:-8] + bytes(8), "gzip")),
    "half a gzip in half a length": answer(
        head("200 OK", "Content-Length: 99999", "Content-Encoding: gzip"), gzip.compress(FEED)[:-20]
    ),
}


def make_bombs() -> dict[str, Talk]:
    empty_member = gzip.compress(b"")
    dynamic = zlib.compressobj(9, wbits=-15)
    noise = bytes(range(256)) * 3
    block = dynamic.compress(noise) + dynamic.flush(zlib.Z_FULL_FLUSH)
    stored = b"\x00\x00\x00\xff\xff"
    quarter = gzip_zeros(10_000)
    return {
        "gzip of 10 GB": answer(packed(quarter, "gzip")),
        "deflate of 10 GB": answer(packed(b"\x78\xda" + deflate_zeros(10_000), "deflate")),
        "raw deflate of 10 GB": answer(packed(deflate_zeros(10_000), "deflate")),
        "br of 2 GB": answer(packed(brotli_zeros(2000), "br")),
        "zstd of 2 GB": answer(packed(zstd_zeros(2000), "zstd")),
        "gzip, gzip, br of 10 GB": answer(
            packed(brotli.compress(gzip.compress(quarter), quality=1), "gzip", "gzip", "br")
        ),
        "gzip of 9 MB of empty members": answer(packed(empty_member * 450_000 + gzip.compress(FEED), "gzip")),
        "gzip of 10 MB of empty blocks": answer(packed(b"\x1f\x8b\x08\0\0\0\0\0\2\3" + stored * 2_000_000, "gzip")),
        "gzip of small blocks": answer(
            packed(b"\x1f\x8b\x08\0\0\0\0\0\2\3" + block * (9_000_000 // len(block)), "gzip")
        ),
        "1,000 layers": answer(packed(gzip.compress(FEED), *["gzip"] * 1000)),
        "a gzip file of 10 GB": answer(whole(quarter, content_type="application/gzip")),
    }
