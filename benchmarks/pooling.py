"""What the killable parsers cost beside parsing: a page read in a worker, and the same in this process.

`main` is one side, in a process: pool or direct.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aggregator.heap import end_loading
from aggregator.models import ArticleLink
from benchmarks.contests import Contest, Figure, Run
from benchmarks.functions import RUN_MODULE
from benchmarks.tree import read_tree_cpu
from crawler.parsing import ParserPool
from crawler.reading import PageReading, Reading, load_readers, read_page
from crawler.settings import CrawlSettings

WARM_UP = 3
FIGURE = Figure(
    id="pool",
    what="a page read in a killable worker",
    peer="the same in the process itself",
    unit="page",
    ours="pool",
    theirs="direct",
)


def make_contest(folder: Path, material: Path, pages: Sequence[Mapping[str, Any]]) -> Contest:
    order = folder / "pooling.json"
    told = [{"file": str(material / page["file"]), **{name: page[name] for name in ("url", "title")}} for page in pages]
    order.write_text(json.dumps(told), encoding="utf-8")
    return Contest(
        runs={
            side: Run(
                command=(*RUN_MODULE, "benchmarks.pooling", side, str(order)),
                read_units=lambda printed: int(json.loads(printed)["done"]),
                is_self_timed=True,
            )
            for side in ("pool", "direct")
        },
        figures=(FIGURE,),
    )


async def read_all(side: str, bodies: Sequence[tuple[bytes, str, str]]) -> tuple[float, int]:
    """Of pages, each with its address and title: CPU seconds after the warm-up, and how many were read in them."""
    reading = Reading(zone="Asia/Jakarta", now=datetime.now(UTC), keep_all=True)
    pool = ParserPool(CrawlSettings(parser_workers=1))
    before = 0.0
    done = 0
    try:
        for number, (body, url, title) in enumerate(bodies):
            if number == WARM_UP:
                before = read_tree_cpu()
            asked = (body, ArticleLink(url=url, title=title), url, reading, False)
            read: PageReading = await pool.run("portal", read_page, *asked) if side == "pool" else read_page(*asked)
            done += number >= WARM_UP and read.article is not None
        return read_tree_cpu() - before, done
    finally:
        pool.close()


def main(side: str, order: str) -> None:
    pages = json.loads(Path(order).read_text(encoding="utf-8"))
    bodies = [(Path(page["file"]).read_bytes(), page["url"], page["title"]) for page in pages]
    load_readers()
    end_loading()  # as a worker
    seconds, done = asyncio.run(read_all(side, bodies))
    print(json.dumps({"cpu_seconds": seconds, "done": done}))
