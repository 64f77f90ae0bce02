"""sqlite-utils without what it only looks for: import it from here.

Where pandas or numpy is installed (the extra `analysis` brings both, and pandas brings pyarrow) sqlite-utils loads it,
only to know the types of its values. None of ours is one; every process would pay 67 MB and 0.2 s for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_UNWANTED = ("pandas", "numpy")


@contextmanager
def _hide_modules() -> Iterator[None]:
    """While it lasts an import of them fails, as if they were not installed; what is loaded already stays."""
    hidden = [name for name in _UNWANTED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None is Python's own word for this
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _hide_modules():
    from sqlite_utils import Database, Migrations

__all__ = ["Database", "Migrations"]
