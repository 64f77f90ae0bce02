"""The log of a process: on standard error, a line an entry, none said again and again."""

from __future__ import annotations

import logging
import sys

from aggregator.printable import PrintableFormatter
from aggregator.repeated import RepeatFilter

_FORMAT = "%(levelname)s %(name)s: %(message)s"


def set_up_log(level: str = "WARNING", *, thinned: bool = True) -> None:
    """For a process whose log goes to standard error; `thinned`: what was said a moment ago is not said again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter(_FORMAT))
    if thinned:
        handler.addFilter(RepeatFilter())
    logging.basicConfig(level=level, handlers=[handler])
