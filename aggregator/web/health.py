"""What /healthz says: whether the database can be read, and whether cycles still run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.store import Store, StoreError

logger = logging.getLogger(__name__)


def check_health(
    open_store: Callable[[Path], Store], *, database: Path, feed: Path, now: datetime, max_cycle_age: timedelta
) -> tuple[int, dict[str, Any]]:
    """The HTTP status and what to say: 200 when the database opens and the last finished cycle is recent enough.

    An installation that has not finished any cycle yet is healthy: the first one may take its time. The body names
    no path and no error, for it is public; the log has them.
    """
    facts: dict[str, Any] = {"last_cycle": None, "articles": None, "feed_age_seconds": _measure_age(feed, now)}
    try:
        with open_store(database) as store:
            health = store.get_health()
    except StoreError:
        logger.exception("cannot read %s", database)
        return 503, {"status": "database unreadable", **facts}
    last = health.last_cycle_finished_at
    facts |= {"last_cycle": last.astimezone(UTC).isoformat() if last else None, "articles": health.articles}
    if last and now - last > max_cycle_age:
        return 503, {"status": "last cycle too old", **facts}
    return 200, {"status": "ok", **facts}


def _measure_age(feed: Path, now: datetime) -> int | None:
    """Seconds since the feed last changed (not since it was last found unchanged)."""
    try:
        return max(int(now.timestamp() - feed.stat().st_mtime), 0)
    except OSError:
        return None
