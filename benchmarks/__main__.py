"""`make bench`: measures, prints a table, and as its last line a JSON object keyed by id."""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import ROOT, Figure, pair, run_python
from benchmarks.portals import DEV_DATA, serve

SAMPLE_PAGES = sorted((ROOT / "tests/extraction_pages").glob("*.html"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--portals", type=int, default=8, help="portals in the whole-cycle figures")
    parser.add_argument("--times", type=int, default=3, help="pairs of runs for each figure")
    parser.add_argument("--pages", type=int, default=40, help="pages and feeds in the parser figures")
    options = parser.parse_args()
    figures = []
    for figure in measure(options):
        figures.append(figure)
        told = figure.to_json()
        print(
            f"{figure.id:24} {told['ratio']:>7}x   {told['ours_ms']:>8} ms against {told['peer_ms']:>8} ms "
            f"a {figure.unit}   {figure.what}",
            flush=True,
        )
    print(json.dumps({figure.id: figure.to_json() for figure in figures}))


def measure(options: argparse.Namespace) -> Iterator[Figure]:
    yield from measure_cycles(options.portals, options.times)
    pages = sorted((DEV_DATA / "extraction").rglob("*.html*")) or SAMPLE_PAGES
    some = pages[:: max(1, len(pages) // options.pages)]
    yield measure_loop("extract", "extract_article against trafilatura", "page", some, options.times)
    feeds = sorted((DEV_DATA / "channels").glob("*-feed.xml.gz"))
    if feeds:
        yield measure_loop("channel", "parse_channel against feedparser", "feed", feeds, options.times)


def measure_cycles(portals: int, times: int) -> Iterator[Figure]:
    """Feed to row: a whole cycle against Scrapy, feedparser, trafilatura and sqlite-utils."""
    with tempfile.TemporaryDirectory() as name, serve(Path(name), portals) as served:
        numbers = itertools.count()

        def run_ours(keep: str) -> float:
            return run_python("-m", "benchmarks.ours_cycle", Path(name) / f"ours-{next(numbers)}", keep, *served.feeds)

        def run_peer() -> float:
            database = Path(name) / f"peer-{next(numbers)}.db"
            return run_python("-m", "benchmarks.peers.scrapy_trafilatura", database, *served.feeds)

        for keep, what in (("all", "every page extracted and kept"), ("topics", "pages that name no topic skipped")):
            ours, peer = pair(lambda keep=keep: run_ours(keep), run_peer, times)  # type: ignore[misc]
            yield Figure(
                id=f"fetch_to_row_{keep}",
                what=f"feed to row, {what}, against Scrapy + trafilatura; {served.kind}",
                unit="page",
                units=served.articles,
                ours=ours,
                peer=peer,
            )


def measure_loop(what: str, told: str, unit: str, paths: list[Path], times: int) -> Figure:
    def run(who: str) -> Callable[[], float]:
        command = [sys.executable, "-m", "benchmarks.loops", what, who, *map(str, paths)]
        return lambda: float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)

    from benchmarks.loops import PASSES

    ours, peer = pair(run("ours"), run("peer"), times)
    return Figure(id=f"parse_{what}", what=told, unit=unit, units=len(paths) * PASSES, ours=ours, peer=peer)


if __name__ == "__main__":
    main()
