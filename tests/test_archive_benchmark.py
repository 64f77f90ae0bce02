"""The archive that analysts' waits are measured on: it is what a newsroom leaves, and the benchmark asks all of it."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from conftest import ROOT

from aggregator.schema.views import load_views
from aggregator.store import Store
from aggregator.urls import make_url_key

sys.path.insert(0, str(ROOT))  # the benchmarks are not installed

from benchmarks import analysts, archive, archive_searches, million, newsroom_rows, prose, spending
from benchmarks.archive_questions import load_view_queries

ARTICLES = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an archive of a day, of a newsroom of few sources."""
    folder = tmp_path_factory.mktemp("archive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prose, "TAPE", 100_000)
        for module in (archive, million, newsroom_rows):
            patch.setattr(module, "SOURCES", 40)
        million.make_archive(folder / str(ARTICLES) / "news.db", ARTICLES)
    return folder


def ask(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / str(ARTICLES) / "news.db")) as connection:
        return connection.execute(sql).fetchall()


def count(folder: Path, table: str) -> int:
    return int(str(ask(folder, f"SELECT count(*) FROM {table}")[0][0]))


@pytest.mark.slow
def test_archive_has_what_a_newsroom_leaves(folder: Path) -> None:
    assert count(folder, "articles") == ARTICLES == count(folder, "sketches") == count(folder, "article_overview")
    for table in ("postings", "story_terms", "rejected_pages", "duplicate_edges", "archive_pages", "polls", "news"):
        assert count(folder, table) > 0, table
    assert count(folder, "links") == (1 + newsroom_rows.OTHER_LINKS) * ARTICLES
    assert count(folder, "changed_groups") == count(folder, "coverage_due") == 0
    assert ask(folder, "SELECT sum(articles) FROM coverage_days WHERE region = '' AND topic = ''") == [(ARTICLES,)]
    assert ask(folder, "SELECT sum(found_articles) FROM coverage_by_day") == [(ARTICLES,)]
    assert ask(folder, "PRAGMA foreign_key_check") == []
    ((found,),) = ask(folder, "SELECT count(*) FROM articles_fts WHERE articles_fts MATCH '\"wali kota\"'")
    assert int(str(found)) > ARTICLES / 4


@pytest.mark.slow
def test_archive_goes_on_as_any_database(folder: Path) -> None:
    with Store.open_writer(folder / str(ARTICLES) / "news.db") as store:
        url, key = store._rows("SELECT url, url_key FROM articles LIMIT 1")[0]
        assert make_url_key(url) == key
        with store.transaction():
            store._connection.execute("UPDATE articles SET title = 'Burung hantu' WHERE id = 1")
        assert store._value("SELECT count(*) FROM changed_groups") == 1
        assert store._value("SELECT rowid FROM articles_fts WHERE articles_fts MATCH 'burung'") == 1


def test_no_view_is_without_a_question() -> None:
    assert load_view_queries().keys() == load_views().keys()


@pytest.mark.slow
def test_every_wait_is_measured(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_searches, "NEWEST", 5)
    monkeypatch.setattr(archive_searches, "PHRASES", 5)
    monkeypatch.setattr(spending, "TURNS", 1)
    assert analysts.main(["--articles", str(ARTICLES), "--keep", str(folder)]) in (0, 1)
    table, _, last = capsys.readouterr().out.strip().rpartition("\n")
    (figures,) = json.loads(last)["sizes"]
    assert "bytes an article" in table
    assert {asked["asked"] for asked in figures["questions"]} >= load_views().keys()
    assert not [asked for asked in figures["questions"] if "error" in asked]
    assert figures["newest"].keys() == {"feed", "api news", "api articles"}
    assert figures["newest"]["feed"]["cpu_ms"] > 0 < figures["phrases"]["all"]["cpu_ms"]
    assert figures["bytes"]["all"] > figures["bytes"]["articles"] > 1_000
