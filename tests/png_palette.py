"""Pictures of pages made small: a page has few colours, so each point needs one byte instead of three."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

# Reads a picture, and gives the colour of each point by its number. Where there are more than 256, the last bits of
# each colour are dropped, one after the other, until there are not; the most frequent of those that fall together
# stands for them, so that backgrounds keep theirs.
_READ = """async encoded => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + encoded;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const points = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const each of points) counts.set(each, (counts.get(each) || 0) + 1);
  const colours = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || a - b);
  const palette = [], numbers = new Map();
  for (let bits = 0; numbers.size < colours.length; bits++) {
    const keep = (255 << bits) & 255, mask = keep | keep << 8 | keep << 16, merged = new Map();
    for (const each of colours) if (!merged.has(each & mask)) merged.set(each & mask, [merged.size, each]);
    if (merged.size > 256) continue;
    for (const each of colours) numbers.set(each, merged.get(each & mask)[0]);
    for (const [, each] of merged.values()) palette.push(each & 255, each >> 8 & 255, each >> 16 & 255);
  }
  const indexes = Uint8Array.from(points, each => numbers.get(each));
  let binary = '';
  for (let start = 0; start < indexes.length; start += 32768)
    binary += String.fromCharCode(...indexes.subarray(start, start + 32768));
  return {width: image.width, height: image.height, palette, points: btoa(binary)};
}"""


def shrink_png(page: Page, picture: bytes) -> bytes:
    """The picture with a palette of at most 256 colours; `page`: any, to read it with."""
    read = page.evaluate(_READ, base64.b64encode(picture).decode())
    width, height, points = read["width"], read["height"], base64.b64decode(read["points"])
    rows = b"".join(b"\0" + points[start : start + width] for start in range(0, len(points), width))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _make_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _make_chunk(b"PLTE", bytes(read["palette"])),
            _make_chunk(b"IDAT", zlib.compress(rows, 9)),
            _make_chunk(b"IEND", b""),
        )
    )


def _make_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
