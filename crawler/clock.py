"""Time, handed in rather than looked up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]  # aware, UTC


def system_clock() -> datetime:
    return datetime.now(UTC)
