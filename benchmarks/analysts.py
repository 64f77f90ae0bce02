"""What analysts wait for: `python -m benchmarks.analysts [--articles N …] [--full] [--keep FOLDER] [--json]`.

Archives of the same newsroom after 17 days, after half a year and after four and a half years (`benchmarks.million`:
10,000, 100,000 and, with --full, a million articles). On each are measured: the newest 50 on a topic and a city; a
typical question to each view, and those of the documentation; searches for phrases, newest first; bytes an article, by
table; opening the file; an export of everything.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aggregator.store import Store
from benchmarks.archive_questions import (
    LIMIT_MS,
    VIEW_MS_MOST,
    load_view_queries,
    measure_bytes,
    measure_export,
    measure_opening,
    measure_questions,
)
from benchmarks.archive_searches import NEWEST, compare_newest, measure_newest, measure_phrases
from benchmarks.million import make_archive
from benchmarks.spending import Spent, join

SIZES, FULL = (10_000, 100_000), 1_000_000
GROWTH_MOST = 1.5
PHRASE_MS_MOST, BYTES_MOST, OPEN_MS_MOST = 50, 10_000, 20
EXPORT_SECONDS_MOST, EXPORT_MB_MOST = 60, 400


def measure(database: Path, articles: int) -> tuple[dict[str, Any], dict[str, dict[str, Spent]]]:
    """All figures of an archive, ready for JSON; and what the newest of each city cost."""
    opening = measure_opening(database)
    newest = measure_newest(database)
    with Store.open_reader(database) as store:
        phrases = measure_phrases(store)
    figures = {
        "articles": articles,
        "opening": {who: spent.to_json() for who, spent in opening.items()},
        "newest": {way: join(spent.values()).to_json() for way, spent in newest.items()},
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
    newest: list[Mapping[str, Mapping[str, Spent]]] = []
    with tempfile.TemporaryDirectory(prefix="kabarkota-bench-") as name:
        for articles in sorted({*options.articles, *([FULL] if options.full else [])}):
            database = (options.keep or Path(name)) / str(articles) / "news.db"
            make_once(database, articles)
            sizes[articles], of_cities = measure(database, articles)
            newest.append(of_cities)
            if not options.json:
                print_figures(articles, sizes[articles])
    growth = compare_newest(newest) if len(newest) > 1 else {}
    missed = list(list_missed(sizes[max(sizes)], growth))
    if not options.json:
        for way, times in growth.items():
            print(f"newest {NEWEST}, {way}: {times:.2f} times what they take at {min(sizes):,} articles")
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


def list_missed(figures: Mapping[str, Any], growth: Mapping[str, float]) -> Iterator[str]:
    """What the largest archive does not keep to."""
    for way, times in growth.items():
        if times > GROWTH_MOST:
            yield f"newest {NEWEST} by topic and city, {way}: {times:.2f} times, not {GROWTH_MOST}"
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
