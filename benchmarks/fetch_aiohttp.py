"""The other side of B1: pages with aiohttp, as one writes it in an afternoon: `python fetch_aiohttp.py ORDER.json`.

32 at once; a host's pages one after another, so that its connection serves them all. No robots.txt, no limits, no
guard.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp

AT_ONCE = 32


async def read_hosts(session: aiohttp.ClientSession, hosts: Iterator[Sequence[str]]) -> int:
    fetched = 0
    for urls in hosts:
        for url in urls:
            async with session.get(url) as response:
                response.raise_for_status()
                fetched += bool(await response.read())
    return fetched


async def crawl(hosts: Sequence[Sequence[str]]) -> int:
    waiting = iter(hosts)
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, headers={"User-Agent": "benchmark"}) as session:
        return sum(await asyncio.gather(*(read_hosts(session, waiting) for _ in range(AT_ONCE))))


def main(order: str) -> None:
    hosts = json.loads(Path(order).read_text(encoding="utf-8"))["hosts"]
    before = time.process_time()
    fetched = asyncio.run(crawl(hosts))
    print(json.dumps({"cpu_seconds": time.process_time() - before, "fetched": fetched}))


if __name__ == "__main__":
    main(*sys.argv[1:])
