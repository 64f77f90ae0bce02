"""The endpoints that render something: thin, for what a page shows is worked out in `front_page`, `feeds_page`,
`story_page`, `status_page` and `health`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from aggregator.feed_rows import FeedRow
from aggregator.publish.describing import Publisher
from aggregator.publish.wording import get_wording
from aggregator.store import Store
from aggregator.web.conditional import is_not_modified
from aggregator.web.feed_desk import FeedDesk, read_language
from aggregator.web.feeds_form import read_asked
from aggregator.web.feeds_page import PREVIEW_ITEMS, build_feeds_page
from aggregator.web.finding import Found, RefusalError
from aggregator.web.front_page import build_front_page
from aggregator.web.headers import SECURITY_HEADERS
from aggregator.web.health import check_health, find_silence
from aggregator.web.links import make_story_link
from aggregator.web.reading import OpenStore
from aggregator.web.site import SiteInfo
from aggregator.web.status_page import build_status_page
from aggregator.web.story_page import ARTICLES_MOST, NEWS_MOST, build_story_page
from aggregator.web.templating import PageRenderer
from aggregator.web.texts import get_texts

PAGE_MAX_AGE_SECONDS = 60
STATUS_SPAN = timedelta(days=30)
_STORY_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # the largest has 18 digits; one address for each, so no zero before it
_MAX_GUID_LENGTH = 200


class Pages:
    """The endpoints, and what they share."""

    def __init__(
        self,
        *,
        database: Path,
        feed: Path,
        site: SiteInfo,
        publisher: Publisher,
        desk: FeedDesk,
        open_store: OpenStore,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._feed = feed
        self._site = site
        self._publisher = publisher
        self._desk = desk
        self._open_store = open_store
        self._clock = clock
        self._renderer = PageRenderer(site)

    def show_front(self, request: Request) -> Response:
        """The newest items, or those after `?before=`; an unknown guid gives an empty page, not an error."""
        texts = get_texts(read_language(request))
        before = request.query_params.get("before", "")[:_MAX_GUID_LENGTH] or None
        items, stale_since = [], None
        if self._database.exists():
            with self._open_store(self._database) as store:
                items = store.get_feed_items(limit=self._site.page_size + 1, before=before)
                stale_since = self._find_silence(store)
        page = build_front_page(items, texts, page_size=self._site.page_size, before=before, stale_since=stale_since)
        return _answer_page(request, self._renderer.render_front(page, texts, before=before))

    def show_feeds(self, request: Request) -> Response:
        """Which feeds there are, and any question as a feed: its addresses and its newest items."""
        texts, asked = get_texts(read_language(request)), read_asked(request.query_params.multi_items())
        feeds: dict[str, FeedRow] = {}
        found: Found | None = None
        refusal = RefusalError(503, get_wording(texts.language)["not_yet"]) if asked.has_question else None
        if self._database.exists():
            with self._open_store(self._database) as store, store.snapshot():
                feeds = store.get_feeds()
                found, refusal = self._find(store, request) if asked.has_question else (None, None)
        page = build_feeds_page(asked, feeds, texts, self._publisher, found=found, refusal=refusal)
        body = self._renderer.render_feeds(page, texts, asked)
        if refusal is not None:
            headers = {"cache-control": "no-store"} | ({"retry-after": "60"} if refusal.status == 503 else {})
            return HTMLResponse(body, refusal.status, headers)
        return _answer_page(request, body)

    def _find(self, store: Store, request: Request) -> tuple[Found | None, RefusalError | None]:
        try:
            return self._desk.find(store, self._desk.read(request), limit=PREVIEW_ITEMS), None
        except RefusalError as refusal:
            return None, refusal

    def show_status(self, request: Request) -> Response:
        """How gathering goes: hijacked sites, channels that fail, the topic scan."""
        texts = get_texts(read_language(request))
        if not self._database.exists():
            raise HTTPException(404)
        with self._open_store(self._database) as store, store.snapshot():
            status = store.get_status(self._clock() - STATUS_SPAN)
            stale_since = self._find_silence(store)
        page = build_status_page(status, texts, stale_since=stale_since)
        return _answer_page(request, self._renderer.render_status(page, texts))

    def show_story(self, request: Request) -> Response:
        """A story; one that was merged leads on, one whose news was all withdrawn is gone."""
        language = read_language(request)
        number = request.path_params["number"]
        if not _STORY_NUMBER.fullmatch(number) or not self._database.exists():
            raise HTTPException(404)
        with self._open_store(self._database) as store, store.snapshot():
            found = store.find_story(int(number))
            if found is None:
                raise HTTPException(404)
            if found != int(number):  # never cached: later evidence may part the two again
                return RedirectResponse(make_story_link(found, language), 308, {"cache-control": "no-store"})
            story = store.get_story_page(found, news=NEWS_MOST, articles=ARTICLES_MOST)
        if story is None:
            raise HTTPException(410)
        texts = get_texts(language)
        return _answer_page(request, self._renderer.render_story(build_story_page(story, texts), texts))

    def show_crowded(self, _request: Request) -> Response:
        """Too many ask at once. Raises HTTPException."""
        raise HTTPException(503, headers={"retry-after": "60"})

    def show_health(self, _request: Request) -> Response:
        """The state of the installation as JSON, never cached."""
        status, facts = check_health(
            self._open_store,
            database=self._database,
            feed=self._feed,
            now=self._clock(),
            late_after=self._site.late_after,
        )
        return JSONResponse(facts, status, {"cache-control": "no-store"})

    def _find_silence(self, store: Store) -> datetime | None:
        now = self._clock()
        return find_silence(store.get_pulse(now), now, self._site.late_after)

    def show_refusal(self, request: Request, error: Exception) -> Response:
        """A page for what is refused: 404, 405, 410."""
        assert isinstance(error, HTTPException)
        body = self._renderer.render_error(error.status_code, read_language(request))
        return HTMLResponse(body, error.status_code, {**(error.headers or {}), "cache-control": "no-store"})

    def show_failure(self, request: Request, _error: Exception) -> Response:
        """A page for what went wrong here (the server logs it).

        Starlette calls this from outside all other middleware, so the security headers come along.
        """
        body = self._renderer.render_error(500, read_language(request))
        return HTMLResponse(body, 500, {**SECURITY_HEADERS, "cache-control": "no-store"})


def _answer_page(request: Request, body: str) -> Response:
    """The page, or 304. The ETag is weak, for compression follows."""
    content = body.encode()
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": f"public, max-age={PAGE_MAX_AGE_SECONDS}"}
    tags = ", ".join(request.headers.getlist("if-none-match"))
    if tags and is_not_modified(etag=etag, modified=0, if_none_match=tags, if_modified_since=None):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(content, headers=headers)
