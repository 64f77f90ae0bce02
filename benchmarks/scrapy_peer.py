"""The other side of the crawl contests: news with Scrapy and the usual libraries, as one writes it in an afternoon.

feed ──feedparser──▶ links not in the table ──▶ page ──trafilatura or newspaper4k──▶ a row, by sqlite-utils

    python scrapy_peer.py trafilatura|newspaper DATABASE FEED…

A feed that has not changed is not read again (ETag). robots.txt is obeyed; delays and concurrency are lifted as they
are on our side, and what costs CPU for nothing here (telnet, cookies, log lines for each page) is off. Every page is
extracted, for its text decides whether it is on topic.
Prints the number of pages fetched and of rows, and the CPU time without start and imports.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from io import BytesIO
from typing import Any

import feedparser
import scrapy
import sqlite_utils
from scrapy.crawler import Crawler, CrawlerProcess
from scrapy.http import Response

Extractor = Callable[[Response], dict[str, Any]]
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
        self._table.insert(item, pk="url", ignore=True, alter=True)
        return item


class NewsSpider(scrapy.Spider):
    """Feeds, then the articles that are new."""

    name = "news"

    def __init__(self, database: sqlite_utils.Database, feeds: list[str], extract: Extractor) -> None:
        super().__init__()
        self.table = database.table("articles")
        self.tags = database.table("feeds", pk="url")
        self.feeds = feeds
        self.extract = extract
        self.fetched = 0

    async def start(self) -> AsyncIterator[Any]:
        tags = {row["url"]: row["etag"] for row in self.tags.rows} if self.tags.exists() else {}
        for url in self.feeds:
            headers = {"If-None-Match": tags[url]} if tags.get(url) else {}
            yield scrapy.Request(url, self.parse_feed, headers=headers, meta={"handle_httpstatus_list": [304]})

    def parse_feed(self, response: Response) -> Iterator[scrapy.Request]:
        if response.status == 304:
            return
        self.tags.upsert({"url": response.url, "etag": (response.headers.get("ETag") or b"").decode()}, pk="url")
        source = response.url.split("/")[2]
        known = self.table.rows_where("source = ?", [source], select="url") if self.table.exists() else ()
        urls = {row["url"] for row in known}
        for entry in feedparser.parse(BytesIO(response.body)).entries:
            if entry.link not in urls:
                yield scrapy.Request(entry.link, self.parse_article, cb_kwargs={"entry": entry})

    def parse_article(self, response: Response, entry: Any) -> Iterator[dict[str, Any]]:
        self.fetched += 1
        article = self.extract(response)
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


def extract_with_trafilatura(response: Response) -> dict[str, Any]:
    import trafilatura

    found = trafilatura.bare_extraction(response.body, url=response.url, with_metadata=True)
    return found.as_dict() if found is not None else {}  # type: ignore[union-attr]


def extract_with_newspaper(response: Response) -> dict[str, Any]:
    import newspaper  # type: ignore[import-not-found]

    article = newspaper.Article(response.url, fetch_images=False)
    article.download(input_html=response.text)
    article.parse()
    date = article.publish_date.isoformat() if article.publish_date else None
    author = ", ".join(article.authors)
    return {"title": article.title, "author": author, "date": date, "text": article.text, "image": article.top_image}


EXTRACTORS = {"trafilatura": extract_with_trafilatura, "newspaper": extract_with_newspaper}


def main(extractor: str, path: str, *feeds: str) -> None:
    extract = EXTRACTORS[extractor]
    import_module("trafilatura" if extractor == "trafilatura" else "newspaper")
    began = time.process_time()
    database = sqlite_utils.Database(path)
    database.enable_wal()
    table = database.table("articles")
    process = CrawlerProcess(SETTINGS)
    crawler = process.create_crawler(NewsSpider)
    process.crawl(crawler, database=database, feeds=list(feeds), extract=extract)
    process.start()
    rows = table.count if table.exists() else 0
    fetched = crawler.spider.fetched  # type: ignore[union-attr]
    print(json.dumps({"fetched": fetched, "rows": rows, "cpu_seconds": time.process_time() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
