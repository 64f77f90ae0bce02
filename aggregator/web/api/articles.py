"""Articles, copies of others included."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aggregator.article_walk_rows import ArticleFilter, ArticlePlace, OldPlaceError
from aggregator.change_rows import Told
from aggregator.feeds import FeedKind, split_name
from aggregator.search import NewsQuery
from aggregator.web.api import parameters as given
from aggregator.web.api.desk import ApiDesk
from aggregator.web.api.following import PARAMETER, read_progress, take_step, write_progress
from aggregator.web.api.models import ArticleDetail, ArticlePage
from aggregator.web.api.problems import ProblemError, ProblemKind
from aggregator.web.api.telling import tell_article, tell_article_detail, tell_gone_article

FILTERS = (*(kind.value for kind in FeedKind), "since")
_PLACES = (FeedKind.CITY, FeedKind.PROVINCE, FeedKind.KOMWIL)


class ArticleEndpoints:
    def __init__(self, desk: ApiDesk) -> None:
        self._desk = desk

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/articles", self.list_articles, response_model=ArticlePage, operation_id="list_articles")
        router.add_api_route(
            "/articles/{id:int}", self.get_article, response_model=ArticleDetail, operation_id="get_article"
        )

    def list_articles(
        self,
        request: Request,
        *,
        topic: given.Topics = None,
        city: given.Cities = None,
        province: given.Provinces = None,
        komwil: given.Komwils = None,
        kind: given.Kinds = None,
        source: given.Sources = None,
        since: given.Since = None,
        changed_since: given.ChangedSince = None,
        limit: given.Limit = given.LIMIT_USUAL,
        cursor: given.Cursor = None,
        lang: given.Lang = "id",
    ) -> Response:
        """Those that were found last; or what a copy of them takes in next."""
        if changed_since is not None:
            check_is_alone(request)
            return self._follow(request, changed_since, limit)
        asked = self._desk.read_question(request, FILTERS)
        after = self._read_place(request, cursor)
        with self._desk.read() as store:
            self._desk.context.desk.look_up(store, asked)  # refuses names that are not there
            try:
                ids, place = store.find_articles(_make_filter(asked), after, limit=limit)
            except OldPlaceError as error:
                raise ProblemError(ProblemKind.BAD_CURSOR, parameter="cursor") from error
            records = store.get_article_records(ids)
        page = ArticlePage(
            items=[tell_article(records[each]) for each in ids if each in records],
            next=self._desk.link_next(request, place),
            changed_since=None,
        )
        return self._desk.answer(request, page)

    def get_article(self, request: Request, id: given.Number, lang: given.Lang = "id") -> Response:  # noqa: A002 - its name in the address
        """All that is known of one."""
        with self._desk.read() as store:
            detail = store.get_article_detail(id)
        if detail is None:
            raise ProblemError(ProblemKind.NOT_FOUND)
        return self._desk.answer(request, tell_article_detail(detail))

    def _follow(self, request: Request, changed_since: str, limit: int) -> Response:
        with self._desk.read() as store:
            history = store.get_history(Told.ARTICLES)
            progress = read_progress(changed_since, Told.ARTICLES, history, self._desk.context.clock())
            step = take_step(store, Told.ARTICLES, progress, history, limit=limit)
            records = store.get_article_records(step.ids)
        token = write_progress(Told.ARTICLES, step.progress)
        page = ArticlePage(
            items=[tell_article(records[each]) if each in records else tell_gone_article(each) for each in step.ids],
            next=self._desk.link_with(request, PARAMETER, token) if step.has_more else None,
            changed_since=token,
        )
        return self._desk.answer(request, page)

    def _read_place(self, request: Request, cursor: str | None) -> ArticlePlace | None:
        key = self._desk.read_cursor(request, cursor, str, int)
        return (str(key[0]), int(key[1])) if key else None


def check_is_alone(request: Request) -> None:
    """A copy is of everything: what leaves a filter could not be told from what was there never."""
    others = [key for key in request.query_params if key in {*FILTERS, "q", "group", "archive", "highlight", "cursor"}]
    if others:
        raise ProblemError(ProblemKind.BAD_PARAMETER, "alone", parameter=PARAMETER)


def _make_filter(query: NewsQuery) -> ArticleFilter:
    names = {
        kind: [split_name(name)[1] for names in query.feeds for name in names if split_name(name)[0] == kind]
        for kind in FeedKind
    }
    return ArticleFilter(
        topics=names[FeedKind.TOPIC],
        places=[(kind, names[kind]) for kind in _PLACES if names[kind]],
        kinds=names[FeedKind.KIND],
        sources=names[FeedKind.SOURCE],
        since=query.since,
    )
