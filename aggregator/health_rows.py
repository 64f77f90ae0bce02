"""What the store knows of the health of sources: facts to judge, alarms, and channels that stand in for dead ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from aggregator.adapters import get_adapter
from aggregator.health import COVERAGE_DAYS, USUAL_DAYS, Alarm, ChannelState, Coverage
from aggregator.instants import from_text, to_day, to_text
from aggregator.models import Channel
from aggregator.store_base import StoreBase

FEWEST_POLLS = 4  # in a day: after a pause of our own, few posts are no wonder
STAND_IN_STRIKES = 4.0  # of a channel that stays dead …
STAND_IN_AFTER = timedelta(days=1)  # … and for how long, before another way in is looked for
STAND_IN_AGAIN = timedelta(days=7)  # between two looks


class PostCount(NamedTuple):
    """What a channel posted; it learnt its rhythm (JSON) in the same way: an entry counts where it was seen first."""

    source_id: str
    rhythm: str
    timezone: str
    posts: int


class HealthRows(StoreBase):
    """The part of the store that knows how sources are doing."""

    def get_troubled_channels(self) -> dict[str, tuple[ChannelState, ...]]:
        """By source, the channels whose last poll gave a reason."""
        rows = self._rows(
            """
            SELECT c.source_id, c.url, c.strikes, c.retired_at, p.code, p.reason
            FROM channels AS c JOIN sources AS s ON s.id = c.source_id JOIN polls AS p
                ON p.id = (SELECT id FROM polls WHERE channel_id = c.id ORDER BY started_at DESC, id DESC LIMIT 1)
            WHERE c.enabled AND s.enabled AND p.code <> '' ORDER BY c.strikes DESC, c.id
            """
        )
        found: defaultdict[str, list[ChannelState]] = defaultdict(list)
        for row in rows:
            retired_at = from_text(row["retired_at"]) if row["retired_at"] else None
            facts = {name: row[name] for name in ("url", "strikes", "code", "reason")}
            found[row["source_id"]].append(ChannelState(retired_at=retired_at, **facts))
        return {source_id: tuple(channels) for source_id, channels in found.items()}

    def get_field_coverage(self, now: datetime) -> dict[str, tuple[Coverage, Coverage]]:
        """By source, what its pages gave in the last days, and in the weeks before them."""
        recent = to_day(now - timedelta(days=COVERAGE_DAYS))
        rows = self._rows(
            """
            SELECT source_id, day_wib > :recent AS is_recent, sum(pages) AS pages, sum(bodied) AS bodied,
                sum(dated) AS dated, sum(authored) AS authored
            FROM source_days WHERE day_wib > :usual AND pages > 0 GROUP BY source_id, is_recent
            """,
            recent=recent,
            usual=to_day(now - timedelta(days=COVERAGE_DAYS + USUAL_DAYS)),
        )
        found: defaultdict[str, list[Coverage]] = defaultdict(lambda: [Coverage(), Coverage()])
        for row in rows:
            facts = {name: row[name] for name in ("pages", "bodied", "dated", "authored")}
            found[row["source_id"]][0 if row["is_recent"] else 1] = Coverage(**facts)
        return {source_id: (pair[0], pair[1]) for source_id, pair in found.items()}

    def get_posts(self, since: datetime) -> list[PostCount]:
        """The posts since then of each channel that works and was asked a few times meanwhile."""
        rows = self._rows(
            """
            SELECT c.source_id, c.rhythm, s.timezone, sum(p.posts) AS posts
            FROM channels AS c JOIN sources AS s ON s.id = c.source_id
            JOIN polls AS p ON p.channel_id = c.id AND p.started_at >= :since
            WHERE c.enabled AND s.enabled AND c.strikes = 0 AND c.rhythm <> '' GROUP BY c.id HAVING count(*) >= :polls
            """,
            since=to_text(since),
            polls=FEWEST_POLLS,
        )
        return [PostCount(**dict(row)) for row in rows]

    def get_hijacked(self, since: datetime) -> dict[str, datetime]:
        """Sources on whose pages gambling spam was found since then, and when last."""
        rows = self._rows("SELECT id, hijacked_at FROM sources WHERE enabled AND hijacked_at >= :at", at=to_text(since))
        return {row["id"]: from_text(row["hijacked_at"]) for row in rows}

    def write_alarms(self, alarms: Mapping[str, Sequence[Alarm]], now: datetime) -> tuple[int, int]:
        """Makes the open alarms those given, by source. Returns how many began and how many ended.

        One that goes on keeps its beginning, with its latest detail.
        """
        at = to_text(now)
        wanted = {(source_id, alarm.code): alarm.detail for source_id, found in alarms.items() for alarm in found}
        known = {(row["source_id"], row["code"]) for row in self._rows(_OPEN_ALARMS)}
        self._connection.executemany(
            "UPDATE alarms SET until = ? WHERE source_id = ? AND code = ? AND until IS NULL",
            [(at, *key) for key in known - wanted.keys()],
        )
        self._connection.executemany(
            _OPEN_ALARM,
            [(source_id, code, at, detail[:500]) for (source_id, code), detail in wanted.items()],
        )
        return len(wanted.keys() - known), len(known - wanted.keys())

    def open_alarm(self, source_id: str, alarm: Alarm, now: datetime) -> None:
        """Opens one before the next check does, which has to find it, too."""
        self._connection.execute(_OPEN_ALARM, (source_id, alarm.code, to_text(now), alarm.detail[:500]))

    def close_alarm(self, source_id: str, code: str, now: datetime) -> None:
        self._connection.execute(
            "UPDATE alarms SET until = ? WHERE source_id = ? AND code = ? AND until IS NULL",
            (to_text(now), source_id, code),
        )

    # ── stand-ins ──────────────────────────────────────────────────────────────────────────────────────────────────

    def find_dead_sources(self, now: datetime, *, most: int) -> list[str]:
        """Sources with a channel that stays dead and that nobody looked into for a while, the longest dead first."""
        rows = self._rows(
            """
            SELECT c.source_id, min(coalesce(c.last_success_at, '')) AS since
            FROM channels AS c JOIN sources AS s ON s.id = c.source_id
            WHERE c.enabled AND s.enabled AND (c.strikes >= :strikes OR c.retired_at IS NOT NULL)
                AND coalesce(c.last_success_at, '') < :since
                AND NOT EXISTS (SELECT 1 FROM quarantines AS q WHERE q.source_id = c.source_id AND q.until > :now)
                AND NOT EXISTS (SELECT 1 FROM probes AS p WHERE p.source_id = c.source_id AND p.probed_at >= :again)
            GROUP BY c.source_id ORDER BY since, c.source_id LIMIT :most
            """,
            strikes=STAND_IN_STRIKES,
            since=to_text(now - STAND_IN_AFTER),
            again=to_text(now - STAND_IN_AGAIN),
            now=to_text(now),
            most=most,
        )
        return [row["source_id"] for row in rows]

    def write_stand_ins(self, source_id: str, channels: Iterable[Channel]) -> int:
        """Has a source polled through these, too, until its own channels work again. Returns how many are new."""
        found = [
            (source_id, channel.kind.value, channel.url, get_adapter(Channel).dump_json(channel).decode())
            for channel in channels
        ]
        before = self._connection.total_changes
        self._connection.executemany(
            "INSERT INTO channels (source_id, kind, url, stand_in) VALUES (?, ?, ?, ?) ON CONFLICT (url) DO UPDATE"
            " SET source_id = excluded.source_id, kind = excluded.kind, stand_in = excluded.stand_in, enabled = 1,"
            " next_poll_at = '', strikes = 0, failures = 0, retired_at = NULL WHERE NOT enabled",
            found,
        )
        return self._connection.total_changes - before

    def revive(self, urls: Collection[str]) -> None:
        """Has channels that a probe found alive polled at once, retired or not."""
        self._connection.executemany(
            "UPDATE channels SET retired_at = NULL, strikes = 0, next_poll_at = '' WHERE url = ? AND strikes > 0",
            [(url,) for url in urls],
        )

    def end_stand_ins(self) -> int:
        """Switches off the stand-ins of sources all of whose own channels work again. Returns how many."""
        cursor = self._connection.execute(
            """
            UPDATE channels SET enabled = 0, stand_in = NULL WHERE stand_in IS NOT NULL AND source_id NOT IN (
                SELECT source_id FROM channels
                WHERE enabled AND stand_in IS NULL AND (strikes > 0 OR retired_at IS NOT NULL)
            )
            """
        )
        return cursor.rowcount


_OPEN_ALARM = (
    "INSERT INTO alarms (source_id, code, since, detail) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (source_id, code) WHERE until IS NULL DO UPDATE SET detail = excluded.detail"
)
_OPEN_ALARMS = "SELECT source_id, code FROM alarms WHERE until IS NULL"
