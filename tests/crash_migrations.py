"""`kill -9` of a service that brings a database of an older version up to date, as it copies and as it migrates."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from battery.news import make_news
from crash_room import LOOK, Room, Service, is_writing, kill, wait_for

from aggregator.backups import list_backups
from aggregator.lean_sqlite_utils import Database
from aggregator.migrations import MIGRATIONS

LEVELS = [migration.name for migration in MIGRATIONS._migrations]
OLD = ("m008_backfills", "m012_told_groups", "m016_evidence", "m020_unseen")
ARTICLES = 1_200
COUNTED = ("articles", "links", "rejected_pages", "duplicate_groups", "article_topics", "article_regions")
THEN = "2026-11-01T00:00:00Z"


def make_old_database(path: Path, level: str) -> None:
    """As that version left it, with so much in it that to copy and to migrate it takes its time."""
    rows = [(n, f"https://lama.example/{n}", f"k{n}", make_news("lama", n)) for n in range(1, ARTICLES + 1)]
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        later = LEVELS[LEVELS.index(level) + 1 :]
        MIGRATIONS.apply(Database(db), stop_before=later[0])
        db.execute(
            "INSERT INTO sources (id, name, domain, kind, timezone, language)"
            " VALUES ('lama', 'Lama', 'lama.example', 'regional', 'Asia/Jakarta', 'id')"
        )
        db.execute(
            "INSERT INTO regions VALUES ('75.71', 'Kota Gorontalo', 'kota-gorontalo', 'city', 'Gorontalo', 6, '', 0, 0)"
        )
        db.executemany(
            f"INSERT INTO links (key, url, source_id, state, first_seen_at) VALUES (?, ?, 'lama', ?, '{THEN}')",
            [(key, url, "kept") for _, url, key, _ in rows]
            + [(f"x{key}", f"{url}x", "off-topic") for _, url, key, _ in rows],
        )
        db.executemany(
            "INSERT INTO duplicate_groups (id, guid, canonical_id, first_published_at, updated_at)"
            f" VALUES (?, ?, ?, '{THEN}', '{THEN}')",
            [(n, f"tag:{n}", n) for n, *_ in rows],
        )
        db.executemany(
            "INSERT INTO articles (id, url, url_key, source_id, group_id, title, author, published_at,"
            " published_offset, published_precision, published_raw, published_method, text, summary, image, language,"
            " tags, declared_url, extraction_method, first_seen_at) VALUES (?, ?, ?, 'lama', ?, ?, '',"
            f" '{THEN}', 420, 'day', '', '', ?, '', '', 'id', '[]', '', '', '{THEN}')",
            [(n, url, key, n, news.title, news.text) for n, url, key, news in rows],
        )
        db.executemany("INSERT INTO article_regions VALUES (?, '75.71', 'event', 1.5, '[]')", [(n,) for n, *_ in rows])
        db.executemany(
            "INSERT INTO article_topics (article_id, topic, score, evidence) VALUES (?, 'apeksi', 3, '[]')",
            [(n,) for n, *_ in rows],
        )
        db.executemany(
            "INSERT INTO rejected_pages (key, source_id, url, title, text, verdict, scores, read_at)"
            f" VALUES (?, 'lama', ?, ?, ?, 'off-topic', '[]', '{THEN}')",
            [(f"x{key}", f"{url}x", news.title, news.text) for _, url, key, news in rows],
        )
        db.commit()


class Migrating:
    """Kills until `kills` are done; each database at most a few times before it is brought up to date in peace."""

    def __init__(self, room: Room, chance: random.Random) -> None:
        self._room, self._chance, self._record = room, chance, room.record
        self._room.write_timetable()
        self._old = {level: room.folder / f"{level}.db" for level in OLD}
        for level, path in self._old.items():
            make_old_database(path, level)

    def run(self, kills: int, until: float) -> None:
        """Until so many are done in all, or it is that late on the monotonic clock."""
        while self._record.count("migration") < kills and time.monotonic() < until:
            level = self._chance.choice(OLD)
            shutil.rmtree(self._room.data / "backups", ignore_errors=True)
            shutil.rmtree(self._room.data / "public", ignore_errors=True)
            for end in ("-wal", "-shm", ""):
                (self._room.data / f"news.db{end}").unlink(missing_ok=True)
            shutil.copyfile(self._old[level], self._room.database)
            for _ in range(min(3, kills - self._record.count("migration"))):
                self._kill(level)
                if self._check(level) == "new":
                    break
            self._finish(level)

    def _kill(self, level: str) -> None:
        has_copy = any(self._room.data.glob("backups/news-before-*.db"))
        wanted = "migration" if has_copy else self._chance.choice(("copy of the old", "migration"))
        is_copying = self._room.watch_for("backups/.news-before-*.tmp")
        with Service(self._room) as service:

            def tell_phase() -> str:
                if service.listener.status:
                    return "after it"
                if is_writing(self._room.database):
                    return "migration"
                return "copy of the old" if is_copying() else "start"

            wait_for(lambda: service.has_ended or tell_phase() in (wanted, "after it"), look=LOOK)
            time.sleep(self._chance.uniform(0, 0.05 if wanted == "copy of the old" else 0.15))
            phase = tell_phase()
            if service.has_ended:
                self._room.complain(f"{level}: the service ended with {service.process.returncode}")
            elif kill(service.process.pid):
                self._record.note("migration", phase)

    def _check(self, level: str) -> str:
        """The old schema or the new one, with all rows; and so has each copy the old one."""
        found = self._describe(level, self._room.database)
        for backup in list_backups(self._room.data / "backups", datetime.now(UTC)):
            if self._describe(level, backup.path) != "old":
                self._room.complain(f"{level}: {backup.path.name} is not the old database")
            self._record.seen["copies of older databases"] += 1
        return found

    def _describe(self, level: str, path: Path) -> str:
        with self._room.open(path) as db:
            (sound,) = db.execute("PRAGMA quick_check").fetchone()
            migrations = [name for (name,) in db.execute("SELECT name FROM _sqlite_migrations ORDER BY id")]
            counts = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COUNTED}
            texts = db.execute("SELECT count(*) FROM articles WHERE length(text) > 500").fetchone()[0]
        self._record.seen["databases in migration"] += 1
        old = LEVELS[: LEVELS.index(level) + 1]
        whole = {"links": 2 * ARTICLES, **dict.fromkeys(set(COUNTED) - {"links"}, ARTICLES)}
        self._compare(
            level, path, {"sound": sound, "texts": texts, **counts}, {"sound": "ok", "texts": ARTICLES, **whole}
        )
        if migrations not in (old, LEVELS):
            self._room.complain(f"{level}: {path.name} is neither old nor new: {migrations}")
        return "old" if migrations == old else "new"

    def _compare(self, level: str, path: Path, found: Mapping[str, object], wanted: Mapping[str, object]) -> None:
        if found != wanted:
            self._room.complain(f"{level}: {path.name} has {found}")

    def _finish(self, level: str) -> None:
        """The next start brings it up to date."""
        with Service(self._room) as service:
            if not wait_for(lambda: service.listener.is_ready or service.has_ended):
                self._room.complain(f"{level}: the service did not begin")
            self._record.seconds["migration: start to gathering"].append(service.age)
        if self._check(level) != "new":
            self._room.complain(f"{level}: it was not brought up to date")
        if any(self._room.data.glob("backups/.*")):
            self._room.complain(f"{level}: a half made copy was left")
        with self._room.open() as db:
            if (
                db.execute("PRAGMA integrity_check").fetchone() != ("ok",)
                or db.execute("PRAGMA foreign_key_check").fetchall()
            ):
                self._room.complain(f"{level}: damaged")
