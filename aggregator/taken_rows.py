"""What a queue to workers on other machines brought, none twice, and how it is doing. A part of `Store`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from aggregator.instants import to_text
from aggregator.store_base import StoreBase

REMEMBERED = timedelta(days=30)  # should the queue come back from a backup of its own


class TakenRows(StoreBase):
    """The part of the store that knows the cluster. What writes belongs into a transaction."""

    def was_taken(self, harvest_id: str) -> bool:
        return bool(self._value("SELECT 1 FROM taken_harvests WHERE id = :id", id=harvest_id))

    def note_taken(self, harvest_id: str, now: datetime) -> None:
        """Raises sqlite3.IntegrityError where it is known already; what it brought must not be written again."""
        self._connection.execute("INSERT INTO taken_harvests (id, taken_at) VALUES (?, ?)", (harvest_id, to_text(now)))

    def write_cluster_figures(self, figures: Mapping[str, float], now: datetime) -> None:
        """What the queue to workers on other machines looks like, for /metrics."""
        self._connection.execute("DELETE FROM cluster_figures")
        self._connection.executemany(
            "INSERT INTO cluster_figures (name, value, at) VALUES (?, ?, ?)",
            [(name, value, to_text(now)) for name, value in figures.items()],
        )

    def get_cluster_figures(self) -> dict[str, float]:
        """Empty where one machine crawls."""
        return {row["name"]: row["value"] for row in self._rows("SELECT name, value FROM cluster_figures")}

    def forget_taken(self, now: datetime) -> None:
        self._connection.execute("DELETE FROM taken_harvests WHERE taken_at < ?", (to_text(now - REMEMBERED),))
