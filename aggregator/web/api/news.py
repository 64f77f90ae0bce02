"""Pieces of news: duplicate groups, each shown through its canonical article."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aggregator.change_rows import Told
from aggregator.search import NewsQuery
from aggregator.search_rows import Passage, Place
from aggregator.store import Store
from aggregator.web.api import parameters as given
from aggregator.web.api.articles import FILTERS, check_is_alone
from aggregator.web.api.desk import ROOT, ApiDesk
from aggregator.web.api.following import PARAMETER, read_progress, take_step, write_progress
from aggregator.web.api.models import NewsDetail, NewsPage
from aggregator.web.api.problems import ProblemError, ProblemKind
from aggregator.web.api.telling import tell_found_news, tell_gone_news, tell_news_detail

QUESTION = ("q", *FILTERS, "group", "archive")


class NewsEndpoints:
    def __init__(self, desk: ApiDesk) -> None:
        self._desk = desk

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/news", self.list_news, response_model=NewsPage, operation_id="list_news")
        router.add_api_route("/news/{id}", self.get_news, response_model=NewsDetail, operation_id="get_news")

    def list_news(
        self,
        request: Request,
        *,
        q: given.Words = None,
        topic: given.Topics = None,
        city: given.Cities = None,
        province: given.Provinces = None,
        komwil: given.Komwils = None,
        kind: given.Kinds = None,
        source: given.Sources = None,
        since: given.Since = None,
        group: given.Group = None,
        archive: given.Archive = None,
        highlight: given.Highlight = None,
        changed_since: given.ChangedSince = None,
        limit: given.Limit = given.LIMIT_USUAL,
        cursor: given.Cursor = None,
        lang: given.Lang = "id",
    ) -> Response:
        """What entered the feeds last and answers the question; or what a copy of the news takes in next."""
        if changed_since is not None:
            check_is_alone(request)
            return self._follow(request, changed_since, limit)
        asked = self._desk.read_question(request, QUESTION)
        key = self._desk.read_cursor(request, cursor, int, int)
        before = (int(key[0]), int(key[1])) if key else None
        with self._desk.read() as store:
            ids, place = self._find(store, asked, before, limit)
            records = store.get_news_records(ids)
            passages: dict[int, Passage] = {}
            if highlight and asked.match:
                passages = store.get_passages(ids, asked.match)
        page = NewsPage(
            items=[tell_found_news(records[each], passages.get(each)) for each in ids if each in records],
            next=self._desk.link_next(request, place),
            changed_since=None,
        )
        return self._desk.answer(request, page)

    def get_news(self, request: Request, id: given.NewsKey, lang: given.Lang = "id") -> Response:  # noqa: A002 - its name in the address
        """One piece of news, by number or guid, with who carries it; what was merged leads on."""
        with self._desk.read() as store:
            found = _read_number(id) if id.isascii() and id.isdigit() else store.find_group_by_guid(id)
            record = store.get_news_records([found]).get(found) if found else None
            if not found or record is None:
                return self._refuse(store, found)
            copies = store.list_copies(record.id, record.article.id)
            full_text = store.get_full_text(record.article.id)
        return self._desk.answer(request, tell_news_detail(record, copies, full_text))

    def _find(self, store: Store, asked: NewsQuery, before: Place | None, limit: int) -> tuple[list[int], Place | None]:
        """The one place where the API asks the search."""
        search, _ = self._desk.context.desk.look_up(store, asked)
        return store.find_some(replace(search, before=before), limit=limit)

    def _refuse(self, store: Store, number: int | None) -> Response:
        gone = store.get_gone_news([number]).get(number) if number else None
        if gone is None:
            raise ProblemError(ProblemKind.NOT_FOUND)
        if gone.merged_into is None:
            raise ProblemError(ProblemKind.GONE)
        return self._desk.lead(self._desk.context.site.locate(f"{ROOT[1:]}/news/{gone.merged_into[0]}"))

    def _follow(self, request: Request, changed_since: str, limit: int) -> Response:
        with self._desk.read() as store:
            history = store.get_history(Told.NEWS)
            progress = read_progress(changed_since, Told.NEWS, history, self._desk.context.clock())
            step = take_step(store, Told.NEWS, progress, history, limit=limit)
            records = store.get_news_records(step.ids)
            gone = store.get_gone_news(step.ids)
        token = write_progress(Told.NEWS, step.progress)
        page = NewsPage(
            items=[
                tell_found_news(records[each], None) if each in records else tell_gone_news(gone[each])
                for each in step.ids
                if each in records or each in gone
            ],
            next=self._desk.link_with(request, PARAMETER, token) if step.has_more else None,
            changed_since=token,
        )
        return self._desk.answer(request, page)


def _read_number(text: str) -> int | None:
    """None: larger than any."""
    return int(text) if len(text) < 19 else None
