"""The crawl process's signs of life: a few numbers in memory that it shares with its parent.

    child: beat, beat …   "busy with unit 7"   "unit 7 has been begun" ──▶ parent: is it alive? whose bytes ended it?

Not through the pipe: that may be full, and what was written into it last is lost with the process. A unit is what the
child was asked for: a channel, a portal to probe, an article of an archive; by its place in the batch, from 0.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Self

from aggregator.shared_memory import make_shared_memory

_NUMBERS = struct.Struct("=Qq")  # beats; the unit it is busy with, -1: none
_BUSY = struct.Struct("=q")
_BEATS = struct.Struct("=Q")
MOST_UNITS = 1 << 17  # those beyond count as not begun
NOBODY = -1


class Vitals:
    """One side of the shared numbers. What the other side writes may be anything."""

    def __init__(self, descriptor: int = -1) -> None:
        """Over an open file of the right size; without one, for nobody else to see."""
        self._memory = mmap.mmap(descriptor, _NUMBERS.size + MOST_UNITS)

    @classmethod
    def create(cls) -> tuple[Self, int]:
        """The parent's side, and a descriptor for the child, to be closed by the caller. Raises OSError."""
        descriptor = make_shared_memory(_NUMBERS.size + MOST_UNITS)
        try:
            vitals = cls(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        vitals.reset()
        return vitals, descriptor

    def reset(self) -> None:
        """Before a batch."""
        self._memory[_NUMBERS.size :] = bytes(MOST_UNITS)
        self.rest()

    # ── the child's ────────────────────────────────────────────────────────────────────────────────────────────────

    def beat(self) -> None:
        _BEATS.pack_into(self._memory, 0, (self.beats + 1) % (1 << 64))

    def take_up(self, unit: int) -> None:
        """From now on it is this unit's bytes that are looked at."""
        _BUSY.pack_into(self._memory, _BEATS.size, unit)
        if 0 <= unit < MOST_UNITS:
            self._memory[_NUMBERS.size + unit] = 1

    def rest(self) -> None:
        """From now on it is nobody's."""
        _BUSY.pack_into(self._memory, _BEATS.size, NOBODY)

    # ── the parent's ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def beats(self) -> int:
        return int(_BEATS.unpack_from(self._memory)[0])

    @property
    def busy(self) -> int:
        return int(_BUSY.unpack_from(self._memory, _BEATS.size)[0])

    def has_begun(self, unit: int) -> bool:
        return 0 <= unit < MOST_UNITS and bool(self._memory[_NUMBERS.size + unit])

    def close(self) -> None:
        self._memory.close()
