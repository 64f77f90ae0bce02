"""Instants as feeds write them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aggregator.models import FeedItem

_MINUTE = timedelta(minutes=1)
_HALF_HOUR = timedelta(minutes=30)


def get_published(item: FeedItem) -> datetime:
    """When the item was published, in its source's zone; never after we published it ourselves, whatever the portal's
    clock says, for readers hide news from the future or keep it on top for ever."""
    latest = max(item.updated, item.first_published)
    return item.published if item.published <= latest else latest.astimezone(item.published.tzinfo)


def format_rfc822(at: datetime) -> str:
    """An aware `at` as RSS wants it, e.g. `Mon, 05 Oct 2026 14:05:00 +0800`, in its own offset.

    RFC 822 offsets count whole minutes, and readers know them by the half hour; a stranger one is told in UTC.
    """
    return format_datetime(_get_known(at, _HALF_HOUR))


def format_rfc3339(at: datetime) -> str:
    """An aware `at` as Atom and JSON Feed want it, e.g. `2026-10-05T14:05:00+08:00`, in its own offset."""
    return _get_known(at, _MINUTE).isoformat(timespec="seconds")


def format_utc(at: datetime) -> str:
    """The same in UTC, e.g. `2026-10-05T06:05:00Z`, with the fraction of the second where there is one."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _get_known(at: datetime, step: timedelta) -> datetime:
    return at.astimezone(UTC) if (at.utcoffset() or timedelta()) % step else at
