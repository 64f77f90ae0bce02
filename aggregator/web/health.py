"""What /healthz says: whether the database can be read, and whether cycles still run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.lost import check_not_lost
from aggregator.obstacles import Notice, Obstacle, classify_obstacle
from aggregator.operation import Pulse
from aggregator.store import StoreError
from aggregator.store_base import LostDatabaseError
from aggregator.web.reading import OpenStore

SILENT_AFTER = timedelta(minutes=30)  # since the last answer, when no channel works: our own network is down, mostly

VITAL = {"start": "gathering fails", "poll": "gathering fails", "publish": "publishing fails"}  # by job

logger = logging.getLogger(__name__)


def check_health(
    open_store: OpenStore,
    *,
    database: Path,
    feed: Path,
    now: datetime,
    late_after: timedelta,
    notices: Sequence[Notice] = (),
) -> tuple[int, dict[str, Any]]:
    """The HTTP status and what to say: 200 when the database opens, no channel has waited for its poll too long, and
    what is gathered is written and published.

    The body names no path and no error, for it is public; the log has them. `notices`: of jobs that fail.
    """
    facts: dict[str, Any] = {
        "reason": None,
        "last_cycle": None,
        "lateness_seconds": None,
        "stale_since": None,
        "articles": None,
        "feed_age_seconds": measure_age(feed, now),
    }
    try:
        check_not_lost(database)
        with open_store(database) as store:
            health, pulse = store.get_health(), store.get_pulse(now)
    except StoreError as error:
        obstacle = classify_obstacle(error)
        is_to_come = obstacle is Obstacle.MISSING and not isinstance(error, LostDatabaseError)  # the writer makes it
        level = logging.WARNING if obstacle is Obstacle.OLDER else logging.ERROR
        logger.log(logging.INFO if is_to_come else level, "%s", error)
        return 503, {"status": "database unreadable", **facts, "reason": obstacle.value}
    last = health.last_cycle_finished_at
    facts["last_cycle"] = last.astimezone(UTC).isoformat() if last else None
    facts["lateness_seconds"] = int((now - pulse.due_since).total_seconds()) if pulse.due_since else 0
    stale = find_silence(pulse, now, late_after)
    facts["stale_since"] = stale.isoformat() if stale else None
    facts["articles"] = health.articles
    facts["failing"] = {each.job: each.obstacle.value for each in notices}
    vital = min((each for each in notices if each.job in VITAL), key=lambda each: each.since, default=None)
    facts["reason"] = vital.obstacle.value if vital else None
    problem = VITAL[vital.job] if vital else judge_pulse(pulse, now, late_after)
    return 503 if problem else 200, {"status": problem or "ok", **facts}


def judge_pulse(pulse: Pulse, now: datetime, late_after: timedelta) -> str:
    """What is wrong with the cycles; "" when nothing is. PURE.

    The age of the last cycle alone says nothing: where nothing is due none is run. An installation that has not
    finished any cycle yet is healthy: the first one may take its time, but not for ever.
    """
    last = pulse.last_cycle_finished_at
    heard = last or pulse.first_cycle_started_at
    is_silent = heard is not None and now - heard > late_after
    is_late = pulse.due_since is not None and now - pulse.due_since > late_after
    if is_silent and (is_late or pulse.has_unasked):
        return "cycles have stopped" if last else "the first cycle does not end"
    return "channels are overdue although cycles run" if is_late and last else ""


def find_silence(pulse: Pulse, now: datetime, late_after: timedelta) -> datetime | None:
    """Since when what is shown is stale: no portal answers, or none is asked; None: it is fresh. PURE."""
    heard = pulse.answered_at
    if heard is None:
        return None
    nobody_answers = not pulse.is_any_working and now - heard > SILENT_AFTER
    return heard if nobody_answers or judge_pulse(pulse, now, late_after) else None


def measure_age(feed: Path, now: datetime) -> int | None:
    """Seconds since the feed last changed (not since it was last found unchanged); None: there is none."""
    try:
        return max(int(now.timestamp() - feed.stat().st_mtime), 0)
    except OSError:
        return None
