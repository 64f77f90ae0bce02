"""The bytes of pages that named a topic, kept 30 days below `data/pages/` so that later rules can be tried on them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import zstandard

from aggregator.models import FetchedPage
from aggregator.store import StoreError
from aggregator.urls import make_url_key

MAX_PAGE = 16 * 1024 * 1024  # more than any page that was read


class PageFolder:
    """Writes page files: `<day>/<URL key>.html.zst`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, page: FetchedPage) -> str:
        """Keeps the page's bytes; returns the file's name below the folder, "" when there is nothing to keep.

        Not synced to disk: a page lost with the power is fetched no more and only makes a later `replay` poorer.
        Raises StoreError.
        """
        key = make_url_key(page.link.url)
        if not page.raw or not key:
            return ""
        name = f"{page.fetched_at:%Y-%m-%d}/{key}.html.zst"
        path = self._folder / name
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
            packed = (self._folder / name).read_bytes() if name else b""
        except OSError:
            return None
        return unpack(packed)

    def remove(self, keys: Iterable[str]) -> None:
        """Deletes whatever was kept of the pages of these URL keys. Raises StoreError naming the file."""
        for key in keys:
            for path in self._folder.glob(f"*/{key}.html.*"):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise StoreError(f"{path}: {error.strerror}") from error


def unpack(packed: bytes) -> bytes | None:
    """The bytes of a page as it was packed by the parser; None for nothing, or what is no such thing."""
    try:
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_PAGE) if packed else None
    except zstandard.ZstdError:
        return None
