"""How gathering goes: what is polled, late, failing, retired, and why. A part of `Store`; it only reads.

`polls` grows without end and `channels` is read whole by a count only, so nothing here scans the one, and lists of the
other end at a limit.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from aggregator.instants import from_text, to_text
from aggregator.operation import Alarm, ChannelState, Counts, Operation, PollTally, Pulse, SourceOperation
from aggregator.quarantine_rows import HELD, QuarantineRows, bind_held

LATE_AFTER = timedelta(hours=1)  # cron may come once an hour, and a cycle takes its time
LISTED = 200  # channels, alarms and stand-ins in a list, at most
POLLS_SHOWN = 10  # of a source
DAYS_SHOWN = 7
TALLY_START = 200_000  # polls that a tally begins with: 0.2 s once, then only what is new


class OperationRows(QuarantineRows):
    """What `status`, `/healthz` and `/metrics` tell."""

    def get_operation(self, now: datetime) -> Operation:
        """The figures and the worst of each list."""
        cycle = self._find_last_cycle()
        started = self._value("SELECT started_at FROM cycles WHERE finished_at IS NULL ORDER BY id DESC LIMIT 1")
        is_newer = started is not None and (cycle is None or started > cycle["started_at"])
        is_asked = f"{_IS_ON} AND q.until IS NULL"
        return Operation(
            now=now,
            last_cycle=(from_text(cycle["started_at"]), from_text(cycle["finished_at"])) if cycle else None,
            unfinished_since=from_text(started) if is_newer else None,
            counts=self.count_operation(now),
            quarantined=self.list_quarantined(now),
            late=self._list_channels(
                now,
                f"{is_asked} AND c.next_poll_at > '' AND c.next_poll_at < :before ORDER BY c.next_poll_at, c.id",
                before=to_text(now - LATE_AFTER),
            ),
            failing=self._list_channels(
                now,
                f"{is_asked} AND c.failures > 0 AND c.retired_at IS NULL ORDER BY c.failures DESC, c.source_id, c.id",
            ),
            retired=self._list_channels(
                now, f"{is_asked} AND c.retired_at IS NOT NULL ORDER BY c.retired_at DESC, c.id"
            ),
            stand_ins=self._list_channels(now, f"{_IS_ON} AND c.stand_in IS NOT NULL ORDER BY c.source_id, c.id"),
            alarms=self._list_alarms("a.until IS NULL ORDER BY a.since DESC, a.source_id, a.code LIMIT :most"),
        )

    def count_operation(self, now: datetime) -> Counts:
        """The figures alone."""
        today = self._rows(
            "SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(bytes), 0) AS bytes FROM host_days"
            " WHERE day = :day",
            day=to_text(now)[:10],
        )[0]
        channels = self._rows(_COUNT_CHANNELS, now=to_text(now), late=to_text(now - LATE_AFTER), **bind_held(now))[0]
        oldest = channels["oldest"]
        alarms = self._rows("SELECT code, count(*) AS n FROM alarms WHERE until IS NULL GROUP BY code ORDER BY code")
        return Counts(
            **{
                name: channels[name] or 0 for name in ("quarantined", "working", "failing", "retired", "unasked", "off")
            },
            **{name: channels[name] or 0 for name in ("due", "late", "stand_ins")},
            lateness=max(now - from_text(oldest), timedelta(0)) if oldest else timedelta(0),
            sources=self._value("SELECT count(*) FROM sources WHERE enabled"),
            unprobed=self._value("SELECT count(*) FROM sources WHERE evidence = 'unprobed' AND NOT enabled"),
            pending_links=self._value("SELECT count(*) FROM links WHERE state = 'pending'"),
            requests_today=today["requests"],
            bytes_today=today["bytes"],
            database_bytes=self._value("PRAGMA page_count") * self._value("PRAGMA page_size"),
            alarms={row["code"]: row["n"] for row in alarms},
        )

    def get_pulse(self, now: datetime) -> Pulse:
        """What /healthz and the front page ask: nothing but indexes and the channels."""
        cycle = self._find_last_cycle()
        started = self._value("SELECT started_at FROM cycles ORDER BY id LIMIT 1")
        due = self._value(_DUE_SINCE, now=to_text(now))
        answers = self._rows(_ANSWERS)[0]
        return Pulse(
            last_cycle_finished_at=from_text(cycle["finished_at"]) if cycle else None,
            first_cycle_started_at=from_text(started) if started else None,
            due_since=from_text(due) if due else None,
            has_unasked=bool(self._value(_HAS_UNASKED)),
            answered_at=from_text(answers["at"]) if answers["at"] else None,
            is_any_working=bool(answers["is_any_working"]),
        )

    def get_source_operation(
        self,
        source_id: str,
        now: datetime,
        *,
        polls: int = POLLS_SHOWN,
        days: int = DAYS_SHOWN,
        months: int = DAYS_SHOWN,
    ) -> SourceOperation | None:
        """All about one source, of its history so much; None: there is none with that id."""
        rows = self._rows("SELECT id, name, domain, enabled, evidence FROM sources WHERE id = :id", id=source_id)
        if not rows:
            return None
        held = self.find_quarantine(source_id)
        return SourceOperation(
            **{name: rows[0][name] for name in ("id", "name", "domain", "evidence")},
            enabled=bool(rows[0]["enabled"]),
            quarantine=held if held is not None and held.lasts(now) else None,
            channels=self._list_channels(now, "c.source_id = :id ORDER BY c.enabled DESC, c.id", id=source_id),
            polls=[dict(row) for row in self._rows(_LAST_POLLS, id=source_id, most=polls)],
            days=[dict(row) for row in self._rows(_LAST_DAYS, id=source_id, most=days)],
            coverage=[dict(row) for row in self._rows(_COVERAGE, id=source_id, most=months)],
            alarms=self._list_alarms("a.source_id = :id ORDER BY a.until IS NULL DESC, a.since DESC", id=source_id),
            pending_links=self._value(
                "SELECT count(*) FROM links WHERE state = 'pending' AND source_id = :id", id=source_id
            ),
        )

    def count_polls(self, tally: PollTally | None = None) -> PollTally:
        """`tally` with the polls that came since; without one, or when the database is another one, a new tally.

        A new tally begins with the newest TALLY_START polls: those of an installation of usual size in a year.
        """
        newest = int(self._value("SELECT max(id) FROM polls") or 0)
        if tally is None or newest < tally.last_id:
            tally = PollTally(last_id=max(newest - TALLY_START, 0))
        rows = self._rows(_TALLY, after=tally.last_id, until=newest)
        outcomes, failures = dict(tally.outcomes), dict(tally.failures)
        for row in rows:
            outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + row["n"]
            if row["outcome"] in ("failed", "refused"):
                failures[row["code"]] = failures.get(row["code"], 0) + row["n"]
        return PollTally(
            last_id=newest,
            outcomes=tuple(sorted(outcomes.items())),
            failures=tuple(sorted(failures.items())),
            requests=tally.requests + sum(row["requests"] for row in rows),
            bytes=tally.bytes + sum(row["bytes"] for row in rows),
            articles=tally.articles + sum(row["articles"] for row in rows),
            posts=tally.posts + sum(row["posts"] for row in rows),
        )

    def get_cycle_number(self) -> int:
        """Of the last cycle: so many were started, however many are still remembered."""
        return int(self._value("SELECT max(id) FROM cycles") or 0)

    def _find_last_cycle(self) -> sqlite3.Row | None:
        rows = self._rows(
            "SELECT started_at, finished_at FROM cycles WHERE finished_at IS NOT NULL ORDER BY id DESC LIMIT 1"
        )
        return rows[0] if rows else None

    def _list_channels(self, now: datetime, where: str, **parameters: Any) -> list[ChannelState]:
        rows = self._rows(_CHANNELS.format(where=where), most=LISTED, **bind_held(now), **parameters)
        return [_make_channel(row) for row in rows]

    def _list_alarms(self, where: str, **parameters: Any) -> list[Alarm]:
        limit = {"most": LISTED} if ":most" in where else {}
        rows = self._rows(_ALARMS.format(where=where), **parameters, **limit)
        return [
            Alarm(
                **{name: row[name] for name in ("source_id", "name", "code", "detail")},
                since=from_text(row["since"]),
                until=_read_instant(row["until"]),
            )
            for row in rows
        ]


_IS_ON = "c.enabled AND s.enabled"
# A channel's own columns only, so that no row is fetched twice; `oldest` is told of those that were ever asked.
_COUNT_CHANNELS = f"""
    SELECT sum(NOT is_on) AS off, sum(is_on AND NOT is_asked) AS quarantined,
        sum(is_asked AND retired_at IS NOT NULL) AS retired,
        sum(is_asked AND retired_at IS NULL AND failures > 0) AS failing,
        sum(is_asked AND retired_at IS NULL AND failures = 0 AND next_poll_at = '') AS unasked,
        sum(is_asked AND retired_at IS NULL AND failures = 0 AND next_poll_at > '') AS working,
        sum(is_asked AND next_poll_at <= :now) AS due,
        sum(is_asked AND next_poll_at > '' AND next_poll_at < :late) AS late,
        min(CASE WHEN is_asked AND next_poll_at > '' AND next_poll_at <= :now THEN next_poll_at END) AS oldest,
        sum(is_on AND stand_in IS NOT NULL) AS stand_ins
    FROM (SELECT {_IS_ON} AS is_on, {_IS_ON} AND q.until IS NULL AS is_asked, c.retired_at, c.failures, c.next_poll_at,
            c.stand_in
        FROM channels AS c JOIN sources AS s ON s.id = c.source_id
            LEFT JOIN quarantines AS q ON q.source_id = s.id AND {HELD})
"""  # noqa: S608 - our own words
_DUE_SINCE = f"""
    SELECT c.next_poll_at FROM channels AS c CROSS JOIN sources AS s ON s.id = c.source_id
    WHERE {_IS_ON} AND c.next_poll_at > '' AND c.next_poll_at <= :now ORDER BY c.next_poll_at LIMIT 1
"""  # noqa: S608 - our own words
_ANSWERS = f"""
    SELECT max(c.last_success_at) AS at, max(c.failures = 0 AND c.last_success_at IS NOT NULL) AS is_any_working
    FROM channels AS c JOIN sources AS s ON s.id = c.source_id WHERE {_IS_ON}
"""  # noqa: S608 - our own words
_HAS_UNASKED = f"""
    SELECT 1 FROM channels AS c CROSS JOIN sources AS s ON s.id = c.source_id
    WHERE {_IS_ON} AND c.next_poll_at = '' LIMIT 1
"""  # noqa: S608 - our own words
# The channels are chosen first, and only then is the last poll of each looked up.
_CHANNELS = f"""
    SELECT c.*, p.code, p.reason, p.http_status,
        (SELECT f.started_at FROM polls AS f WHERE c.failures > 0 AND f.channel_id = c.id
            AND f.started_at >= coalesce(c.last_success_at, '') AND f.outcome IN ('failed', 'refused')
            ORDER BY f.started_at LIMIT 1) AS failing_since
    FROM (SELECT c.id, c.source_id, s.name, c.kind, c.url, c.enabled AND s.enabled AS enabled, c.failures,
            c.last_success_at, c.next_poll_at, c.retired_at, c.stand_in, q.until AS quarantined_until
        FROM channels AS c JOIN sources AS s ON s.id = c.source_id
            LEFT JOIN quarantines AS q ON q.source_id = s.id AND {HELD}
        WHERE {{where}} LIMIT :most) AS c
    LEFT JOIN polls AS p
        ON p.id = (SELECT id FROM polls WHERE channel_id = c.id ORDER BY started_at DESC, id DESC LIMIT 1)
"""  # noqa: S608 - our own words
_ALARMS = """
    SELECT a.source_id, s.name, a.code, a.since, a.until, a.detail
    FROM alarms AS a JOIN sources AS s ON s.id = a.source_id WHERE {where}
"""
_LAST_POLLS = """
    SELECT p.started_at, p.finished_at, c.kind, c.url, p.outcome, p.http_status, p.code, p.reason, p.links, p.posts,
        p.articles, p.requests, p.bytes
    FROM channels AS c CROSS JOIN polls AS p ON p.id IN (
        SELECT id FROM polls WHERE channel_id = c.id ORDER BY started_at DESC LIMIT :most)
    WHERE c.source_id = :id ORDER BY p.started_at DESC, p.id DESC LIMIT :most
"""
_LAST_DAYS = """
    SELECT day_wib, polls, answered, requests, bytes, posts, articles, pages, bodied, dated, authored
    FROM source_days WHERE source_id = :id ORDER BY day_wib DESC LIMIT :most
"""
_COVERAGE = """
    SELECT month, pages, bodies, dates, authors FROM field_coverage WHERE source_id = :id
    ORDER BY month DESC LIMIT :most
"""
_TALLY = """
    SELECT outcome, code, count(*) AS n, sum(requests) AS requests, sum(bytes) AS bytes, sum(articles) AS articles,
        sum(posts) AS posts
    FROM polls WHERE id > :after AND id <= :until GROUP BY outcome, code
"""


def _make_channel(row: sqlite3.Row) -> ChannelState:
    return ChannelState(
        **{name: row[name] for name in ("source_id", "name", "kind", "url", "failures")},
        enabled=bool(row["enabled"]),
        failing_since=_read_instant(row["failing_since"]),
        last_success_at=_read_instant(row["last_success_at"]),
        next_poll_at=_read_instant(row["next_poll_at"]),
        retired_at=_read_instant(row["retired_at"]),
        quarantined_until=_read_instant(row["quarantined_until"]),
        is_stand_in=row["stand_in"] is not None,
        code=row["code"] or "",
        reason=row["reason"] or "",
        http_status=row["http_status"] or 0,
    )


def _read_instant(text: str | None) -> datetime | None:
    return from_text(text) if text else None
