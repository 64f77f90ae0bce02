"""Contests of whole processes, over the same portals: `kabarkota run`, as cron starts it, and the Scrapy peer."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import sqlite_utils

from aggregator.store import Store
from benchmarks.contests import BenchmarkError, Contest, Figure, Limit, Run, check_done, measure
from benchmarks.material import read_index
from benchmarks.origin import Portal, make_item, serve_plan, tell
from benchmarks.warm_cycles import remember
from schedules.config import load_setup

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
        self.configuration = folder / "kabarkota.toml"
        self.configuration.write_text(CONFIGURATION, encoding="utf-8")
        self.catalogue = folder / "catalogue.toml"
        self.catalogue.write_text("".join(map(_write_source, portals)), encoding="utf-8")

    def run_ours(self, name: str, *options: str, expect: Callable[[str], int], fresh: bool = True) -> Run:
        """`kabarkota run`; `fresh`: into an empty data folder, else into the one called `name` as it is."""
        data = self._folder / f"ours-{name}"
        where = ("--catalogue", str(self.catalogue), "--data", str(data))
        command = (sys.executable, "-P", "-m", "schedules", "--config", str(self.configuration), "run", "--json")
        return Run(
            command=(*command, *where, *options),
            prepare=partial(shutil.rmtree, data, ignore_errors=True) if fresh else _leave,
            read_units=expect,
        )

    def run_peer(
        self,
        name: str,
        *,
        expect: Callable[[str], int],
        fresh: bool = True,
        idle: bool = False,
        told: tuple[Portal, str] | None = None,
        is_self_timed: bool = False,
        extractor: str = "trafilatura",
    ) -> Run:
        """The Scrapy peer; `idle`: with no feed to read. `told`: what a portal is told before; `is_self_timed`: without
        start and imports."""
        data = self._folder / f"peer-{name}"
        feeds = () if idle else self._feeds

        def prepare() -> None:
            if fresh:
                shutil.rmtree(data, ignore_errors=True)
            data.mkdir(exist_ok=True)
            if told is not None:
                tell(told[0], "reset")
                tell(*told)

        return Run(
            command=(sys.executable, "-P", str(PEER), extractor, str(data / "news.db"), *feeds),
            prepare=prepare,
            read_units=expect,
            is_self_timed=is_self_timed,
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
    sides = Sides(folder / "starts", portals)
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


PORTALS = Figure(
    id="B11",
    what="a cycle as cron starts it, over portals of which a fifth have three new articles each",
    peer="Scrapy, feedparser, newspaper4k, sqlite-utils",
    unit="cycle",
    ours="ours",
    theirs="peer",
    floor="floor",
    target=0.3,
    limits={"pool_percent": Limit(5, "%")},
)
CHANGED_STEP, FRESH = 5, 3


@contextmanager
def contest_portals(folder: Path, material: Path, *, portals: int, window: int, has_floor: bool) -> Iterator[Contest]:
    """B11, while its portals run. Both sides know what is in the feeds at the start, and have read them once."""
    pages = read_index(material)["pages"]
    dealt = [
        [make_item(pages[(portal * 7 + number) % len(pages)], number=number) for number in range(window + FRESH)]
        for portal in range(portals)
    ]
    with serve_plan(material, dealt, shown=window, window=window) as running:
        sides = Sides(folder / "portals", running)
        changed = len(range(0, portals, CHANGED_STEP))
        ours, peer = (folder / "portals" / name for name in ("ours-cycle", "peer-cycle"))
        order = f"publish?count={FRESH}&step={CHANGED_STEP}"
        polls = {"changed": changed, "unchanged": portals - changed}
        runs = {
            "ours": replace(
                sides.run_ours("cycle", expect=partial(_expect_fresh, changed * FRESH, polls)),
                prepare=partial(_restore, ours, running[0], order),
            ),
            "peer": replace(
                sides.run_peer("cycle", expect=partial(_expect_fetched, changed * FRESH), extractor="newspaper"),
                prepare=partial(_restore, peer, running[0], order),
            ),
        }
        if has_floor:
            file = folder / "portals" / "floor.json"
            feeds = [portal.feed for portal in running]
            file.write_text(json.dumps({"control": f"{running[0].base}/-/", "publish": order, "feeds": feeds}))
            runs["floor"] = Run(
                command=(sys.executable, "-P", str(PEER.with_name("floor.py")), "cycle", str(file)),
                read_units=lambda printed: bool(check_done("the floor", json.loads(printed)["done"], changed * FRESH)),
            )

        def prepare() -> None:
            known = [
                (portal.slug, portal.base + item.path)
                for portal, items in zip(running, dealt, strict=True)
                for item in items[:window]
            ]
            _know_ours(sides, ours, known)
            _know_peer(peer, [url for _, url in known])
            measure(sides.run_ours("cycle", expect=lambda printed: 1, fresh=False), folder)
            measure(sides.run_peer("cycle", expect=_expect_no_crawl, fresh=False, extractor="newspaper"), folder)
            for data in (ours, peer):
                shutil.copytree(data, _template(data))

        yield Contest(runs=runs, figures=(PORTALS,), prepare=prepare)


def _template(data: Path) -> Path:
    return data.with_name(f"{data.name}-before")


def _restore(data: Path, portal: Portal, order: str) -> None:
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(_template(data), data)
    tell(portal, "reset")
    tell(portal, order)


def _know_ours(sides: Sides, data: Path, known: Sequence[tuple[str, str]]) -> None:
    flags = {"data": data, "catalogue": sides.catalogue}
    setup = load_setup(config=sides.configuration, flags=flags, environ={})
    with Store.open_writer(setup.database) as store:
        remember(setup, store, known)


def _know_peer(data: Path, urls: Sequence[str]) -> None:
    data.mkdir()
    table = sqlite_utils.Database(data / "news.db").table("articles")
    table.insert_all(({"url": url, "source": url.split("/")[2]} for url in urls), pk="url")


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
    return check_done("a cycle of ours", min(read, summary["requests"]), pages)


def _expect_crawl(pages: int, printed: str) -> int:
    """Pages, if the peer says that it stored them."""
    return check_done("the peer", json.loads(printed)["rows"], pages)


def _expect_idle(printed: str) -> int:
    if json.loads(printed)["channels"]:
        raise BenchmarkError("a cycle with nothing due has polled something")
    return 1


def _expect_unchanged(channels: int, printed: str) -> int:
    polls = json.loads(printed)["polls"]
    if polls != {"unchanged": channels}:
        raise BenchmarkError(f"{channels} unchanged feeds were read as {polls}")
    return 1


def _expect_fresh(pages: int, wanted: Mapping[str, int], printed: str) -> int:
    """One cycle, if it has read the new pages and met the feeds as they are."""
    polls = json.loads(printed)["polls"]
    if polls != wanted:
        raise BenchmarkError(f"feeds of which there are {wanted} were read as {polls}")
    _expect_cycle(pages, printed)
    return 1


def _expect_fetched(pages: int, printed: str) -> int:
    check_done("the peer", json.loads(printed)["fetched"], pages)
    return 1


def _expect_no_crawl(printed: str) -> int:
    if fetched := json.loads(printed)["fetched"]:
        raise BenchmarkError(f"the peer fetched {fetched} pages of feeds that had not changed")
    return 1
