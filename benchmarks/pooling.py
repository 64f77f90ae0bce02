"""What the killable parsers cost beside parsing: a page read in a worker, and the same in this process.

One process does both, page after page in turns: what slows the machine slows both.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from aggregator.heap import end_loading
from aggregator.models import ArticleLink
from aggregator.processes import list_descendants
from benchmarks.contests import Contest, Figure, Run
from benchmarks.functions import RUN_MODULE
from crawler.parsing import ParserPool
from crawler.reading import Reading, load_readers, read_page
from crawler.settings import CrawlSettings

WARM_UP = 3
FIGURE = Figure(
    id="pool",
    what="a page read in a killable worker",
    peer="the same in the process itself",
    unit="page",
    ours="both.pool",
    theirs="both.direct",
)


def make_contest(folder: Path, material: Path, pages: Sequence[Mapping[str, Any]]) -> Contest:
    order = folder / "pooling.json"
    told = [{"file": str(material / page["file"]), **{name: page[name] for name in ("url", "title")}} for page in pages]
    order.write_text(json.dumps(told), encoding="utf-8")
    both = Run(
        command=(*RUN_MODULE, "benchmarks.pooling", str(order)),
        read_units=lambda printed: 1,
        is_self_timed=True,
    )
    return Contest(runs={"both": both}, figures=(FIGURE,))


async def read_all(bodies: Sequence[tuple[bytes, str, str]]) -> dict[str, dict[str, float]]:
    """Of pages, each with its address and title: what they cost either way, those of the warm-up left out."""
    reading = Reading(zone="Asia/Jakarta", now=datetime.now(UTC), keep_all=True)
    pool = ParserPool(CrawlSettings(parser_workers=1))
    spent = {"pool": 0.0, "direct": 0.0}
    done = {"pool": 0, "direct": 0}
    try:
        for number, (body, url, title) in enumerate(bodies):
            asked = (body, ArticleLink(url=url, title=title), url, reading, False)
            for side in ("pool", "direct") if number % 2 else ("direct", "pool"):
                before = read_cpu_finely()
                read = await pool.run("portal", read_page, *asked) if side == "pool" else read_page(*asked)
                if number >= WARM_UP:
                    spent[side] += read_cpu_finely() - before
                    done[side] += read.article is not None
    finally:
        pool.close()
    return {side: {"cpu_seconds": seconds, "units": done[side]} for side, seconds in spent.items()}


def read_cpu_finely() -> float:
    """CPU seconds of this process and those below it; not by the hundredth, as `read_tree_cpu` has them."""
    below = (Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii") for pid in list_descendants(os.getpid()))
    return time.process_time() + sum(int(said.split()[0]) for said in below) / 1e9


def main(order: str) -> None:
    pages = json.loads(Path(order).read_text(encoding="utf-8"))
    bodies = [(Path(page["file"]).read_bytes(), page["url"], page["title"]) for page in pages]
    load_readers()
    end_loading()  # as a worker
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the crawl process
        print(json.dumps({"costs": runner.run(read_all(bodies))}))
