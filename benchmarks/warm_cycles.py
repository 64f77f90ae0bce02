"""Cycles as `kabarkota serve` does them, one after another in one process: `python warm_cycles.py ORDER.json`.

The crawl process and its parsers are warm, the feeds' entries at the start are known. What a cycle costs in which
nothing is due is taken off, so what is told is the work alone: CPU time of this process, the crawl process and the
parsers, until the rows are committed; under "NAME, published" until the feeds are written, too.

    order: {"data", "catalogue", "configuration", "control": address of the portals' orders, "known": [[slug, url], …],
            "steps": [{"name", "publish": "publish?…" or "", "times", "units": of a cycle, "expect": {count: least}}]}

A step without a name is not measured. Prints {"costs": {name: {"cpu_seconds", "units"}}, "summaries": {name: […]}}.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple
from urllib.request import urlopen

import schedules.cycle
from aggregator.heap import end_loading
from aggregator.models import LinkState
from aggregator.publish.publishing import Published
from aggregator.store import Store
from aggregator.urls import make_url_key
from benchmarks.contests import LEAST_HANDLED
from benchmarks.tree import read_tree_cpu
from crawler.process import CrawlProcess
from schedules.config import Setup, load_setup
from schedules.cycle import CycleSummary, refresh_catalogue, run_cycle
from schedules.publishing import publish

IDLE_TIMES = 5


class Spent(NamedTuple):
    """CPU seconds of a cycle: until the rows are there, and until the feeds are."""

    rows: float
    whole: float


def remember(setup: Setup, store: Store, known: Iterable[tuple[str, str]]) -> None:
    """The links as pages that were read before and are off topic."""
    refresh_catalogue(setup, store)
    now = datetime.now(UTC)
    with store.transaction():
        for source, url in known:
            facts = {"source_id": source, "state": LinkState.OFF_TOPIC, "now": now, "read_at": now}
            store.write_link(key=make_url_key(url), url=url, **facts)


class Till:
    """What cycles cost: in all processes until the rows are there, and in this one for publishing."""

    def __init__(self, run: Callable[..., CycleSummary]) -> None:
        self._run = run
        self._publishing = 0.0

    def publish(self, *args: Any, **kwargs: Any) -> Published:
        """As the cycle's own; nothing else is done meanwhile."""
        before = time.process_time()
        try:
            return publish(*args, **kwargs)
        finally:
            self._publishing += time.process_time() - before

    def spend(self, *, due_only: bool = False) -> tuple[Spent, CycleSummary]:
        self._publishing = 0.0
        before = read_tree_cpu()
        summary = self._run(now=datetime.now(UTC), due_only=due_only)
        whole = read_tree_cpu() - before
        return Spent(whole - self._publishing, whole), summary


def tell(order: Mapping[str, Any], what: str) -> None:
    with urlopen(order["control"] + what, timeout=30) as answer:
        answer.read()


def check(step: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
    """Ends the process where a cycle has done less than was to be measured."""
    flat = {**summary, **{f"polls_{outcome}": count for outcome, count in summary["polls"].items()}}
    for name, wanted in step["expect"].items():
        if flat.get(name, 0) < LEAST_HANDLED * wanted:
            raise SystemExit(f"{step['name']}: {name} is {flat.get(name, 0)}, not {wanted}: {json.dumps(summary)}")


def main(file: str) -> None:
    order = json.loads(Path(file).read_text(encoding="utf-8"))
    flags = {"data": order["data"], "catalogue": order["catalogue"]}
    setup = load_setup(config=Path(order["configuration"]), flags=flags)
    end_loading()  # as the service
    process = CrawlProcess()
    costs: dict[str, dict[str, float]] = {}
    summaries: dict[str, list[dict[str, Any]]] = {}
    tell(order, "reset")
    with Store.open_writer(setup.database) as store:
        remember(setup, store, order["known"])

        till = Till(partial(run_cycle, setup, store, process=process))
        schedules.cycle.publish = till.publish  # type: ignore[attr-defined]
        till.spend()  # reads robots.txt and, for the first time, the feeds
        idle = Spent(*map(fmean, zip(*(till.spend(due_only=True)[0] for _ in range(IDLE_TIMES)), strict=True)))
        for step in order["steps"]:
            rows = whole = 0.0
            for _ in range(step["times"]):
                if step["publish"]:
                    tell(order, step["publish"])
                spent, summary = till.spend()
                rows += spent.rows - idle.rows
                whole += spent.whole - idle.whole
                summaries.setdefault(step["name"], []).append(summary.to_json())
                check(step, summary.to_json())
            if step["name"]:
                units = step["units"] * step["times"]
                costs[step["name"]] = {"cpu_seconds": rows, "units": units}
                costs[f"{step['name']}, published"] = {"cpu_seconds": whole, "units": units}
    process.close()
    print(json.dumps({"costs": costs, "idle_seconds": idle.whole, "summaries": summaries}))


if __name__ == "__main__":
    main(*sys.argv[1:])
