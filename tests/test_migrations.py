"""A database of an earlier version is brought up to date with everything in it, at once or not at all; one that is of
this version is opened without looking at what is in it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import aggregator.store
from aggregator.lean_sqlite_utils import Database
from aggregator.migrations import MIGRATIONS
from aggregator.store import Store, StoreError
from aggregator.store_base import Connection

LEVELS = [migration.name for migration in MIGRATIONS._migrations]
CONTENT = """
    INSERT INTO sources (id, name, domain, kind, timezone, language)
        VALUES ('uji', 'Uji', 'uji.example', 'regional', 'Asia/Jakarta', 'id');
    INSERT INTO regions VALUES ('75.71', 'Kota Gorontalo', 'kota-gorontalo', 'city', 'Gorontalo', 6, '', 0, 0);
    INSERT INTO links (key, url, source_id, state, first_seen_at)
        VALUES ('k1', 'https://uji.example/1', 'uji', 'kept', '2026-11-01T00:00:00Z'),
               ('k2', 'https://uji.example/2', 'uji', 'off-topic', '2026-11-01T00:00:00Z');
    INSERT INTO duplicate_groups (id, guid, canonical_id, first_published_at, updated_at)
        VALUES (1, 'tag:1', 1, '2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z');
    INSERT INTO articles (id, url, url_key, source_id, group_id, title, author, published_at, published_offset,
            published_precision, published_raw, published_method, text, summary, image, language, tags,
            declared_url, extraction_method, first_seen_at)
        VALUES (1, 'https://uji.example/1', 'k1', 'uji', 1, 'Judul', '', '2026-11-01T00:00:00Z', 420, 'day', '', '',
            'Isi', '', '', 'id', '[]', '', '', '2026-11-01T00:00:00Z');
    INSERT INTO article_regions VALUES (1, '75.71', 'event', 1.5, '[]');
    INSERT INTO article_topics (article_id, topic, score, evidence) VALUES (1, 'apeksi', 3, '[]');
    INSERT INTO rejected_pages (key, source_id, url, title, text, verdict, scores, read_at)
        VALUES ('k2', 'uji', 'https://uji.example/2', 'Lain', 'Isi', 'off-topic', '[]', '2026-11-01T00:00:00Z');
"""


def make_old(path: Path, level: str) -> dict[str, list[Any]]:
    """A database as that migration left it, with something in it; returns all of it."""
    database = Database(sqlite3.connect(path))
    later = LEVELS[LEVELS.index(level) + 1 :]
    MIGRATIONS.apply(database, stop_before=later[0] if later else None)
    database.conn.executescript(CONTENT)
    database.conn.close()
    return dump(path)


def dump(path: Path) -> dict[str, list[Any]]:
    """Schema, migrations and rows, as any reader sees them."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2").fetchall()
        rows = {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()
            for kind, name, _ in tables
            if kind == "table" and not name.startswith("articles_fts")
        }
        return {"schema": tables, **rows}
    finally:
        connection.close()


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def read_schema(path: Path) -> set[tuple[str, str]]:
    return {(kind, name) for kind, name, _ in dump(path)["schema"] if not name.startswith("sqlite_")}


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    path = tmp_path_factory.mktemp("newest") / "news.db"
    Store.open_writer(path).close()
    return read_schema(path)


@pytest.mark.parametrize("level", LEVELS)
def test_every_earlier_version_comes_up_to_date_with_all_that_is_in_it(
    tmp_path: Path, newest: set[tuple[str, str]], level: str
) -> None:
    path = tmp_path / "news.db"
    make_old(path, level)
    with Store.open_writer(path, keep_old=False) as store:
        (item,) = store.get_feed_items()
        assert (item.title, item.regions, item.topics) == ("Judul", ("Kota Gorontalo",), ("apeksi",))
        assert [page["article"] for page in store.iterate_rejected()] == [{}]
        assert store.check_integrity() == store.check_references() == []
    with Store.open_reader(path) as store:
        assert store.check_search() == []
    assert read_schema(path) == newest


# ── at once, or not at all ─────────────────────────────────────────────────────────────────────────────────────────

OPEN = """
import os, signal, sys
from pathlib import Path
from aggregator.migrations import MIGRATIONS
from aggregator.store import Store, StoreError

def die_after(migration):
    apply = migration.fn
    def apply_and_die(db):
        apply(db)
        os.kill(os.getpid(), signal.SIGKILL)
    migration.fn = apply_and_die

for migration in MIGRATIONS._migrations:
    if migration.name == sys.argv[2]:
        die_after(migration)
try:
    Store.open_writer(Path(sys.argv[1]), keep_old=len(sys.argv) > 3).close()
except StoreError as error:
    sys.exit(f"error: {error}")
"""


def open_elsewhere(
    path: Path, dies_after: str = "", limit: str = "unlimited", *, keep_old: bool = False
) -> subprocess.CompletedProcess[str]:
    """In a process of its own, whose files can grow to `limit` only."""
    command = [sys.executable, "-c", OPEN, str(path), dies_after, *(["keep"] if keep_old else [])]
    shell = ["sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh", *command]
    return subprocess.run(shell, capture_output=True, text=True, check=False)


def test_a_process_that_is_killed_in_the_middle_leaves_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    before = make_old(path, "m004_stories")
    assert open_elsewhere(path, dies_after="m009_publishing").returncode == -9
    assert dump(path) == before
    Store.open_writer(path).close()
    assert len(dump(path)["_sqlite_migrations"]) == len(LEVELS)


@pytest.mark.slow
def test_a_disk_that_is_full_leaves_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    before = make_old(path, "m004_stories")
    result = open_elsewhere(path, limit="100")
    assert result.stderr.startswith(f"error: {path}: "), result.stderr
    assert dump(path) == before
    assert open_elsewhere(path).returncode == 0


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path) -> None:
    """Here by what somebody has put in its way."""
    path = tmp_path / "news.db"
    make_old(path, "m004_stories")
    change(path, "CREATE TABLE alert_groups (mine TEXT)")
    before = dump(path)
    with pytest.raises(StoreError, match=r"news\.db: table alert_groups already exists"):
        Store.open_writer(path)
    assert dump(path) == before


# ── a copy of the old version first ────────────────────────────────────────────────────────────────────────────────


def list_kept(path: Path) -> list[Path]:
    return sorted((path.parent / "backups").glob("news-before-*.db"))


def test_of_an_older_version_a_copy_is_kept_before_anything_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    before = make_old(path, "m004_stories")
    Store.open_writer(path).close()
    (kept,) = list_kept(path)
    assert kept.name.startswith("news-before-m005_provenance-")
    assert dump(kept) == before
    Store.open_writer(path).close()  # it is up to date now
    Store.open_writer(tmp_path / "new/news.db").close()  # and a new one has nothing to keep
    assert list_kept(path) == [kept]
    assert not (tmp_path / "new/backups").exists()


def test_only_the_newest_of_old_versions_are_kept_and_nightly_ones_are_not_counted(tmp_path: Path) -> None:
    path, backups = tmp_path / "news.db", tmp_path / "backups"
    backups.mkdir()
    others = ["news-20261101T000000Z.db", "mine.db", "news-before-holiday.db"]
    for name in (*others, *(f"news-before-m00{number}_x-2026010{number}T000000Z.db" for number in (1, 2, 3))):
        (backups / name).touch()
    make_old(path, "m009_publishing")
    Store.open_writer(path).close()
    kept = [each.name for each in list_kept(path) if each.name not in others]
    assert kept[0] == "news-before-m003_x-20260103T000000Z.db"
    assert [name.partition("-2")[0] for name in kept[1:]] == ["news-before-m010_coverage"]
    assert all((backups / name).exists() for name in others)


def test_a_migration_that_fails_again_and_again_takes_one_copy(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    make_old(path, "m004_stories")
    change(path, "CREATE TABLE alert_groups (mine TEXT)")
    for _ in range(2):
        with pytest.raises(StoreError, match="already exists"):
            Store.open_writer(path)
    assert len(list_kept(path)) == 1
    cycle = "INSERT INTO cycles (started_at, finished_at) VALUES ('2027-01-01T00:00:00Z', '2027-01-01T00:00:00Z')"
    change(path, cycle)  # the old version went on
    kept = list_kept(path)[0].rename(path.parent / "backups/news-before-m005_provenance-20260101T000000Z.db")
    with pytest.raises(StoreError, match="already exists"):
        Store.open_writer(path)
    assert len(list_kept(path)) == 2
    assert kept in list_kept(path)


def test_without_room_for_a_copy_nothing_is_changed_and_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "news.db"
    before = make_old(path, "m004_stories")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(StoreError, match=r"needs . MB, and the disk has 0 MB free.*`kabarkota run --no-backup`"):
        Store.open_writer(path)
    assert dump(path) == before
    assert list_kept(path) == []
    Store.open_writer(path, keep_old=False).close()
    assert len(dump(path)["_sqlite_migrations"]) == len(LEVELS)


@pytest.mark.slow
def test_a_disk_that_fills_up_under_the_copy_leaves_the_old_version_and_no_remains(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    before = make_old(path, "m004_stories")
    result = open_elsewhere(path, limit="100", keep_old=True)
    assert "no copy of it could be made first" in result.stderr.splitlines()[-1], result.stderr
    assert dump(path) == before
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.mark.slow
def test_a_kill_between_copy_and_migration_leaves_both_whole(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    before = make_old(path, "m004_stories")
    assert open_elsewhere(path, dies_after="m009_publishing", keep_old=True).returncode == -9
    (kept,) = list_kept(path)
    assert dump(path) == dump(kept) == before
    (tmp_path / "backups" / f".{kept.name}.tmp").touch()  # of another kill
    assert open_elsewhere(path, keep_old=True).returncode == 0
    assert list((tmp_path / "backups").iterdir()) == [kept]
    assert len(dump(path)["_sqlite_migrations"]) == len(LEVELS)


# ── up to date ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_up_to_date_is_opened_without_looking_at_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that five gigabytes open as fast as nothing: no large table is named, nothing is written."""
    path = tmp_path / "news.db"
    Store.open_writer(path).close()
    statements: list[str] = []

    class Watched(Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.set_trace_callback(statements.append)

    monkeypatch.setattr(aggregator.store, "Connection", Watched)
    Store.open_writer(path).close()
    assert 5 < len(statements) < 25
    assert all(each.lstrip().lower().startswith(("select", "pragma")) for each in statements), statements
    small = {"sqlite_master", "sqlite_schema", "_sqlite_migrations", "regions", "database_info", "pragma_table_info"}
    small |= {"schema_docs", "labels"}
    plans = sqlite3.connect(path)
    read = set()
    for each in statements:
        if each.lower().startswith("select"):
            plan = [row[3].split() for row in plans.execute(f"EXPLAIN QUERY PLAN {each}")]
            read |= {words[1] for words in plan if words[0] in ("SCAN", "SEARCH")}
    plans.close()
    assert read <= small, read
