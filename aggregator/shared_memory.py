"""Memory that a process shares with those it starts, by an open descriptor."""

from __future__ import annotations

import errno
import os
import tempfile

_NAME = "kabarkota"


def make_shared_memory(size: int) -> int:
    """A descriptor of so many zero bytes, to be inherited, mapped, and closed by the caller. Raises OSError.

    All of it is there from the start: a page of a mapping that finds no room later ends the process.
    """
    try:
        descriptor = os.memfd_create(_NAME)  # on no disk, so that none can be full
    except (AttributeError, OSError):  # not on Linux, or forbidden
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        if os.pwrite(descriptor, bytes(size), 0) != size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
