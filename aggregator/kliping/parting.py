"""Parts a kliping into messages of a length that a messenger takes. PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

_COUNT = "(999/999)"
_BETWEEN = "\n\n"

Block = Sequence[str]  # the texts of a story: its heading, if there is one, with its first clipping, then the others


def part_blocks(make_head: Callable[[str], str], blocks: Sequence[Block], foot: str, *, limit: int) -> tuple[str, ...]:
    """Messages that each begin with the head; the last ends with `foot`.

    `make_head`: the head, with a count such as "(1/3)" in it, or "" where one message holds all. A story is parted only
    where it is longer than a message. Every text must fit into a message beside the head.
    """
    whole = _BETWEEN.join(filter(None, (make_head(""), *(text for block in blocks for text in block), foot)))
    if len(whole) <= limit:
        return (whole,)
    room = limit - len(make_head(_COUNT)) - len(_BETWEEN)
    bodies = list(_fill(blocks, foot, room))
    return tuple(make_head(f"({place}/{len(bodies)})") + _BETWEEN + body for place, body in enumerate(bodies, start=1))


def choose_text(variants: Sequence[str], most: int) -> str:
    """The first of the texts that is not longer than that, else the last."""
    return next((text for text in variants if len(text) <= most), variants[-1])


def _fill(blocks: Sequence[Block], foot: str, room: int) -> Iterator[str]:
    body = ""
    for block in [*blocks, [foot]] if foot else blocks:
        joined = _BETWEEN.join(block)
        for piece in [joined] if len(joined) <= room else block:
            longer = f"{body}{_BETWEEN}{piece}" if body else piece
            if len(longer) > room:
                yield body
                longer = piece
            body = longer
    yield body
