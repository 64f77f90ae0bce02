"""SQLite's write-ahead log beside the database, and what becomes of it when somebody removes it under who has it open.

Whoever opens the database then takes the index that is still shared (`-shm`) for that of a new, empty log: what is read
of it fails, what is written to it lies behind a hole and is lost with the next start, or damages the database when the
hole is copied into it (https://www.sqlite.org/howtocorrupt.html). So the one writer looks first, and leaves nothing
in the log that is not in the file.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

# https://www.sqlite.org/walformat.html, 2.1: the log's header, and each frame's
_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24


class LogGoneError(sqlite3.OperationalError):
    """The log is not the one that its index is of. SQLite's code for a file that is too short; of the database itself
    it takes what is missing for zeros."""

    sqlite_errorcode = sqlite3.SQLITE_IOERR_SHORT_READ


def check_log(connection: sqlite3.Connection, database: Path) -> None:
    """Raises LogGoneError where the file is shorter than its index says, sqlite3.Error.

    Copies into the database what is in the log, as far as nobody reads it.
    """
    _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if frames <= 0:  # nothing in it, or somebody else is just copying it
        return
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    needed = _HEADER_BYTES + frames * (_FRAME_HEADER_BYTES + page_bytes)
    with suppress(FileNotFoundError):
        if os.stat(_get_log(database)).st_size >= needed:  # noqa: PTH116 - each turn
            return
    raise LogGoneError(f"{_get_log(database).name} was removed")


def is_log_gone(error: sqlite3.Error) -> bool:
    """Whether it tells of such a log."""
    return getattr(error, "sqlite_errorcode", 0) == LogGoneError.sqlite_errorcode


def forget_log(database: Path) -> None:
    """Has whoever opens the database from now on begin with the log that is there. Raises OSError.

    For who has a connection open to that database: its index cannot become somebody's that is sound meanwhile. Other
    connections of this process keep it in use as long as they are open.
    """
    try:
        database.with_name(f"{database.name}-shm").unlink()
    except FileNotFoundError:  # said before
        return
    logger.warning(
        "%s was removed while it was in use: what was in it is lost as far as it was not in %s yet; a new one is begun",
        _get_log(database),
        database.name,
    )


def settle_log(connection: sqlite3.Connection) -> None:
    """Has all that was written in the database itself, as far as nobody reads the log. What cannot be copied stays."""
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.Error as error:  # all that was committed is in the log
        logger.debug("the log stays as it is: %s", error)


def _get_log(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")
