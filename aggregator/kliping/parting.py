"""Parts a kliping into messages of a length that a messenger takes. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_COUNT = "(999/999)"
_BETWEEN = "\n\n"

Block = Sequence[str]  # the texts of a story: its heading, if there is one, with its first clipping, then the others


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What messages begin with."""

    title: str  # of each, with a count such as "(1/3)" where there are several
    above: str = ""  # of the first alone
    below: str = ""

    def make(self, count: str, *, is_first: bool) -> str:
        title = f"{self.title} {count}".strip()
        return "\n".join(filter(None, (self.above, title, self.below))) if is_first else title


def part_blocks(head: Head, blocks: Sequence[Block], foot: str, *, limit: int) -> tuple[str, ...]:
    """Messages that each begin with the head; the last ends with `foot`.

    A story is parted only where it is longer than a message. Every text must fit into a message beside the head.
    """
    texts = [text for block in blocks for text in block]
    whole = _BETWEEN.join(filter(None, (head.make("", is_first=True), *texts, foot)))
    if len(whole) <= limit:
        return (whole,)
    room, later_room = (limit - len(head.make(_COUNT, is_first=first)) - len(_BETWEEN) for first in (True, False))
    bodies = list(_fill([*blocks, [foot]] if foot else blocks, room, later_room))
    return tuple(
        _BETWEEN.join(filter(None, (head.make(f"({place}/{len(bodies)})", is_first=place == 1), body)))
        for place, body in enumerate(bodies, start=1)
    )


def choose_text(variants: Sequence[str], most: int) -> str:
    """The first of the texts that is not longer than that, else the last."""
    return next((text for text in variants if len(text) <= most), variants[-1])


def _fill(blocks: Sequence[Block], room: int, later_room: int) -> Iterator[str]:
    """`room` of the first message, and of the later ones."""
    body = ""
    for block in blocks:
        joined = _BETWEEN.join(block)
        for piece in [joined] if len(joined) <= later_room else block:
            longer = f"{body}{_BETWEEN}{piece}" if body else piece
            if len(longer) > room and (body or room < later_room):  # else a later message has no more room for it
                yield body
                room, longer = later_room, piece
            body = longer
    yield body
