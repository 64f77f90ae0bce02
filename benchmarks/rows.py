"""The rows of the suite: what each id measures, on what, and against whom."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks import ingesting, pooling, scheduling, serving
from benchmarks.agreement import compare_feeds
from benchmarks.analysts import make_once
from benchmarks.archive_searches import compare_newest, measure_newest
from benchmarks.contests import BenchmarkError, Contest, Figure, Limit, Result, hold_contest
from benchmarks.crawls import PORTALS, contest_portals, make_fetch_contest, make_rest_contest
from benchmarks.fetching import FIGURE as FETCHING
from benchmarks.fetching import contest_fetching
from benchmarks.functions import FIGURES, make_function_contest
from benchmarks.material import read_index
from benchmarks.origin import serve_material
from benchmarks.resting import measure_rest
from benchmarks.steady import FEED_FIGURES, WARM_UP, contest_feeds, contest_pages, measure_body_f1
from benchmarks.topical import choose_plain, choose_topical

MOST_POOLED = 40  # pages that are read in a worker and without one


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured."""

    turns: int
    fetched: tuple[int, int]  # B1: pages, hosts
    feeds: tuple[int, int]  # B2 and B3: feeds, changes of each
    pages: tuple[int, int]  # B5 and B6: pages, portals
    articles: int  # B7
    requests: int  # B8: a turn
    channels: int  # B9
    archives: tuple[int, int]  # B10: articles
    portals: tuple[int, int]  # B11: portals, entries of a feed
    loops: int  # single functions: pages, feeds, dates at most
    crawled: tuple[int, int] = (4, 30)  # first cycles: portals, entries


SIZES = {
    "smallest": Size(
        turns=1,
        fetched=(6, 2),
        feeds=(2, 1),
        pages=(4, 2),
        articles=12,
        requests=4_000,
        channels=200,
        archives=(0, 0),
        portals=(5, 3),
        loops=3,
        crawled=(2, 4),
    ),
    "default": Size(
        turns=3,
        fetched=(400, 40),
        feeds=(20, 2),
        pages=(36, 4),
        articles=60,
        requests=8_000,
        channels=10_000,
        archives=(10_000, 100_000),
        portals=(40, 10),
        loops=40,
    ),
    "full": Size(
        turns=3,
        fetched=(2_000, 200),
        feeds=(200, 3),
        pages=(120, 4),
        articles=120,
        requests=20_000,
        channels=100_000,
        archives=(10_000, 1_000_000),
        portals=(500, 30),
        loops=200,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where and how much."""

    folder: Path
    material: Path
    size: Size
    keep: Path | None = None  # archives of B10, made once
    may_make: bool = False  # archives, where there are none

    @cached_property
    def pages(self) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = read_index(self.material)["pages"]
        return pages

    def hold(self, contest: Contest) -> list[Result]:
        """Raises BenchmarkError."""
        return hold_contest(contest, turns=self.size.turns, folder=self.folder)

    @cached_property
    def topical(self) -> list[dict[str, Any]]:
        """Pages on topic, as many as any row wants. Raises BenchmarkError where there are hardly any."""
        size = self.size
        pages = size.pages[0] + WARM_UP * size.pages[1]
        most = max(pages, size.articles, min(size.loops, MOST_POOLED) + pooling.WARM_UP)
        chosen = choose_topical(self.material, self.pages, most)
        if len(chosen) < 6:
            raise BenchmarkError(f"{len(chosen)} pages on topic are too few")
        return chosen


Row = Callable[[Bench], Iterator[Result]]


def has(name: str) -> bool:
    """Whether a peer is installed."""
    return find_spec(name) is not None


def skip(figures: Sequence[Figure], *names: str) -> list[Result]:
    """The figures as skipped, where one of these packages is not installed; else none."""
    missing = [name for name in names if not has(name)]
    return [Result(figure=figure, skipped=f"{missing[0]} is not installed") for figure in figures] if missing else []


# ── B1 to B12 ──────────────────────────────────────────────────────────────────────────────────────────────────────


def measure_fetching(bench: Bench) -> Iterator[Result]:
    if skipped := skip((FETCHING,), "aiohttp"):
        yield from skipped
        return
    pages, hosts = bench.size.fetched
    with contest_fetching(bench.folder, bench.material, pages=pages, hosts=hosts, has_floor=has("pycurl")) as contest:
        yield from bench.hold(contest)


def measure_feeds(bench: Bench) -> Iterator[Result]:
    if skipped := skip(FEED_FIGURES, "reader"):
        yield from skipped
        return
    feeds, times = bench.size.feeds
    with contest_feeds(bench.folder, bench.material, feeds=feeds, times=times, has_floor=has("pycurl")) as contest:
        yield from bench.hold(contest)


def measure_channels(bench: Bench) -> Iterator[Result]:
    (result,) = bench.hold(make_function_contest("channel_parse", bench.material, most=bench.size.loops))
    said = compare_feeds(bench.material, read_index(bench.material)["channels"])
    yield replace(result, values=said, is_wrong=bool(said["unequal"]))


def measure_pages(bench: Bench) -> Iterator[Result]:
    pages, portals = bench.size.pages
    most = pages + WARM_UP * portals
    topical, plain = bench.topical[:most], choose_plain(bench.material, bench.pages, most)
    with contest_pages(
        bench.folder, bench.material, topical=topical, plain=plain, portals=portals, has_floor=has("pycurl")
    ) as contest:
        on_topic, off_topic = bench.hold(contest)
    said = measure_body_f1(bench.material, topical)
    yield replace(on_topic, values={**on_topic.values, **said}, is_wrong=said["body_f1"] < said["peer_body_f1"])
    yield off_topic


def measure_ingest(bench: Bench) -> Iterator[Result]:
    chosen = bench.topical[: bench.size.articles]
    folder = bench.folder / "ingest"
    ingesting.prepare(bench.material, folder, chosen)
    (result,) = bench.hold(ingesting.make_contest(folder, len(chosen)))
    yield replace(result, values={"ms": result.ours_ms})


SERVING = Figure(
    id="B8",
    what="a feed served: the dearer of 200 and 304",
    peer="nginx, static file",
    unit="request",
    ours="ours",
    theirs="nginx",
    target=serving.TARGET,
)


def measure_serving(bench: Bench) -> Iterator[Result]:
    nginx = serving.find_nginx()
    if nginx is None:
        yield Result(figure=SERVING, skipped="nginx is not installed")
        return
    try:
        results = serving.measure_all(nginx, turns=bench.size.turns, requests=bench.size.requests)
    except OSError as error:
        raise BenchmarkError(f"serving: {error}") from error
    measured = [result for result in results if not result.skipped]
    worst = max(measured, key=lambda result: result.ratio)
    values = {result.figure.id.removeprefix("serve-"): result.ratio for result in measured}
    yield replace(worst, figure=SERVING, values=values)


SCHEDULING = Figure(
    id="B9",
    what="a due channel found; the start of a process; its memory",
    peer="APScheduler, a job for each channel: a due job found, and its next date",
    unit="channel",
    ours="ours",
    theirs="peer",
    limits={
        "claim_ms": Limit(0.02, "ms"),
        "restart_s": Limit(1, "s"),
        "memory_mib": Limit(300, "MiB"),
        "missed": Limit(0, "channels"),
    },
)


def measure_scheduling(bench: Bench) -> Iterator[Result]:
    channels = bench.size.channels
    ours, theirs = [], []
    for _ in range(bench.size.turns):
        ours.append(scheduling.run(channels))
        command = [sys.executable, "-m", "benchmarks.timers", str(channels)]
        theirs.append(json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["due_ms"])
    last = min(ours, key=lambda figures: figures["restart_seconds"])
    yield Result(
        figure=SCHEDULING,
        ratios=tuple(our["claim_ms"] / peer for our, peer in zip(ours, theirs, strict=True)),
        ours_ms=min(our["claim_ms"] for our in ours),
        peer_ms=min(theirs),
        units=channels,
        values={
            "claim_ms": min(our["claim_ms"] for our in ours),
            "restart_s": last["restart_seconds"],
            "memory_mib": last["memory_mib"],
            "missed": max(our["missed"] for our in ours),
            "poll_ms": last["poll_cpu_ms"],
        },
    )


ARCHIVE = Figure(
    id="B10",
    what="the newest 50 on a topic and a city, from the feed's and the API's walk, in a large and in a small archive",
    peer="ours, in the small archive",
    unit="walk",
    ours="large",
    theirs="small",
    target=1.5,
)


def measure_archives(bench: Bench) -> Iterator[Result]:
    small, large = bench.size.archives
    databases = [bench.keep / str(size) / "news.db" for size in (small, large)] if bench.keep else []
    if not bench.may_make and not (databases and all(database.exists() for database in databases)):
        reason = f"archives of {small:,} and {large:,} articles take long to make: `make bench FULL=1`, or --keep"
        yield Result(figure=ARCHIVE, skipped=reason)
        return
    for size, database in zip((small, large), databases, strict=True):
        make_once(database, size)
    turns = [compare_newest([measure_newest(database) for database in databases]) for _ in range(bench.size.turns)]
    worst = [max(growth.values()) for growth in turns]
    yield Result(figure=ARCHIVE, ratios=tuple(worst), units=large, values=turns[-1])


def measure_portals(bench: Bench) -> Iterator[Result]:
    if skipped := skip((PORTALS,), "newspaper"):
        yield from skipped
        return
    portals, window = bench.size.portals
    (pool,) = bench.hold(
        pooling.make_contest(
            bench.folder, bench.material, bench.topical[: min(bench.size.loops, MOST_POOLED) + pooling.WARM_UP]
        )
    )
    with contest_portals(
        bench.folder, bench.material, portals=portals, window=window, has_floor=has("pycurl")
    ) as contest:
        (result,) = bench.hold(contest)
    yield replace(result, values={"pool_percent": (pool.ratio - 1) * 100, "portals": portals})


def measure_resting(bench: Bench) -> Iterator[Result]:
    yield measure_rest(bench.folder, bench.material, turns=bench.size.turns, portals=2)


# ── further rows ───────────────────────────────────────────────────────────────────────────────────────────────────


def measure_first_cycles(bench: Bench) -> Iterator[Result]:
    yield from _hold_served(bench, make_fetch_contest, *bench.size.crawled)


def measure_starts(bench: Bench) -> Iterator[Result]:
    yield from _hold_served(bench, make_rest_contest, 1, min(bench.size.crawled[1], 20))


def _hold_served(bench: Bench, make: Callable[..., Contest], portals: int, entries: int) -> Iterator[Result]:
    with serve_material(bench.material, portals=portals, entries=entries) as served:
        yield from bench.hold(make(bench.folder, served))


def measure_extract(bench: Bench) -> Iterator[Result]:
    yield from bench.hold(make_function_contest("extract", bench.material, most=bench.size.loops))


def measure_dates(bench: Bench) -> Iterator[Result]:
    yield from skip((FIGURES["dates"],), "dateparser") or bench.hold(
        make_function_contest("dates", bench.material, most=bench.size.loops)
    )


ROWS: Mapping[tuple[str, ...], Row] = {
    ("B1",): measure_fetching,
    ("B2", "B3"): measure_feeds,
    ("B4",): measure_channels,
    ("B5", "B6"): measure_pages,
    ("B7",): measure_ingest,
    ("B8",): measure_serving,
    ("B9",): measure_scheduling,
    ("B10",): measure_archives,
    ("B11",): measure_portals,
    ("B12",): measure_resting,
}
FURTHER: Mapping[tuple[str, ...], Row] = {
    ("fetch_to_row_all", "fetch_to_row_on_topic"): measure_first_cycles,
    ("startup", "cycle_unchanged"): measure_starts,
    ("extract",): measure_extract,
    ("dates",): measure_dates,
}
IDS = tuple(chain.from_iterable(ROWS))
FURTHER_IDS = tuple(chain.from_iterable(FURTHER))


def measure_rows(bench: Bench, wanted: Sequence[str]) -> Iterator[Result]:
    """The figures that are wanted, by id. Raises BenchmarkError."""
    for ids, measure in {**ROWS, **FURTHER}.items():
        if set(ids) & set(wanted):
            print(f"{' '.join(ids)} …", file=sys.stderr)
            yield from (result for result in measure(bench) if result.figure.id in wanted)
