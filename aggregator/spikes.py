"""Days with far more news than usual. PURE.

What is usual on a day is the median of the four weeks before it: a holiday or an earlier spike among them does not
move it. Counts of news scatter at least as their square root (Poisson), in truth wider, for one event brings several
pieces; so a day is a spike when it lies `STEEPNESS` such scatters over the usual, is at least `FACTOR` times as high,
and has `LEAST` pieces of news. A spike too few is the smaller error: who is woken for nothing stops listening.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

WINDOW = 28  # days before
HISTORY_LEAST = 7  # of them: with fewer nothing is usual yet
LEAST = 5
FACTOR = 2.0
STEEPNESS = 3.0


@dataclass(frozen=True, slots=True)
class Spike:
    """A day far above its usual."""

    index: int  # of the counts given
    found: int
    usual: float


def find_spikes(counts: Sequence[int | None], *, factor: float = FACTOR, least: int = LEAST) -> list[Spike]:
    """The spikes among the counts of successive days, oldest first; None: nobody could have told on that day.

    `factor` and `least`: what makes a spike, stricter or laxer than usual. The last day may be under way: what it has
    so far counts.
    """
    spikes = []
    for index, count in enumerate(counts):
        before = [each for each in counts[max(0, index - WINDOW) : index] if each is not None]
        if count is None or count < least or len(before) < HISTORY_LEAST:
            continue
        usual = median(before)
        if count < factor * usual:
            continue
        spread = median(abs(each - usual) for each in before) * 1.4826  # of a normal distribution
        scatter = max(sqrt(max(usual, 1)), spread)
        if count >= usual + STEEPNESS * scatter:
            spikes.append(Spike(index, count, float(usual)))
    return spikes
