"""What libraries load only if it is there, hidden from them where nobody needs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hide_modules(*names: str) -> Iterator[None]:
    """While it lasts an import of them fails, as if they were not installed; what is loaded already stays."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None is Python's own word for this
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
