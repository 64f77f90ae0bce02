"""Feeds that are not a file: searches, feeds by story, feeds of which nothing is written yet; and refusals.

What is refused is told in the format that was asked for, so that a reader shows it where its owner looks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from aggregator.feed_rows import FeedRow, UnknownFeedError, make_place
from aggregator.feeds import ALL, make_feed_path, split_name
from aggregator.models import Language
from aggregator.publish.describing import (
    Publisher,
    Subject,
    describe_feed,
    describe_refusal,
    describe_search,
    name_subjects,
)
from aggregator.publish.documents import render_feed
from aggregator.publish.feed_info import Format
from aggregator.publish.wording import get_wording
from aggregator.search import NewsQuery, QueryError, read_query
from aggregator.search_rows import Place, Search
from aggregator.store import Store, StoreError
from aggregator.web.conditional import answer_content
from aggregator.web.finding import SLUG_SHOWN, BadQueryError, Found, RefusalError, UnknownNameError, suggest
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
        search, subjects = self.look_up(store, query)
        found, has_more = self._walk(store, search, limit)
        ids = [group_id for _, group_id in found]
        items = store.get_items(ids)
        last = items[ids[-1]].guid if has_more and ids else ""
        shown = store.get_story_items(ids) if query.by_story else items
        groups = tuple(group_id for group_id in ids if group_id in shown)
        return Found(
            query=query,
            subjects=subjects,
            items=tuple(shown[group_id] for group_id in groups),
            groups=groups,
            next_before=last,
        )

    def look_up(self, store: Store, query: NewsQuery) -> tuple[Search, tuple[str, ...]]:
        """A question in the numbers of the database, and what it asks in, for people. Raises RefusalError."""
        feeds = self._find_feeds(store, query.feeds, query.language)
        before = store.find_place(query.before) if query.before else None
        if query.before and before is None:
            raise RefusalError(404, get_wording(query.language)["no_item"].format(url=self._publisher.locate("feeds")))
        search = Search(
            feeds=tuple(tuple(feed.id for feed in either) for either in feeds),
            match=query.match,
            since=query.since,
            with_archive=query.with_archive,
            by_story=query.by_story,
            before=before,
        )
        return search, name_subjects(feeds, query.language)

    def _search(self, store: Store, query: NewsQuery, request: Request) -> bytes:
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

    def _walk(self, store: Store, search: Search, limit: int | None) -> tuple[list[Place], bool]:
        """What is shown, and whether there is more."""
        least = most = limit or self._items
        if limit is None and search.before is None:
            most = max(most, ITEMS_MOST)
        since = make_place(self._clock() - timedelta(hours=self._hours))
        found = store.walk(search, limit=least + 1, recent=since, most=most + 1)
        shown = max(least, min(most, sum(place >= since for place, _ in found)))
        return found[:shown], len(found) > shown

    def _render_feed(self, store: Store, name: str, ending: Format, language: Language) -> bytes:
        ((feed,),) = self._find_feeds(store, [[name]], language)
        now = self._clock()
        since = now - timedelta(hours=self._hours)
        ids = [group_id for _, group_id in store.list_window(feed.id, least=self._items, since=since, now=now)[0]]
        items = store.get_items(ids)
        last = store.get_last_page(feed.id)
        subject = Subject(name=feed.name, title=feed.title, began=feed.began)
        info = describe_feed(subject, self._publisher, ending, last_page=last.label if last else None)
        return render_feed([items[group_id] for group_id in ids if group_id in items], info, ending)

    def _find_feeds(self, store: Store, names: Iterable[Iterable[str]], language: Language) -> list[list[FeedRow]]:
        """Raises RefusalError."""
        try:
            return store.find_feeds(names)
        except UnknownFeedError as error:
            raise self.miss(store, *split_name(error.name), language) from error

    def miss(self, store: Store, kind: str, slug: str, language: Language) -> RefusalError:
        """What to say where there is no such feed, with those that were most likely meant."""
        words = get_wording(language)
        feeds = store.get_feeds()
        if kind == ALL or not feeds:
            return RefusalError(503, words["not_yet"])
        of_kind = {split_name(name)[1]: split_name(name)[1] for name in feeds if split_name(name)[0] == kind}
        names = of_kind or {split_name(name)[1]: name for name in feeds if name != ALL}
        near = [names[each] for each in suggest(slug.rpartition("/")[2][:SLUG_SHOWN], list(names))]
        said = [words["unknown"].format(key=kind[:SLUG_SHOWN], value=slug[:SLUG_SHOWN])]
        said += [words["did_you_mean"].format(names=", ".join(near))] if near else []
        said.append(words["all_feeds"].format(url=self._publisher.locate("feeds")))
        return UnknownNameError(" ".join(said), kind=kind, slug=slug[:SLUG_SHOWN], near=near)

    def _answer(self, request: Request, ending: Format, render: Callable[[Store], bytes]) -> Response:
        try:
            if not self._database.exists():
                raise RefusalError(503, get_wording(read_language(request))["not_yet"])
            with self._open_store(self._database) as store, store.snapshot():
                body = render(store)
        except RefusalError as refusal:
            return self._refuse(request, ending, refusal)
        except StoreError as error:
            logger.error("%s", error)
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
