"""The rows of digests: when each was due, and what it told. A part of `Store`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta

from aggregator.alerts.hours import LastRun
from aggregator.instants import from_text, to_text, to_text_exactly
from aggregator.store_base import StoreBase

CLOCK_SLACK = timedelta(hours=1)


class DigestRows(StoreBase):
    """Runs of digests."""

    def get_last_run(self, digest: str, now: datetime) -> LastRun | None:
        """The last run of a digest; None: it was never seen. What is of days to come was written by a wrong clock."""
        limit = now + CLOCK_SLACK
        rows = self._rows(_RUNS, digest=digest, slot=to_text(limit), until=to_text_exactly(limit))
        if not rows:
            return None
        until = _find_end(rows)
        slot = from_text(max(row["slot"] for row in rows))
        return LastRun(slot=slot, until=from_text(until) if until else None)

    def write_run(self, digest: str, *, slot: datetime, since: datetime, until: datetime, state: str) -> None:
        """Records a run; in the caller's transaction."""
        row = {"slot": to_text(slot), "since": to_text_exactly(since), "until": to_text_exactly(until)}
        self._insert_or_replace("digest_runs", {"digest": digest, "state": state, **row})


def _find_end(runs: Iterable[sqlite3.Row]) -> str | None:
    """Up to when all was told, by its runs, the newest first; None: nothing was told yet.

    What was to be told by runs that reached nobody was not, back to the last one that reached somebody.
    """
    end, lost = None, []
    for run in runs:
        if run["state"] == "begun":
            break
        if run["is_lost"]:
            lost.append(run["since"])
            continue
        end = end or run["until"]
        if run["state"] == "queued":
            break
    return min(lost) if lost else end


_RUNS = """
    SELECT slot, since, until, state,
        state = 'queued' AND EXISTS (
            SELECT * FROM deliveries AS d WHERE d.kind = 'digest' AND d.name = r.digest AND d.key = r.until
        ) AND NOT EXISTS (
            SELECT * FROM deliveries AS d
            WHERE d.kind = 'digest' AND d.name = r.digest AND d.key = r.until AND d.state <> 'failed'
        ) AS is_lost
    FROM digest_runs AS r WHERE digest = :digest AND slot <= :slot AND until <= :until ORDER BY until DESC
"""
