"""What the endpoints of the pages share: the database that they read, the clock, and how a page is answered.

A module of endpoints has the shape

    def list_routes(context: PageContext) -> list[Route]: …     the paths, and for each a method that
        reads the database in `context.read()`,
        has its page worked out by a pure function (`…_page.build_…`),
        and answers it with `context.answer(request, template, page, …)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from aggregator.lost import has_database
from aggregator.obstacles import Notice
from aggregator.publish.describing import Publisher
from aggregator.store import Store
from aggregator.web.conditional import answer_content
from aggregator.web.feed_desk import FeedDesk, read_language
from aggregator.web.health import find_silence
from aggregator.web.reading import OpenStore
from aggregator.web.site import SiteInfo
from aggregator.web.templating import PageRenderer
from aggregator.web.texts import Texts, get_texts
from aggregator.web.turnstile import Turnstile

PAGE_MAX_AGE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class PageContext:
    """See above."""

    database: Path
    feed: Path  # public/feed.xml
    site: SiteInfo
    publisher: Publisher
    desk: FeedDesk
    turnstile: Turnstile  # for what costs more than a page does
    open_store: OpenStore
    clock: Callable[[], datetime]  # aware, UTC
    read_notices: Callable[[], tuple[Notice, ...]]  # of jobs that fail
    renderer: PageRenderer

    @property
    def has_database(self) -> bool:
        """Whether there is anything to read: before the first cycle there is not. Raises StoreError if it was lost."""
        return has_database(self.database)

    @contextmanager
    def read(self) -> Iterator[Store]:
        """The store, read-only, all of it as at one moment. Raises StoreError; HTTPException 404 without a database."""
        if not self.has_database:
            raise HTTPException(404)
        with self.open_store(self.database) as store, store.snapshot():
            yield store

    def find_silence(self, store: Store) -> datetime | None:
        """Since when no portal could be read; None while all is fresh."""
        now = self.clock()
        return find_silence(store.get_pulse(now), now, self.site.late_after)

    def get_texts(self, request: Request) -> Texts:
        """The words of the pages, in the language of the request."""
        return get_texts(read_language(request))

    def answer(
        self,
        request: Request,
        template: str,
        page: object,
        *,
        query: Sequence[tuple[str, str]] = (),
        nav: str = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The page, or 304.

        query: what of the request's query the page depends on, for the address of the page in the other language;
        nav: path of the entry of the navigation that the page belongs to. A page with another status, or with headers
        of its own, has no ETag.
        """
        texts = self.get_texts(request)
        body = self.renderer.render(template, page, texts, path=quote(request.url.path), query=query, nav=nav)
        if status != 200 or headers is not None:
            return HTMLResponse(body, status, {"cache-control": "no-store", **(headers or {})})
        return answer_body(request, body.encode())


def answer_body(request: Request, content: bytes, media_type: str = "text/html; charset=utf-8") -> Response:
    """The body, or 304."""
    return answer_content(request, content, media_type, {"cache-control": f"public, max-age={PAGE_MAX_AGE_SECONDS}"})
