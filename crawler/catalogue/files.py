"""Replaces an operator's file so that a reader finds the old text or the new one, whole."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crawler.catalogue.loading import read_text


def edit_file(path: Path, change: Callable[[str], str]) -> None:
    """Replace the text of `path` by what `change` makes of it; a file that does not exist has the text "".

        follow links ─▶ lock the folder ─▶ read, change ─▶ write beside, fsync ─▶ rename ─▶ fsync the folder

    Two edits at the same time wait for each other, so neither is lost. What `change` raises leaves the file as it was.
    Raises CatalogueError when the file cannot be read, OSError when it cannot be written.
    """
    target = path.resolve()  # a link, as configuration managers make, stays one
    target.parent.mkdir(parents=True, exist_ok=True)
    with _lock_folder(target.parent) as folder:
        old = read_text(target, missing="")
        new = change(old)
        if new != old:
            _replace(target, new)
            os.fsync(folder)


@contextmanager
def _lock_folder(folder: Path) -> Iterator[int]:
    """Its descriptor, locked. The folder rather than a file in it: nothing is left behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _replace(target: Path, text: str) -> None:
    temporary = target.with_name(f".{target.name}.tmp")  # the name is fixed: what a crash leaves is written over
    try:
        with temporary.open("wb") as file:
            file.write(text.encode())
            file.flush()
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
