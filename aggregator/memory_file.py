"""A file that lies on no disk: two processes can share it when nothing can be written anywhere."""

from __future__ import annotations

import os
import tempfile


def open_memory_file() -> int:
    """Its descriptor, for a child to inherit."""
    try:
        return os.memfd_create("kabarkota")
    except (AttributeError, OSError):  # not on Linux
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
