"""`python -m benchmarks`: prints a table and, on the last line, the same figures as JSON."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.contests import BenchmarkError, Result, call
from benchmarks.functions import ROOT
from benchmarks.material import load_material, write_material
from benchmarks.report import render_json, render_table
from benchmarks.rows import FURTHER_IDS, IDS, SIZES, Bench, measure_rows

PACKAGES = tuple(ROOT / name for name in ("aggregator", "crawler", "schedules", "benchmarks"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, also when a target is missed; 1 when something could not be measured."""
    options = read_options(arguments)
    size = SIZES["full" if options.full else options.size]
    if options.times:
        size = replace(size, turns=options.times)
    wanted = options.only or (IDS + FURTHER_IDS if options.full else IDS)
    development = None if options.sample else find_development_data(options.dev_data)
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="kabarkota-bench-") as name:
        folder = Path(name)
        material = load_material(development)
        write_material(material, folder / "material")
        call([sys.executable, "-m", "compileall", "-q", *map(str, PACKAGES)], folder)
        print(f"{material.name} material, {len(material.pages)} pages; {size}", file=sys.stderr)
        bench = Bench(
            folder=folder,
            material=folder / "material",
            size=size,
            keep=options.keep or (folder / "archives" if options.full else None),
            may_make=options.full,
        )
        began = time.monotonic()
        try:
            for result in measure_rows(bench, wanted):
                results.append(result)
                told = f"skipped: {result.skipped}" if result.skipped else f"{result.ratio:.3f}"
                print(f"  {result.figure.id}: {told} ({time.monotonic() - began:.0f} s)", file=sys.stderr)
        except BenchmarkError as error:
            print(f"benchmarks: {error}", file=sys.stderr)
            return 1
    print(render_table(results))
    print(render_json(results, material.name))
    return 0


def find_development_data(named: Path | None) -> Path | None:
    folder = named or Path(os.environ.get("KABARKOTA_DEV_DATA", ROOT.parent / "shared" / "data"))
    return folder if (folder / "extraction").is_dir() else None


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="CPU ratios against other tools.")
    ids = (*IDS, *FURTHER_IDS)
    parser.add_argument("--only", nargs="+", choices=ids, metavar="ID", help=f"some figures: {', '.join(ids)}")
    parser.add_argument("--full", action="store_true", help="the sizes of scale, and the further figures: an hour")
    parser.add_argument("--size", choices=SIZES, default="default", help="smallest: that it runs, not what it costs")
    parser.add_argument("--times", type=int, metavar="N", help="each side runs so often (3)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="archives of B10: made there once, used again")
    parser.add_argument("--sample", action="store_true", help="measure on the sample portals' pages")
    parser.add_argument(
        "--dev-data", type=Path, metavar="FOLDER", help="real pages (KABARKOTA_DEV_DATA, ../shared/data)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
