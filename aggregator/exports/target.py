"""Where an export goes: a file that is there whole or not at all, or a stream."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from aggregator.exports.table import ExportError
from aggregator.publish.files import sync_folder

_MODE = 0o644  # less the umask


class TargetError(Exception):
    """The file cannot be written: which, and why. Nothing of it is left."""


@contextmanager
def write_whole(path: Path, *, replace: bool) -> Iterator[tuple[Path, IO[bytes]]]:
    """(a file beside the target, the same opened for writing); it takes the target's place when all went well.

        make it, lock it ─▶ the caller writes ─▶ fsync ─▶ rename ─▶ fsync of the folder

    What goes wrong, an interruption too, removes it. A killed process leaves it, hidden, and the next export to that
    target writes over it. Raises ExportError (the target cannot be one, or is there and `replace` is not), TargetError.
    """
    target = Path(os.path.realpath(path))
    check_target(target, replace=replace)
    temporary = target.with_name(f".{target.name}.part")
    with wrap_target(path), _open_locked(temporary) as file:
        try:
            yield temporary, file
            file.flush()
            os.fsync(file.fileno())
            if not replace and os.path.lexists(target):  # meanwhile
                raise ExportError(f"{path}: is there already; --force replaces it")
            temporary.replace(target)
        except BaseException:
            _remove(temporary)
            raise
        sync_folder(target.parent)


@contextmanager
def wrap_target(path: Path) -> Iterator[None]:
    """What goes wrong with a file as TargetError; that nobody reads a pipe any more stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror or error}") from error
    except sqlite3.Error as error:  # of a file of SQLite; what is wrong with our own database is a StoreError
        raise TargetError(f"{path}: {error}") from error


def check_target(path: Path, *, replace: bool) -> None:
    """Raises ExportError where no file can be written there."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise ExportError(f"{path}: there is no folder {path.parent}") from None
        return
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        raise ExportError(f"{path}: is a folder; name a file")
    if not replace:
        raise ExportError(f"{path}: is there already; --force replaces it")


def is_stream(path: Path) -> bool:
    """Whether it is a pipe or a device: what is written to it cannot be taken back."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def _open_locked(path: Path) -> Iterator[IO[bytes]]:
    """Raises ExportError where another export writes it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    with os.fdopen(descriptor, "w+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExportError(f"{path}: another export is writing it") from None
        if not _is_at(file, path):  # the other one has just finished
            raise ExportError(f"{path}: another export has just written it")
        file.truncate()
        yield file
        with suppress(OSError):  # what a full disk did not take, and nobody wants any more
            file.flush()


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
