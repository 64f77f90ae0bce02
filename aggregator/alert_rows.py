"""The rows of digests and alerts: what was told, what is to be sent, how far each has looked. A part of `Store`.

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

from aggregator.alerts.hours import LastRun
from aggregator.feeds import ALL
from aggregator.instants import from_text, to_text, to_text_exactly
from aggregator.store_base import StoreBase

BACK_OFF = tuple(timedelta(minutes=each) for each in (1, 5, 15, 30, 60))
GIVEN_UP_AFTER = timedelta(days=1)
DEAD_AFTER = timedelta(minutes=15)  # nothing is tried for so long: whoever tried it has died
KEPT = timedelta(days=90)
FOLLOWED = timedelta(days=7)  # for so long a story that was told is known as one
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
    """Digests, alerts and their deliveries; writes belong into the caller's transaction where it says so."""

    # ── digests ────────────────────────────────────────────────────────────────────────────────────────────────────

    def get_last_run(self, digest: str) -> LastRun | None:
        """The last run of a digest; None: it was never seen. A run that reached nobody has told nothing."""
        rows = self._rows(_LAST_RUN, digest=digest)
        if not rows or rows[0]["slot"] is None:
            return None
        until = rows[0]["until"]
        return LastRun(slot=from_text(rows[0]["slot"]), until=from_text(until) if until else None)

    def write_run(self, digest: str, *, slot: datetime, since: datetime, until: datetime, state: str) -> None:
        """Records a run; in the caller's transaction."""
        row = {"slot": to_text(slot), "since": to_text_exactly(since), "until": to_text_exactly(until)}
        self._insert_or_replace("digest_runs", {"digest": digest, "state": state, **row})
        self._connection.execute(
            "DELETE FROM digest_runs WHERE digest = ? AND until < ?", (digest, to_text_exactly(until - KEPT))
        )

    # ── what is sent ───────────────────────────────────────────────────────────────────────────────────────────────

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
        """Writes how attempts went, and forgets what is old. Returns those that failed, as they stand now."""
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
            self._connection.execute("DELETE FROM deliveries WHERE created_at < ?", (to_text(now - KEPT),))
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

    def get_troubled_targets(self, since: datetime) -> list[TroubledTarget]:
        """What did not arrive, or not for certain, of what came up since then."""
        rows = self._rows(_TROUBLED, since=to_text(since))
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

    # ── instant alerts ─────────────────────────────────────────────────────────────────────────────────────────────

    def get_newest_place(self) -> int:
        """The place of the newest item in the feed of everything; 0 while there is none."""
        of_all = "(SELECT id FROM feeds WHERE name = :all)"
        sql = f"SELECT max(place) FROM feed_items WHERE feed_id = {of_all} AND archived = 0"  # noqa: S608 - our own words
        return int(self._value(sql, all=ALL) or 0)

    def get_look(self, alert: str) -> tuple[int, datetime] | None:
        """(place, when): how far an alert has looked; None: it never has."""
        rows = self._rows("SELECT place, looked_at FROM alert_looks WHERE alert = :alert", alert=alert)
        return (rows[0]["place"], from_text(rows[0]["looked_at"])) if rows else None

    def write_look(self, alert: str, place: int, now: datetime) -> None:
        """In the caller's transaction."""
        self._insert_or_replace("alert_looks", {"alert": alert, "place": place, "looked_at": to_text(now)})

    def get_told_stories(self, alert: str, now: datetime) -> dict[int, tuple[datetime, int]]:
        """story → (when it was last told, pieces of news that wait), of those told lately."""
        rows = self._rows(
            "SELECT story_id, told_at, waiting FROM alert_stories WHERE alert = :alert AND told_at > :since",
            alert=alert,
            since=to_text(now - FOLLOWED),
        )
        return {row["story_id"]: (from_text(row["told_at"]), row["waiting"]) for row in rows}

    def write_told_stories(self, alert: str, stories: Mapping[int, tuple[datetime, int]], now: datetime) -> None:
        """Story by story, as `get_told_stories` gives them; in the caller's transaction."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO alert_stories VALUES (?, ?, ?, ?)",
            [(alert, story_id, to_text(told_at), waiting) for story_id, (told_at, waiting) in stories.items()],
        )
        self._connection.execute("DELETE FROM alert_stories WHERE told_at <= ?", (to_text(now - FOLLOWED),))

    # ── silence ────────────────────────────────────────────────────────────────────────────────────────────────────

    def find_quiet_sources(self) -> dict[str, str]:
        """id → kind of the sources of which far less comes than usual, as the check of health has it."""
        rows = self._rows(
            "SELECT s.id, s.kind FROM alarms AS a CROSS JOIN sources AS s ON s.id = a.source_id"
            " WHERE a.until IS NULL AND a.code = 'quiet' AND s.enabled"
        )
        return {row["id"]: row["kind"] for row in rows}

    def find_silent_sources(self, since: datetime) -> dict[str, str]:
        """id → kind of the sources that gave nothing new since then, and were asked before and after it."""
        rows = self._rows(_SILENT, since=to_text(since))
        return {row["id"]: row["kind"] for row in rows}

    def get_told_silences(self, alert: str) -> set[str]:
        """Sources whose silence was told, and not yet its end."""
        rows = self._rows("SELECT source_id FROM alert_silences WHERE alert = :alert", alert=alert)
        return {row["source_id"] for row in rows}

    def write_silences(self, alert: str, began: Iterable[str], ended: Iterable[str], now: datetime) -> None:
        """In the caller's transaction."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO alert_silences VALUES (?, ?, ?)", [(alert, each, to_text(now)) for each in began]
        )
        self._connection.executemany(
            "DELETE FROM alert_silences WHERE alert = ? AND source_id = ?", [(alert, each) for each in ended]
        )

    def find_posting_sources(self, source_ids: Collection[str], since: datetime) -> set[str]:
        """Those of these sources that are on and gave anything new since then."""
        rows = self._rows(_POSTING, ids=json.dumps([*source_ids]), since=to_text(since))
        return {row["id"] for row in rows}

    def describe_sources(self, source_ids: Collection[str]) -> list[dict[str, Any]]:
        """id, name, and last_at (a day in WIB, "": never), on which anything new came, by name."""
        rows = self._rows(_DESCRIBE_SOURCES, ids=json.dumps([*source_ids]))
        return [dict(row) for row in rows]


_LAST_RUN = """
    SELECT max(slot) AS slot, max(until) FILTER (WHERE state <> 'begun' AND NOT (
        state = 'queued' AND NOT EXISTS (
            SELECT * FROM deliveries AS d
            WHERE d.kind = 'digest' AND d.name = r.digest AND d.key = r.until AND d.state <> 'failed'
        ) AND EXISTS (
            SELECT * FROM deliveries AS d WHERE d.kind = 'digest' AND d.name = r.digest AND d.key = r.until
        )
    )) AS until
    FROM digest_runs AS r WHERE digest = :digest
"""
_DUE = """
    SELECT id FROM deliveries
    WHERE state = 'waiting' AND due_at <= :now AND target NOT IN (SELECT value FROM json_each(:but))
    ORDER BY due_at, id LIMIT :most
"""
_TROUBLED = """
    SELECT target, state, count(*) AS deliveries, max(tried_at) AS last_at, min(due_at) AS due_at, max(reason) AS reason
    FROM deliveries
    WHERE tried_at IS NOT NULL AND created_at >= :since
        AND (state IN ('failed', 'unknown') OR (state = 'waiting' AND reason <> ''))
    GROUP BY target, state ORDER BY target, state
"""
_SILENT = """
    SELECT s.id, s.kind FROM sources AS s
    WHERE s.enabled
        AND NOT EXISTS (SELECT * FROM channels AS c CROSS JOIN polls AS p ON p.channel_id = c.id
            WHERE c.source_id = s.id AND p.started_at >= :since AND p.posts > 0)
        AND EXISTS (SELECT * FROM channels AS c CROSS JOIN polls AS p ON p.channel_id = c.id
            WHERE c.source_id = s.id AND p.started_at < :since)
        AND EXISTS (SELECT * FROM channels AS c CROSS JOIN polls AS p ON p.channel_id = c.id
            WHERE c.source_id = s.id AND p.started_at >= :since)
"""
_POSTING = """
    SELECT s.id FROM json_each(:ids) AS k CROSS JOIN sources AS s ON s.id = k.value
    WHERE s.enabled AND EXISTS (SELECT * FROM channels AS c CROSS JOIN polls AS p ON p.channel_id = c.id
        WHERE c.source_id = s.id AND p.started_at >= :since AND p.posts > 0)
"""
_DESCRIBE_SOURCES = """
    SELECT s.id, s.name, coalesce((SELECT max(day_wib) FROM source_days AS d WHERE d.source_id = s.id AND d.posts > 0),
        '') AS last_at
    FROM json_each(:ids) AS k CROSS JOIN sources AS s ON s.id = k.value ORDER BY s.name, s.id
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
