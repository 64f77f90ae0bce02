"""`python -m benchmarks.peers.scrapy_trafilatura DATABASE FEED …`: feeds to rows with Scrapy, feedparser, trafilatura.

One spider with the obvious settings (as many requests at once as ours, robots.txt obeyed, no waiting), the feed read by
feedparser, each article by trafilatura with its metadata, rows through sqlite-utils in one insert for each page.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any

import feedparser
import scrapy
import sqlite_utils
import trafilatura
from scrapy.crawler import CrawlerProcess


class FeedSpider(scrapy.Spider):
    name = "feeds"

    def __init__(self, table: Any, feeds: list[str]) -> None:
        super().__init__()
        self.table = table
        self.start_urls = feeds

    def parse(self, response: Any) -> Iterator[scrapy.Request]:
        for entry in feedparser.parse(io.BytesIO(response.body)).entries:
            yield scrapy.Request(entry.link, self.parse_article, cb_kwargs={"published": entry.get("published", "")})

    def parse_article(self, response: Any, published: str) -> None:
        article = trafilatura.bare_extraction(response.body, url=response.url, with_metadata=True)
        if article is not None:
            self.table.insert(
                {
                    "url": response.url,
                    "title": article.title,
                    "author": article.author,
                    "published": article.date or published,
                    "text": article.text,
                },
                pk="url",
                replace=True,
            )


def main(database: str, feeds: list[str]) -> None:
    db = sqlite_utils.Database(database)
    db["articles"].create({"url": str, "title": str, "author": str, "published": str, "text": str}, pk="url")
    db["articles"].enable_fts(["title", "text"], create_triggers=True)
    process = CrawlerProcess(
        {"ROBOTSTXT_OBEY": True, "CONCURRENT_REQUESTS": 32, "LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False}
    )
    process.crawl(FeedSpider, table=db["articles"], feeds=feeds)
    process.start()
    assert db["articles"].count


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
