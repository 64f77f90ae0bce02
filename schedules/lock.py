"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from aggregator.processes import LOCK_FILE
from schedules.errors import UsageFailure, WriterBusy


@contextmanager
def hold_writer_lock(data_folder: Path, *, patience: float = 0) -> Iterator[None]:
    """Holds the data folder's lock, which the kernel releases however the process ends.

    Raises WriterBusy when another process holds it for longer than `patience` seconds, UsageFailure when the folder
    cannot be written.
    """
    try:
        data_folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data_folder / LOCK_FILE)
        lock.acquire(timeout=patience)
    except Timeout as error:
        raise WriterBusy(f"{data_folder}: another kabarkota process (run, serve or demo) is writing here") from error
    except OSError as error:
        raise UsageFailure(f"{data_folder}: the data folder cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()
