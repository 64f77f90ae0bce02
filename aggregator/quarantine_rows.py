"""What is held against sources that end our processes, and which of them are quarantined. A part of `Store`."""

from __future__ import annotations

import logging
from datetime import datetime

from aggregator.health import Alarm
from aggregator.health_rows import HealthRows
from aggregator.instants import from_text, to_text
from aggregator.quarantine import LASTS, Quarantine, announce, is_forgiven, note_kills

CODE = "quarantined"  # of aggregator.diagnosis
REASON_LIMIT = 400
# `Quarantine.lasts` in SQL, of a row `q`; `bind_held` has the values.
HELD = "q.until > :held_now AND q.until <= :held_latest"

logger = logging.getLogger(__name__)


def bind_held(now: datetime) -> dict[str, str]:
    return {"held_now": to_text(now), "held_latest": to_text(now + LASTS)}


class QuarantineRows(HealthRows):
    """The part of the store that knows quarantines. What writes belongs into a transaction."""

    def find_quarantine(self, source_id: str) -> Quarantine | None:
        """What is held against a source, whether it is quarantined or not."""
        return next(iter(self._list_quarantines("WHERE source_id = :id", id=source_id)), None)

    def list_quarantined(self, now: datetime) -> list[Quarantine]:
        """Those that are left alone at `now`."""
        return self._list_quarantines(f"AS q WHERE {HELD}", **bind_held(now))

    def write_kills(self, source_id: str, kills: int, reason: str, now: datetime) -> Quarantine | None:
        """Counts what a source has ended; returns its quarantine where it is in one now."""
        known = self.find_quarantine(source_id)
        held = note_kills(known, source_id, kills, reason[:REASON_LIMIT], now)
        self._connection.execute(
            "INSERT OR REPLACE INTO quarantines (source_id, kills, counted_from, last_kill_at, reason, until)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(source_id, held.kills, to_text(held.counted_from), to_text(held.last_kill_at), held.reason),
                to_text(held.until) if held.until else None,
            ),
        )
        if not held.lasts(now):
            return None
        self._connection.execute(
            "UPDATE channels SET next_poll_at = :until WHERE source_id = :id AND next_poll_at < :until",
            {"until": to_text(held.until) if held.until else "", "id": source_id},
        )
        self.open_alarm(source_id, Alarm(CODE, held.reason), now)
        logger.warning("%s: %s", source_id, announce(held))
        return held

    def forgive_answer(self, source_id: str, now: datetime) -> None:
        """A source has answered, and nothing died of it."""
        known = self.find_quarantine(source_id)
        if known is not None and is_forgiven(known, now):
            self.end_quarantine(source_id, now)
            logger.warning("%s: its quarantine is over: it was tried, and nothing died of it", source_id)

    def end_quarantine(self, source_id: str, now: datetime) -> bool:
        """Forgets what is held against a source, whose channels are due at once; False: there was nothing."""
        found = self._connection.execute("DELETE FROM quarantines WHERE source_id = ? AND until NOT NULL", (source_id,))
        if not found.rowcount:
            return False
        self._connection.execute("UPDATE channels SET next_poll_at = '' WHERE source_id = ?", (source_id,))
        self.close_alarm(source_id, CODE, now)
        return True

    def _list_quarantines(self, where: str, **parameters: str) -> list[Quarantine]:
        rows = self._rows(
            f"SELECT source_id, kills, counted_from, last_kill_at, reason, until FROM quarantines {where}"  # noqa: S608 - our own words
            " ORDER BY source_id",
            **parameters,
        )
        return [
            Quarantine(
                source_id=row["source_id"],
                kills=row["kills"],
                counted_from=from_text(row["counted_from"]),
                last_kill_at=from_text(row["last_kill_at"]),
                reason=row["reason"],
                until=from_text(row["until"]) if row["until"] else None,
            )
            for row in rows
        ]
