"""The only SQL. One class opens the database, looks things up and writes; deciding is done elsewhere.

A writer holds the file's lock (`schedules` sees to that) and groups its writes with `transaction()`; readers open the
file read-only. `sqlite3` errors leave here as StoreError, their cause kept.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aggregator.adapters import get_adapter
from aggregator.alert_rows import AlertRows
from aggregator.api_rows import ApiRows
from aggregator.archive_rows import ArchiveRows
from aggregator.article_json import pack_row, unpack_row
from aggregator.article_rows import ArticleRows
from aggregator.backfill_rows import BackfillRows
from aggregator.backup_rows import BackupRows
from aggregator.backups import keep_old_version
from aggregator.card_rows import CardRows
from aggregator.catalogue_rows import CatalogueRows
from aggregator.copy_rows import CopyRows
from aggregator.coverage_rows import CoverageRows
from aggregator.digest_rows import DigestRows
from aggregator.evidence_json import pack_evidence, unpack_evidence
from aggregator.export_rows import ExportRows
from aggregator.feed_rows import FeedRows
from aggregator.group_rows import GroupRows
from aggregator.instants import from_text, to_text, to_text_exactly
from aggregator.integrity_rows import IntegrityRows
from aggregator.item_rows import ItemRows
from aggregator.kliping_rows import KlipingRows
from aggregator.look_rows import LookRows
from aggregator.lost import check_not_lost
from aggregator.migrations import MIGRATIONS
from aggregator.models import (
    MOST_WAITING,
    ArticleLink,
    HostTraffic,
    LinkState,
    PendingLink,
    RegionMatch,
    RobotsRecord,
    Source,
    SourceKind,
    TopicMatch,
)
from aggregator.operation_rows import OperationRows
from aggregator.ping_rows import PingRows
from aggregator.place_rows import PlaceRows
from aggregator.poll_rows import ChannelRow, PollRows
from aggregator.quarantine import Quarantine
from aggregator.quarantine_rows import HELD, QuarantineRows, bind_held
from aggregator.reference import load_cities, load_provinces
from aggregator.retention_rows import RetentionRows
from aggregator.search_rows import SearchRows
from aggregator.snapshot_rows import SnapshotRows
from aggregator.source_rows import SourceRows
from aggregator.store_base import (
    Connection,
    NewerDatabaseError,
    OlderDatabaseError,
    StoreError,
    is_on_sealed_disk,
    wrap_errors,
)
from aggregator.story_page_rows import StoryPageRows
from aggregator.story_rows import StoryRows
from aggregator.takedown_rows import TakedownRows
from aggregator.taken_rows import TakenRows
from aggregator.trend_rows import TrendRows
from aggregator.write_ahead_log import LogGoneError, check_log, forget_log, is_log_gone, settle_log

__all__ = [
    "ChannelRow",
    "Health",
    "NewerDatabaseError",
    "OlderDatabaseError",
    "Status",
    "Store",
    "StoreError",
    "to_json",
]

CACHE_KIB = 65_536  # of the writer: the postings of a million articles do not fit, their upper levels do
READER_CACHE_KIB = 8_192  # the web server keeps a few of them open
_KNOWN = (
    "id, url, title, text, group_id, extraction_method, published_method, snippet_limit, revised_at, gone_at,"
    " text_dropped_at, coalesce(checked_at, first_seen_at) AS read_at"
)
LOG_PAUSES = (0.0, 0.01, 0.1, 0.5)  # seconds that somebody has to leave off reading a log that is gone
FRESH_FOR = timedelta(hours=72)  # after its publication an item may leave the archives for the feeds
_REFRESH = """
    UPDATE duplicate_groups SET archived = 0, updated_at = :now
    WHERE id IN (SELECT group_id FROM changed_groups) AND archived AND first_published_at BETWEEN :first AND :last
        AND EXISTS (
            SELECT * FROM articles AS m WHERE m.group_id = duplicate_groups.id AND m.id <> first_canonical_id
                AND NOT m.backfilled AND m.published_at >= :oldest)
"""
LONGEST_PAUSE = timedelta(days=31)  # between two cycles of somebody who calls them once a month …
SETTLING = timedelta(days=7)  # … and for how long a clock must have gone on after a longer one
KNOWN_DAYS = 90  # links older than that have long left every channel
BOILERPLATE_PAGES = 3  # a paragraph on so many pages of a source …
BOILERPLATE_SHARE = 0.1  # … and on such a share of them is the site's own
BOILERPLATE_REMEMBERED = 200  # pages
RECHECK_DAYS = 30  # after that an article is left in peace
LARGE_SHOWN = 20  # suspiciously large groups that the status page is told of


@dataclass(frozen=True, kw_only=True)
class Health:
    """What /healthz tells."""

    last_cycle_finished_at: datetime | None
    articles: int
    groups: int


@dataclass(frozen=True, kw_only=True)
class Status:
    """What the status page tells, as the database has it."""

    last_cycle: dict[str, Any] | None  # started_at, finished_at
    sources: int
    channels: int
    unprobed: int
    hijacked: list[dict[str, Any]]  # source_id, name, domain, hijacked_at, pages
    quarantined: list[tuple[str, Quarantine]]  # by name
    failing: list[
        dict[str, Any]
    ]  # of other sources: source_id, name, url, failures, last_success_at, reason, http_status
    scans: dict[str, int]  # skipped, checked, missed
    large: list[dict[str, Any]]  # title, members, story_id, suspects: groups that are suspiciously large, the largest
    large_count: int  # of them in all


class Store(
    ApiRows,  # before those that it builds on
    CatalogueRows,
    GroupRows,
    StoryRows,
    StoryPageRows,
    CopyRows,
    FeedRows,
    ArchiveRows,
    CardRows,
    ItemRows,
    SearchRows,
    ArticleRows,
    KlipingRows,
    PollRows,
    OperationRows,
    IntegrityRows,
    BackfillRows,
    TakedownRows,
    PingRows,
    CoverageRows,
    PlaceRows,
    SourceRows,
    QuarantineRows,
    TakenRows,
    TrendRows,
    AlertRows,
    DigestRows,
    LookRows,
    RetentionRows,
    SnapshotRows,
    BackupRows,
    ExportRows,
):
    """The database `news.db`."""

    # ── opening ────────────────────────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def open_writer(cls, path: Path, *, keep_old: bool = True) -> Self:
        """Opens (or creates) the database for the one writer and brings its schema up to date. Raises StoreError.

        `keep_old`: of one of an older version a copy is kept (`aggregator.backups`).
        """
        with wrap_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            check_not_lost(path)
            for pause in LOG_PAUSES:
                try:
                    return cls._open_prepared(path, keep_old=keep_old)
                except LogGoneError:  # forgotten now, but by who reads it just now in this process
                    time.sleep(pause)
            return cls._open_prepared(path, keep_old=keep_old)

    @classmethod
    def _open_prepared(cls, path: Path, *, keep_old: bool) -> Self:
        """Raises LogGoneError (the log was forgotten: try again), other sqlite3.Error, OSError, StoreError."""
        store = cls(sqlite3.connect(path, timeout=30, factory=Connection), path)
        try:
            store._prepare(keep_old=keep_old)
        except BaseException as error:
            cause = error.__cause__ if isinstance(error, StoreError) else error
            is_gone = isinstance(cause, sqlite3.Error) and is_log_gone(cause)
            if is_gone:
                forget_log(path)
            store.close()
            if is_gone:
                raise LogGoneError(str(cause)) from error
            raise
        store._is_writer = True
        return store

    @classmethod
    def open_reader(cls, path: Path) -> Self:
        """Opens the database read-only, for one thread at a time. Raises StoreError when it is not there.

        On a disk that is read-only SQLite cannot make the files that readers share with who writes. Nobody writes
        then, so that where all is in the file itself it is opened as one that does not change.
        """
        with wrap_errors(path):
            is_sealed = is_on_sealed_disk(path)
            uri = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if is_sealed else ''}"
            connection = sqlite3.connect(uri, uri=True, timeout=10, check_same_thread=False, factory=Connection)
            connection.execute("PRAGMA query_only = ON")
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # what is attached could be written to
            connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
            store = cls(connection, path)
            store.is_sealed = is_sealed
            return store

    @classmethod
    def open_current_reader(cls, path: Path) -> Self:
        """The same of a database that has all that this version asks for. Raises StoreError of an older one."""
        store = cls.open_reader(path)
        try:
            store.check_ours()
            if store.compare_schema()[1]:
                age = "of an older version of Kabar Kota; the next cycle brings it up to date"
                raise OlderDatabaseError(f"{path}: {age if store.has_schema() else 'is just being made'}")
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        if self._is_writer:
            settle_log(self._connection)
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepare(self, *, keep_old: bool) -> None:
        """What is not ours is not written to. Of a database that is up to date nothing large is read."""
        self.check_ours()
        newer, missing = self.compare_schema()
        if newer:
            raise NewerDatabaseError(
                f"{self.path}: written by a newer version of Kabar Kota (migration {', '.join(newer)})"
            )
        if missing and keep_old and self.has_schema():
            keep_old_version(self, missing[0])
        self._connection.execute("PRAGMA journal_mode = WAL")
        check_log(self._connection, self.path)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if missing:
            with self.transaction():  # all that is to come, or nothing of it
                MIGRATIONS.apply(self._db)
        self._write_regions()
        self.write_schema()

    def _write_regions(self) -> None:
        rows: list[tuple[Any, ...]] = [
            (c.code, c.full_name, c.slug, "city", c.province, c.komwil, c.timezone, c.latitude, c.longitude)
            for c in load_cities()
        ]
        rows += [(p.code, p.name, p.slug, "province", p.name, None, None, None, None) for p in load_provinces()]
        if self._value("SELECT count(*) FROM regions") != len(rows):
            with self.transaction():
                self._connection.executemany("INSERT OR REPLACE INTO regions VALUES (?,?,?,?,?,?,?,?,?)", rows)

    # ── the catalogue ──────────────────────────────────────────────────────────────────────────────────────────────

    def get_last_probes(self) -> dict[str, datetime]:
        """When the service last probed each source."""
        rows = self._rows("SELECT source_id, max(probed_at) AS at FROM probes GROUP BY source_id")
        return {row["source_id"]: from_text(row["at"]) for row in rows}

    def write_probe(
        self,
        source_id: str,
        probed_at: datetime,
        *,
        problem: str,
        report: Mapping[str, Any],
        traffic: Iterable[HostTraffic] = (),
    ) -> None:
        """Records a probe, and what it asked of hosts; `problem` is "" when it succeeded."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO probes (source_id, probed_at, succeeded, problem, report) VALUES (?, ?, ?, ?, ?)",
                (source_id, to_text(probed_at), not problem, problem, json.dumps(report, ensure_ascii=False)),
            )
            self.write_traffic(traffic, probed_at)

    # ── what is remembered for a crawl ─────────────────────────────────────────────────────────────────────────────

    def get_known_links(self, source_id: str, now: datetime) -> dict[str, int]:
        """URL key → Unix time of the last reading, of the links that the source's channels led to, and that were read
        (or given up) in the last 90 days, or wait for a time that has not come."""
        rows = self._rows(
            """
            SELECT key, CAST(strftime('%s', coalesce(read_at, first_seen_at)) AS INTEGER) AS at FROM links
            WHERE source_id = :source AND (state <> 'pending' OR retry_at > :now) AND found_by IS NULL
                AND coalesce(read_at, first_seen_at) >= :since
            UNION ALL
            SELECT key, CAST(strftime('%s', read_at) AS INTEGER) FROM foreign_links
            WHERE source_id = :source AND read_at >= :since
            """,
            source=source_id,
            now=to_text(now),
            since=to_text(now - timedelta(days=KNOWN_DAYS)),
        )
        return {row["key"]: row["at"] for row in rows}

    def count_waiting_links(self, source_id: str) -> int:
        """The links of a source that wait."""
        sql = "SELECT count(*) FROM links WHERE source_id = :id AND state = 'pending'"
        return int(self._value(sql, id=source_id) or 0)

    def is_waiting(self, key: str) -> bool:
        return bool(self._value("SELECT state = 'pending' FROM links WHERE key = :key", key=key))

    def get_pending_links(self, source_id: str, now: datetime, *, most: int = MOST_WAITING) -> tuple[PendingLink, ...]:
        """The links that wait, oldest first and at most so many, but for those whose page failed not long ago."""
        rows = self._rows(
            "SELECT link, attempts FROM links WHERE source_id = :source AND state = 'pending'"
            " AND coalesce(retry_at, '') <= :now ORDER BY first_seen_at LIMIT :most",
            source=source_id,
            now=to_text(now),
            most=most,
        )
        return tuple(
            PendingLink(link=get_adapter(ArticleLink).validate_json(row["link"]), attempts=row["attempts"])
            for row in rows
        )

    def get_robots(self, since: datetime) -> list[RobotsRecord]:
        rows = self._rows("SELECT * FROM hosts WHERE robots_fetched_at >= :since", since=to_text(since))
        return [
            RobotsRecord(
                host=row["host"],
                fetched_at=from_text(row["robots_fetched_at"]),
                status=row["robots_status"],
                body=row["robots_body"],
            )
            for row in rows
        ]

    def get_attempts(self, key: str, source_id: str) -> int:
        """How often a page failed that this source led to; what others met with there is not held against it."""
        sql = "SELECT attempts FROM links WHERE key = :key AND source_id = :source"
        return int(self._value(sql, key=key, source=source_id) or 0)

    def was_read(self, key: str) -> bool:
        """Whether the page of a URL was ever read."""
        return self._value("SELECT read_at FROM links WHERE key = :key", key=key) is not None

    def get_boilerplate(self, source_id: str) -> frozenset[int]:
        """Hashes of the paragraphs that are the source's own."""
        rows = self._rows(
            """
            SELECT b.hash FROM boilerplate AS b JOIN sources AS s ON s.id = b.source_id
            WHERE b.source_id = :source AND b.pages >= :least AND b.pages >= :share * s.pages_read
            """,
            source=source_id,
            least=BOILERPLATE_PAGES,
            share=BOILERPLATE_SHARE,
        )
        return frozenset(row["hash"] for row in rows)

    # ── writing a harvest ──────────────────────────────────────────────────────────────────────────────────────────

    def write_link(self, *, key: str, url: str, source_id: str, state: LinkState, now: datetime, **facts: Any) -> None:
        """Records what became of a URL. `facts`: reason, attempts, read_at; link and retry_at while pending; found_by,
        where another source than its own led to it; yields: a row that is another source's stays as it is.

        Once the source's own channels have led to it, it is no longer found by others.
        """
        link = facts.get("link")
        read_at, retry_at = facts.get("read_at"), facts.get("retry_at")
        self._connection.execute(
            """
            INSERT INTO links (key, url, source_id, state, reason, attempts, first_seen_at, read_at, link, retry_at,
                found_by)
            VALUES (:key, :url, :source_id, :state, :reason, :attempts, :now, :read_at, :link, :retry_at, :found_by)
            ON CONFLICT (key) DO UPDATE SET state = :state, reason = :reason, attempts = :attempts,
                read_at = coalesce(:read_at, read_at), link = :link, retry_at = :retry_at, source_id = :source_id,
                found_by = CASE WHEN source_id <> :source_id OR found_by IS NOT NULL THEN :found_by END
            WHERE source_id = :source_id OR NOT :yields
            """,
            {
                "key": key,
                "url": url,
                "source_id": source_id,
                "state": state.value,
                "reason": facts.get("reason", ""),
                "attempts": facts.get("attempts", 0),
                "now": to_text(now),
                "read_at": to_text(read_at) if read_at else None,
                "link": get_adapter(ArticleLink).dump_json(link).decode() if link is not None else None,
                "retry_at": to_text(retry_at) if retry_at else None,
                "found_by": facts.get("found_by"),
                "yields": facts.get("yields", False),
            },
        )
        if facts.get("found_by") and read_at:
            self.remember_foreign_link(facts["found_by"], key, read_at)

    def remember_foreign_link(self, source_id: str, key: str, read_at: datetime) -> None:
        """Records that an address of another was asked for because this source's channel listed it."""
        self._connection.execute(
            "INSERT OR REPLACE INTO foreign_links VALUES (?, ?, ?)", (source_id, key, to_text(read_at))
        )

    def is_link_of_another(self, key: str, source_id: str) -> bool:
        return bool(self._value("SELECT source_id <> :id FROM links WHERE key = :key", key=key, id=source_id))

    def count_unknown(self, keys: Collection[str], source_id: str) -> int:
        """How many of these URL keys were never seen, by the source itself where they are its own."""
        sql = (
            "SELECT count(*) FROM json_each(:keys) AS k JOIN links AS l ON l.key = k.value"
            " WHERE l.found_by IS NULL OR l.source_id <> :source"
        )
        unique = set(keys)
        return len(unique) - int(self._value(sql, keys=json.dumps(list(unique)), source=source_id))

    def count_pages_read(self, source_id: str) -> int:
        """Pages of a source from which its boilerplate was learnt."""
        return int(self._value("SELECT pages_read FROM sources WHERE id = :id", id=source_id) or 0)

    def write_robots(self, records: Iterable[RobotsRecord]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO hosts VALUES (?, ?, ?, ?)",
            [(record.host, to_text(record.fetched_at), record.status, record.body) for record in records],
        )

    def count_paragraphs(self, source_id: str, hashes: Collection[int]) -> None:
        """Counts the paragraphs of one page into its source's boilerplate.

        After so many pages all counts are halved: what stood on one page is forgotten, shares stay as they were. Else
        every paragraph that a source ever published would be kept.
        """
        if self.count_pages_read(source_id) >= BOILERPLATE_REMEMBERED:
            for statement in _HALVE_BOILERPLATE:
                self._connection.execute(statement, (source_id,))
        self._connection.execute("UPDATE sources SET pages_read = pages_read + 1 WHERE id = ?", (source_id,))
        self._connection.executemany(
            "INSERT INTO boilerplate VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET pages = pages + 1",
            [(source_id, value) for value in set(hashes)],
        )

    def count_scan(self, read_at: datetime, *, skipped: bool) -> None:
        """Counts a page in which the topic scan found nothing: spared its extraction, or extracted as a check."""
        column = "skipped" if skipped else "checked"
        self._connection.execute(
            f"INSERT INTO scans (day, {column}) VALUES (?, 1) ON CONFLICT (day) DO UPDATE SET {column} = {column} + 1",  # noqa: S608 - our own column
            (to_text(read_at)[:10],),
        )

    def count_missed_scan(self, read_at: datetime) -> None:
        """Counts a checked page that was on topic after all; it was counted as checked before."""
        self._connection.execute("UPDATE scans SET missed = missed + 1 WHERE day = ?", (to_text(read_at)[:10],))

    def flag_hijacked(self, source_id: str, now: datetime) -> None:
        self._connection.execute("UPDATE sources SET hijacked_at = ? WHERE id = ?", (to_text(now), source_id))

    def add_discovered_source(self, host: str, name: str, by: Source, now: datetime, *, most: int) -> Source | None:
        """The publisher at a host that another source led to: a source of its own, which is not polled.

        None: it is new, and the other has led to `most` new ones within a day.
        """
        slug = re.sub(r"[^a-z0-9]+", "-", host).strip("-")
        source = Source(id=f"via-{slug}"[:64].rstrip("-"), name=name, domain=host, enabled=False)
        if self._value("SELECT 1 FROM sources WHERE id = :id", id=source.id):
            return source
        of_today = "SELECT count(*) FROM sources WHERE discovered_by = :by AND discovered_at > :since"
        if self._value(of_today, by=by.id, since=to_text(now - timedelta(days=1))) >= most:
            return None
        self._connection.execute(
            """
            INSERT INTO sources (id, name, domain, kind, timezone, language, enabled, discovered_by, discovered_at)
            VALUES (:id, :name, :domain, :kind, :timezone, :language, 0, :by, :now)
            """,
            {
                **{field: getattr(source, field) for field in ("id", "name", "domain", "kind", "timezone", "language")},
                "by": by.id,
                "now": to_text(now),
            },
        )
        return source

    def write_rejected(self, row: Mapping[str, Any]) -> None:
        """Keeps a page; of its `article` what is in other columns, the text above all, is not written twice."""
        article = {name: value for name, value in json.loads(row["article"]).items() if row.get(name) != value}
        self._insert_or_replace("rejected_pages", {**row, "article": json.dumps(article, ensure_ascii=False)})

    def find_article(self, key: str) -> dict[str, Any] | None:
        """What a new reading of an article is held against (`_KNOWN`), by its URL key."""
        rows = self._rows(f"SELECT {_KNOWN} FROM articles WHERE url_key = :key", key=key)  # noqa: S608 - our own columns
        return dict(rows[0]) if rows else None

    def get_rechecks(self, source_id: str, now: datetime, *, most: int) -> tuple[ArticleLink, ...]:
        """Articles of the last RECHECK_DAYS to be read once more: a day after the first sighting, then ever less.

        The gap is twice what lies between the first sighting and the last reading: after 1, 3, 9 and 27 days. So are
        those that were deleted, it seemed: a portal that moves house is without its pages for a day.
        """
        rows = self._rows(
            """
            SELECT url, title FROM (
                SELECT url, title, julianday(:now) - julianday(coalesce(checked_at, first_seen_at)) AS gap,
                    julianday(coalesce(checked_at, first_seen_at)) - julianday(first_seen_at) AS age
                FROM articles WHERE source_id = :source AND first_seen_at >= :since)
            WHERE abs(gap) >= max(1, 2 * abs(age)) ORDER BY gap DESC, url LIMIT :most
            """,
            source=source_id,
            now=to_text(now),
            since=to_text(now - timedelta(days=RECHECK_DAYS)),
            most=most,
        )
        return tuple(ArticleLink(url=row["url"], title=row["title"]) for row in rows)

    def mark_checked(self, article_id: int, now: datetime, *, is_gone: bool) -> None:
        """Records that an article's page was asked for again, and whether it is still there."""
        self._connection.execute(
            "UPDATE articles SET checked_at = :now, gone_at = CASE WHEN :gone THEN coalesce(gone_at, :now) END"
            " WHERE id = :id",
            {"now": to_text(now), "gone": is_gone, "id": article_id},
        )

    def add_revision(
        self, article_id: int, title: str, text: str, difference: Mapping[str, Any], now: datetime
    ) -> None:
        """Keeps what an article said until now."""
        self._connection.execute(
            "INSERT INTO article_revisions (article_id, replaced_at, title, text, difference) VALUES (?, ?, ?, ?, ?)",
            (article_id, to_text(now), title, text, json.dumps(difference, ensure_ascii=False)),
        )

    def count_revisions(self, article_id: int) -> int:
        return int(self._value("SELECT count(*) FROM article_revisions WHERE article_id = :id", id=article_id) or 0)

    def add_article(self, row: Mapping[str, Any]) -> int:
        columns = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        cursor = self._connection.execute(f"INSERT INTO articles ({columns}) VALUES ({values})", dict(row))  # noqa: S608 - our own column names
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def revise_article(self, article_id: int, row: Mapping[str, Any]) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in row)
        self._connection.execute(f"UPDATE articles SET {changes} WHERE id = :id", {**row, "id": article_id})  # noqa: S608 - our own column names

    def write_matches(
        self,
        article_id: int,
        topics: Sequence[TopicMatch],
        regions: Sequence[RegionMatch],
        *,
        table_version: str = "",
    ) -> None:
        """Replaces the article's topics, found by that version of the table ('': nobody knows), and its regions."""
        self.write_topics(article_id, topics, table_version=table_version)
        self.write_regions(article_id, regions)

    def write_topics(self, article_id: int, topics: Sequence[TopicMatch], *, table_version: str = "") -> None:
        """Replaces the article's topics; `table_version` as for `write_matches`."""
        self._connection.execute("DELETE FROM article_topics WHERE article_id = ?", (article_id,))
        self._connection.executemany(
            "INSERT INTO article_topics (article_id, topic, score, evidence, table_version) VALUES (?, ?, ?, ?, ?)",
            [(article_id, match.topic, match.score, pack_evidence(match.evidence), table_version) for match in topics],
        )

    def write_regions(self, article_id: int, regions: Sequence[RegionMatch]) -> None:
        self._connection.execute("DELETE FROM article_regions WHERE article_id = ?", (article_id,))
        self._connection.executemany(
            "INSERT OR IGNORE INTO article_regions VALUES (?, ?, ?, ?, ?)",
            [(article_id, match.code, match.role, match.score, pack_evidence(match.evidence)) for match in regions],
        )

    # ── judging anew ──────────────────────────────────────────────────────────────────────────────────────────────

    def iterate_articles(
        self, since: datetime | None = None, source_id: str | None = None
    ) -> Iterator[tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]]:
        """(row, topics, event regions by code) of every article first seen since then that has its text, in order."""
        where = f"{_KEPT_WHERE.format(at='first_seen_at')} AND t.text_dropped_at IS NULL"
        ids = self._rows(f"SELECT id FROM articles AS t {where} ORDER BY id", **_kept(since, source_id))  # noqa: S608 - our own names
        for found in ids:
            row = self._rows("SELECT * FROM articles WHERE id = :id", id=found["id"])[0]
            topics = self._rows(
                "SELECT topic FROM article_topics WHERE article_id = :id ORDER BY topic", id=found["id"]
            )
            regions = self._rows(
                "SELECT code FROM article_regions WHERE article_id = :id AND role = 'event' ORDER BY code",
                id=found["id"],
            )
            yield dict(row), tuple(t["topic"] for t in topics), tuple(r["code"] for r in regions)

    def count_dropped(self, since: datetime | None = None, source_id: str | None = None) -> int:
        """Articles first seen since then whose full text is no longer kept."""
        where = f"{_KEPT_WHERE.format(at='first_seen_at')} AND t.text_dropped_at IS NOT NULL"
        return int(self._value(f"SELECT count(*) FROM articles AS t {where}", **_kept(since, source_id)))  # noqa: S608 - our own names

    def iterate_rejected(self, since: datetime | None = None, source_id: str | None = None) -> Iterator[dict[str, Any]]:
        """Every page that was rejected since then: its columns, `article` as a dict."""
        keys = self._rows(
            f"SELECT key FROM rejected_pages AS t {_KEPT_WHERE.format(at='read_at')} ORDER BY read_at, key",  # noqa: S608 - our own names
            **_kept(since, source_id),
        )
        for found in keys:
            row = self._rows("SELECT * FROM rejected_pages WHERE key = :key", key=found["key"])[0]
            yield {**row, "article": _complete_article(row)}

    def delete_article(self, article_id: int) -> None:
        """Deletes an article that has left its group; what hangs on it goes along."""
        self.erase_sketch(article_id)
        self._connection.execute("DELETE FROM articles WHERE id = ?", (article_id,))

    def delete_rejected(self, key: str) -> None:
        self._connection.execute("DELETE FROM rejected_pages WHERE key = ?", (key,))

    def set_link_state(self, key: str, state: LinkState, reason: str = "") -> None:
        self._connection.execute("UPDATE links SET state = ?, reason = ? WHERE key = ?", (state.value, reason, key))

    def get_source(self, source_id: str) -> Source | None:
        """A source as the database knows it, without channels."""
        rows = self._rows("SELECT * FROM sources WHERE id = :id", id=source_id)
        return _make_source(rows[0]) if rows else None

    def find_page(self, key: str) -> dict[str, Any] | None:
        """All that is known of a URL: its `link`, and the `article` or `rejected` page it became."""
        links = self._rows("SELECT * FROM links WHERE key = :key", key=key)
        if not links:
            return None
        articles = self._rows("SELECT * FROM articles WHERE url_key = :key", key=key)
        rejected = self._rows("SELECT * FROM rejected_pages WHERE key = :key", key=key)
        return {
            "link": dict(links[0]),
            "article": dict(articles[0]) if articles else None,
            "rejected": {**rejected[0], "article": pack_row(_complete_article(rejected[0]))} if rejected else None,
        }

    def get_url_key(self, article_id: int) -> str | None:
        """The URL key of an article."""
        key = self._value("SELECT url_key FROM articles WHERE id = :id", id=article_id)
        return str(key) if key is not None else None

    def get_matches(self, article_id: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """(topics, regions) of an article; `evidence` is JSON, each match by the names of its parts."""
        topics = self._rows("SELECT * FROM article_topics WHERE article_id = :id ORDER BY score DESC", id=article_id)
        regions = self._rows(
            "SELECT ar.*, r.name FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code"
            " WHERE article_id = :id ORDER BY role, r.kind, score DESC",
            id=article_id,
        )
        return [_name_evidence(row) for row in topics], [_name_evidence(row) for row in regions]

    # ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def publish_groups(self, now: datetime, *, archive_older_than: timedelta) -> int:
        """Gives every group that has none its guid and its place in the feed; returns how many those were.

        What is old, or is known by backfills alone, goes to the archives; after a long pause what was old before it.
        It leaves them for the feeds where a fresh copy is found since: who copies news under an old date hides nothing.

        The order among them is that of their publication, one microsecond apart, so that the feed's order is total
        and does not depend on arrival. They come after all that is published, also where the clock was set
        back: an item among older ones would be in no document that a reader looks at again.
        """
        rows = self._rows(
            """
            SELECT g.id, a.url_key, (
                SELECT max(m.published_at) FROM articles AS m WHERE m.group_id = g.id AND NOT m.backfilled) AS latest
            FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id
            WHERE g.guid IS NULL AND g.merged_into IS NULL AND g.withdrawn_at IS NULL ORDER BY a.published_at, a.url_key
            """
        )
        oldest = to_text((self.find_pause(now) or now) - archive_older_than)
        with self.transaction():
            begin = self._find_next_place(now) if rows else now
            for place, row in enumerate(rows):
                self._connection.execute(
                    "UPDATE duplicate_groups SET guid = :guid, first_published_at = :at, archived = :archived,"
                    " first_canonical_id = canonical_id WHERE id = :id",
                    {
                        "guid": self.find_free_guid(row["url_key"], row["id"]),
                        "at": to_text_exactly(begin + timedelta(microseconds=place)),
                        "archived": row["latest"] is None or row["latest"] < oldest,
                        "id": row["id"],
                    },
                )
            self._connection.execute(
                _REFRESH,
                {
                    "oldest": oldest,
                    "first": to_text_exactly(now - FRESH_FOR),
                    "last": to_text_exactly(now),
                    "now": to_text(now),
                },
            )
        return len(rows)

    def _find_next_place(self, now: datetime) -> datetime:
        """Now, or just after the last item."""
        last = self._value("SELECT max(first_published_at) FROM duplicate_groups")
        return max(now, from_text(last) + timedelta(microseconds=1)) if last else now

    # ── cycles ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def start_cycle(self, now: datetime) -> int:
        with self.transaction():
            cursor = self._connection.execute("INSERT INTO cycles (started_at) VALUES (?)", (to_text(now),))
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def finish_cycle(self, cycle_id: int, now: datetime, summary: Mapping[str, Any]) -> None:
        with self.transaction():
            self._connection.execute(
                "UPDATE cycles SET finished_at = ?, summary = ? WHERE id = ?",
                (to_text(now), json.dumps(summary), cycle_id),
            )

    def find_pause(self, now: datetime) -> datetime | None:
        """The beginning of the last cycle before a long pause, where the pause ended less than a week ago.

        Either nothing ran meanwhile, or the clock is ahead: what is done by age alone should wait. None: no such pause.
        """
        sql = "SELECT max(started_at) FROM cycles WHERE started_at < :settled"
        last = self._value(sql, settled=to_text(now - SETTLING))
        return from_text(last) if last and from_text(last) < now - SETTLING - LONGEST_PAUSE else None

    def get_first_cycle(self) -> datetime | None:
        """When the first cycle that is known began."""
        at = self._value("SELECT started_at FROM cycles ORDER BY id LIMIT 1")
        return from_text(at) if at else None

    def write_job(self, name: str, now: datetime, summary: Mapping[str, Any]) -> None:
        """Records that a job of the timetable was done."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO jobs (name, done_at, summary) VALUES (?, ?, ?)", (name, to_text(now), json.dumps(summary))
            )

    def get_last_job(self, name: str) -> datetime | None:
        """When a job was last done."""
        at = self._value("SELECT max(done_at) FROM jobs WHERE name = :name", name=name)
        return from_text(at) if at else None

    def get_health(self) -> Health:
        with wrap_errors(self.path):
            cycle = next(iter(self._rows(_LAST_CYCLE)), None)
            return Health(
                last_cycle_finished_at=from_text(cycle["finished_at"]) if cycle else None,
                articles=self._value("SELECT count(*) FROM articles"),
                groups=self._value(
                    "SELECT count(*) FROM duplicate_groups WHERE merged_into IS NULL AND withdrawn_at IS NULL"
                ),
            )

    def get_status(self, now: datetime, since: datetime) -> Status:
        """What the status page tells; faults and scans since then."""
        scans = self._rows(
            "SELECT coalesce(sum(skipped), 0) AS skipped, coalesce(sum(checked), 0) AS checked,"
            " coalesce(sum(missed), 0) AS missed FROM scans WHERE day >= :day",
            day=to_text(since)[:10],
        )[0]
        large = self.find_large_groups()
        names = {row["id"]: row["name"] for row in self._rows(_QUARANTINED)}
        return Status(
            last_cycle=dict(row) if (row := next(iter(self._rows(_LAST_CYCLE)), None)) else None,
            sources=self._value("SELECT count(*) FROM sources WHERE enabled"),
            channels=self._value(
                "SELECT count(*) FROM channels AS c JOIN sources AS s ON s.id = c.source_id"
                " WHERE c.enabled AND s.enabled"
            ),
            unprobed=self._value("SELECT count(*) FROM sources WHERE evidence = 'unprobed' AND NOT enabled"),
            hijacked=[
                dict(row)
                for row in self._rows(
                    "SELECT source_id, name, domain, hijacked_at, pages FROM hijacked_sources"
                    " WHERE hijacked_at >= :since ORDER BY hijacked_at DESC, name",
                    since=to_text(since),
                )
            ],
            quarantined=[
                (names[held.source_id], held) for held in self.list_quarantined(now) if held.source_id in names
            ],
            failing=[dict(row) for row in self._rows(_FAILING_CHANNELS, **bind_held(now))],
            scans=dict(scans),
            large=[{**row, **self.get_suspects(row["id"])} for row in large[:LARGE_SHOWN]],
            large_count=len(large),
        )


_HALVE_BOILERPLATE = (
    "DELETE FROM boilerplate WHERE source_id = ? AND pages < 2",
    "UPDATE boilerplate SET pages = pages / 2 WHERE source_id = ?",
    "UPDATE sources SET pages_read = pages_read / 2 WHERE id = ?",
)
_LAST_CYCLE = "SELECT started_at, finished_at FROM cycles WHERE finished_at IS NOT NULL ORDER BY id DESC LIMIT 1"
_QUARANTINED = "SELECT s.id, s.name FROM quarantines AS q JOIN sources AS s ON s.id = q.source_id WHERE s.enabled"
_FAILING_CHANNELS = f"""
    SELECT h.source_id, s.name, h.url, h.failures, h.last_success_at, h.last_reason AS reason,
        h.last_status AS http_status
    FROM source_health AS h JOIN sources AS s ON s.id = h.source_id
    WHERE h.failures > 0 AND h.is_enabled AND s.enabled
        AND NOT EXISTS (SELECT 1 FROM quarantines AS q WHERE q.source_id = h.source_id AND {HELD})
    ORDER BY h.failures DESC, s.name, h.url LIMIT 25
"""  # noqa: S608 - our own words
_KEPT_WHERE = "WHERE t.{at} >= :since AND (:source IS NULL OR t.source_id = :source)"


def _kept(since: datetime | None, source_id: str | None) -> dict[str, Any]:
    return {"since": to_text(since) if since else "", "source": source_id}


def _name_evidence(row: sqlite3.Row) -> dict[str, Any]:
    return {**row, "evidence": json.dumps(unpack_evidence(row["evidence"]), ensure_ascii=False)}


def _complete_article(row: sqlite3.Row) -> dict[str, Any]:
    """The article of a rejected page, with what its own columns have of it; {} where nothing was kept."""
    article = unpack_row(row["article"])
    return {**{name: row[name] for name in ("url", "source_id", "title", "text")}, **article} if article else {}


def _make_source(row: sqlite3.Row) -> Source:
    return Source(
        id=row["id"],
        name=row["name"],
        domain=row["domain"],
        kind=SourceKind(row["kind"]),
        province=row["province"],
        city=row["city"],
        timezone=row["timezone"],
        language=row["language"],
        enabled=bool(row["enabled"]),
        full_text=bool(row["full_text"]),
    )


def to_json(value: Sequence[Any]) -> str:
    """A sequence of our dataclasses as compact JSON."""
    return json.dumps([asdict(entry) for entry in value], ensure_ascii=False, separators=(",", ":"))
