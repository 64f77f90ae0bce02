"""Stories: news on one event."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aggregator.instants import to_text
from aggregator.publish.characters import fit_line
from aggregator.publish.item_content import TITLE_LIMIT
from aggregator.story_list_rows import StoryEntry
from aggregator.web.api import parameters as given
from aggregator.web.api.desk import ROOT, ApiDesk
from aggregator.web.api.problems import ProblemError, ProblemKind
from aggregator.web.api.story_models import Story, StoryDetail, StoryPage
from aggregator.web.api.telling import tell_news, tell_place

REPORTS_MOST = 200


class StoryEndpoints:
    def __init__(self, desk: ApiDesk) -> None:
        self._desk = desk

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/stories", self.list_stories, response_model=StoryPage, operation_id="list_stories")
        router.add_api_route("/stories/{id:int}", self.get_story, response_model=StoryDetail, operation_id="get_story")

    def list_stories(
        self,
        request: Request,
        *,
        since: given.Since = None,
        limit: given.Limit = given.LIMIT_USUAL,
        cursor: given.Cursor = None,
        lang: given.Lang = "id",
    ) -> Response:
        """Those that moved last."""
        asked = self._desk.read_question(request, ("since",))
        key = self._desk.read_cursor(request, cursor, str, int)
        with self._desk.read() as store:
            stories, place = store.list_stories(
                (str(key[0]), int(key[1])) if key else None,
                since=to_text(asked.since.at) if asked.since else "",
                limit=limit,
            )
        page = StoryPage(
            items=[Story(**_describe(story)) for story in stories], next=self._desk.link_next(request, place)
        )
        return self._desk.answer(request, page)

    def get_story(self, request: Request, id: given.Number, lang: given.Lang = "id") -> Response:  # noqa: A002 - its name in the address
        """One story with its news; what was merged leads on."""
        with self._desk.read() as store:
            found = store.find_story(id)
            if found is None:
                raise ProblemError(ProblemKind.NOT_FOUND)
            if found != id:
                return self._desk.lead(self._desk.context.site.locate(f"{ROOT[1:]}/stories/{found}"))
            story = store.get_story_entries([found]).get(found)
            if story is None:
                raise ProblemError(ProblemKind.GONE)
            ids = store.list_story_news(found, most=REPORTS_MOST)
            records = store.get_news_records(ids)
        detail = StoryDetail(**_describe(story), reports=[tell_news(records[each]) for each in ids if each in records])
        return self._desk.answer(request, detail)


def _describe(story: StoryEntry) -> dict[str, Any]:
    return {
        "id": story.id,
        "title": fit_line(story.title, TITLE_LIMIT),
        "first_seen_at": story.first_seen_at,
        "last_seen_at": story.last_seen_at,
        "news": story.news,
        "articles": story.articles,
        "sources": story.sources,
        "topics": [*story.topics],
        "places": [tell_place(place) for place in story.places],
        "why": [fit_line(word, TITLE_LIMIT) for word in story.why],
    }
