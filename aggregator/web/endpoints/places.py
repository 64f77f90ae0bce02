"""The list of the 98 cities, and the pages of cities, provinces and Komwil."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from aggregator.feeds import FeedKind, make_name
from aggregator.models import FeedItem
from aggregator.search_rows import Search
from aggregator.store import Store
from aggregator.web.cities_page import DAYS, PlaceFigures, build_cities_page
from aggregator.web.context import PageContext
from aggregator.web.links import make_link
from aggregator.web.missing_place import build_missing_place
from aggregator.web.place_page import (
    COVERAGE_DAYS,
    NEWS,
    RELEASE_DAYS,
    WRITERS,
    PlaceNews,
    build_place_page,
)
from aggregator.web.places import KINDS, Place, correct_slug, find_place, load_places
from aggregator.web.texts import WIB

NAV = "/cities"
_LISTED = frozenset(place.feed for place in load_places().values() if place.kind != FeedKind.PROVINCE)


def list_routes(context: PageContext) -> list[Route]:
    places = _Places(context)
    return [
        Route("/cities", places.show_list, methods=["GET"]),
        *(Route(f"/{kind}/{{slug}}", places.show(kind), methods=["GET"]) for kind in KINDS),
    ]


class _Places:
    def __init__(self, context: PageContext) -> None:
        self._context = context

    def show_list(self, request: Request) -> Response:
        """All cities, or those that `?q=` names."""
        context = self._context
        today = context.clock().astimezone(WIB).date()
        figures = PlaceFigures(sums={}, last_days={})
        if context.has_database:
            with context.read() as store:
                figures = _read_figures(store, _LISTED, today)
        asked = request.query_params.get("q", "")
        page = build_cities_page(asked, figures, context.get_texts(request), today=today)
        return context.answer(request, "cities.html", page, query=[("q", page.asked)] if page.asked else [], nav=NAV)

    def show(self, kind: FeedKind) -> Callable[[Request], Response]:
        """The endpoint of a kind of places."""

        def show_place(request: Request) -> Response:
            slug = request.path_params["slug"]
            place = find_place(kind, slug)
            if place is not None:
                return self._show_place(request, place)
            texts = self._context.get_texts(request)
            meant = correct_slug(kind, slug)
            if meant is not None:
                return RedirectResponse(
                    make_link(f"/{kind}/{meant}", texts.language), 308, {"cache-control": "no-store"}
                )
            page = build_missing_place(kind, slug, texts)
            return self._context.answer(request, "place_missing.html", page, nav=NAV, status=404)

        return show_place

    def _show_place(self, request: Request, place: Place) -> Response:
        context = self._context
        now = context.clock().astimezone(WIB)
        news = PlaceNews(figures=PlaceFigures(sums={}, last_days={}))
        if context.has_database:
            with context.read() as store:
                news = self._read(store, place, now.date())
        page = build_place_page(place, news, context.get_texts(request), context.publisher, now=now)
        return context.answer(request, "place.html", page, nav=NAV)

    def _read(self, store: Store, place: Place, today: date) -> PlaceNews:
        now = self._context.clock()
        feed = store.find_feed(place.feed)
        is_city, since = place.kind == FeedKind.CITY, now - timedelta(days=RELEASE_DAYS)
        return PlaceNews(
            figures=_read_figures(
                store, {place.feed, *(make_name(FeedKind.CITY, city.slug) for city in place.cities)}, today
            ),
            coverage=store.get_coverage(
                region=place.feed, since=today - timedelta(days=COVERAGE_DAYS - 1), until=today
            ),
            items=_read_newest(store, feed.id) if feed else [],
            in_feed=feed.items if feed else 0,
            releases=store.get_releases(place.slug, since) if is_city else (),
            writers=store.get_writers(feed.id, since, most=WRITERS) if is_city and feed else (),
        )


def _read_newest(store: Store, feed_id: int) -> list[FeedItem]:
    """Where nothing but old news was found, that of the archive."""
    for with_archive in (False, True):
        search = Search(
            feeds=((feed_id,),), match="", since=None, with_archive=with_archive, by_story=False, before=None
        )
        ids = store.search(search, limit=NEWS + 1)
        if ids:
            break
    items = store.get_items(ids)
    return [items[group_id] for group_id in ids if group_id in items]


def _read_figures(store: Store, regions: Collection[str], today: date) -> PlaceFigures:
    return PlaceFigures(
        sums=store.sum_coverage(since=today - timedelta(days=DAYS - 1), until=today),
        last_days=store.get_last_days(regions),
    )
