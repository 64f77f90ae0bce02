"""Content-Encoding undone: what is sound, what is cut, and what only looks small."""

from __future__ import annotations

import contextlib
import gzip
import random
import time
import zlib

import brotli
import pytest
import zstandard
from hostile_answers import FEED, MEBIBYTE, brotli_zeros, deflate_zeros, gzip_zeros, zstd_zeros
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crawler.answer_errors import BrokenAnswerError, TooLargeError
from crawler.decoding import CPU_SECONDS, decode, list_encodings

LIMIT = 10 * MEBIBYTE
GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\2\3"

SKIPPED = b"\x53\x2a\x4d\x18\x05\0\0\0lewat" * 2  # frames of Zstandard without content


def pack_raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKED = {
    "gzip": gzip.compress(FEED),
    "x-gzip": gzip.compress(FEED),
    "deflate": zlib.compress(FEED),
    "br": brotli.compress(FEED),
    "zstd": zstandard.compress(FEED),
}
SOUND = [
    *((body, [encoding]) for encoding, body in PACKED.items()),
    (pack_raw(FEED), ["deflate"]),
    (gzip.compress(FEED[:999]) + gzip.compress(FEED[999:]), ["gzip"]),
    (zstandard.compress(FEED[:999]) + zstandard.compress(FEED[999:]), ["zstd"]),
    (gzip.compress(FEED) + bytes(99), ["gzip"]),
    (gzip.compress(FEED[:999]) + bytes(99) + gzip.compress(FEED[999:]), ["gzip"]),
    (SKIPPED.join([b"", zstandard.compress(FEED[:999]), zstandard.compress(FEED[999:]), b""]), ["zstd"]),
    (zstandard.compress(FEED) + bytes(9), ["zstd"]),
    (brotli.compress(gzip.compress(FEED)), ["gzip", "br"]),
    (FEED, ["identity"]),
    (FEED, ["aes128gcm"]),
    *((FEED, [encoding]) for encoding in PACKED),  # labelled, and not packed
    (gzip.compress(FEED), ["gzip"] * 500),
]


@pytest.mark.parametrize(("body", "encodings"), SOUND)
def test_sound_body_is_unpacked(body: bytes, encodings: list[str]) -> None:
    decoded = decode(body, encodings, LIMIT)
    assert (decoded.content, decoded.is_whole) == (FEED, True)


PACKERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw": pack_raw,
    "br": lambda body: brotli.compress(body, quality=5),
    "zstd": zstandard.compress,
}
SIZES = st.sampled_from([0, 1, 65_535, 65_536, 65_537, 196_608, 300_000]) | st.integers(0, 300_000)
WORDS = st.sampled_from([1, 2, 30, 20_000])  # of a body: it packs to next to nothing, or not at all


def make_body(words: int, size: int) -> bytes:
    source = random.Random(size)
    known = [source.randbytes(12) for _ in range(words)]
    return b"".join(source.choices(known, k=size // 12 + 1))[:size]


@pytest.mark.parametrize("kind", PACKERS)
@settings(max_examples=25, deadline=None)
@given(words=WORDS, size=SIZES)
def test_whatever_is_packed_comes_back_whole(kind: str, words: int, size: int) -> None:
    """Unpackers take in more than they give out at once: what they still hold at the end of the bytes counts, too."""
    body = make_body(words, size)
    decoded = decode(PACKERS[kind](body), ["deflate" if kind == "raw" else kind], LIMIT)
    assert (decoded.content == body, decoded.is_whole) == (True, True)


@pytest.mark.parametrize("kind", ["gzip", "deflate", "raw"])
@settings(max_examples=40, deadline=None)
@given(words=WORDS, size=SIZES, share=st.floats(0.1, 0.9), damage=st.binary(min_size=1, max_size=4))
def test_of_a_damaged_packing_what_stands_before_the_damage_comes_back(
    kind: str, words: int, size: int, share: float, damage: bytes
) -> None:
    packed = PACKERS[kind](make_body(words, size))
    assume(len(packed) > 1_000)
    at = max(500, int(len(packed) * share))
    decoded = decode(packed[:at] + damage + packed[at + len(damage) :], ["deflate" if kind == "raw" else kind], LIMIT)
    before = zlib.decompressobj({"gzip": 31, "deflate": 15, "raw": -15}[kind]).decompress(packed[:at])
    assert decoded.content.startswith(before)


LARGE = FEED * 40
CUT = {
    "gzip": gzip.compress(LARGE)[:-20],
    "deflate": zlib.compress(LARGE)[:-20],
    "br": brotli.compress(LARGE, quality=1)[:-20],
    "zstd": zstandard.compress(LARGE * 4)[:-9],
}


@pytest.mark.parametrize(("encoding", "body"), CUT.items())
def test_of_a_cut_body_what_came_is_given_and_it_is_said(encoding: str, body: bytes) -> None:
    decoded = decode(body, [encoding], LIMIT)
    assert not decoded.is_whole
    assert len(decoded.content) > 1000
    assert (LARGE * 4).startswith(decoded.content)


def test_wrong_sum_at_the_end_costs_nothing_but_the_trust() -> None:
    decoded = decode(gzip.compress(FEED)[:-8] + bytes(8), ["gzip"], LIMIT)
    assert (decoded.content, decoded.is_whole) == (FEED, False)


def test_bombs_are_given_up() -> None:
    bombs = {
        "gzip": gzip_zeros(10_000),
        "deflate": deflate_zeros(10_000),
        "br": brotli_zeros(500),
        "zstd": zstd_zeros(2_000),
    }
    for encoding, body in bombs.items():
        with pytest.raises(TooLargeError, match="over the limit"):
            decode(body, [encoding], LIMIT)
        cut = decode(body, [encoding], 1000, may_cut=True)
        assert (len(cut.content), cut.is_whole) == (1000, True)
    with pytest.raises(TooLargeError):
        decode(brotli.compress(gzip.compress(bombs["gzip"]), quality=1), ["gzip", "gzip", "br"], LIMIT)
    with pytest.raises(BrokenAnswerError, match="more than 3 times"):
        decode(gzip.compress(gzip.compress(gzip.compress(gzip.compress(FEED)))), ["gzip"] * 4, LIMIT)


def make_small_blocks() -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(range(256))) + packer.flush(zlib.Z_FULL_FLUSH)
    return GZIP_HEAD + block * (9_000_000 // len(block))


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"") * 450_000,
        GZIP_HEAD + b"\0\0\0\xff\xff" * 2_000_000,
        make_small_blocks(),
        zstandard.compress(b"") * 900_000,
    ],
    ids=["members", "empty-blocks", "small-blocks", "frames"],
)
def test_much_work_for_little_is_given_up(body: bytes) -> None:
    encoding = "zstd" if body.startswith(b"\x28\xb5") else "gzip"
    begun = time.thread_time()
    with contextlib.suppress(BrokenAnswerError, TooLargeError):
        decode(body, [encoding], LIMIT)
    assert time.thread_time() - begun < CPU_SECONDS + 1


def test_encodings_are_listed_in_the_order_of_packing() -> None:
    assert list_encodings([b"gzip, BR", b" zstd ,"]) == ["gzip", "br", "zstd"]
