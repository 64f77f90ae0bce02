"""Extracts kept pages again, in the killable parser, for `replay`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aggregator.article_building import build_row
from aggregator.instants import from_text
from aggregator.models import ArticleLink, FetchedPage, Source
from crawler.overlays import Overlays
from crawler.parsing import ParseFailedError, ParserPool
from crawler.reading import Reading, read_link, read_page
from crawler.settings import CrawlSettings

# What a page says of itself; the rest of a row is its history.
_READ_COLUMNS = (
    *("title", "author", "byline", "text", "summary", "image", "language", "tags", "declared_url", "extraction_method"),
    *("modified_at", "title_method", "author_method", "profile", "page_hash"),
)
_DATE_COLUMNS = ("published_at", "published_offset", "published_precision", "published_raw", "published_method")


class Rereader:
    """A parser that is started when it is needed; to be used as a context."""

    def __init__(self, settings: CrawlSettings, sources: Mapping[str, Source], profiles: Path | None) -> None:
        self._settings = settings
        self._sources = sources
        self._profiles = str(profiles) if profiles else None
        self._loop = asyncio.new_event_loop()
        self._pool: ParserPool | None = None
        self.failed: list[str] = []  # addresses of pages that could not be read

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.close()
            self._loop.run_until_complete(asyncio.sleep(0))  # in which its sockets are closed
        self._loop.close()

    def reread(self, row: Mapping[str, Any], page: bytes) -> dict[str, Any] | None:
        """The columns of an article's row as its page gives them now; None where it gives no article any more."""
        source = self._sources.get(row["source_id"])
        if source is None:
            return None
        self._pool = self._pool or ParserPool(self._settings)
        at = from_text(row["first_seen_at"])
        link = ArticleLink(url=row["url"], title=row["title"], author=row["byline"], published_raw=row["published_raw"])
        reading = Reading(
            zone=source.timezone,
            now=at,
            keep_all=True,
            overlays=Overlays(profiles=self._profiles),
            profile=source.profile,
            utc_is_local=source.utc_is_local,
        )
        is_from_channel = row["extraction_method"] == "channel"
        try:
            if is_from_channel:
                link = ArticleLink(
                    url=row["url"],
                    title=row["title"],
                    author=row["byline"],
                    published_raw=row["published_raw"],
                    summary=row["summary"],
                    content_html=page.decode("utf-8", "replace"),
                )
                read = self._loop.run_until_complete(self._pool.run(source.id, read_link, link, reading, True))
            else:
                read = self._loop.run_until_complete(
                    self._pool.run(source.id, read_page, page, link, row["url"], reading, True)
                )
        except ParseFailedError:
            self.failed.append(row["url"])
            return None
        if read.article is None or not read.article.text:
            return None
        fetched = FetchedPage(url=row["url"], link=link, article=read.article, fetched_at=at, page_hash=read.page_hash)
        columns = build_row(fetched, source, at)
        if is_from_channel:  # the channel's own words came beside the text, and are not in the page
            return {name: columns[name] for name in ("text", "page_hash")}
        names = list(_READ_COLUMNS)
        if columns["title_method"] == "channel":  # the page has none: it is the row's own title, given along above
            names.remove("title_method")
        if read.links.next or read.links.whole:  # only the first of its pages is kept
            names.remove("text")
        has_date = columns["published_method"] not in ("first-seen", "channel")
        return {name: columns[name] for name in (*names, *(_DATE_COLUMNS if has_date else ()))}
