"""The page of a story."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from aggregator.web.context import PageContext
from aggregator.web.links import make_story_link
from aggregator.web.story_page import ARTICLES_MOST, NEWS_MOST, build_story_page

_STORY_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # the largest has 18 digits; one address for each, so no zero before it


def list_routes(context: PageContext) -> list[Route]:
    return [Route("/story/{number}", _Story(context).show, methods=["GET"])]


class _Story:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show(self, request: Request) -> Response:
        """A story; one that was merged leads on, one whose news was all withdrawn is gone."""
        texts = self._context.get_texts(request)
        number = request.path_params["number"]
        if not _STORY_NUMBER.fullmatch(number):
            raise HTTPException(404)
        with self._context.read() as store:
            found = store.find_story(int(number))
            if found is None:
                raise HTTPException(404)
            if found != int(number):  # never cached: later evidence may part the two again
                return RedirectResponse(make_story_link(found, texts.language), 308, {"cache-control": "no-store"})
            story = store.get_story_page(found, news=NEWS_MOST, articles=ARTICLES_MOST)
        if story is None:
            raise HTTPException(410)
        return self._context.answer(request, "story.html", build_story_page(story, texts))
