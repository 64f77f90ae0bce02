"""When Python looks for garbage in cycles: hardly while a process loads, and never among what it has loaded.

A look walks objects, and in a crawl process 120,000 of them are modules, functions and tables that stay for good.
Python's own 700 new objects between two looks cost a tenth of a start, a sixth of reading a page and
a tenth of fetching one (benchmarks/README.md).
"""

from __future__ import annotations

import gc

LOADING = 50_000  # new objects between two looks
WORKING = 5_000  # as few, so that cycles around the body of a page do not hold it for long


def begin_loading() -> None:
    """Before whatever is large is imported."""
    gc.set_threshold(LOADING)


def end_loading() -> None:
    """What is there by now stays, and is walked no more."""
    gc.freeze()
    gc.set_threshold(WORKING)
