"""The other side of the crawl contests: news with Scrapy and the usual libraries, as one writes it in an afternoon.

feed ──feedparser──▶ links not in the table ──▶ page ──trafilatura, with metadata──▶ a row, by sqlite-utils

    python scrapy_peer.py DATABASE FEED…

robots.txt is obeyed; delays and concurrency are lifted as they are on our side, and what costs CPU for nothing here
(telnet, cookies, log lines for each page) is off. Every page is extracted, for its text decides whether it is on topic.
Prints the number of pages fetched and of rows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import feedparser
import scrapy
import sqlite_utils
import trafilatura
from scrapy.crawler import Crawler, CrawlerProcess
from scrapy.http import Response

SETTINGS = {
    "ROBOTSTXT_OBEY": True,
    "USER_AGENT": "benchmark (+bench@example.org)",
    "DOWNLOAD_DELAY": 0,
    "CONCURRENT_REQUESTS": 32,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 32,
    "TELNETCONSOLE_ENABLED": False,
    "COOKIES_ENABLED": False,
    "LOG_LEVEL": "WARNING",
    "ITEM_PIPELINES": {"__main__.TablePipeline": 100},
}


class TablePipeline:
    """Writes articles as they come."""

    def __init__(self, crawler: Crawler) -> None:
        self._table = crawler.spider.table  # type: ignore[union-attr]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> TablePipeline:
        return cls(crawler)

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        self._table.insert(item, pk="url", ignore=True)
        return item


class NewsSpider(scrapy.Spider):
    """Feeds, then the articles that are new."""

    name = "news"

    def __init__(self, table: sqlite_utils.db.Table, feeds: list[str]) -> None:
        super().__init__()
        self.table = table
        self.feeds = feeds
        self.fetched = 0

    async def start(self) -> AsyncIterator[Any]:
        for url in self.feeds:
            yield scrapy.Request(url, self.parse_feed)

    def parse_feed(self, response: Response) -> Iterator[scrapy.Request]:
        known = {row["url"] for row in self.table.rows_where(select="url")} if self.table.exists() else set()
        for entry in feedparser.parse(BytesIO(response.body)).entries:
            if entry.link not in known:
                yield scrapy.Request(entry.link, self.parse_article, cb_kwargs={"entry": entry})

    def parse_article(self, response: Response, entry: Any) -> Iterator[dict[str, Any]]:
        self.fetched += 1
        found = trafilatura.bare_extraction(response.body, url=response.url, with_metadata=True)
        article: dict[str, Any] = found.as_dict() if found is not None else {}  # type: ignore[union-attr]
        yield {
            "url": response.url,
            "source": response.url.split("/")[2],
            "title": article.get("title") or entry.get("title"),
            "author": article.get("author"),
            "published": entry.get("published") or article.get("date"),
            "text": article.get("text"),
            "summary": entry.get("summary"),
            "image": article.get("image"),
            "fetched_at": datetime.now(UTC).isoformat(),
        }


def main(path: str, *feeds: str) -> None:
    database = sqlite_utils.Database(path)
    database.enable_wal()
    table = database.table("articles")
    process = CrawlerProcess(SETTINGS)
    crawler = process.create_crawler(NewsSpider)
    process.crawl(crawler, table=table, feeds=list(feeds))
    process.start()
    rows = table.count if table.exists() else 0
    print(json.dumps({"fetched": crawler.spider.fetched, "rows": rows}))  # type: ignore[union-attr]


if __name__ == "__main__":
    main(*sys.argv[1:])
