"""Stores for the pages, opened once and used again: opening one costs as much as a third of a page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Lock

from aggregator.store import Store

IDLE_MOST = 4

OpenStore = Callable[[Path], AbstractContextManager[Store]]
_File = tuple[int, int, int | None, int | None]  # device and inode, those of the write-ahead log and of its index


class Reading:
    """Lends stores, one to each thread that asks at a time. Call it as `Store.open_reader`, in a `with` statement."""

    def __init__(self, open_store: Callable[[Path], Store], is_troubled: Callable[[], bool] = lambda: False) -> None:
        """`is_troubled`: whether whoever writes cannot; no store stays open then, for it may be what is in the way."""
        self._open_store = open_store
        self._is_troubled = is_troubled
        self._idle: list[tuple[_File, Store]] = []
        self._lock = Lock()

    @contextmanager
    def __call__(self, path: Path) -> Iterator[Store]:
        """A store over the file as it is now: one that was replaced (a backup was restored) is opened anew.

        So is one whose write-ahead log, or the index of it, was deleted or replaced: who keeps the old one open sees
        nothing of what is written from then on.

        Whatever goes wrong with a store, it is not lent again. Raises StoreError.
        """
        file = _identify(path) if not self._is_troubled() else None
        known = self._take(file)
        store = known or self._open_store(path)
        try:
            yield store
        except BaseException:
            store.close()
            raise
        if known is None and file is not None:  # who reads first may have made the log
            after = _identify(path)
            is_same = after is not None and all(was in (None, now) for was, now in zip(file, after, strict=True))
            file = after if is_same else None
        if file is not None and not store.is_sealed and self._keep(file, store):
            return
        store.close()

    def _take(self, file: _File | None) -> Store | None:
        stale: list[Store] = []
        with self._lock:
            found = None
            while self._idle and found is None:
                known, store = self._idle.pop()
                if known == file:
                    found = store
                else:
                    stale.append(store)
        for store in stale:
            store.close()
        return found

    def _keep(self, file: _File, store: Store) -> bool:
        with self._lock:
            if len(self._idle) >= IDLE_MOST:
                return False
            self._idle.append((file, store))
            return True


def _identify(path: Path) -> _File | None:
    """None where there is no file. As long as a store has it open, no other file can be taken for it."""
    with suppress(OSError):
        status = os.stat(path)  # noqa: PTH116 - twice per request: Path.stat costs half as much again
        return status.st_dev, status.st_ino, _find_inode(f"{path}-wal"), _find_inode(f"{path}-shm")
    return None


def _find_inode(path: str) -> int | None:
    """None where there is no such file. Raises OSError."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - as above
    except FileNotFoundError:
        return None
