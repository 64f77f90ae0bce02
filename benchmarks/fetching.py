"""B1: pages fetched and thrown away, with every limit and guard of ours, against bare aiohttp; curl is the floor."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.contests import Contest, Figure, Run, check_done
from benchmarks.material import read_index
from benchmarks.origin import make_item, serve_plan

HERE = Path(__file__).parent
AT_ONCE = 32
FIGURE = Figure(
    id="B1",
    what="a page fetched with every limit and guard on, nothing done with it",
    peer="aiohttp",
    unit="page",
    ours="ours",
    theirs="peer",
    floor="floor",
    target=3,
)


@contextmanager
def contest_fetching(folder: Path, material: Path, *, pages: int, hosts: int, has_floor: bool) -> Iterator[Contest]:
    """The contest, while its portals run."""
    known = read_index(material)["pages"]
    each = pages // hosts
    dealt = [
        [make_item(known[(host * each + number) % len(known)], number=number) for number in range(each)]
        for host in range(hosts)
    ]
    with serve_plan(material, dealt, shown=each, window=each) as portals:
        settings = {"allow_networks": ["127.0.0.0/8"], "delay_seconds": 0, "concurrency": AT_ONCE}
        urls = [[portal.base + item.path for item in items] for portal, items in zip(portals, dealt, strict=True)]
        order = folder / "fetch.json"
        order.write_text(
            json.dumps({"hosts": urls, "settings": {**settings, "max_requests": each + 1}}), encoding="utf-8"
        )
        runs = {"ours": "fetch_ours.py", "peer": "fetch_aiohttp.py"}
        yield Contest(
            runs={
                **{who: _run(who, (script, str(order)), each * hosts) for who, script in runs.items()},
                **({"floor": run_floor("fetch", order, each * hosts)} if has_floor else {}),
            },
            figures=(FIGURE,),
        )


def _run(who: str, command: tuple[str, str], pages: int) -> Run:
    script, order = command
    return Run(
        command=(sys.executable, "-P", str(HERE / script), order),
        read_units=lambda printed: check_done(who, json.loads(printed)["fetched"], pages),
        is_self_timed=True,
    )


def run_floor(kind: str, order: Path, units: int) -> Run:
    """See `floor`."""
    return Run(
        command=(sys.executable, "-P", str(HERE / "floor.py"), kind, str(order)),
        read_units=partial(_expect_floor, units),
        is_self_timed=True,
    )


def _expect_floor(units: int, printed: str) -> int:
    return check_done("the floor", json.loads(printed)["done"], units)
