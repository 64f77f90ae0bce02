"""Files of data that are there to be downloaded: those in `public/data/`, whatever made them.

What a name may look like is one strict pattern: no folder, no hidden file, nothing that a shell or a browser would
read as something else; nor what is only being written. Symbolic links are not followed.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

FOLDER = "data"  # below the folder of published files
FILES_MOST = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}(?:\.[A-Za-z0-9_-]{1,20}){1,4}")
_UNFINISHED = re.compile(r".*(?:\.(?:tmp|temp|part|partial|swp|lock)|-(?:wal|shm|journal))", re.IGNORECASE)
_MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
    ".zip": "application/zip",
    ".db": "application/vnd.sqlite3",
    ".parquet": "application/vnd.apache.parquet",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    name: str
    path: Path
    size: int
    changed: datetime
    media_type: str
    mark: str  # another one for another content


def list_downloads(public: Path) -> list[Download]:
    """By name; none where the folder is not there or cannot be read."""
    names: list[str] = []
    with suppress(OSError):
        names = sorted(path.name for path in (public / FOLDER).iterdir())
    found = (find_download(public, name) for name in names)
    return list(islice(filter(None, found), FILES_MOST))


def find_download(public: Path, name: str) -> Download | None:
    """None: there is no such file, or it is none that may be given away."""
    if not _NAME.fullmatch(name) or _UNFINISHED.fullmatch(name):
        return None
    path = public / FOLDER / name
    try:
        status = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK):
        return None
    return Download(
        name=name,
        path=path,
        size=status.st_size,
        changed=datetime.fromtimestamp(status.st_mtime, UTC),
        media_type=_MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream"),
        mark=f"{status.st_mtime_ns:x}-{status.st_size:x}",
    )
