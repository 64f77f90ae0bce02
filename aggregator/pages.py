"""The bytes of pages that named a topic, kept for a while below `data/pages/` so that later rules can be tried on them.

For how long: `aggregator.retention`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import zstandard

from aggregator.models import FetchedPage
from aggregator.store import StoreError
from aggregator.urls import make_url_key

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_PAGE = 16 * 1024 * 1024  # more than any page that was read


class DayFolder(NamedTuple):
    """The pages of a day (UTC)."""

    day: str
    files: int
    bytes: int


class PageFolder:
    """Writes page files: `<day>/<URL key>.html.zst`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, page: FetchedPage) -> str:
        """Keeps the page's bytes; returns the file's name below the folder, "" when there is nothing to keep.

        Not synced to disk: a page lost with the power is fetched no more and only makes a later `replay` poorer.
        Raises StoreError.
        """
        key = make_url_key(page.link.url)
        if not page.raw or not key:
            return ""
        name = f"{page.fetched_at:%Y-%m-%d}/{key}.html.zst"
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".part")
            beside.write_bytes(page.raw)
            os.replace(beside, path)  # noqa: PTH105 - os.replace is the atomic one by contract
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error
        return name

    def read(self, name: str) -> bytes | None:
        """The bytes of a page that was kept; None where the file is gone or broken."""
        try:
            packed = (self.folder / name).read_bytes() if name else b""
        except OSError:
            return None
        return unpack(packed)

    def remove(self, keys: Collection[str]) -> None:
        """Deletes whatever was kept of the pages of these URL keys. Raises StoreError naming the file."""
        for folder in self._list_days():
            with _telling(folder):
                for path in [path for path in folder.iterdir() if path.name.partition(".")[0] in keys]:
                    path.unlink(missing_ok=True)

    def discard(self, name: str) -> None:
        """Deletes a file that `write` has just made. Raises StoreError naming it."""
        if name:
            with _telling(self.folder / name):
                (self.folder / name).unlink(missing_ok=True)

    def measure(self, before: datetime) -> list[DayFolder]:
        """The days before that of `before`, the oldest first. Raises StoreError."""
        return [_measure(folder) for folder in self._list_days() if folder.name < f"{before:%Y-%m-%d}"]

    def prune(self, before: datetime) -> Iterator[DayFolder]:
        """Deletes the pages of days before that of `before`; yields each day when it is gone. Raises StoreError."""
        for found in self.measure(before):
            folder = self.folder / found.day
            with _telling(folder):
                for path in folder.iterdir():
                    if ".html." in path.name:
                        path.unlink(missing_ok=True)
                with suppress(OSError):  # somebody else's files are in it
                    folder.rmdir()
            yield found

    def _list_days(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        with _telling(self.folder):
            return sorted(path for path in self.folder.iterdir() if _DAY.fullmatch(path.name) and path.is_dir())


def _measure(folder: Path) -> DayFolder:
    with _telling(folder):
        sizes = [path.stat().st_size for path in folder.iterdir() if ".html." in path.name]
    return DayFolder(folder.name, len(sizes), sum(sizes))


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Errors of the file system as StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror}") from error


def unpack(packed: bytes) -> bytes | None:
    """The bytes of a page as it was packed by the parser; None for nothing, or what is no such thing."""
    try:
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_PAGE) if packed else None
    except zstandard.ZstdError:
        return None
