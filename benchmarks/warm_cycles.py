"""Cycles as `kabarkota serve` does them, one after another in one process: `python warm_cycles.py ORDER.json`.

The crawl process and its parsers are warm, the feeds' entries at the start are known. What a cycle costs in which
nothing is due is taken off, so what is told is the work alone: CPU time of this process, the crawl process and the
parsers, until the rows are committed and the feeds are written.

    order: {"data", "catalogue", "configuration", "control": address of the portals' orders, "known": [[slug, url], …],
            "steps": [{"name", "publish": "publish?…" or "", "times", "units": of a cycle, "expect": {count: least}}]}

A step without a name is not measured. Prints {"costs": {name: {"cpu_seconds", "units"}}, "summaries": {name: […]}}.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from aggregator.models import LinkState
from aggregator.store import Store
from aggregator.urls import make_url_key
from benchmarks.contests import LEAST_HANDLED
from benchmarks.tree import read_tree_cpu
from crawler.process import CrawlProcess
from schedules.config import Setup, load_setup
from schedules.cycle import CycleSummary, refresh_catalogue, run_cycle

IDLE_TIMES = 5


def remember(setup: Setup, store: Store, known: Iterable[tuple[str, str]]) -> None:
    """The links as pages that were read before and are off topic."""
    refresh_catalogue(setup, store)
    now = datetime.now(UTC)
    with store.transaction():
        for source, url in known:
            facts = {"source_id": source, "state": LinkState.OFF_TOPIC, "now": now, "read_at": now}
            store.write_link(key=make_url_key(url), url=url, **facts)


def spend(work: Callable[[], CycleSummary]) -> tuple[float, CycleSummary]:
    before = read_tree_cpu()
    summary = work()
    return read_tree_cpu() - before, summary


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
    process = CrawlProcess()
    costs: dict[str, dict[str, float]] = {}
    summaries: dict[str, list[dict[str, Any]]] = {}
    tell(order, "reset")
    with Store.open_writer(setup.database) as store:
        remember(setup, store, order["known"])

        def cycle(*, due_only: bool = False) -> tuple[float, CycleSummary]:
            return spend(lambda: run_cycle(setup, store, now=datetime.now(UTC), due_only=due_only, process=process))

        cycle()  # reads robots.txt and, for the first time, the feeds
        idle = sum(cycle(due_only=True)[0] for _ in range(IDLE_TIMES)) / IDLE_TIMES
        for step in order["steps"]:
            spent = 0.0
            for _ in range(step["times"]):
                if step["publish"]:
                    tell(order, step["publish"])
                cpu, summary = cycle()
                spent += cpu - idle
                summaries.setdefault(step["name"], []).append(summary.to_json())
                check(step, summary.to_json())
            if step["name"]:
                costs[step["name"]] = {"cpu_seconds": spent, "units": step["units"] * step["times"]}
    process.close()
    print(json.dumps({"costs": costs, "idle_seconds": idle, "summaries": summaries}))


if __name__ == "__main__":
    main(*sys.argv[1:])
