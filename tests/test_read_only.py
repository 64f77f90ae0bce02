"""Who reads cannot write: what our own readers refuse, and what SQLite refuses analysts who open the file as
data/README.md says."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from aggregator.store import Store

JOB = "INSERT INTO jobs (name, done_at, summary) VALUES ('x', '', '')"
REFUSED = (
    JOB,
    "UPDATE articles SET title = ''",
    "DELETE FROM links",
    "DROP TABLE jobs",
    "CREATE TABLE x (a)",
    "ALTER TABLE jobs ADD COLUMN x TEXT",
    "INSERT INTO articles_fts (articles_fts) VALUES ('rebuild')",
    "PRAGMA user_version = 5",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "VACUUM",
    "REINDEX",
    "ANALYZE",
)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Of a database that is open elsewhere, as beside the service."""
    with Store.open_writer(tmp_path / "news.db") as writer:
        writer._connection.execute("PRAGMA synchronous = OFF")
        yield tmp_path / "news.db"


def open_as_analysts_do(path: Path) -> sqlite3.Connection:
    """By the lines of data/README.md."""
    readme = (ROOT / "data/README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r'^db = sqlite3\.connect\("file:data/news\.db\?mode=ro", uri=True\)$', readme, re.MULTILINE)
    found: dict[str, sqlite3.Connection] = {}
    exec(line.replace("data/news.db", str(path)), {"sqlite3": sqlite3}, found)
    return found["db"]


def count_jobs(path: Path) -> int:
    connection = sqlite3.connect(path)
    (jobs,) = connection.execute("SELECT count(*) FROM jobs").fetchone()
    connection.close()
    return int(jobs)


@pytest.mark.parametrize("who", ["reader", "analyst"])
def test_a_query_that_writes_is_refused(path: Path, who: str) -> None:
    connection = Store.open_reader(path)._connection if who == "reader" else open_as_analysts_do(path)
    for query in (*REFUSED, "PRAGMA query_only = OFF; " + JOB):
        with pytest.raises(sqlite3.OperationalError):
            connection.executescript(query)
    assert tuple(connection.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
    connection.close()
    assert count_jobs(path) == 0


def test_a_reader_of_ours_attaches_no_other_file(path: Path) -> None:
    """SQLite opens what is attached for writing, whatever the first file was opened for."""
    with Store.open_reader(path) as store:
        for other in (path.parent / "other.db", path):
            with pytest.raises(sqlite3.OperationalError, match="too many attached databases"):
                store._connection.execute(f"ATTACH '{other}' AS other")
    assert not (path.parent / "other.db").exists()


def test_an_analyst_may_keep_tables_of_their_own_and_take_a_copy(path: Path) -> None:
    """Neither touches our file; for the rest of a session there are temporary tables."""
    connection = open_as_analysts_do(path)
    connection.isolation_level = None
    connection.execute("CREATE TEMP TABLE mine AS SELECT slug FROM regions")
    connection.execute("VACUUM INTO ?", (str(path.parent / "copy.db"),))
    connection.close()
    with Store.open_reader(path.parent / "copy.db") as store:
        assert store.compare_schema() == ([], [])
    assert count_jobs(path) == 0
