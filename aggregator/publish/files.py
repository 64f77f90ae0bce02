"""Writes published files so that a reader finds the old one or the new one, whole, and never less."""

from __future__ import annotations

import gzip
import os
from contextlib import suppress
from pathlib import Path


class PublishError(Exception):
    """A file could not be published; the one published before is still there, whole."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot publish {path}: {reason}")
        self.path = path


def write_public(path: Path, body: bytes) -> bool:
    """Publish `body` as `path` and, compressed, as `path`.gz; say whether the bytes are new.

    Unchanged bytes are not written again, so the file's time stays what subscribers were told as Last-Modified. The
    twin has the same bytes and the same time, whichever of the two a web server reads.

        compress → write both beside their targets, fsync → rename the twin, then the file → fsync the folder

    Everything that can fail for want of space happens before the first rename. Renaming the file comes last because
    it is what the next call compares: a crash between the two renames is made good by the next call.

    One writer at a time (the writer's lock sees to it): temporary names are fixed, so that a killed process leaves
    nothing that the next one does not write over. Raises PublishError.
    """
    twin = path.with_name(f"{path.name}.gz")
    compressed = gzip.compress(body, mtime=0)
    is_new = not _holds(path, body)
    if not is_new and _holds(twin, compressed):
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace_pair(path, body, twin, compressed, is_new=is_new)
    except OSError as error:
        raise PublishError(path, error.strerror or str(error)) from error
    finally:
        for target in (path, twin):
            with suppress(OSError):
                _name_temporary(target).unlink(missing_ok=True)
    return is_new


def _replace_pair(path: Path, body: bytes, twin: Path, compressed: bytes, *, is_new: bool) -> None:
    if is_new:
        _write_temporary(path, body)
    _write_temporary(twin, compressed)
    times = (_name_temporary(path) if is_new else path).stat()
    os.utime(_name_temporary(twin), ns=(times.st_atime_ns, times.st_mtime_ns))
    _name_temporary(twin).replace(twin)
    if is_new:
        _name_temporary(path).replace(path)
    sync_folder(path.parent)


def _holds(path: Path, body: bytes) -> bool:
    try:
        return path.stat().st_size == len(body) and path.read_bytes() == body
    except OSError:  # not there, or not readable: it will be written, and that will tell
        return False


def _name_temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.tmp")


def _write_temporary(target: Path, body: bytes) -> None:
    with _name_temporary(target).open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes renames in it durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
