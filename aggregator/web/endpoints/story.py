"""The pages of a story, and of what a copy in it changed."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from aggregator.edits import CHARS_READ
from aggregator.reference import get_city
from aggregator.store import Store
from aggregator.web.context import PageContext
from aggregator.web.edits_page import build_edits_page
from aggregator.web.links import make_link
from aggregator.web.story_page import ARTICLES_MOST, NEWS_MOST, build_story_page

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # the largest has 18 digits; one address for each, so no zero before it


def list_routes(context: PageContext) -> list[Route]:
    story = _Story(context)
    return [
        Route("/story/{number}", story.show, methods=["GET"]),
        Route("/story/{number}/diff/{article}", story.show_edits, methods=["GET"]),
    ]


class _Story:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """A story; one that was merged leads on, one whose news was all withdrawn is gone."""
        with self._context.read() as store:
            found = _find(store, request)
            if found != int(request.path_params["number"]):
                return self._lead(request, f"/story/{found}")
            story = store.get_story_page(found, news=NEWS_MOST, articles=ARTICLES_MOST)
            reasons = store.get_reasons([news.first.id for news in story.news] if story else [])
        if story is None:
            raise HTTPException(410)
        page = build_story_page(story, self._context.get_texts(request), reasons)
        return self._context.answer(request, "story.html", page)

    def show_edits(self, request: Request) -> Response:
        """What a copy changed in the text that it copies."""
        article = request.path_params["article"]
        if not _NUMBER.fullmatch(article):
            raise HTTPException(404)
        with self._context.read() as store:
            found = _find(store, request)
            if found != int(request.path_params["number"]):
                return self._lead(request, f"/story/{found}/diff/{article}")
            pair = store.get_copy(found, int(article), most=CHARS_READ + 1)
            slugs = store.get_story_cities(found)
        if pair is None:
            raise HTTPException(404)
        cities = [city for slug in slugs if (city := get_city(slug)) is not None]
        page = build_edits_page(found, *pair, cities, self._context.get_texts(request))
        return self._context.answer(request, "edits.html", page)

    def _lead(self, request: Request, path: str) -> Response:
        """Never cached: later evidence may part the two stories again."""
        url = make_link(path, self._context.get_texts(request).language)
        return RedirectResponse(url, 308, {"cache-control": "no-store"})


def _find(store: Store, request: Request) -> int:
    """The story that the number of the request stands for by now. Raises HTTPException."""
    number = request.path_params["number"]
    found = store.find_story(int(number)) if _NUMBER.fullmatch(number) else None
    if found is None:
        raise HTTPException(404)
    return found
