"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from aggregator.processes import LOCK_FILE
from aggregator.replacing import finish_replacing
from schedules.errors import WriterBusy, blame_folder

TAKEDOWN_PATIENCE = 10  # seconds


@contextmanager
def hold_writer_lock(data_folder: Path, *, patience: float = 0) -> Iterator[None]:
    """Holds the data folder's lock, which the kernel releases however the process ends.

    Whoever gets it first finishes what a restore that was killed has left. Raises WriterBusy when another process holds
    it for longer than `patience` seconds, UsageFailure when the folder cannot be written, RunFailure when that is the
    disk's fault, StoreError where a restore cannot be finished.
    """
    with _hold(data_folder, LOCK_FILE, "another kabarkota process (run, serve or demo) is writing here", patience):
        finish_replacing(data_folder)
        yield


class WriterLock:
    """The same for somebody who may have to try again. Within it; leaving it lets go."""

    def __init__(self, data_folder: Path) -> None:
        self._folder = data_folder
        self._stack = ExitStack()
        self._is_held = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def take(self) -> None:
        """Does nothing where it is held. Raises as `hold_writer_lock`."""
        if not self._is_held:
            self._stack.enter_context(hold_writer_lock(self._folder))
            self._is_held = True


@contextmanager
def hold_backfill_lock(data_folder: Path, source_id: str) -> Iterator[None]:
    """Held for the whole of a source's backfill, which holds the writer's lock only while it writes. Raises as that."""
    with _hold(data_folder, f"backfill-{source_id}.lock", f"another backfill of {source_id} is running", 0):
        yield


@contextmanager
def hold_takedown_lock(data_folder: Path) -> Iterator[None]:
    """Held while the log of takedowns is added to, which needs no writer's lock. Raises as that."""
    with _hold(data_folder, "takedowns.lock", "another takedown is being written", TAKEDOWN_PATIENCE):
        yield


@contextmanager
def hold_snapshot_lock(data_folder: Path) -> Iterator[None]:
    """Held while a snapshot is made, which needs no writer's lock. Raises as that."""
    with _hold(data_folder, "snapshot.lock", "another snapshot is being made", 0):
        yield


@contextmanager
def hold_backup_lock(data_folder: Path) -> Iterator[None]:
    """Held while a backup is made, which needs no writer's lock. Raises as that."""
    with _hold(data_folder, "backup.lock", "another backup is being made", 0):
        yield


@contextmanager
def hold_alone(data_folder: Path) -> Iterator[None]:
    """The writer's lock, and those of whoever holds that only now and then: nobody is at work here. Raises as that."""
    with ExitStack() as stack:
        stack.enter_context(hold_writer_lock(data_folder))
        stack.enter_context(hold_backup_lock(data_folder))
        stack.enter_context(hold_snapshot_lock(data_folder))
        for path in sorted(data_folder.glob("backfill-*.lock")):
            stack.enter_context(hold_backfill_lock(data_folder, path.stem.removeprefix("backfill-")))
        yield


@contextmanager
def _hold(data_folder: Path, name: str, trouble: str, patience: float) -> Iterator[None]:
    try:
        data_folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data_folder / name)
        lock.acquire(timeout=patience)
    except Timeout as error:
        raise WriterBusy(f"{data_folder}: {trouble}") from error
    except OSError as error:
        raise blame_folder(error, f"{data_folder}: the data folder cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()
