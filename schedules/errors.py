"""What can go wrong with a command, and the exit code that says so.

    KabarKotaError          1
    ├── RunFailure          1  the command failed
    ├── UsageFailure        2  the configuration, an operator's file, or the way the command was called
    ├── WriterBusy          3  another process is writing
    └── NothingReachable    4  not one source could be reached

The message is one line, written for the operator; `main` prints it to stderr as `kabarkota: <message>`.
"""

from __future__ import annotations

import errno
from typing import ClassVar

NO_DATABASE = (
    "there is no database yet; `kabarkota run` makes it (or `--data FOLDER` before the command names another folder)"
)


class KabarKotaError(Exception):
    """A failure that the operator should read about. Its class fixes the exit code."""

    exit_code: ClassVar[int] = 1


class RunFailure(KabarKotaError):  # noqa: N818 - named after what happened to the command
    """The command was right and did not succeed."""


class UsageFailure(KabarKotaError):  # noqa: N818 - named after what happened to the command
    """Nothing was done, because the configuration or the command is not right."""

    exit_code = 2


class WriterBusy(KabarKotaError):  # noqa: N818 - named after what happened to the command
    """Nothing was done, because another process holds the writer's lock."""

    exit_code = 3


class NothingReachable(KabarKotaError):  # noqa: N818 - named after what happened to the command
    """A cycle ran, and no source answered: most likely our own network is down."""

    exit_code = 4


def blame_folder(error: OSError, message: str) -> KabarKotaError:
    """What to raise where a folder cannot be written: it is the disk's fault, or another folder or user is wanted."""
    is_of_disk = error.errno in (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO)
    return (RunFailure if is_of_disk else UsageFailure)(message)
