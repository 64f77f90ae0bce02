"""The rows of pings: which WebSub hub has still to be told of which changed feed. A part of `Store`.

A failed ping is tried again after 1, 5 and 30 minutes, two hours, then daily; three days after the change it is
dropped: by then a hub that came back has been told of later changes, and subscribers have polled. One that was refused
for good is not tried again, and stays for as long, so that `status` tells of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.instants import from_text, to_text_exactly
from aggregator.store_base import StoreBase

BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(days=1))
KEPT = timedelta(days=3)
NEVER = "9999"  # due: after it was refused for good
PINGS_MOST = 2_000  # taken at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Ping:
    """A feed that a hub is to be told of."""

    hub: str
    url: str
    changed_at: str  # which change: a later one is not told of by the same ping


@dataclass(frozen=True, kw_only=True, slots=True)
class PingOutcome:
    """How a ping went."""

    ping: Ping
    reason: str = ""  # of a failure; "": the hub took it
    is_refusal: bool = False  # there is no use in trying again


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingPings:
    """What a hub has still to be told."""

    hub: str
    pings: int
    refused: int  # of them, not tried again
    since: datetime  # the earliest change
    due_at: datetime | None  # the next try; None: there is none
    reason: str  # why the last attempt failed; "": it was not tried yet


class PingRows(StoreBase):
    """Pings."""

    def queue_pings(self, hubs: Collection[str], urls: Iterable[str], now: datetime) -> None:
        """Has these hubs told of these changed feeds, whatever became of pings before. What hubs that are not in the
        configuration any more had to be told is forgotten, as is what is too old; addresses that are not absolute, as
        without a `site_url`, are left out.

        In the caller's transaction, or its own.
        """
        absolute = [url for url in urls if url.startswith(("http://", "https://"))]
        at = to_text_exactly(now)
        with nullcontext() if self._connection.in_transaction else self.transaction():
            if not absolute and not self._value("SELECT count(*) FROM pings"):
                return
            for (hub,) in self._rows("SELECT DISTINCT hub FROM pings"):
                if hub not in hubs:
                    self._connection.execute("DELETE FROM pings WHERE hub = ?", (hub,))
            self._drop_old_pings(now)
            self._connection.executemany(
                "INSERT INTO pings (hub, url, changed_at, due_at) VALUES (?, ?, ?, ?) ON CONFLICT (hub, url) DO UPDATE"
                " SET changed_at = excluded.changed_at, due_at = excluded.due_at, attempts = 0, reason = ''",
                [(hub, url, at, at) for hub in hubs for url in absolute],
            )

    def get_due_pings(self, now: datetime) -> list[Ping]:
        """Those whose turn it is, hub by hub."""
        rows = self._rows(
            "SELECT hub, url, changed_at FROM pings WHERE due_at <= :now ORDER BY hub, url LIMIT :most",
            now=to_text_exactly(now),
            most=PINGS_MOST,
        )
        return [Ping(**row) for row in map(dict, rows)]

    def record_pings(self, outcomes: Iterable[PingOutcome], now: datetime) -> None:
        """Writes how pings went; one whose feed has changed again meanwhile is due all the same."""
        with self.transaction():
            for outcome in outcomes:
                self._record(outcome, now)
            self._drop_old_pings(now)

    def _record(self, outcome: PingOutcome, now: datetime) -> None:
        ping = outcome.ping
        which = {"hub": ping.hub, "url": ping.url, "changed_at": ping.changed_at}
        same = "hub = :hub AND url = :url AND changed_at = :changed_at"
        if not outcome.reason:
            self._connection.execute(f"DELETE FROM pings WHERE {same}", which)  # noqa: S608 - our own words
            return
        attempts = self._value(f"SELECT attempts FROM pings WHERE {same}", **which)  # noqa: S608 - our own words
        if attempts is None:
            return
        due = NEVER if outcome.is_refusal else to_text_exactly(now + BACK_OFF[min(attempts, len(BACK_OFF) - 1)])
        self._connection.execute(
            f"UPDATE pings SET attempts = attempts + 1, due_at = :due, reason = :reason WHERE {same}",  # noqa: S608 - our own words
            {**which, "due": due, "reason": outcome.reason},
        )

    def _drop_old_pings(self, now: datetime) -> None:
        self._connection.execute("DELETE FROM pings WHERE changed_at < ?", (to_text_exactly(now - KEPT),))

    def get_waiting_pings(self) -> list[WaitingPings]:
        """What hubs have still to be told, and why they were not."""
        rows = self._rows(
            """
            SELECT hub, count(*) AS pings, sum(due_at >= :never) AS refused, min(changed_at) AS since,
                min(due_at) AS due_at, max(reason) AS reason FROM pings GROUP BY hub ORDER BY hub
            """,
            never=NEVER,
        )
        return [_make_waiting(dict(row)) for row in rows]


def _make_waiting(row: dict[str, Any]) -> WaitingPings:
    due_at = from_text(row["due_at"]) if row["due_at"] < NEVER else None
    return WaitingPings(**{**row, "since": from_text(row["since"]), "due_at": due_at})
