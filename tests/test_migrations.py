"""A database of an earlier version is brought up to date with everything in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from aggregator.migrations import MIGRATIONS
from aggregator.store import Store


def test_places_and_quarantine_of_an_earlier_version_survive(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    Store.open_writer(path).close()
    newest = _read_schema(path)
    path.unlink()
    database = Database(sqlite3.connect(path))
    MIGRATIONS.apply(database, stop_before="m003_classification")
    database.conn.executescript(
        """
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
        INSERT INTO rejected_pages (key, source_id, url, title, text, verdict, scores, read_at)
            VALUES ('k2', 'uji', 'https://uji.example/2', 'Lain', 'Isi', 'off-topic', '[]', '2026-11-01T00:00:00Z');
        """
    )
    database.conn.close()
    with Store.open_writer(path) as store:
        assert [item.regions for item in store.get_feed_items()] == [("Kota Gorontalo",)]
        assert [page["article"] for page in store.iterate_rejected()] == [{}]
    assert _read_schema(path) == newest


def _read_schema(path: Path) -> set[tuple[str, str]]:
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
        return {(kind, name) for kind, name in rows}
    finally:
        connection.close()
