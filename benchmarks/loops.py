"""One function over the material, in this process: prints the CPU seconds of the loop, without start and imports.

    main(NAME, SIDE, MATERIAL, COUNT)     NAME: channel_parse, extract, dates     SIDE: ours, peer, floor

Each thing is read once in a pass, and the first thing once before the clock starts, for tables that load on first use.
Passes are repeated while they are too short for the clock. Pages have one pass: caches must not know them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.material import NOW, read_index

Task = Callable[[], object]
LEAST_SECONDS = 0.2
ZONE = ZoneInfo("Asia/Jakarta")


def make_channel_tasks(side: str, folder: Path, channels: Iterable[Mapping[str, Any]]) -> list[Task]:
    bodies = [(channel["url"], (folder / channel["file"]).read_bytes()) for channel in channels]
    if side == "ours":
        from crawler.channels import parse_channel

        return [partial(parse_channel, body, url) for url, body in bodies]
    if side == "floor":
        from lxml import etree

        parser = etree.XMLParser(recover=True)
        return [lambda body=body: list(etree.fromstring(body, parser).iter()) for _, body in bodies]  # type: ignore[misc]
    import feedparser

    # a stream: bytes would be taken for the name of a file
    return [lambda body=body: feedparser.parse(BytesIO(body)) for _, body in bodies]  # type: ignore[misc]


def make_extract_tasks(side: str, folder: Path, pages: Iterable[Mapping[str, Any]]) -> list[Task]:
    bodies = [(page["url"], (folder / page["file"]).read_bytes()) for page in pages]
    if side == "ours":
        from crawler.extraction import extract_article

        return [partial(extract_article, body, url, zone=ZONE, now=NOW) for url, body in bodies]
    import trafilatura

    return [partial(trafilatura.bare_extraction, body, url=url, with_metadata=True) for url, body in bodies]


def make_date_tasks(side: str, folder: Path, dates: Iterable[Mapping[str, Any]]) -> list[Task]:
    rows = [(date["raw"], date["zone"], datetime.fromisoformat(date["now"])) for date in dates]
    if side == "ours":
        from crawler.dates import parse_date

        return [partial(parse_date, raw, zone=zone, now=now) for raw, zone, now in rows]
    import dateparser  # type: ignore[import-untyped]

    return [
        partial(dateparser.parse, raw, languages=["id", "en"], settings=_set_dateparser(zone, now))
        for raw, zone, now in rows
    ]


def _set_dateparser(zone: str, now: datetime) -> dict[str, Any]:
    """What dateparser must be told about Indonesian portals."""
    return {
        "DATE_ORDER": "DMY",
        "TIMEZONE": zone,
        "RETURN_AS_TIMEZONE_AWARE": True,
        "RELATIVE_BASE": now.astimezone(ZoneInfo(zone)).replace(tzinfo=None),
    }


TASKS = {
    "channel_parse": ("channels", make_channel_tasks, True),
    "extract": ("pages", make_extract_tasks, False),
    "dates": ("dates", make_date_tasks, True),
}


def time_tasks(tasks: Sequence[Task], *, repeat: bool) -> tuple[float, int]:
    """CPU seconds, and how many tasks were done in them."""
    tasks[0]()
    passes, started = 0, time.process_time()
    while True:
        for task in tasks:
            task()
        passes += 1
        seconds = time.process_time() - started
        if not repeat or seconds >= LEAST_SECONDS:
            return seconds, passes * len(tasks)


def main(name: str, side: str, folder: str, count: str) -> None:
    kind, make_tasks, repeat = TASKS[name]
    things = read_index(Path(folder))[kind][: int(count)]
    seconds, units = time_tasks(make_tasks(side, Path(folder), things), repeat=repeat)
    print(json.dumps({"cpu_seconds": seconds, "units": units}))
