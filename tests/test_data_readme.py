"""The queries that data/README.md gives analysts, on a database as they find it; and the schema as documentation."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from conftest import ROOT
from warm import run_warm

from schedules.commands.demo import make_demo_setup
from schedules.demo import serve_portals

README = (ROOT / "data/README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"\n([^\n]+):\n\n```sql\n(.*?)```", README, re.DOTALL)
FULL_TEXT_TABLES = {"articles_fts_data", "articles_fts_idx", "articles_fts_docsize", "articles_fts_config"}
LIBRARY_TABLES = {"_sqlite_migrations", "sqlite_sequence", "sqlite_stat1"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    folder = tmp_path_factory.mktemp("analysts")
    now = datetime.now(UTC)
    with serve_portals(now) as portals:
        portals.write_catalogue(folder / "catalogue.toml")
        setup = make_demo_setup(folder / "data", folder / "catalogue.toml", site_url="http://127.0.0.1:8000/")
        run_warm(setup, now=now)
    connection = sqlite3.connect(f"{setup.database.as_uri()}?mode=ro", uri=True)
    yield connection
    connection.close()


def test_there_are_ten_queries_and_one_for_rates() -> None:
    assert len(QUERIES) == 11


@pytest.mark.parametrize("query", [pytest.param(sql, id=title) for title, sql in QUERIES])
def test_query_answers_with_rows(database: sqlite3.Connection, query: str) -> None:
    assert database.execute(query).fetchall()


def test_every_table_and_view_is_told_of_in_the_readme(database: sqlite3.Connection) -> None:
    rows = database.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
    names = {name for (name,) in rows} - FULL_TEXT_TABLES - LIBRARY_TABLES
    assert {name for name in names if f"`{name}`" not in README} == set()


def test_every_table_and_view_carries_a_comment(database: sqlite3.Connection) -> None:
    rows = database.execute("SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view')")
    bare = {name for name, sql in rows if sql and "\n-- " not in re.sub(r"\n\s+", "\n", sql)}
    assert bare - FULL_TEXT_TABLES - LIBRARY_TABLES == {"articles_fts"}  # made by the library's statement


def test_a_release_counts_once_however_many_portals_carry_it(database: sqlite3.Connection) -> None:
    news, articles = database.execute("SELECT count(*), sum(copies) FROM news").fetchone()
    assert articles == database.execute("SELECT count(*) FROM articles").fetchone()[0]
    assert news < articles
