"""Instants as the database keeps them: UTC text that sorts, `2026-11-23T08:15:00Z`. PURE."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from aggregator.times import WIB


def to_text(instant: datetime) -> str:
    """An aware instant as UTC text, whole seconds."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def to_text_exactly(instant: datetime) -> str:
    """The same to the microsecond, for what orders a feed."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_day(instant: datetime) -> str:
    """The day of an aware instant in Jakarta, `2026-11-23`."""
    return instant.astimezone(WIB).date().isoformat()


def from_text(text: str, offset_minutes: int = 0) -> datetime:
    """The aware instant of such text, in the zone `offset_minutes` east of UTC."""
    instant = datetime.fromisoformat(text)
    return (
        instant.astimezone(timezone(timedelta(minutes=offset_minutes))) if offset_minutes else instant.astimezone(UTC)
    )


def get_offset_minutes(instant: datetime) -> int:
    """Minutes east of UTC."""
    offset = instant.utcoffset()
    return int(offset.total_seconds() // 60) if offset is not None else 0
