"""A log in which the same line is not said again and again: a page that cannot be shown is asked for by many."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict

EVERY_SECONDS = 600.0
REMEMBERED = 256  # lines


class RepeatFilter(logging.Filter):
    """Lets a line through that was not said in the last ten minutes; one that was comes later, with their number."""

    def __init__(self, every: float = EVERY_SECONDS) -> None:
        super().__init__()
        self._every = every
        self._said: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()  # line → when, held back since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is to be said; adds how many like it were not."""
        line, now = (record.name, record.getMessage()), time.monotonic()
        at, held = self._said.pop(line, (-self._every, 0))
        is_new = now - at >= self._every
        self._said[line] = (now, 0) if is_new else (at, held + 1)
        while len(self._said) > REMEMBERED:
            self._said.popitem(last=False)
        if is_new and held:
            record.msg, record.args = f"{line[1]} (and {held} times before)", ()
        return is_new
