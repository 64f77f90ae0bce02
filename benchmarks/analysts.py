"""What analysts wait for: `python -m benchmarks.analysts [--articles N …] [--full] [--keep FOLDER] [--json]`.

Archives of the same newsroom after 17 days, after half a year and after four and a half years (`benchmarks.million`:
10,000, 100,000 and, with --full, a million articles). On each are measured: the newest 50 on a topic and a city; a
typical question to each view, and those of the documentation; searches for phrases, newest first; bytes an article, by
table; opening the file; an export of everything.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from aggregator.instants import to_text
from aggregator.models import City
from aggregator.reference import load_cities, read_toml
from aggregator.search import build_match
from aggregator.search_rows import Search
from aggregator.store import Store
from benchmarks.million import make_archive
from benchmarks.publishing import NOW, TOPICS

SIZES, FULL = (10_000, 100_000), 1_000_000
NEWEST, GROWTH_MOST = 50, 1.5
VIEW_MS_MOST, PHRASE_MS_MOST, BYTES_MOST, OPEN_MS_MOST = 300, 50, 10_000, 20
EXPORT_SECONDS_MOST, EXPORT_MB_MOST = 60, 400
TURNS = 5
SLOW_MS = 2_000  # a question that takes longer is asked once
LIMIT_MS = 60_000  # … and not answered at all beyond that
PHRASES = 60  # of each kind
ROOT = Path(__file__).resolve().parent.parent
_SQL = re.compile(r"```sql\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Milliseconds of each time that something was done."""

    cpu: Sequence[float]
    wall: Sequence[float]

    def to_json(self) -> dict[str, float]:
        return {
            "cpu_ms": round(median(self.cpu), 3),
            "cpu_p95_ms": round(find_p95(self.cpu), 3),
            "wall_ms": round(median(self.wall), 3),
            "wall_p95_ms": round(find_p95(self.wall), 3),
            "first_ms": round(self.wall[0], 3),
        }


def find_p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def join(spent: Iterable[Spent]) -> Spent:
    """All of it together."""
    spent = list(spent)
    return Spent(cpu=[ms for each in spent for ms in each.cpu], wall=[ms for each in spent for ms in each.wall])


def spend(works: Iterable[Callable[[], object]]) -> Spent:
    """What each of these costs."""
    cpu, wall = [], []
    for work in works:
        began, began_wall = time.process_time(), time.perf_counter()
        work()
        wall.append((time.perf_counter() - began_wall) * 1000)
        cpu.append((time.process_time() - began) * 1000)
    return Spent(cpu=cpu, wall=wall)


def spend_again(work: Callable[[], object]) -> Spent:
    """What one thing costs: `TURNS` times, or once where that takes long."""
    first = spend([work])
    if first.wall[0] > SLOW_MS:
        return first
    more = spend([work] * TURNS)
    return Spent(cpu=[*first.cpu, *more.cpu], wall=[*first.wall, *more.wall])


# ── the newest on a topic and a city ────────────────────────────────────────────────────────────────────────────────


def measure_newest(store: Store) -> dict[str, Spent]:
    """city → what its newest 50 cost, of each topic; only where there are so many."""
    found: dict[str, Spent] = {}
    for city in load_cities():
        asked = [_ask_newest(store, topic, city) for topic in TOPICS]
        if all(len(ask()) == NEWEST for ask in asked):
            found[city.slug] = spend([ask for _ in range(TURNS) for ask in asked])
    return found


def _ask_newest(store: Store, topic: str, city: City) -> Callable[[], list[Any]]:
    feeds = [
        tuple(feed.id for feed in either) for either in store.find_feeds([[f"topic/{topic}"], [f"city/{city.slug}"]])
    ]
    search = Search(feeds=tuple(feeds), match="", since=None, with_archive=False, by_story=False, before=None)
    return lambda: store.walk(search, limit=NEWEST)


def compare_newest(sizes: Mapping[int, Mapping[str, Spent]]) -> float:
    """How many times longer it takes in the largest than in the smallest, of the cities that have enough in both."""
    small, large = sizes[min(sizes)], sizes[max(sizes)]
    both = small.keys() & large.keys()
    return median(median(large[city].cpu) / median(small[city].cpu) for city in both)


# ── questions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def load_view_queries() -> dict[str, list[str]]:
    """view → typical questions to it."""
    return tomllib.loads((Path(__file__).parent / "view_queries.toml").read_text(encoding="utf-8"))


def list_questions() -> Iterator[tuple[str, str]]:
    """(where it is asked, SQL)"""
    for view, queries in load_view_queries().items():
        yield from ((view, sql) for sql in queries)
    yield from (("the page of data", query["sql"]) for query in read_toml("queries.toml")["queries"])
    yield from (("data/README.md", sql) for sql in _SQL.findall((ROOT / "data" / "README.md").read_text("utf-8")))


def measure_questions(database: Path) -> list[dict[str, Any]]:
    """One by one, as an analyst's program asks them."""
    found = []
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        for place, sql in list_questions():
            asked = sql.replace("'now'", f"'{to_text(NOW)}'").strip().rstrip(";")
            figures = {"asked": place, "sql": " ".join(sql.split())}
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


# ── phrases ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def list_phrases(store: Store) -> dict[str, list[str]]:
    """kind → phrases of two to four words, cut from the articles, by how many hold them; and some that none holds."""
    chance = random.Random(5)
    kinds: dict[str, list[str]] = {"absent": [], "rare": [], "middling": [], "frequent": []}
    last = int(store._value("SELECT max(id) FROM articles"))  # noqa: SLF001 - a benchmark
    count = "SELECT count(*) FROM (SELECT 1 FROM articles_fts WHERE articles_fts MATCH :match LIMIT 20000)"
    for _ in range(PHRASES * 40):
        words = str(store._value("SELECT text FROM articles WHERE id = :id", id=chance.randrange(last) + 1)).split()  # noqa: SLF001
        at, size = chance.randrange(len(words) - 4), chance.choice((2, 2, 3, 4))
        phrase = " ".join(words[at : at + size])
        try:
            hits = int(store._value(count, match=build_match(f'"{phrase}"')))  # noqa: SLF001
        except ValueError:
            continue
        kind = "rare" if hits < 20 else "middling" if hits < last / 200 else "frequent"
        if len(kinds[kind]) < PHRASES:
            kinds[kind].append(phrase)
        if len(kinds["absent"]) < PHRASES:
            kinds["absent"].append(f"{words[at]} {words[-1 - at]} {words[at]}")
    kinds["frequent"] += ["wali kota", "smart city", "kota cerdas", "pemerintah kota", "rapat kerja nasional apeksi"]
    return kinds


def measure_phrases(store: Store) -> dict[str, Spent]:
    """kind → what it costs to find the newest 50 that hold a phrase."""
    return {
        kind: spend([_ask_phrase(store, phrase) for phrase in phrases])
        for kind, phrases in list_phrases(store).items()
        if phrases
    }


def _ask_phrase(store: Store, phrase: str) -> Callable[[], object]:
    match = build_match(f'"{phrase}"')
    search = Search(feeds=(), match=match, since=None, with_archive=False, by_story=False, before=None)
    return lambda: store.walk(search, limit=NEWEST)


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure_bytes(database: Path, articles: int) -> dict[str, float]:
    """table with its indexes → bytes an article; "all" for the file."""
    sql = """
        SELECT coalesce(m.tbl_name, s.name), sum(s.pgsize) FROM dbstat AS s LEFT JOIN sqlite_schema AS m USING (name)
        WHERE s.aggregate = 1 GROUP BY 1 ORDER BY 2 DESC
    """
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
        process = subprocess.Popen([*command, "--format", "parquet", "--output", str(file)], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        if status:
            raise SystemExit(f"{database}: the export failed")
        size = file.stat().st_size
    cpu = used.ru_utime + used.ru_stime
    return {"s": seconds, "cpu_s": cpu, "peak_mb": used.ru_maxrss / 1024, "file_mb": size / 1e6}


def measure(database: Path, articles: int) -> tuple[dict[str, Any], dict[str, Spent]]:
    """All figures of an archive, ready for JSON; and what the newest of each city cost."""
    opening = measure_opening(database)
    with Store.open_reader(database) as store:
        newest, phrases = measure_newest(store), measure_phrases(store)
    figures = {
        "articles": articles,
        "opening": {who: spent.to_json() for who, spent in opening.items()},
        "newest": {"all": join(newest.values()).to_json()},
        "phrases": {kind: spent.to_json() for kind, spent in {**phrases, "all": join(phrases.values())}.items()},
        "questions": measure_questions(database),
        "bytes": measure_bytes(database, articles),
    }
    if find_spec("schedules.commands.export"):
        figures["export"] = measure_export(database)
    return figures, newest


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures of each size, and at the end all as JSON. Returns 1 where a target is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.analysts", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--articles", type=int, nargs="*", default=SIZES, help="sizes of the archives (10000 100000)")
    parser.add_argument("--full", action="store_true", help="a million, too: half an hour to make, 9 GB of disk")
    parser.add_argument("--keep", type=Path, help="a folder for the databases: made there once, used again")
    parser.add_argument("--json", action="store_true", help="the figures alone, as JSON")
    options = parser.parse_args(arguments)
    sizes: dict[int, dict[str, Any]] = {}
    newest: dict[int, Mapping[str, Spent]] = {}
    with tempfile.TemporaryDirectory(prefix="kabarkota-bench-") as name:
        for articles in sorted({*options.articles, *([FULL] if options.full else [])}):
            database = (options.keep or Path(name)) / str(articles) / "news.db"
            make_once(database, articles)
            sizes[articles], newest[articles] = measure(database, articles)
            if not options.json:
                print_figures(articles, sizes[articles])
    growth = compare_newest(newest) if len(newest) > 1 else None
    missed = list(list_missed(sizes[max(sizes)], growth))
    if not options.json:
        print(
            f"\nthe newest {NEWEST} at {max(sizes):,} articles take {growth or 1:.2f} times what they take at {min(sizes):,}"
        )
        print("\n".join(f"missed: {each}" for each in missed) or "all targets are met")
    print(json.dumps({"sizes": list(sizes.values()), "newest_growth": growth, "missed": missed}))
    return 1 if missed else 0


def make_once(database: Path, articles: int) -> None:
    if not database.exists():
        unfinished = database.parent / "unfinished" / "news.db"
        shutil.rmtree(unfinished.parent, ignore_errors=True)
        make_archive(unfinished, articles)
        unfinished.rename(database)
        unfinished.parent.rmdir()


def list_missed(figures: Mapping[str, Any], growth: float | None) -> Iterator[str]:
    """What the largest archive does not keep to."""
    if growth is not None and growth > GROWTH_MOST:
        yield f"newest {NEWEST} by topic and city: {growth:.2f} times, not {GROWTH_MOST}"
    for asked in figures["questions"]:
        if asked["asked"] in load_view_queries() and asked.get("cpu_ms", LIMIT_MS) > VIEW_MS_MOST:
            yield f"{asked['asked']}: {asked.get('cpu_ms', LIMIT_MS):.0f} ms, not {VIEW_MS_MOST}: {asked['sql']}"
    if figures["phrases"]["all"]["cpu_p95_ms"] > PHRASE_MS_MOST:
        yield f"phrases: {figures['phrases']['all']['cpu_p95_ms']:.0f} ms, not {PHRASE_MS_MOST}"
    if figures["articles"] >= FULL and figures["bytes"]["all"] > BYTES_MOST:
        yield f"bytes an article: {figures['bytes']['all']:.0f}, not {BYTES_MOST}"
    for who, spent in figures["opening"].items():
        if spent["wall_ms"] > OPEN_MS_MOST:
            yield f"opening, {who}: {spent['wall_ms']:.0f} ms, not {OPEN_MS_MOST}"
    export = figures.get("export", {"s": 0, "peak_mb": 0})
    if export["s"] > EXPORT_SECONDS_MOST or export["peak_mb"] > EXPORT_MB_MOST:
        yield f"export: {export['s']:.0f} s, {export['peak_mb']:.0f} MB, not {EXPORT_SECONDS_MOST}, {EXPORT_MB_MOST}"


def print_figures(articles: int, figures: Mapping[str, Any]) -> None:
    print(f"\n{articles:,} articles{'':<46}{'CPU ms':>10}{'p95':>9}{'wall ms':>10}{'p95':>9}{'first':>9}")
    for kind in ("opening", "newest", "phrases"):
        for name, spent in figures[kind].items():
            print(_write_line(f"{kind}: {name}", spent))
    for asked in figures["questions"]:
        print(_write_line(f"{asked['asked']}: {asked['sql']}", asked))
        print("\n".join(f"        {step}" for step in asked.get("plan", ())), end="\n" if "plan" in asked else "")
    print(
        "bytes an article: "
        + ", ".join(f"{table} {size:,.0f}" for table, size in figures["bytes"].items() if size >= 10)
    )
    if "export" in figures:
        print("export: " + ", ".join(f"{value:.1f} {unit}" for unit, value in figures["export"].items()))


def _write_line(name: str, spent: Mapping[str, Any]) -> str:
    cells = ("cpu_ms", "cpu_p95_ms", "wall_ms", "wall_p95_ms", "first_ms")
    figures = "".join(f"{spent[cell]:>10.1f}" if cell in spent else f"{'–':>10}" for cell in cells)
    return f"{name[:60]:<60}{figures}  {spent.get('error', '')}"


if __name__ == "__main__":
    sys.exit(main())
