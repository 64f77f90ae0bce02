"""The web server's application: feeds, pages, /healthz, /metrics. Reads only; GET and HEAD only.

    /feed.xml   a published file, from memory            /static/…   style sheet and icon
                (and the others: see `public_file`)      /healthz    JSON for monitors
    /feeds/search.xml?…   any question as a feed         /metrics    the figures, for Prometheus
    /           the newest stories; ?city=…&since=…, ?before=<guid>, ?lang=en
    /search     full-text search
    /feeds      all feeds; with a question, its feed and its newest items
    /kliping    a digest of an office's news, to print, send or save (.docx, .txt)
    /sources    how every source is doing; /source/<id> all about one
    /data       downloads, the schema, takedowns; /data/<file>
    /status     hijacked sites, failing channels, backups, jobs
    /api/v1     JSON for programs; /api tells of it
    /map        the cities by coverage
    /trends     coverage over time; .csv, .json
    /story/<n>  news on one event: who published first, who copied whom

Pages and searches open the store read-only, once per request, in a worker thread; files never touch the database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.obstacles import BY_OTHERS, Notice
from aggregator.publish.describing import Publisher
from aggregator.publish.feed_info import Format
from aggregator.store import Store
from aggregator.web.api import routes as api
from aggregator.web.compression import CompressionMiddleware
from aggregator.web.context import PageContext
from aggregator.web.endpoints import (
    api_page,
    city_map,
    data,
    feeds,
    front,
    kliping,
    places,
    search,
    sources,
    status,
    story,
    trends,
)
from aggregator.web.endpoints.refusals import make_handlers
from aggregator.web.feed_desk import FeedDesk
from aggregator.web.headers import SecurityHeadersMiddleware
from aggregator.web.metrics import Metrics, OperationCollector
from aggregator.web.page_cache import PageCache, PageCacheMiddleware
from aggregator.web.protection import Gate, Protection
from aggregator.web.public_file import OTHER_PATHS, PublicFiles, PublicFilesMiddleware
from aggregator.web.reading import OpenStore, Reading
from aggregator.web.site import SiteInfo
from aggregator.web.static_files import show_static_file
from aggregator.web.templating import PageRenderer
from aggregator.web.turnstile import Turnstile

FEED_FILE = "feed.xml"
PAGES = (
    front.list_routes,
    search.list_routes,
    story.list_routes,
    places.list_routes,
    city_map.list_routes,
    trends.list_routes,
    feeds.list_routes,
    kliping.list_routes,
    sources.list_routes,
    data.list_routes,
    api_page.list_routes,
    status.list_routes,
)
_COMPRESSED = [Middleware(CompressionMiddleware)]


def read_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class EndingConvertor(Convertor[str]):
    """The ending of a feed's address."""

    regex = "|".join(Format)

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("ending", EndingConvertor())


def answer_missing_file(_request: Request) -> Response:
    """For a list of feeds or a style sheet that is not published yet."""
    raise HTTPException(404)


def create_app(
    *,
    database: Path,
    public: Path,
    site: SiteInfo,
    files: PublicFiles | None = None,
    protection: Protection = Protection(),  # noqa: B008 - frozen
    open_store: Callable[[Path], Store] = Store.open_current_reader,
    clock: Callable[[], datetime] = read_clock,
    read_notices: Callable[[], tuple[Notice, ...]] = lambda: (),
) -> Starlette:
    """The application over the SQLite file `database` and the folder `public` of published files.

    Neither has to exist yet: without a feed /feed.xml answers 503, without a database the front page says that there
    is no news yet. `files`: the same folder, where the server answers from it, too. Without `protection` all is public.
    `read_notices`: what the service that runs beside it tells of jobs that fail.
    """
    reading = Reading(open_store, lambda: any(each.obstacle in BY_OTHERS for each in read_notices()))
    context = _make_context(database, public / FEED_FILE, site, reading, clock, read_notices=read_notices)
    app = Starlette(
        routes=_list_routes(context, Gate(protection)),
        middleware=[
            Middleware(PublicFilesMiddleware, files=files or PublicFiles(public)),
            Middleware(SecurityHeadersMiddleware),
        ],
        exception_handlers=make_handlers(context.renderer),
    )
    app.router.redirect_slashes = False  # the address that it sends people to has the Host header in it
    return app


def _make_context(
    database: Path,
    feed: Path,
    site: SiteInfo,
    open_store: OpenStore,
    clock: Callable[[], datetime],
    *,
    read_notices: Callable[[], tuple[Notice, ...]],
) -> PageContext:
    publisher = Publisher(site_url=site.url, name=site.name, hubs=site.hubs)
    desk = FeedDesk(
        database=database,
        publisher=publisher,
        open_store=open_store,
        clock=clock,
        items=site.feed_items,
        hours=site.feed_hours,
    )
    return PageContext(
        database=database,
        feed=feed,
        site=site,
        publisher=publisher,
        desk=desk,
        turnstile=Turnstile(),
        open_store=open_store,
        clock=clock,
        read_notices=read_notices,
        renderer=PageRenderer(site),
    )


def _list_routes(context: PageContext, gate: Gate) -> list[Route]:
    """All that are answered by no file."""
    collector = OperationCollector(
        database=context.database,
        feed=context.feed,
        late_after=context.site.late_after,
        open_store=context.open_store,
        clock=context.clock,
    )
    metrics = Metrics(collector, context.clock)
    cache = PageCache(lambda: (_read_state(context.database), context.read_notices()))
    compressed = [
        *(route for each in PAGES for route in each(context)),
        *_list_feed_routes(context.desk, context.turnstile),
    ]
    return [
        *(
            _dress(route, [*(gate.list_guards(route.path) or _cached(cache)), *_choose_compression(route)])
            for route in compressed
        ),
        *(_dress(route, [*gate.list_recognizers(), *_COMPRESSED]) for route in api.list_routes(context)),
        *(Route(path, answer_missing_file, methods=["GET"]) for path in OTHER_PATHS),
        data.make_download_route(context),
        _dress(status.make_health_route(context), gate.list_recognizers()),
        Route("/metrics", metrics.show, methods=["GET"], middleware=gate.list_guards("/metrics")),
        Route("/static/{name:path}", show_static_file, methods=["GET"]),
    ]


def _list_feed_routes(desk: FeedDesk, turnstile: Turnstile) -> list[Route]:
    return [
        Route(path, endpoint, methods=["GET"])
        for path, endpoint in (
            ("/feed.{ending:ending}", turnstile.guard(desk.show_feed, desk.show_crowded)),
            ("/feeds/search.{ending:ending}", turnstile.guard(desk.show_search, desk.show_crowded)),
            ("/feeds/archive/{name:path}/{label}.{ending:ending}", desk.show_no_page),
            ("/feeds/{kind}/{slug}.{ending:ending}", turnstile.guard(desk.show_feed, desk.show_crowded)),
            ("/feeds/{name:path}.{ending:ending}", turnstile.guard(desk.show_no_feed, desk.show_crowded)),
        )
    ]


def _cached(cache: PageCache) -> list[Middleware]:
    return [Middleware(PageCacheMiddleware, cache=cache)]


def _read_state(database: Path) -> tuple[tuple[int, int], ...]:
    """What changes with each transaction: of the file and of its log."""
    found = []
    for path in (database, database.with_name(f"{database.name}-wal")):
        with suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size))
    return tuple(found)


def _choose_compression(route: Route) -> list[Middleware]:
    """A DOCX file is compressed by itself."""
    return [] if route.path.endswith(".docx") else _COMPRESSED


def _dress(route: Route, middleware: Sequence[Middleware]) -> Route:
    return Route(route.path, route.endpoint, methods=route.methods, middleware=middleware)
