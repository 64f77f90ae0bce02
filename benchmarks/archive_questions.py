"""What an archive's views and files cost: questions of analysts, bytes by table, opening, an export."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from aggregator.instants import to_text
from aggregator.questions import load_queries
from aggregator.store import Store
from benchmarks.publishing import NOW
from benchmarks.spending import Spent, spend_again

VIEW_MS_MOST = 300
LIMIT_MS = 60_000  # a question that takes longer is not answered at all
ROOT = Path(__file__).resolve().parent.parent
_SQL = re.compile(r"```sql\n(.*?)```", re.DOTALL)


def load_view_queries() -> dict[str, list[str]]:
    """view → typical questions to it."""
    return tomllib.loads((Path(__file__).parent / "view_queries.toml").read_text(encoding="utf-8"))


def list_questions() -> Iterator[tuple[str, str]]:
    """(where it is asked, SQL)"""
    for view, queries in load_view_queries().items():
        yield from ((view, sql) for sql in queries)
    yield from (("the page of data", query.filled) for query in load_queries())
    yield from (("data/README.md", sql) for sql in _SQL.findall((ROOT / "data" / "README.md").read_text("utf-8")))


def measure_questions(database: Path) -> list[dict[str, Any]]:
    """One by one, as an analyst's program asks them."""
    found = []
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        for place, sql in list_questions():
            asked = sql.replace("'now'", f"'{to_text(NOW)}'").strip().rstrip(";")
            figures: dict[str, Any] = {"asked": place, "sql": " ".join(sql.split())}
            try:
                spent = spend_again(lambda asked=asked: _ask(connection, asked))  # type: ignore[misc]
            except sqlite3.OperationalError as error:
                found.append(figures | {"error": str(error), "plan": explain(connection, asked)})
                continue
            figures |= spent.to_json()
            if median(spent.cpu) > VIEW_MS_MOST:
                figures["plan"] = explain(connection, asked)
            found.append(figures)
    return found


def _ask(connection: sqlite3.Connection, sql: str) -> None:
    ends = time.monotonic() + LIMIT_MS / 1000
    connection.set_progress_handler(lambda: time.monotonic() > ends, 100_000)
    for _ in connection.execute(sql):
        pass


def explain(connection: sqlite3.Connection, sql: str) -> list[str]:
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]


def measure_bytes(database: Path, articles: int) -> dict[str, float]:
    """table with its indexes → bytes an article; "all" for the file."""
    sql = """
        SELECT coalesce(m.tbl_name, s.name), sum(s.pageno) * page_size FROM pragma_page_size(), dbstat AS s
        LEFT JOIN sqlite_schema AS m ON m.name = s.name WHERE s.aggregate = 1 GROUP BY 1 ORDER BY 2 DESC
    """  # pageno is then the number of pages; pgsize overflows beyond 4 GB
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        tables = {name: round(size / articles, 1) for name, size in connection.execute(sql)}
    return {"all": round(database.stat().st_size / articles, 1), **tables}


def measure_opening(database: Path) -> dict[str, Spent]:
    """For the writer and for a reader; the first writer puts the views into the file."""
    with Store.open_writer(database):
        pass
    return {
        "writer": spend_again(lambda: Store.open_writer(database).close()),
        "reader": spend_again(lambda: Store.open_current_reader(database).close()),
    }


def measure_export(database: Path) -> dict[str, float]:
    """Seconds and peak megabytes of the command that writes every article to Parquet."""
    with tempfile.TemporaryDirectory(prefix="kabarkota-bench-") as name:
        file = Path(name) / "articles.parquet"
        command = [sys.executable, "-m", "schedules", "--data", str(database.parent), "export", "articles"]
        began = time.perf_counter()
        process = subprocess.Popen([*command, "--output", str(file)], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = status
        if status:
            raise SystemExit(f"{database}: the export failed")
        size = file.stat().st_size
    cpu = used.ru_utime + used.ru_stime
    return {"s": seconds, "cpu_s": cpu, "peak_mb": used.ru_maxrss / 1024, "file_mb": size / 1e6}
