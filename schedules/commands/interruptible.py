"""Long work in the database that a signal can end: SQLite itself heeds none."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from aggregator.store import Store
from schedules.signals import heed_end

T = TypeVar("T")


def do_interruptibly(store: Store, work: Callable[[], T]) -> T:
    """What `work` returns, which is done in a thread, with a reader.

    Raises what it raises; KeyboardInterrupt and SystemExit when it was broken off by SIGINT and SIGTERM.
    """
    with heed_end(), ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        try:
            return done.result()
        except (KeyboardInterrupt, SystemExit):
            while not done.done():
                store.cut_short()
                wait([done], timeout=0.1)
            raise
