"""`python -m benchmarks`: prints a table and, on the last line, the same figures as JSON."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.contests import BenchmarkError, Result, call, hold_contest
from benchmarks.crawls import make_fetch_contest, make_rest_contest
from benchmarks.functions import FIGURES, ROOT, make_function_contest
from benchmarks.material import load_material, write_material
from benchmarks.origin import serve_material
from benchmarks.report import render_json, render_table

PACKAGES = tuple(ROOT / name for name in ("aggregator", "crawler", "schedules"))
GROUPS = ("fetch", "rest", *FIGURES)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured. The default is done in under two minutes on two cores that have other things to do."""

    turns: int
    portals: int
    entries: int
    pages: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, also when a target is missed; 1 when something could not be measured."""
    options = read_options(arguments)
    size = Size(turns=options.times, portals=options.portals, entries=options.entries, pages=options.pages)
    development = None if options.sample else find_development_data(options.dev_data)
    with tempfile.TemporaryDirectory(prefix="kabarkota-bench-") as name:
        folder = Path(name)
        material = load_material(development)
        write_material(material, folder / "material")
        call([sys.executable, "-m", "compileall", "-q", *map(str, PACKAGES)], folder)
        print(f"{material.name} material, {len(material.pages)} pages; {size}", file=sys.stderr)
        try:
            results = [result for group in options.only for result in measure_group(group, folder, size)]
        except BenchmarkError as error:
            print(f"benchmarks: {error}", file=sys.stderr)
            return 1
    print(render_table(results))
    print(render_json(results, material.name))
    return 0


def measure_group(group: str, folder: Path, size: Size) -> Iterator[Result]:
    """The figures of one contest. Raises BenchmarkError."""
    print(f"{group} …", file=sys.stderr)
    material = folder / "material"
    if group in FIGURES:
        if group == "dates" and find_spec("dateparser") is None:
            yield Result(figure=FIGURES[group], skipped="dateparser is not installed")
            return
        contest = make_function_contest(group, material, most=size.pages)
        yield from hold_contest(contest, turns=size.turns, folder=folder)
        return
    portals, entries = (size.portals, size.entries) if group == "fetch" else (1, min(size.entries, 20))
    with serve_material(material, portals=portals, entries=entries) as served:
        contest = make_fetch_contest(folder, served) if group == "fetch" else make_rest_contest(folder, served)
        yield from hold_contest(contest, turns=size.turns, folder=folder)


def find_development_data(named: Path | None) -> Path | None:
    folder = named or Path(os.environ.get("KABARKOTA_DEV_DATA", ROOT.parent / "shared" / "data"))
    return folder if (folder / "extraction").is_dir() else None


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="CPU ratios against other tools.")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--times", type=int, default=3, help="each side runs so often (3)")
    parser.add_argument("--portals", type=int, default=4, help="portals that are crawled (4)")
    parser.add_argument("--entries", type=int, default=30, help="articles on each (30)")
    parser.add_argument("--pages", type=int, default=40, help="pages extracted, feeds and dates read, at most (40)")
    parser.add_argument("--sample", action="store_true", help="measure on the sample portals' pages")
    parser.add_argument(
        "--dev-data", type=Path, metavar="FOLDER", help="real pages (KABARKOTA_DEV_DATA, ../shared/data)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
