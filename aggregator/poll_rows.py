"""Channels and their polls: what is due, how it went, what hosts were asked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.adapters import get_adapter
from aggregator.instants import from_text, to_day, to_text, to_text_exactly
from aggregator.models import Channel, ChannelKind, HostTraffic, Poll, PollOutcome, Validators
from aggregator.polling import LONGEST_CYCLE
from aggregator.store_base import StoreBase

LONGEST_PLAN = timedelta(days=9)  # Retry-After is believed up to a week, and a blackout may follow
LONGEST_RETIREMENT = timedelta(days=45)  # a retired channel is asked once in 30 days
LONGEST_HOLD = timedelta(days=8)  # Retry-After is believed up to a week


@dataclass(frozen=True, kw_only=True)
class ChannelRow:
    """A channel's state as stored."""

    id: int
    source_id: str
    kind: ChannelKind
    url: str
    validators: Validators
    next_poll_at: str  # in UTC, as text; "": it was never asked
    failures: int  # polls failed in a row …
    strikes: float  # … and how much they say against it
    rhythm: str  # JSON, of polling.Rhythm: read when a poll has brought something to learn
    retired_at: datetime | None = None  # since then it is asked once a month
    stand_in: Channel | None = None  # not of the catalogue: found in place of channels that are dead


_CHANNEL = (
    "c.id, c.source_id, c.kind, c.url, c.etag, c.last_modified, c.body_hash, c.failures, c.strikes, c.rhythm,"
    " c.retired_at, c.stand_in, c.validator_parts, c.next_poll_at"
)
_PLAIN = ("id", "source_id", "url", "next_poll_at", "failures", "strikes", "rhythm")
_UNSEEN = """
    SELECT max((
        SELECT p.started_at FROM polls AS p
        WHERE p.channel_id = c.id AND p.started_at < l.first_seen_at AND p.outcome IN ('changed', 'unchanged')
        ORDER BY p.started_at DESC LIMIT 1))
    FROM links AS l JOIN channels AS c ON c.source_id = :source
    WHERE l.key = :key AND (:channel IS NULL OR c.id = :channel OR l.first_seen_at < :now)
"""


class PollRows(StoreBase):
    """The part of the store that knows channels and polls."""

    def find_unseen(self, key: str, source_id: str, channel_id: int | None, now: datetime) -> str | None:
        """When the source was last read without the link of that key, before it was first seen; None: not known.

        By the channel that has just led to it; of a link that waited, or that others led to (no channel), by any.
        """
        found = self._value(_UNSEEN, key=key, source=source_id, channel=channel_id, now=to_text(now))
        return str(found) if found else None

    def get_due_channels(self, now: datetime | None) -> list[ChannelRow]:
        """The channels of enabled sources due at `now`, longest overdue first; all of them without `now`.

        A date beyond all plans was made by a clock that was wrong, and so were the plans of a channel that answered in
        what is the future now: they count as due.
        """
        rows = self._rows(
            f"""
            SELECT {_CHANNEL}
            FROM channels AS c JOIN sources AS s ON s.id = c.source_id
            WHERE s.enabled AND c.id IN (
                SELECT id FROM channels WHERE enabled AND next_poll_at <= :now
                UNION SELECT id FROM channels WHERE enabled AND last_success_at > :ahead
                UNION SELECT id FROM channels WHERE enabled AND next_poll_at > :beyond
                    AND (retired_at IS NULL OR next_poll_at > :retired))
            ORDER BY c.next_poll_at, c.id
            """,  # noqa: S608 - names of ours
            now=to_text(now) if now else "9999",
            ahead=to_text(now + LONGEST_CYCLE) if now else "9999",
            beyond=to_text(now + LONGEST_PLAN) if now else "9999",
            retired=to_text(now + LONGEST_RETIREMENT) if now else "9999",
        )
        return [_read_channel(row) for row in rows]

    def get_channels(self, ids: Collection[int]) -> dict[int, ChannelRow]:
        """Channels by id, whether they are due or not."""
        rows = self._rows(
            f"""
            SELECT {_CHANNEL}
            FROM json_each(:ids) AS k CROSS JOIN channels AS c ON c.id = k.value
            """,  # noqa: S608 - names of ours
            ids=json.dumps(sorted(ids)),
        )
        return {row["id"]: _read_channel(row) for row in rows}

    def postpone(self, channels: Iterable[tuple[int, datetime]]) -> None:
        """Sets when channels (by id) are due, without a poll."""
        self._connection.executemany(
            "UPDATE channels SET next_poll_at = ? WHERE id = ?", [(to_text(due), number) for number, due in channels]
        )

    def take_back_strikes(self, channels: Iterable[tuple[ChannelRow, datetime]]) -> None:
        """Gives channels the strikes that they had, as `ChannelRow` has them, and sets when they are due."""
        self._connection.executemany(
            "UPDATE channels SET strikes = ?, next_poll_at = ? WHERE id = ?",
            [(row.strikes, to_text(due), row.id) for row, due in channels],
        )

    def was_last_cycle_an_outage(self) -> bool:
        """Whether our own network was down in the last finished cycle that asked anybody."""
        return bool(
            self._value(
                "SELECT json_extract(summary, '$.is_outage') FROM cycles WHERE finished_at IS NOT NULL"
                " AND json_extract(summary, '$.channels') > 0 ORDER BY id DESC LIMIT 1"
            )
        )

    def write_poll(
        self,
        cycle_id: int,
        poll: Poll,
        row: ChannelRow,
        *,
        code: str,
        posts: int,
        articles: int,
        now: datetime,
        next_poll_at: datetime,
    ) -> None:
        """Records a poll, what it found that was never seen, and the channel's new state: that of `row`.

        `now` is the cycle's clock, which may have been set (`run --now`, the days of the demo): then its polls were
        then, too. Hosts live by the machine's.
        """
        is_set = abs(now - poll.started_at) > LONGEST_CYCLE
        started_at = now if is_set else poll.started_at
        finished_at = started_at + (poll.finished_at - poll.started_at)
        self._connection.execute(
            """
            INSERT INTO polls (cycle_id, channel_id, started_at, finished_at, outcome, http_status, code, reason, links,
                requests, bytes, articles, posts)
            VALUES (:cycle, :channel, :started, :finished, :outcome, :status, :code, :reason, :links, :requests, :bytes,
                :articles, :posts)
            """,
            {
                "cycle": cycle_id,
                "channel": poll.channel_id,
                "started": to_text(started_at),
                "finished": to_text(finished_at),
                "outcome": poll.outcome.value,
                "status": poll.http_status,
                "code": code,
                "reason": poll.reason,
                "links": poll.links,
                "requests": poll.requests,
                "bytes": poll.bytes,
                "articles": articles,
                "posts": posts,
            },
        )
        self._connection.execute(
            "UPDATE channels SET next_poll_at = :next, failures = :failures, strikes = :strikes, rhythm = :rhythm,"
            " retired_at = :retired WHERE id = :id",
            {
                "next": to_text(next_poll_at),
                "failures": row.failures,
                "strikes": row.strikes,
                "rhythm": row.rhythm,
                "retired": to_text(row.retired_at) if row.retired_at else None,
                "id": row.id,
            },
        )
        answered = poll.outcome in (PollOutcome.CHANGED, PollOutcome.UNCHANGED)
        if answered:
            self._connection.execute(
                "UPDATE channels SET etag = :etag, last_modified = :last_modified, body_hash = :body_hash,"
                " validator_parts = :parts, last_success_at = :at WHERE id = :id",
                {
                    **asdict(poll.validators),
                    "parts": json.dumps(poll.validators.parts) if poll.validators.parts else "",
                    "at": to_text(finished_at),
                    "id": poll.channel_id,
                },
            )
        self.count_day(
            row.source_id,
            now,
            polls=1,
            answered=int(answered),
            requests=poll.requests,
            bytes=poll.bytes,
            posts=posts,
            articles=articles,
        )
        self.write_traffic(poll.traffic, poll.finished_at)

    def count_day(self, source_id: str, at: datetime, **counts: int) -> None:
        """Adds to what a source gave on that day (WIB). `counts`: columns of `source_days`."""
        columns = ", ".join(counts)
        values = ", ".join(f":{name}" for name in counts)
        changes = ", ".join(f"{name} = {name} + :{name}" for name in counts)
        self._connection.execute(
            f"INSERT INTO source_days (source_id, day_wib, {columns}) VALUES (:source, :day, {values})"  # noqa: S608 - our own columns
            f" ON CONFLICT DO UPDATE SET {changes}",
            {**counts, "source": source_id, "day": to_day(at)},
        )

    # ── hosts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def write_traffic(self, traffic: Iterable[HostTraffic], at: datetime) -> None:
        """Adds to what hosts were asked on the day (UTC) of `at`."""
        self._connection.executemany(
            """
            INSERT INTO host_days (host, day, requests, bytes, free_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, bytes = bytes + excluded.bytes,
                free_at = max(free_at, excluded.free_at)
            """,
            [
                (part.host, to_text(at)[:10], part.requests, part.bytes, to_text_exactly(part.free_at))
                for part in traffic
            ],
        )

    def get_spent_hosts(self, at: datetime, budget: int) -> frozenset[str]:
        """Hosts whose requests of the day (UTC) of `at` are used up."""
        rows = self._rows(
            "SELECT host FROM host_days WHERE day = :day AND requests >= :budget", day=to_text(at)[:10], budget=budget
        )
        return frozenset(row["host"] for row in rows)

    def get_requests(self, hosts: Iterable[str], at: datetime) -> dict[str, int]:
        """What each of these hosts was asked on the day (UTC) of `at`; those that were not are left out."""
        rows = self._rows(
            "SELECT d.host, d.requests FROM json_each(:hosts) AS h CROSS JOIN host_days AS d"
            " ON d.day = :day AND d.host = h.value",
            hosts=json.dumps(sorted(set(hosts))),
            day=to_text(at)[:10],
        )
        return {row["host"]: row["requests"] for row in rows}

    def get_much_asked(self, at: datetime, least: int) -> dict[str, int]:
        """The hosts that were asked at least so much on the day (UTC) of `at`, and how much."""
        rows = self._rows(
            "SELECT host, requests FROM host_days WHERE day = :day AND requests >= :least",
            day=to_text(at)[:10],
            least=least,
        )
        return {row["host"]: row["requests"] for row in rows}

    def get_held_hosts(self, at: datetime) -> tuple[tuple[str, datetime], ...]:
        """Hosts that may be asked only some time after `at`, and from when on."""
        rows = self._rows(
            "SELECT host, max(free_at) AS free_at FROM host_days"
            " WHERE free_at > :at AND free_at < :beyond GROUP BY host",
            at=to_text_exactly(at),
            beyond=to_text_exactly(at + LONGEST_HOLD),
        )
        return tuple((row["host"], from_text(row["free_at"])) for row in rows)

    def count_requests(self, hosts: Iterable[str], at: datetime) -> int:
        """The most that any of the hosts was asked on the day (UTC) of `at`."""
        return max(self.get_requests(hosts, at).values(), default=0)


def _read_channel(row: sqlite3.Row) -> ChannelRow:
    facts: dict[str, Any] = {name: row[name] for name in _PLAIN}
    return ChannelRow(
        kind=ChannelKind(row["kind"]),
        validators=Validators(
            etag=row["etag"],
            last_modified=row["last_modified"],
            body_hash=row["body_hash"],
            parts=tuple(tuple(part) for part in json.loads(row["validator_parts"] or "[]")),
        ),
        retired_at=from_text(row["retired_at"]) if row["retired_at"] else None,
        stand_in=get_adapter(Channel).validate_json(row["stand_in"]) if row["stand_in"] else None,
        **facts,
    )
