"""`--since` and `--until` of commands: one meaning for all, that of `aggregator.bounds`."""

from __future__ import annotations

from datetime import datetime

from aggregator import bounds
from aggregator.bounds import Bound, BoundError
from schedules.errors import UsageFailure


def read_since(text: str | None, now: datetime) -> Bound | None:
    """None: it was not given. Raises UsageFailure."""
    try:
        return bounds.read_since(text, now) if text is not None else None
    except BoundError as error:
        raise UsageFailure(f"--since {error}") from error


def read_until(text: str | None, now: datetime) -> Bound | None:
    """None: it was not given. Raises UsageFailure."""
    try:
        return bounds.read_until(text, now) if text is not None else None
    except BoundError as error:
        raise UsageFailure(f"--until {error}") from error
