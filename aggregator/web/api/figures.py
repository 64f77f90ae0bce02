"""Figures: coverage over time with its denominators, and who picks up what city governments publish."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aggregator.counted_rows import CountedStep, Moment
from aggregator.detail_rows import CopyRecord
from aggregator.feeds import FeedKind, make_name
from aggregator.instants import from_text
from aggregator.periods import Period, Step
from aggregator.pickup_rows import GOVERNMENTS, PickupRecord
from aggregator.search_rows import Search
from aggregator.store import Store
from aggregator.times import WIB
from aggregator.web.api import parameters as given
from aggregator.web.api.desk import ApiDesk
from aggregator.web.api.figure_models import Coverage, CoverageStep, Outlet, Pickup, PickupPage
from aggregator.web.api.models import NewsName
from aggregator.web.api.problems import ProblemError, ProblemKind
from aggregator.web.api.sources import check_place
from aggregator.web.api.telling import tell_copy

DAYS_USUAL = 30
STEPS_MOST = 1_000
_EARLIEST = date(1995, 1, 1)  # no date before is believed
_AHEAD = timedelta(days=2)
_PLACES = (FeedKind.CITY, FeedKind.PROVINCE, FeedKind.KOMWIL)


class FigureEndpoints:
    def __init__(self, desk: ApiDesk) -> None:
        self._desk = desk

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/coverage", self.get_coverage, response_model=Coverage, operation_id="get_coverage")
        router.add_api_route("/pickups", self.list_pickups, response_model=PickupPage, operation_id="list_pickups")

    def get_coverage(
        self,
        request: Request,
        *,
        by: given.By = Moment.PUBLISHED,
        step: given.StepOf = Step.DAY,
        since: given.Day = None,
        until: given.Day = None,
        topic: given.Slug = None,
        city: given.Slug = None,
        province: given.Slug = None,
        komwil: given.Slug = None,
        source: given.Slug = None,
        lang: given.Lang = "id",
    ) -> Response:
        """How much was published, or found, in each step; and how many sources could tell."""
        period = self._read_period(since, until, step)
        places = {FeedKind.CITY: city, FeedKind.PROVINCE: province, FeedKind.KOMWIL: komwil}
        named = [(kind, slug) for kind, slug in places.items() if slug]
        if len(named) > 1 or (source and named):
            raise ProblemError(ProblemKind.BAD_PARAMETER, "one_place", parameter="source" if source else named[1][0])
        if source and by is Moment.FOUND:
            raise ProblemError(ProblemKind.BAD_PARAMETER, "source_by_publication", parameter="by")
        region = "".join(make_name(kind, check_place(kind, slug)) for kind, slug in named)
        with self._desk.read() as store:
            self._check_names(store, request)
            steps = store.count_coverage(
                period,
                step,
                by,
                topic=(topic or "").lower(),
                region=region,
                source=(source or "").lower(),
            )
        return self._desk.answer(
            request,
            Coverage(
                by=by.value,
                step=step.value,
                since=period.since.isoformat(),
                until=period.until.isoformat(),
                topic=topic.lower() if topic else None,
                place=region or None,
                source=source.lower() if source else None,
                items=[_tell_step(each) for each in steps],
            ),
        )

    def list_pickups(
        self,
        request: Request,
        *,
        city: given.Slug = None,
        limit: given.Limit = given.LIMIT_USUAL,
        cursor: given.Cursor = None,
        lang: given.Lang = "id",
    ) -> Response:
        """What city governments published, newest first, with the outlets that carry it."""
        key = self._desk.read_cursor(request, cursor, int, int)
        home = check_place(FeedKind.CITY, city) if city else ""
        with self._desk.read() as store:
            feeds = _choose_feeds(store, home)
            if feeds is None:
                return self._desk.answer(request, PickupPage(items=[], next=None))
            search = Search(
                feeds=feeds,
                match="",
                since=None,
                with_archive=True,
                by_story=False,
                before=(int(key[0]), int(key[1])) if key else None,
            )
            ids, place = store.find_some(search, limit=limit)
            pickups = store.get_pickups(ids)
        page = PickupPage(
            items=[_tell_pickup(pickups[each]) for each in ids if each in pickups],
            next=self._desk.link_next(request, place),
        )
        return self._desk.answer(request, page)

    def _check_names(self, store: Store, request: Request) -> None:
        """Raises RefusalError for a topic or source that is not there."""
        asked = self._desk.read_question(request, ("topic", "source"))
        self._desk.context.desk.look_up(store, asked)

    def _read_period(self, since: str | None, until: str | None, step: Step) -> Period:
        today = self._desk.context.clock().astimezone(WIB).date()
        last = min(_read_day(until, "until"), today + _AHEAD) if until else today
        first = max(_read_day(since, "since"), _EARLIEST) if since else last - timedelta(days=DAYS_USUAL - 1)
        if first > last:
            raise ProblemError(ProblemKind.BAD_PARAMETER, "order", parameter="since", since=first, until=last)
        days = {Step.DAY: 1, Step.WEEK: 7, Step.MONTH: 28}[step]
        if (last - first).days // days >= STEPS_MOST:
            raise ProblemError(ProblemKind.BAD_PARAMETER, "many_steps", parameter="since", most=STEPS_MOST)
        return Period(since=first, until=last)


def _choose_feeds(store: Store, city: str) -> tuple[tuple[int, ...], ...] | None:
    """Where releases are looked for; None: there are none."""
    names = [[GOVERNMENTS], store.list_government_feeds(city)] if city else [[GOVERNMENTS]]
    found = [[feed.id for name in either if (feed := store.find_feed(name))] for either in names]
    return tuple(map(tuple, found)) if all(found) else None


def _read_day(text: str, parameter: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ProblemError(ProblemKind.BAD_PARAMETER, "day", parameter=parameter) from error


def _tell_step(step: CountedStep) -> CoverageStep:
    return CoverageStep(
        first_day=step.first,
        last_day=step.last,
        news=step.news,
        articles=step.articles,
        backfilled=step.backfilled,
        source_days_working=step.source_days_working,
        source_days_polled=step.source_days_polled,
        days_known=step.days_known,
    )


def _tell_pickup(record: PickupRecord) -> Pickup:
    return Pickup(
        news=NewsName(id=record.group_id, guid=record.guid),
        city=record.city or None,
        release=tell_copy(record.release),
        outlets=[
            Outlet(**tell_copy(copy).model_dump(), minutes_later=_count_minutes(record.release, copy))
            for copy in record.outlets
        ],
        articles=record.articles,
    )


def _count_minutes(release: CopyRecord, copy: CopyRecord) -> int:
    gap = from_text(copy.published_at) - from_text(release.published_at)
    return round(gap.total_seconds() / 60)
