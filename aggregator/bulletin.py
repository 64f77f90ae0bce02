"""What the service tells its web server while both run: which jobs fail, and why.

In memory that both have open, so that it can be told when nothing can be written to any disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from aggregator.obstacles import Notice
from aggregator.shared_memory import make_shared_memory

SIZE = 8_192
_NOTHING = b"[] "
_ATTEMPTS = 3
_NOTICES: TypeAdapter[tuple[Notice, ...]] = TypeAdapter(tuple[Notice, ...])


class Bulletin:
    """The service's end. The descriptor is inherited by the process that is to read it."""

    def __init__(self, descriptor: int | None = None) -> None:
        """`descriptor`: of shared memory that is there already."""
        self.has_notices = False
        self.descriptor = make_shared_memory(0) if descriptor is None else descriptor

    def write(self, notices: Iterable[Notice]) -> None:
        notices = tuple(notices)
        self.has_notices = bool(notices)
        os.pwrite(self.descriptor, _NOTICES.dump_json(notices).ljust(SIZE)[:SIZE], 0)

    def close(self) -> None:
        os.close(self.descriptor)


def read_bulletin(descriptor: int) -> tuple[Notice, ...]:
    """What it says now; nothing where nothing was written yet."""
    for _ in range(_ATTEMPTS):  # it may just be written
        try:
            found = os.pread(descriptor, SIZE, 0)
            if not found or found.startswith(_NOTHING):
                return ()
            return _NOTICES.validate_json(found)
        except ValidationError:
            continue
        except OSError:
            break
    return ()
