"""The status page, and the state of the installation for monitors."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aggregator.backups import FOLDER, find_newest
from aggregator.web.context import PageContext
from aggregator.web.health import check_health
from aggregator.web.protection import LET_IN
from aggregator.web.status_page import build_status_page

STATUS_SPAN = timedelta(days=30)


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/status", _Status(context).show, methods=["GET"])]


def make_health_route(context: PageContext) -> Route:
    return Route("/healthz", _Status(context).show_health, methods=["GET"])


class _Status:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """How gathering goes: hijacked sites, channels that fail, the topic scan, jobs and backups."""
        context = self._context
        texts = context.get_texts(request)
        if not context.has_database:
            return context.answer(request, "not_yet.html", texts["status_title"])
        with context.read() as store:
            now = context.clock()
            status = store.get_status(now, now - STATUS_SPAN)
            jobs = store.list_last_jobs()
            stale_since = context.find_silence(store)
        page = build_status_page(
            status,
            texts,
            version=version("kabarkota"),
            database_bytes=context.database.stat().st_size,
            jobs=jobs,
            stale_since=stale_since,
            notices=context.read_notices(),
            backup=find_newest(context.database.parent / FOLDER, context.clock()),
        )
        return context.answer(request, "status.html", page)

    def show_health(self, request: Request) -> Response:
        """The state of the installation as JSON, never cached; strangers get it in a word where /status is private."""
        context = self._context
        status, facts = check_health(
            context.open_store,
            database=context.database,
            feed=context.feed,
            now=context.clock(),
            late_after=context.site.late_after,
            notices=context.read_notices(),
        )
        if not request.scope.get(LET_IN, True):
            facts = {"status": facts["status"]}
        return JSONResponse(facts, status, {"cache-control": "no-store"})
