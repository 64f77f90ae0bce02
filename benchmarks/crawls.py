"""Contests of whole processes, over the same portals: `kabarkota run`, as cron starts it, and the Scrapy peer."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.contests import BenchmarkError, Contest, Figure, Run, measure
from benchmarks.origin import Portal

PEER = Path(__file__).with_name("scrapy_peer.py")
CRAWL_PEER = "Scrapy, feedparser, trafilatura, sqlite-utils"
LEAST_HANDLED = 0.98  # of the pages; a side that did less work was not measured doing it

# Politeness is lifted, as it is for the peer; nothing else differs from the defaults.
CONFIGURATION = """\
contact = "bench@example.org"
allow_networks = ["127.0.0.0/8"]

[crawl]
delay_seconds = 0
requests_per_domain = 32
max_requests = 1000
"""


class Sides:
    """The commands of both sides over some portals, each with a data folder of its own under `folder`."""

    def __init__(self, folder: Path, portals: Sequence[Portal]) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._feeds = [portal.feed for portal in portals]
        self._configuration = folder / "kabarkota.toml"
        self._configuration.write_text(CONFIGURATION, encoding="utf-8")
        self._catalogue = folder / "catalogue.toml"
        self._catalogue.write_text("".join(map(_write_source, portals)), encoding="utf-8")

    def run_ours(self, name: str, *options: str, expect: Callable[[str], int], fresh: bool = True) -> Run:
        """`kabarkota run`; `fresh`: into an empty data folder, else into the one called `name` as it is."""
        data = self._folder / f"ours-{name}"
        where = ("--catalogue", str(self._catalogue), "--data", str(data))
        command = (sys.executable, "-P", "-m", "schedules", "--config", str(self._configuration), "run", "--json")
        return Run(
            command=(*command, *where, *options),
            prepare=partial(shutil.rmtree, data, ignore_errors=True) if fresh else _leave,
            read_units=expect,
        )

    def run_peer(self, name: str, *, expect: Callable[[str], int], fresh: bool = True, idle: bool = False) -> Run:
        """The Scrapy peer; `idle`: with no feed to read."""
        data = self._folder / f"peer-{name}"
        feeds = () if idle else self._feeds

        def prepare() -> None:
            if fresh:
                shutil.rmtree(data, ignore_errors=True)
            data.mkdir(exist_ok=True)

        return Run(
            command=(sys.executable, "-P", str(PEER), str(data / "news.db"), *feeds),
            prepare=prepare,
            read_units=expect,
        )


def make_fetch_contest(folder: Path, portals: Sequence[Portal]) -> Contest:
    """From the network to rows: a first cycle over portals that are all new."""
    pages = sum(portal.entries for portal in portals)
    sides = Sides(folder / "fetch", portals)
    handled = partial(_expect_cycle, pages)
    runs = {
        "ours, all": sides.run_ours("all", "--keep", "all", expect=handled),
        "peer": sides.run_peer("all", expect=partial(_expect_crawl, pages)),
        "ours, on topic": sides.run_ours("on-topic", expect=handled),
    }
    figures = (
        Figure(
            id="fetch_to_row_all",
            what="a first cycle that extracts and keeps every page (`run --keep all`)",
            peer=CRAWL_PEER,
            unit="page",
            ours="ours, all",
            theirs="peer",
        ),
        Figure(
            id="fetch_to_row_on_topic",
            what="a first cycle as it runs by default: pages that name no topic are not extracted",
            peer=CRAWL_PEER,
            unit="page",
            ours="ours, on topic",
            theirs="peer",
            target=0.25,
        ),
    )
    return Contest(runs=runs, figures=figures)


def make_rest_contest(folder: Path, portals: Sequence[Portal]) -> Contest:
    """What a cycle costs in which nothing happens: the price of starting."""
    sides = Sides(folder / "rest", portals)
    pages = sum(portal.entries for portal in portals)
    first = (
        sides.run_ours("rest", expect=partial(_expect_cycle, pages)),
        sides.run_peer("rest", expect=partial(_expect_crawl, pages)),
    )
    unchanged = partial(_expect_unchanged, len(portals))
    runs = {
        "ours, idle": sides.run_ours("rest", "--due", expect=_expect_idle, fresh=False),
        "peer, idle": sides.run_peer("rest", expect=_expect_no_crawl, fresh=False, idle=True),
        "ours, unchanged": sides.run_ours("rest", expect=unchanged, fresh=False),
        "peer, unchanged": sides.run_peer("rest", expect=_expect_no_crawl, fresh=False),
    }

    def prepare() -> None:
        for run in first:
            measure(run, folder)

    figures = (
        Figure(
            id="startup",
            what="a cycle with nothing due (`run --due`)",
            peer=f"{CRAWL_PEER}: no feed",
            unit="cycle",
            ours="ours, idle",
            theirs="peer, idle",
        ),
        Figure(
            id="cycle_unchanged",
            what="a cycle in which no feed has changed",
            peer=f"{CRAWL_PEER}: all entries known",
            unit="cycle",
            ours="ours, unchanged",
            theirs="peer, unchanged",
        ),
    )
    return Contest(runs=runs, figures=figures, prepare=prepare)


def _write_source(portal: Portal) -> str:
    return (
        f'[sources.{portal.slug}]\nname = "{portal.slug}"\ndomain = "{portal.slug}.example"\n'
        f'channels = [{{ kind = "feed", url = "{portal.feed}" }}]\n\n'
    )


def _leave() -> None:
    """The data folder stays as the run before left it."""


# ── was it the work that was to be measured? ───────────────────────────────────────────────────────────────────────


def _expect_cycle(pages: int, printed: str) -> int:
    """Pages, if the summary of a cycle says that they were read."""
    summary = json.loads(printed)
    read = sum(summary[count] for count in ("articles", "off_topic", "spam", "failed_pages"))
    return _check("a cycle of ours", min(read, summary["requests"]), pages)


def _expect_crawl(pages: int, printed: str) -> int:
    """Pages, if the peer says that it stored them."""
    return _check("the peer", json.loads(printed)["rows"], pages)


def _expect_idle(printed: str) -> int:
    if json.loads(printed)["channels"]:
        raise BenchmarkError("a cycle with nothing due has polled something")
    return 1


def _expect_unchanged(channels: int, printed: str) -> int:
    polls = json.loads(printed)["polls"]
    if polls != {"unchanged": channels}:
        raise BenchmarkError(f"{channels} unchanged feeds were read as {polls}")
    return 1


def _expect_no_crawl(printed: str) -> int:
    if fetched := json.loads(printed)["fetched"]:
        raise BenchmarkError(f"the peer fetched {fetched} pages of feeds that had not changed")
    return 1


def _check(who: str, done: int, pages: int) -> int:
    if done < LEAST_HANDLED * pages:
        raise BenchmarkError(f"{who} has read {done} pages of {pages}")
    return pages
