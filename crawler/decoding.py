"""Content-Encoding undone within bounds of size and effort. PURE.

A bomb of a megabyte unpacks to gigabytes, and a packed body of a million empty parts costs minutes though it unpacks to
nothing. So each packing is undone piece by piece, and given up when it has become too much of either.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass

import brotli
import zstandard
from isal import isal_zlib

from crawler.answer_errors import BrokenAnswerError, TooLargeError

MAX_LAYERS = 3  # nobody packs even twice on purpose
MAX_PARTS = 1_000  # members of a gzip, frames of a zstd
CPU_SECONDS = 1.0  # ten times what 10 MiB of news take on a slow machine
LOOK_EVERY = 8  # pieces
LARGEST_WINDOW = 8 * 1024 * 1024  # of Zstandard (RFC 9659), so that it asks for no more memory
_INPUT = 16 * 1024  # bytes at a time
_OUTPUT = 64 * 1024
_ZSTD_INPUT = 256  # which may become 8 MiB: it cannot be told to give less at a time

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPED = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18(.{4})", re.DOTALL)  # a frame of no content, and its length
_ZSTD_HEAD_BYTES = 18  # of a frame, at most
_FAULT: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stubs say that it is one, not its type
_PADDING = re.compile(rb"\0*+")  # between and after members; as tapes had it


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A body, and whether it was all there."""

    content: bytes
    is_whole: bool = True


class _NotPackedError(Exception):
    """The bytes are not packed in the way that was said."""


def list_encodings(header_values: list[bytes]) -> list[str]:
    """The encodings that Content-Encoding names, in the order in which they were applied."""
    text = b",".join(header_values).decode("latin-1").lower()
    return [encoding for each in text.split(",") if (encoding := each.strip())]


def decode(body: bytes, encodings: list[str], max_bytes: int, *, may_cut: bool = False) -> Decoded:
    """`body` with its packings undone. What is not packed as was said, or in an unknown way, stays as it is: servers
    forget to pack what they label, and what is no text will not be read as one.

    Of a broken packing what came out before is given, not whole. Raises TooLargeError over `max_bytes` (with
    `may_cut`, gives so many), BrokenAnswerError for what takes too long.
    """
    is_whole, layers = True, 0
    for encoding in reversed(encodings):
        unpack = _UNPACKERS.get(encoding)
        if unpack is None or not body:
            continue
        try:
            collected = _Collector(max_bytes, may_cut=may_cut)
            is_complete = collected.collect(unpack(body))
        except _NotPackedError:
            continue
        layers += 1
        if layers > MAX_LAYERS:
            raise BrokenAnswerError(f"it is packed more than {MAX_LAYERS} times")
        body, is_whole = collected.take(), is_whole and is_complete
    return Decoded(content=body, is_whole=is_whole)


class _Collector:
    """Gathers what comes out, and counts the effort."""

    def __init__(self, max_bytes: int, *, may_cut: bool) -> None:
        self._max_bytes, self._may_cut = max_bytes, may_cut
        self._out = bytearray()
        self._pieces = 0
        self._ends_at: float | None = None

    def collect(self, pieces: Iterator[bytes | bool]) -> bool:
        """Takes all pieces; the last item says whether the end of the packing was met. Raises as `decode`."""
        for piece in pieces:
            if isinstance(piece, bool):
                return piece
            self._out += piece
            if len(self._out) > self._max_bytes:
                if self._may_cut:
                    del self._out[self._max_bytes :]
                    return True
                raise TooLargeError("the unpacked answer", self._max_bytes)
            self._pieces += 1
            if self._pieces % LOOK_EVERY == 0:
                self._look_at_clock()
        return False

    def _look_at_clock(self) -> None:
        """Which costs as much as a small piece; from the first look on it is counted."""
        now = time.thread_time()
        self._ends_at = self._ends_at or now + CPU_SECONDS
        if now > self._ends_at:
            raise BrokenAnswerError("it takes too long to unpack")

    def take(self) -> bytes:
        return bytes(self._out)


def _unpack_gzip(body: bytes) -> Iterator[bytes | bool]:
    if not body.startswith(_GZIP_MAGIC):
        raise _NotPackedError
    position = 0
    for _ in range(MAX_PARTS):
        position, is_whole = yield from _inflate(31, body, position)
        if not is_whole:
            yield False
        position = _skip_padding(body, position)
        if not body.startswith(_GZIP_MAGIC, position):
            yield True  # the end, or what some servers fill up with
    raise BrokenAnswerError(f"it is packed in more than {MAX_PARTS} parts")


def _unpack_deflate(body: bytes) -> Iterator[bytes | bool]:
    """Of two kinds: as specified, in a zlib wrapper; and bare, as some servers send it."""
    is_wrapped = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    wbits = 15 if is_wrapped else -15
    try:
        zlib.decompressobj(wbits).decompress(body[:_INPUT], 1)  # which does not look ahead, as isal does
    except zlib.error as error:
        raise _NotPackedError from error
    _, is_whole = yield from _inflate(wbits, body, 0)
    yield is_whole


def _inflate(wbits: int, body: bytes, position: int) -> Generator[bytes, None, tuple[int, bool]]:
    """Yields what comes out from `position` on; returns where the packing ended, and whether it was all there."""
    inflating = _Inflating(wbits, body, position)
    calls = 0
    try:
        while (piece := inflating.next_piece()) is not None:
            yield inflating.unpack(piece)
            calls += 1
    except _FAULT:
        yield from _save(wbits, body, position, calls)
    return inflating.position - len(inflating.packer.unused_data), inflating.packer.eof


class _Inflating:
    """One packing that is undone call by call; `position`: up to where it was read."""

    def __init__(self, wbits: int, body: bytes, position: int) -> None:
        self.packer = isal_zlib.decompressobj(wbits)
        self.position = position
        self._body = body
        self._is_full = False

    def next_piece(self) -> bytes | None:
        """What the packer is to be given, which is nothing while it has more to give; None: there is no more."""
        if self.packer.eof:
            return None
        if self._is_full or self.packer.unconsumed_tail:
            return self.packer.unconsumed_tail
        piece = self._body[self.position : self.position + _INPUT]
        self.position += len(piece)
        return piece or None

    def unpack(self, piece: bytes) -> bytes:
        out = self.packer.decompress(piece, _OUTPUT)
        self._is_full = len(out) >= _OUTPUT
        return out


def _save(wbits: int, body: bytes, position: int, calls: int) -> Iterator[bytes]:
    """What can be had of the piece that holds a fault, after so many calls without one: byte by byte, up to that."""
    inflating = _Inflating(wbits, body, position)
    for _ in range(calls):
        inflating.unpack(inflating.next_piece() or b"")
        yield b""  # so that its time is counted
    out = bytearray()
    with suppress(_FAULT):
        for byte in inflating.next_piece() or b"":
            out += inflating.packer.decompress(bytes((byte,)))
            if len(out) > _OUTPUT:
                break
    yield bytes(out)


def _unpack_brotli(body: bytes) -> Iterator[bytes | bool]:
    packer = brotli.Decompressor()
    has_begun = False
    for position in range(0, len(body), _INPUT):
        piece = body[position : position + _INPUT]
        out = piece
        try:
            # it takes all of a piece and says so while it still has something to give
            while not packer.is_finished() and (out or not packer.can_accept_more_data()):
                out = packer.process(piece, output_buffer_limit=_OUTPUT)
                piece = b""
                has_begun = has_begun or bool(out)
                yield out
        except brotli.error as error:
            if not has_begun:
                raise _NotPackedError from error  # it has no mark of its own
            yield False
        if packer.is_finished():
            yield True
    yield False


def _unpack_zstd(body: bytes) -> Iterator[bytes | bool]:
    if not (body.startswith(_ZSTD_MAGIC) or _ZSTD_SKIPPED.match(body)):
        raise _NotPackedError
    position = 0
    for _ in range(MAX_PARTS):
        position = _skip_padding(body, position)
        if skipped := _ZSTD_SKIPPED.match(body, position):
            position = skipped.end() + int.from_bytes(skipped[1], "little")
            if position > len(body):
                yield False
            continue
        if not body.startswith(_ZSTD_MAGIC, position):
            yield True
        begun = position
        packer = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).decompressobj()
        while position < len(body) and not packer.eof:
            piece = body[position : position + _ZSTD_INPUT]
            position += len(piece)
            try:
                yield packer.decompress(piece)
            except zstandard.ZstdError:
                _check_window(body, begun)
                yield False
        if not packer.eof:
            yield False
        position -= len(packer.unused_data)
    raise BrokenAnswerError(f"it is packed in more than {MAX_PARTS} parts")


def _check_window(body: bytes, begun: int) -> None:
    """Raises BrokenAnswerError where the window was what is wrong with a frame of Zstandard."""
    try:
        window = zstandard.get_frame_parameters(body[begun : begun + _ZSTD_HEAD_BYTES]).window_size
    except zstandard.ZstdError:
        return
    if window > LARGEST_WINDOW:
        raise BrokenAnswerError("it is packed with too large a window")


def _skip_padding(body: bytes, position: int) -> int:
    padding = _PADDING.match(body, position)
    return padding.end() if padding else position


_UNPACKERS: dict[str, Callable[[bytes], Iterator[bytes | bool]]] = {
    "gzip": _unpack_gzip,
    "x-gzip": _unpack_gzip,
    "deflate": _unpack_deflate,
    "br": _unpack_brotli,
    "zstd": _unpack_zstd,
}
