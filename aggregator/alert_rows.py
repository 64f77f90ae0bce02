"""The rows of what is sent by digests and alerts. A part of `Store`.

    waiting ─▶ trying ─▶ sent          the receiver has it
       ▲          ├────▶ failed        refused for good, or given up after a day
       └──────────┤                    it has certainly not arrived: again, after 1, 5, 15, 30 minutes, then each hour
                  └────▶ unknown       it may have arrived: not again

A delivery is marked as being tried before it is sent. Where the process dies meanwhile, a webhook gets it again, with
the same id, and a message to people is not repeated: two of the same would be worse than the rare one that is lost.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from aggregator.instants import from_text, to_text
from aggregator.store_base import StoreBase

BACK_OFF = tuple(timedelta(minutes=each) for each in (1, 5, 15, 30, 60))
GIVEN_UP_AFTER = timedelta(days=1)
DEAD_AFTER = timedelta(minutes=15)  # nothing is tried for so long: whoever tried it has died
CLAIMED_MOST = 20  # at once: claiming and setting the words is to be quick
REASON_MOST = 300


class State(StrEnum):
    """What has become of a delivery."""

    WAITING = "waiting"
    TRYING = "trying"
    SENT = "sent"
    NOTHING = "nothing"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Whom something is told: a target of alerts.toml, and which of its recipients."""

    target: str
    part: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What is told: its words are set when it is sent, so that what was taken down meanwhile is not in them."""

    kind: str  # digest, news, spike, silence
    name: str  # of the digest or alert in alerts.toml
    key: str  # nothing is told twice to the same
    content: Mapping[str, Any]  # what it is made of, for JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """Something that is told to somebody."""

    id: int
    uid: str
    message: Message
    address: Address
    created_at: datetime
    attempts: int
    done: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How an attempt went."""

    delivery_id: int
    state: State  # WAITING: it has certainly not arrived, and is worth another attempt
    done: int = 0
    reason: str = ""
    retry_after: timedelta | None = None  # that the receiver asked for
    has_begun: bool = True  # False: it was claimed, and never tried


@dataclass(frozen=True, kw_only=True, slots=True)
class TroubledTarget:
    """What a target did not get, or not for certain, in the last days."""

    target: str
    state: State
    deliveries: int
    last_at: datetime
    due_at: datetime | None  # the next attempt
    reason: str


class AlertRows(StoreBase):
    """What is sent; writes belong into the caller's transaction where it says so."""

    def add_deliveries(self, message: Message, addresses: Iterable[Address], now: datetime) -> int:
        """Has it told to these, unless they were told it before; in the caller's transaction. Returns how many."""
        before = self._connection.total_changes
        self._connection.executemany(
            "INSERT INTO deliveries (uid, kind, name, target, part, key, message, created_at, due_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                (
                    *(secrets.token_hex(16), message.kind, message.name, each.target, each.part, message.key),
                    *(json.dumps(message.content, ensure_ascii=False), to_text(now), to_text(now)),
                )
                for each in addresses
            ],
        )
        return self._connection.total_changes - before

    def claim_deliveries(
        self, now: datetime, *, but: Collection[str] = (), again: Collection[str] = ()
    ) -> list[Delivery]:
        """Takes what is due, and marks it as being tried; but not for the targets `but`, which are busy.

        What was being tried when its process died is settled first; targets `again` are tried again.
        """
        with self.transaction():
            self._settle_dead(now, again, but)
            rows = self._rows(
                f"UPDATE deliveries SET state = 'trying', attempts = attempts + 1, tried_at = :now WHERE id IN ({_DUE})"  # noqa: S608 - our own words
                " RETURNING *",
                now=to_text(now),
                but=json.dumps([*but]),
                most=CLAIMED_MOST,
            )
        return sorted(map(_make_delivery, rows), key=lambda each: each.id)

    def _settle_dead(self, now: datetime, again: Collection[str], but: Collection[str]) -> None:
        self._connection.execute(
            "UPDATE deliveries SET state = iif(target IN (SELECT value FROM json_each(:again)), 'waiting', 'unknown'),"
            " due_at = :now, reason = 'the process died while it was being sent'"
            " WHERE state = 'trying' AND tried_at <= :dead AND target NOT IN (SELECT value FROM json_each(:but))",
            {
                "again": json.dumps([*again]),
                "but": json.dumps([*but]),
                "now": to_text(now),
                "dead": to_text(now - DEAD_AFTER),
            },
        )

    def put_off(self, delivery_ids: Sequence[int], until: datetime) -> None:
        """Takes back a claim: it was not tried, and is due then."""
        with self.transaction():
            self._connection.executemany(
                "UPDATE deliveries SET state = 'waiting', attempts = attempts - 1, due_at = ? WHERE id = ?",
                [(to_text(until), each) for each in delivery_ids],
            )

    def record_outcomes(self, outcomes: Iterable[Outcome], now: datetime) -> list[tuple[Delivery, Outcome]]:
        """Writes how attempts went. Returns those that failed, as they stand now."""
        failed = []
        with self.transaction():
            for outcome in outcomes:
                if not outcome.has_begun:
                    self._connection.execute(
                        "UPDATE deliveries SET state = 'waiting', attempts = attempts - 1"
                        " WHERE id = ? AND state = 'trying'",
                        (outcome.delivery_id,),
                    )
                    continue
                rows = self._rows("SELECT * FROM deliveries WHERE id = :id", id=outcome.delivery_id)
                if not rows or rows[0]["state"] == State.SENT:
                    continue
                delivery = _make_delivery(rows[0])
                settled = self._settle(delivery, outcome, now)
                if settled is not State.SENT:
                    failed.append((delivery, Outcome(delivery_id=delivery.id, state=settled, reason=outcome.reason)))
        return failed

    def _settle(self, delivery: Delivery, outcome: Outcome, now: datetime) -> State:
        state, due = outcome.state, now
        if state is State.WAITING:
            soonest, last = (
                now + BACK_OFF[min(delivery.attempts, len(BACK_OFF)) - 1],
                delivery.created_at + GIVEN_UP_AFTER,
            )
            due = max(soonest, min(now + (outcome.retry_after or timedelta(0)), last))  # one more, whatever it asks for
            state = State.FAILED if due > last else state
        self._connection.execute(
            "UPDATE deliveries SET state = :state, due_at = :due, done = :done, reason = :reason,"
            " sent_at = iif(:state = 'sent', :now, NULL) WHERE id = :id",
            {
                "id": delivery.id,
                "state": state.value,
                "due": to_text(due),
                "done": outcome.done,
                "reason": outcome.reason[:REASON_MOST],
                "now": to_text(now),
            },
        )
        return state

    def describe_deliveries(self, delivery_ids: Collection[int]) -> list[dict[str, Any]]:
        """name, kind, target, state and reason of these."""
        rows = self._rows(
            "SELECT name, kind, target, state, reason FROM deliveries"
            " WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY id",
            ids=json.dumps([*delivery_ids]),
        )
        return [dict(row) for row in rows]

    def has_deliveries_due(self, now: datetime) -> bool:
        """Whether anything is to be sent, or settled."""
        sql = "SELECT EXISTS (SELECT * FROM deliveries WHERE state IN ('waiting', 'trying') AND due_at <= :now)"
        return bool(self._value(sql, now=to_text(now)))

    def get_troubled_targets(self, since: datetime, now: datetime) -> list[TroubledTarget]:
        """What did not arrive, or not for certain, of what came up since then; or is being tried for too long."""
        rows = self._rows(_TROUBLED, since=to_text(since), dead=to_text(now - DEAD_AFTER))
        return [
            TroubledTarget(
                target=row["target"],
                state=State(row["state"]),
                deliveries=row["deliveries"],
                last_at=from_text(row["last_at"]),
                due_at=from_text(row["due_at"]) if row["state"] == State.WAITING else None,
                reason=row["reason"],
            )
            for row in rows
        ]


_DUE = """
    SELECT id FROM deliveries
    WHERE state = 'waiting' AND due_at <= :now AND target NOT IN (SELECT value FROM json_each(:but))
    ORDER BY due_at, id LIMIT :most
"""
_TROUBLED = """
    SELECT target, state, count(*) AS deliveries, max(tried_at) AS last_at, min(due_at) AS due_at, max(reason) AS reason
    FROM deliveries
    WHERE tried_at IS NOT NULL AND created_at >= :since
        AND (state IN ('failed', 'unknown') OR (state = 'waiting' AND reason <> '')
            OR (state = 'trying' AND tried_at <= :dead))
    GROUP BY target, state ORDER BY target, state
"""


def _make_delivery(row: sqlite3.Row) -> Delivery:
    content = json.loads(row["message"])
    return Delivery(
        id=row["id"],
        uid=row["uid"],
        message=Message(kind=row["kind"], name=row["name"], key=row["key"], content=content),
        address=Address(target=row["target"], part=row["part"]),
        created_at=from_text(row["created_at"]),
        attempts=row["attempts"],
        done=row["done"],
    )
