"""Feeds that are not a file: searches, feeds by story, feeds of which nothing is written yet; and refusals.

What is refused is told in the format that was asked for, so that a reader shows it where its owner looks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from aggregator.feeds import ALL, make_feed_path
from aggregator.finding import FindingError, Found, explain_miss, find_news, look_up
from aggregator.lost import has_database
from aggregator.models import Language
from aggregator.publish.describing import (
    Publisher,
    Subject,
    describe_feed,
    describe_refusal,
    describe_search,
)
from aggregator.publish.documents import render_feed
from aggregator.publish.feed_info import Format
from aggregator.publish.wording import get_wording
from aggregator.search import NewsQuery, read_query
from aggregator.search_rows import Search
from aggregator.search_terms import QueryError
from aggregator.store import OlderDatabaseError, Store, StoreError
from aggregator.web.conditional import answer_content
from aggregator.web.finding import BadQueryError, RefusalError, make_refusal
from aggregator.web.public_file import is_public
from aggregator.web.reading import OpenStore

logger = logging.getLogger(__name__)

ITEMS = 50
HOURS = 72  # a feed holds what came in so many hours, however much …
ITEMS_MOST = 100  # … of a search up to so many: it is rendered for each who asks, and the next page has the others
MAX_AGE_SECONDS = 300
_IN_ADDRESSES = "!$%&'()*+,/:;=?@"


class FeedDesk:
    """Answers for feeds that are not a file."""

    def __init__(
        self,
        *,
        database: Path,
        publisher: Publisher,
        open_store: OpenStore,
        clock: Callable[[], datetime],
        items: int = ITEMS,
        hours: int = HOURS,
    ) -> None:
        """`items`, `hours`: what a feed holds that is published as a file."""
        self._database = database
        self._publisher = publisher
        self._open_store = open_store
        self._clock = clock
        self._items = items
        self._hours = hours

    def show_search(self, request: Request) -> Response:
        """`/feeds/search.<ending>?…`"""
        ending = Format(request.path_params["ending"])
        return self._answer(request, ending, lambda store: self._search(store, self.read(request), request))

    def show_feed(self, request: Request) -> Response:
        """A feed whose file is not there, or that is asked for by story."""
        ending = Format(request.path_params["ending"])
        kind, slug = request.path_params.get("kind"), request.path_params.get("slug")
        name = f"{kind}/{slug}" if kind else ALL

        def render(store: Store) -> bytes:
            query = self.read(request)
            if query.by_story:
                return self._search(store, replace(query, feeds=() if name == ALL else ((name,),)), request)
            return self._render_feed(store, name, ending, query.language)

        return self._answer(request, ending, render)

    def show_no_feed(self, request: Request) -> Response:
        """An address that no feed can have."""
        ending, name = Format(request.path_params["ending"]), request.path_params["name"]

        def refuse(store: Store) -> bytes:
            raise self.miss(store, "feed", name, read_language(request))

        return self._answer(request, ending, refuse)

    def show_no_page(self, request: Request) -> Response:
        """A document of an archive that is not there."""
        ending = Format(request.path_params["ending"])
        name = request.path_params["name"]
        path = make_feed_path(name, ending)
        url = self._publisher.locate(path if is_public(f"/{path}") else "feeds")
        return self._refuse(
            request, ending, RefusalError(404, get_wording(read_language(request))["no_page"].format(url=url))
        )

    def show_crowded(self, request: Request) -> Response:
        """Too many ask at once."""
        ending = Format(request.path_params["ending"])
        return self._refuse(request, ending, RefusalError(503, get_wording(read_language(request))["crowded"]))

    def read(self, request: Request) -> NewsQuery:
        """The question that is asked. Raises RefusalError."""
        return self.read_pairs(request.query_params.multi_items(), read_language(request))

    def read_pairs(self, pairs: Iterable[tuple[str, str]], language: Language) -> NewsQuery:
        """The same of the pairs of a query; `language` of what is refused."""
        try:
            return read_query(pairs, self._clock())
        except QueryError as error:
            raise BadQueryError(error, language) from error

    def find(self, store: Store, query: NewsQuery, *, limit: int | None = None) -> Found:
        """The newest items that answer a question: so many, or as many as a feed holds. Raises RefusalError."""
        most, recent = 0, None
        if limit is None and not query.before:
            most, recent = ITEMS_MOST, self._clock() - timedelta(hours=self._hours)
        with self._refusing(query.language):
            return find_news(store, query, limit=limit or self._items, most=most, recent=recent)

    def look_up(self, store: Store, query: NewsQuery) -> tuple[Search, tuple[str, ...]]:
        """A question in the numbers of the database, and what it asks in, for people. Raises RefusalError."""
        with self._refusing(query.language):
            return look_up(store, query)

    def miss(self, store: Store, kind: str, slug: str, language: Language) -> RefusalError:
        """What to say where there is no such feed, with those that were most likely meant."""
        return self._make_refusal(explain_miss(store, f"{kind}/{slug}" if slug else kind), language)

    @contextmanager
    def _refusing(self, language: Language) -> Iterator[None]:
        """What has no answer as RefusalError."""
        try:
            yield
        except FindingError as error:
            raise self._make_refusal(error, language) from error

    def _make_refusal(self, error: FindingError, language: Language) -> RefusalError:
        return make_refusal(error, language, self._publisher.locate("feeds"))

    def _search(self, store: Store, query: NewsQuery, request: Request) -> bytes:
        check_order(query)
        ending = Format(request.path_params["ending"])
        found = self.find(store, query)
        info = describe_search(
            query,
            found.subjects,
            self._publisher,
            ending,
            next_before=found.next_before,
            asked_at=read_address(request),
        )
        return render_feed(found.items, info, ending)

    def _render_feed(self, store: Store, name: str, ending: Format, language: Language) -> bytes:
        feed = store.find_feed(name)
        if feed is None:
            raise self._make_refusal(explain_miss(store, name), language)
        now = self._clock()
        since = now - timedelta(hours=self._hours)
        ids = [group_id for _, group_id in store.list_window(feed, least=self._items, since=since, now=now).news]
        items = store.get_items(ids)
        last = store.get_last_page(feed.id)
        subject = Subject(name=feed.name, title=feed.title, began=feed.began)
        info = describe_feed(subject, self._publisher, ending, last_page=last.label if last else None)
        return render_feed([items[group_id] for group_id in ids if group_id in items], info, ending)

    def _answer(self, request: Request, ending: Format, render: Callable[[Store], bytes]) -> Response:
        try:
            if not has_database(self._database):
                raise RefusalError(503, get_wording(read_language(request))["not_yet"])
            with self._open_store(self._database) as store, store.snapshot():
                body = render(store)
        except RefusalError as refusal:
            return self._refuse(request, ending, refusal)
        except StoreError as error:
            logger.log(logging.WARNING if isinstance(error, OlderDatabaseError) else logging.ERROR, "%s", error)
            return self._refuse(request, ending, RefusalError(503, get_wording(read_language(request))["trouble"]))
        return answer_document(request, body, ending)

    def _refuse(self, request: Request, ending: Format, refusal: RefusalError) -> Response:
        info = describe_refusal(
            str(refusal), self._publisher, asked_at=read_address(request), language=read_language(request)
        )
        headers = {"cache-control": "no-store", "access-control-allow-origin": "*"}
        if refusal.status == 503:
            headers["retry-after"] = "60"
        return Response(render_feed([], info, ending), refusal.status, headers, f"{ending.media_type}; charset=utf-8")


def check_order(query: NewsQuery) -> None:
    """Raises RefusalError where a feed is asked to be in an order that no feed has."""
    if query.by_relevance:
        raise BadQueryError(QueryError("order", "newest_only"), query.language)


def answer_document(request: Request, body: bytes, ending: Format) -> Response:
    """The document, or 304."""
    headers = {"cache-control": f"public, max-age={MAX_AGE_SECONDS}", "access-control-allow-origin": "*"}
    return answer_content(request, body, f"{ending.media_type}; charset=utf-8", headers)


def read_language(request: Request) -> Language:
    """Of our own words in the answer: Indonesian, unless English is asked for."""
    asked = request.query_params.get("lang", "").strip().lower()
    return Language.ENGLISH if asked == Language.ENGLISH else Language.INDONESIAN


def read_address(request: Request) -> str:
    """Path and query as they were asked for, below the front page: from the request line, for the Host header is
    anybody's to write."""
    path, query = request.scope["raw_path"].lstrip(b"/"), request.scope["query_string"]
    return quote(path + (b"?" + query if query else b""), safe=_IN_ADDRESSES)
