"""What keeps jobs from being done, in a word for each kind: for monitors and pages, which are told no paths. PURE."""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aggregator.store_base import ClosedDatabaseError, LostDatabaseError, OlderDatabaseError, StoreError


class Obstacle(StrEnum):
    """Kinds of it. Each has its words in `web/words/sources.toml`."""

    DISK_FULL = "disk-full"  # or no room for more files
    NOT_WRITABLE = "not-writable"  # a read-only disk, or somebody else's folder
    LOCKED = "locked"
    DAMAGED = "damaged"
    MISSING = "missing"
    OLDER = "older"  # of an older version, and not brought up to date: it is under way, or no copy could be made first
    DISK = "disk-error"
    OPERATOR = "faulty-file"  # one that the operator wrote
    OTHER = "other"


# What another process may be the cause of that has the database, or what lay beside it, open.
BY_OTHERS = frozenset({Obstacle.DISK, Obstacle.DAMAGED, Obstacle.LOCKED, Obstacle.MISSING, Obstacle.NOT_WRITABLE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A job that fails, turn after turn."""

    job: str
    obstacle: Obstacle
    since: datetime


_BY_ERRNO = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), Obstacle.DISK_FULL),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), Obstacle.NOT_WRITABLE),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.EISDIR), Obstacle.MISSING),
    errno.EIO: Obstacle.DISK,
}
_BY_CODE = {
    sqlite3.SQLITE_FULL: Obstacle.DISK_FULL,
    sqlite3.SQLITE_READONLY: Obstacle.NOT_WRITABLE,
    sqlite3.SQLITE_PERM: Obstacle.NOT_WRITABLE,
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL), Obstacle.LOCKED),
    **dict.fromkeys((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA), Obstacle.DAMAGED),
    sqlite3.SQLITE_CANTOPEN: Obstacle.MISSING,
    sqlite3.SQLITE_IOERR: Obstacle.DISK,
    sqlite3.SQLITE_ERROR: Obstacle.DAMAGED,  # such as a table that somebody has dropped
}


_BY_KIND: tuple[tuple[type[StoreError], Obstacle], ...] = (
    (LostDatabaseError, Obstacle.MISSING),
    (OlderDatabaseError, Obstacle.OLDER),
    (ClosedDatabaseError, Obstacle.NOT_WRITABLE),
)


def classify_obstacle(error: BaseException) -> Obstacle:
    """By the first cause that tells: errors are raised from what they come from."""
    each: BaseException | None = error
    while each is not None:
        for kind, obstacle in _BY_KIND:
            if isinstance(each, kind):
                return obstacle
        if isinstance(each, OSError) and each.errno in _BY_ERRNO:
            return _BY_ERRNO[each.errno]
        if isinstance(each, sqlite3.Error):
            return _BY_CODE.get(getattr(each, "sqlite_errorcode", -1) & 0xFF, Obstacle.OTHER)
        each = each.__cause__
    if isinstance(error, StoreError):  # it was looked at, and is not what it should be
        return Obstacle.DAMAGED
    return Obstacle.OTHER
