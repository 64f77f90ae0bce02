"""CPU time of our extraction against trafilatura's on the same pages, turn by turn in this process.

Tables and caches are warm, as in a worker that has read a portal's pages before; `python -m benchmarks --only extract`
measures fresh processes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from benchmarks.quality.labelled import LabelledPage
from benchmarks.quality.readers import Reader

WARM_UP_PAGES = 5
PEER_PAGES = 40  # of a set, evenly spread: the peer takes most of the time


@dataclass(frozen=True, kw_only=True)
class Speed:
    """`ratio`: our CPU time to the peer's, the median of the turns. Milliseconds are ours, of a page."""

    ratio: float
    median_ms: float
    p99_ms: float

    @property
    def tail(self) -> float:
        """How much longer the slowest page in a hundred takes than the usual one."""
        return self.p99_ms / self.median_ms


def measure_speed(pages: Sequence[LabelledPage], ours: Reader, peer: Reader, turns: int) -> Speed:
    """In each turn ours reads all pages, the peer a sample of them. A page's time is the median of its turns."""
    step = ceil(len(pages) / PEER_PAGES)
    for page in pages[:WARM_UP_PAGES]:
        ours(page)
        peer(page)
    runs = [(time_pages(pages, ours), time_pages(pages[::step], peer)) for _ in range(turns)]
    each = sorted(median(times) for times in zip(*(mine for mine, _ in runs), strict=True))
    return Speed(
        ratio=median(sum(mine[::step]) / sum(theirs) for mine, theirs in runs),
        median_ms=1000 * median(each),
        p99_ms=1000 * each[ceil(0.99 * len(each)) - 1],
    )


def time_pages(pages: Sequence[LabelledPage], read: Reader) -> list[float]:
    """CPU seconds of each page."""
    seconds = []
    for page in pages:
        begun = time.process_time()
        read(page)
        seconds.append(time.process_time() - begun)
    return seconds
