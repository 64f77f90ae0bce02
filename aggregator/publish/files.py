"""Writes published files so that a reader finds the old one or the new one, whole, and never less."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aggregator.publish.twins import CODINGS, TWIN_FROM_BYTES, read_twin

_MODE = 0o644  # less the umask: other users' web servers shall read them
_SECOND = 10**9  # nanoseconds
_AHEAD = 60 * _SECOND  # of the clock a file's time may be; one further ahead is from a clock that was wrong


class PublishError(Exception):
    """A file could not be published; the one published before is still there, whole."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot publish {path}: {reason}")
        self.path = path
        self.reason = reason
        self.new_items = 0  # that were published all the same, in other files


def write_public(path: Path, body: bytes, *, sync: bool = True) -> bool:
    """Publish `body` as `path` with its compressed twins; say whether the bytes are new.

    Unchanged bytes are not written again, so the file's time stays what subscribers were told as Last-Modified. Changed
    ones are a second newer than those before, however soon they come: readers that go by that date (those built on
    libcurl do, even with an ETag at hand) would not take them. Twins have the same bytes and the same time, whichever
    of them a web server reads; a short body has none.

        compress → write all beside their targets, fsync → twins that are no more, unlink → rename the twins, then the
        file → fsync the folder

    Everything that can fail for want of space happens before the first rename. Renaming the file comes last because
    it is what the next call compares: a crash between two renames is made good by the next call. The fsyncs keep a
    power cut from leaving a name without its bytes; four of them cost 0.3 ms of CPU, less than compressing does.
    Without `sync` the folder's is left to the caller (`sync_folder`), who writes many files into it.

    One writer at a time (the writer's lock sees to it): temporary names are fixed, so that a killed process leaves
    nothing that the next one does not write over. Raises PublishError.
    """
    is_new = not holds(path, body)
    wanted = CODINGS if len(body) >= TWIN_FROM_BYTES else ()
    twins = {coding.name_twin(path): coding for coding in wanted if is_new or read_twin(path, coding, body) is None}
    unwanted = [coding.name_twin(path) for coding in CODINGS if coding not in wanted]
    if not is_new and not twins and not any(map(os.path.lexists, unwanted)):
        return False
    files = {twin: coding.compress(body) for twin, coding in twins.items()} | ({path: body} if is_new else {})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, files, unwanted)
        if sync:
            sync_folder(path.parent)
    except OSError as error:
        raise PublishError(path, error.strerror or str(error)) from error
    finally:
        for target in files:
            with suppress(OSError):
                _name_temporary(target).unlink(missing_ok=True)
    return is_new


def remove_public(path: Path) -> bool:
    """Takes a file and its twins away; says whether there was any. The folder stays. Raises PublishError.

    The file goes last: who tidies up after a crash goes by it.
    """
    found = False
    try:
        for target in (*(coding.name_twin(path) for coding in CODINGS), path):
            with suppress(FileNotFoundError, NotADirectoryError):
                target.unlink()
                found = True
        if found:
            sync_folder(path.parent)
    except OSError as error:
        raise PublishError(path, error.strerror or str(error)) from error
    return found


def sweep_leftovers(folder: Path) -> int:
    """Removes what a killed process left half written in `folder` and below; returns how much it was.

    Not beside a process that publishes. What cannot be removed stays, for it does no harm.
    """
    swept = 0
    for place, _, names in os.walk(folder):
        for name in names:
            if name.startswith(".") and name.endswith(".tmp"):
                with suppress(OSError):
                    Path(place, name).unlink()
                    swept += 1
    return swept


def _replace(path: Path, files: Mapping[Path, bytes], unwanted: list[Path]) -> None:
    """Puts `files` in their places, `path`, if it is one of them, last."""
    for target, content in files.items():
        _write_temporary(target, content)
    modified = _find_time(path) if path in files else path.stat().st_mtime_ns
    for target in files:
        os.utime(_name_temporary(target), ns=(modified, modified))
    for twin in unwanted:
        twin.unlink(missing_ok=True)
    for target in files:
        _name_temporary(target).replace(target)


def _find_time(path: Path) -> int:
    """When the new file was written, in nanoseconds, or the second after the one that it replaces."""
    now = _name_temporary(path).stat().st_mtime_ns
    with suppress(FileNotFoundError):
        before = path.stat().st_mtime_ns
        if now // _SECOND <= before // _SECOND < (now + _AHEAD) // _SECOND:
            return (before // _SECOND + 1) * _SECOND
    return now


def holds(path: Path, body: bytes) -> bool:
    """Whether that is what the file has in it."""
    try:
        return path.stat().st_size == len(body) and path.read_bytes() == body
    except OSError:  # not there, or not readable: it will be written, and that will tell
        return False


def _name_temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.tmp")


def _write_temporary(target: Path, content: bytes) -> None:
    with open(_name_temporary(target), "wb", opener=lambda name, flags: os.open(name, flags, _MODE)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def try_to_write(folder: Path) -> None:
    """Writes a file without a name, which is gone when it is closed. Raises OSError where none can be written."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(4_096))
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes renames in it durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
