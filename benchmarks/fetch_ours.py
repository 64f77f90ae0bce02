"""Fetches pages with our crawl process's own machinery and does nothing with them: `python fetch_ours.py ORDER.json`.

The spider's `fetch` with every middleware, limit and guard, robots.txt read and obeyed, politeness at zero delay.
In the order: {"settings": of CrawlSettings, "hosts": [[url, …], …]}. Prints {"cpu_seconds", "fetched"}, without start
and imports.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrapy.crawler import AsyncCrawlerRunner
from scrapy.utils.reactor import install_reactor

from aggregator.heap import end_loading
from aggregator.models import Channel, ChannelJob, ChannelKind, CrawlJob, Source
from crawler.address_guard import AddressGuard, install_guard
from crawler.clock import system_clock
from crawler.middlewares import Manners
from crawler.parsing import ParserPool
from crawler.politeness import Pace, Robots
from crawler.resolving import Resolver
from crawler.scrapy_settings import EVENT_LOOP, REACTOR, build_scrapy_settings
from crawler.settings import CrawlSettings
from crawler.spiders.articles import check_page
from crawler.spiders.portal import PortalSpider, Talk
from crawler.visit import Visit
from crawler.vitals import Vitals


class FetchSpider(PortalSpider):
    """Asks every host for its pages, one after another, all hosts at once."""

    def __init__(self, *, hosts: Sequence[Sequence[str]], **portal: Any) -> None:
        super().__init__(name="fetch", **portal)
        self.hosts = hosts
        self.fetched = 0

    async def start(self) -> AsyncIterator[Any]:
        await asyncio.gather(*map(self._read_host, self.hosts))
        for nothing in ():
            yield nothing

    async def _read_host(self, urls: Sequence[str]) -> None:
        settings = self.manners.settings
        channel = ChannelJob(channel_id=1, channel=Channel(kind=ChannelKind.FEED, url=urls[0]))
        source = Source(id="portal", name="portal", domain="portal.example", channels=(channel.channel,))
        talk = Talk(
            visit=Visit(job=CrawlJob(source=source, channels=(channel,), now=datetime.now(UTC)), settings=settings)
        )
        for url in urls:
            answer = await self.fetch(talk, url, max_bytes=settings.max_page_bytes, is_recognised=False)
            check_page(answer)
            self.fetched += bool(answer.body)


async def crawl(settings: CrawlSettings, hosts: Sequence[Sequence[str]]) -> int:
    manners = Manners(
        settings=settings,
        pace=Pace(settings, now=system_clock()),
        robots=Robots((), system_clock),
        clock=system_clock,
    )
    runner = AsyncCrawlerRunner(build_scrapy_settings(settings))
    crawler = runner.create_crawler(FetchSpider)
    deadline = asyncio.get_running_loop().time() + settings.deadline_seconds
    pool = ParserPool(settings)
    tools = {"manners": manners, "pool": pool, "deadline": deadline, "vitals": Vitals()}
    await runner.crawl(crawler, hosts=hosts, **tools)
    return int(crawler.spider.fetched)  # type: ignore[union-attr]


def main(order: str) -> None:
    asked = json.loads(Path(order).read_text(encoding="utf-8"))
    settings = CrawlSettings(**asked["settings"])
    install_reactor(REACTOR, EVENT_LOOP)
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    guard = AddressGuard(settings.allow_networks)
    reactor.installNameResolver(Resolver(reactor))
    install_guard(reactor, lambda: guard)
    end_loading()  # as the crawl process
    before = time.process_time()

    async def fetch() -> None:
        fetched = await crawl(settings, asked["hosts"])
        print(json.dumps({"cpu_seconds": time.process_time() - before, "fetched": fetched}), flush=True)

    react(lambda _: Deferred.fromFuture(asyncio.ensure_future(fetch())))


if __name__ == "__main__":
    main(*sys.argv[1:])
