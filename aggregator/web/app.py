"""The web server's application: the published feed, the front page, /healthz, /metrics. Reads only; GET and HEAD only.

    /feed.xml   a published file, from memory            /static/…   style sheet and icon
                (and the others: see `public_file`)
    /           newest items; ?before=<guid>, ?lang=en   /healthz    JSON for monitors
    /status     hijacked sites, failing channels         /metrics    the figures, for Prometheus
    /story/<n>  news on one event: who published first, who copied whom

Pages open the store read-only, once per request, in a worker thread; the feed never touches the database.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from aggregator.publish.feed_info import Format
from aggregator.store import Store
from aggregator.web.headers import SecurityHeadersMiddleware
from aggregator.web.metrics import Metrics, OperationCollector
from aggregator.web.pages import Pages
from aggregator.web.public_file import FIXED_PATHS, PublicFiles, PublicFilesMiddleware
from aggregator.web.site import SiteInfo
from aggregator.web.templating import STATIC_FOLDER

FEED_FILE = "feed.xml"
MAIN_FEEDS = frozenset(f"/feed.{each}" for each in Format)
_NOT_YET = "Umpan belum tersedia: belum ada siklus yang selesai. Coba lagi sebentar.\nThe feed is not available yet.\n"


def read_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def answer_missing_file(request: Request) -> Response:
    """For a published file that is not there: the main feed will be, after the first cycle."""
    if request.url.path not in MAIN_FEEDS:
        raise HTTPException(404)
    return PlainTextResponse(_NOT_YET, 503, {"retry-after": "60", "cache-control": "no-store"})


def create_app(
    *,
    database: Path,
    public: Path,
    site: SiteInfo,
    files: PublicFiles | None = None,
    open_store: Callable[[Path], Store] = Store.open_reader,
    clock: Callable[[], datetime] = read_clock,
) -> Starlette:
    """The application over the SQLite file `database` and the folder `public` of published files.

    Neither has to exist yet: without a feed /feed.xml answers 503, without a database the front page says that there
    is no news yet. `files`: the same folder, where the server answers from it, too.
    """
    feed = public / FEED_FILE
    files = files or PublicFiles(public)
    pages = Pages(database=database, feed=feed, site=site, open_store=open_store, clock=clock)
    collector = OperationCollector(
        database=database, feed=feed, late_after=site.late_after, open_store=open_store, clock=clock
    )
    metrics = Metrics(collector, clock)
    return Starlette(
        routes=[
            *(Route(path, answer_missing_file, methods=["GET"]) for path in FIXED_PATHS),
            Route("/", pages.show_front, methods=["GET"], middleware=[Middleware(GZipMiddleware, compresslevel=5)]),
            Route(
                "/status", pages.show_status, methods=["GET"], middleware=[Middleware(GZipMiddleware, compresslevel=5)]
            ),
            Route(
                "/story/{number}",
                pages.show_story,
                methods=["GET"],
                middleware=[Middleware(GZipMiddleware, compresslevel=5)],
            ),
            Route("/healthz", pages.show_health, methods=["GET"]),
            Route("/metrics", metrics.show, methods=["GET"]),
            Mount("/static", StaticFiles(directory=STATIC_FOLDER)),
        ],
        middleware=[Middleware(PublicFilesMiddleware, files=files), Middleware(SecurityHeadersMiddleware)],
        exception_handlers={HTTPException: pages.show_refusal, 500: pages.show_failure},
    )
