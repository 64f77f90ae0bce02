"""`python -m benchmarks.quality`: holds the quality of extraction against its floors.

Exit codes: 0 every figure reaches its floor · 1 one does not · 2 refused (a floor would sink), or called wrongly.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.quality.floors import FLOORS, Figures, FloorError, raise_floors, read_floors
from benchmarks.quality.gate import Outcome, check_tables, judge_set, load_sets, score_pages
from benchmarks.quality.labelled import SETS, LabelledPage
from benchmarks.quality.readers import PEERS, Reader, find_peer, read_page, read_page_unprofiled
from benchmarks.quality.report import render_json, render_outcome, render_worst
from benchmarks.quality.speed import Speed, measure_speed


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what was measured; returns the exit code."""
    options = read_options(arguments)
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it tells of every page that it finds poor
    try:
        if options.pages:
            return show_pages(options)
        floors = read_floors(options.floors)
        check_tables(floors)
        outcome = run_gate(options, floors)
        print(render_json(outcome) if options.json else render_outcome(outcome))
        if options.raise_floors:
            print("\n".join(raise_floors(options.floors, outcome.measured)) or "no floor rose", file=sys.stderr)
            return 0
    except FloorError as error:
        print(f"quality: {error}", file=sys.stderr)
        return 2
    return 0 if outcome.has_passed else 1


def run_gate(options: argparse.Namespace, floors: Figures) -> Outcome:
    """Measures what the options ask for."""
    sets, skipped = load_sets(options.sets, options.dev_data)
    found = {name: find_peer(name) for name in options.against}
    peers = {name: read for name, read in found.items() if read is not None}
    return Outcome(
        rows=tuple(row for name, pages in sets.items() for row in judge_set(name, pages, floors, peers)),
        pages={name: len(pages) for name, pages in sets.items()},
        skipped=skipped,
        speeds=measure_speeds(sets, options.turns),
        missing_peers=tuple(name for name, read in found.items() if read is None),
    )


def measure_speeds(sets: Mapping[str, Sequence[LabelledPage]], turns: int) -> dict[str, Speed]:
    """By set; empty without turns."""
    peer: Reader | None = find_peer("trafilatura")
    if not turns or peer is None:
        return {}
    return {name: measure_speed(pages, read_page, peer, turns) for name, pages in sets.items()}


def show_pages(options: argparse.Namespace) -> int:
    """Lists a set page by page."""
    sets, skipped = load_sets([options.pages], options.dev_data)
    for reason in skipped.values():
        print(f"skipped: {reason}", file=sys.stderr)
    read = read_page_unprofiled if options.unprofiled else read_page
    for pages in sets.values():
        print(render_worst(score_pages(pages, read)))
    return 0


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description="Extraction against its floors.")
    parser.add_argument("--raise", action="store_true", dest="raise_floors", help="lift the floors to what is measured")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of tables")
    parser.add_argument("--pages", choices=SETS, metavar="SET", help="list a set's pages, the worst first")
    parser.add_argument("--unprofiled", action="store_true", help="with --pages: read without profiles")
    parser.add_argument("--against", nargs="+", choices=PEERS, default=(), metavar="TOOL", help=", ".join(PEERS))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--turns", type=int, default=3, help="how often speed is measured; 0: not at all (3)")
    parser.add_argument("--floors", type=Path, default=FLOORS, metavar="FILE", help="the table of floors")
    parser.add_argument(
        "--dev-data", type=Path, metavar="FOLDER", help="real pages (KABARKOTA_DEV_DATA, ../shared/data)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
