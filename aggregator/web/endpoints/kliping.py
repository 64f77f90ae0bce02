"""A kliping in the browser, to print, to send, and as files.

/kliping?…       the page; the keys are in `kliping_query`
/kliping.docx?…  /kliping.txt?…
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.feed_rows import UnknownFeedError
from aggregator.feeds import split_name
from aggregator.kliping.gathering import gather_kliping
from aggregator.kliping.model import DOCX_TYPE, Kliping
from aggregator.store import Store
from aggregator.web.context import PageContext
from aggregator.web.endpoints.refusals import show_crowded
from aggregator.web.finding import RefusalError, UnknownNameError
from aggregator.web.kliping_page import build_kliping_page, build_refusal_page
from aggregator.web.kliping_query import KlipingQuery, read_kliping_query

PAGE_MOST = 100  # pieces of news; files hold more
_NAV = "/kliping"


def list_routes(context: PageContext) -> list[Route]:
    kliping, guard = _KlipingDesk(context), context.turnstile.guard
    return [
        Route("/kliping", guard(kliping.show, show_crowded), methods=["GET"]),
        Route("/kliping.docx", guard(kliping.show_docx, show_crowded), methods=["GET"]),
        Route("/kliping.txt", guard(kliping.show_text, show_crowded), methods=["GET"]),
    ]


class _KlipingDesk:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """The page, with nothing in it or much, or why there is none."""
        try:
            asked, kliping = self._gather(request, most=PAGE_MOST)
        except RefusalError as refusal:
            return self._refuse(request, refusal)
        context = self._context
        page = build_kliping_page(asked, kliping, context.get_texts(request), site_url=context.publisher.site_url)
        return context.answer(request, "kliping.html", page, query=asked.pairs, nav=_NAV)

    def show_docx(self, request: Request) -> Response:
        from aggregator.kliping.word_file import render_docx  # a heavy library, for few requests

        try:
            _, kliping = self._gather(request)
        except RefusalError as refusal:
            return self._refuse(request, refusal)
        return _answer_file(render_docx(kliping), DOCX_TYPE, "attachment", f"{kliping.file_name}.docx")

    def show_text(self, request: Request) -> Response:
        from aggregator.kliping.text import render_text

        try:
            _, kliping = self._gather(request)
        except RefusalError as refusal:
            return self._refuse(request, refusal)
        return _answer_file(render_text(kliping).encode(), "text/plain", "inline", f"{kliping.file_name}.txt")

    def _gather(self, request: Request, **bounds: int) -> tuple[KlipingQuery, Kliping]:
        """Raises RefusalError."""
        context, texts = self._context, self._context.get_texts(request)
        asked = read_kliping_query(request.query_params.multi_items(), context.clock(), texts)
        if not context.has_database:
            raise RefusalError(503, texts["kliping_not_yet"])
        with context.read() as store:
            try:
                kliping = gather_kliping(
                    store,
                    asked.news,
                    office=asked.office,
                    zone=asked.zone,
                    since=asked.since,
                    until=asked.until,
                    language=texts.language,
                    publisher=context.publisher,
                    **bounds,
                )
            except UnknownFeedError as error:
                raise context.desk.miss(store, *split_name(error.name), texts.language) from error
        return asked, kliping

    def _refuse(self, request: Request, refusal: RefusalError) -> Response:
        context = self._context
        titles: dict[str, str] = {}
        if isinstance(refusal, UnknownNameError):
            with context.read() as store:
                titles = _get_titles(store, refusal)
        pairs = request.query_params.multi_items()
        page = build_refusal_page(pairs, context.get_texts(request), refusal, titles)
        headers = {"retry-after": "60"} if refusal.status == 503 else {}
        return context.answer(request, "kliping.html", page, nav=_NAV, status=refusal.status, headers=headers)


def _get_titles(store: Store, refusal: UnknownNameError) -> dict[str, str]:
    found = {near: store.find_feed(f"{refusal.kind}/{near}") for near in refusal.near}
    return {near: feed.title for near, feed in found.items() if feed}


def _answer_file(body: bytes, media_type: str, disposition: str, name: str) -> Response:
    """`name` has nothing but letters, digits, hyphens and a dot in it."""
    headers = {"content-disposition": f'{disposition}; filename="{name}"', "cache-control": "no-store"}
    return Response(body, headers=headers, media_type=media_type)
