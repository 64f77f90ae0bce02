"""What news is sorted by: topics, cities, provinces and Komwil, with how much news there is of each."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aggregator.feeds import KOMWILS, FeedKind, make_feed_path, make_name
from aggregator.models import Language
from aggregator.publish.characters import fit_line
from aggregator.publish.describing import name_subject
from aggregator.reference import load_cities, load_provinces
from aggregator.web.api import parameters as given
from aggregator.web.api.desk import ApiDesk
from aggregator.web.api.place_models import Cities, City, Komwil, Komwils, Province, Provinces, Topic, Topics

ENDING = "json"  # of the feeds that are named


class PlaceEndpoints:
    def __init__(self, desk: ApiDesk) -> None:
        self._desk = desk

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/topics", self.list_topics, response_model=Topics, operation_id="list_topics")
        router.add_api_route("/cities", self.list_cities, response_model=Cities, operation_id="list_cities")
        router.add_api_route("/provinces", self.list_provinces, response_model=Provinces, operation_id="list_provinces")
        router.add_api_route("/komwil", self.list_komwil, response_model=Komwils, operation_id="list_komwil")

    def list_topics(self, request: Request, lang: given.Lang = "id") -> Response:
        with self._desk.read() as store:
            feeds = store.count_feed_items(FeedKind.TOPIC)
        topics = [
            Topic(
                id=slug,
                name_id=self._name(slug, title, Language.INDONESIAN),
                name_en=self._name(slug, title, Language.ENGLISH),
                news=count,
                feed=self._locate_feed(FeedKind.TOPIC, slug),
            )
            for slug, (title, count) in feeds.items()
        ]
        return self._desk.answer(request, Topics(items=topics))

    def list_cities(self, request: Request, lang: given.Lang = "id") -> Response:
        with self._desk.read() as store:
            feeds = store.count_feed_items(FeedKind.CITY)
        provinces = {province.code: province.slug for province in load_provinces()}
        cities = [
            City(
                slug=city.slug,
                code=city.code,
                bps_code=city.bps_code,
                name=city.full_name,
                province=provinces[city.province_code],
                komwil=city.komwil,
                timezone=city.timezone,
                latitude=city.latitude,
                longitude=city.longitude,
                news=feeds.get(city.slug, ("", 0))[1],
                feed=self._locate_feed(FeedKind.CITY, city.slug),
            )
            for city in sorted(load_cities(), key=lambda city: city.code)
        ]
        return self._desk.answer(request, Cities(items=cities))

    def list_provinces(self, request: Request, lang: given.Lang = "id") -> Response:
        with self._desk.read() as store:
            feeds = store.count_feed_items(FeedKind.PROVINCE)
        provinces = [
            Province(
                slug=province.slug,
                code=province.code,
                name=province.name,
                timezone=province.timezone,
                cities=[city.slug for city in load_cities() if city.province_code == province.code],
                news=feeds.get(province.slug, ("", 0))[1],
                feed=self._locate_feed(FeedKind.PROVINCE, province.slug),
            )
            for province in sorted(load_provinces(), key=lambda province: province.code)
        ]
        return self._desk.answer(request, Provinces(items=provinces))

    def list_komwil(self, request: Request, lang: given.Lang = "id") -> Response:
        with self._desk.read() as store:
            feeds = store.count_feed_items(FeedKind.KOMWIL)
        komwils = [
            Komwil(
                number=number,
                name=name_subject(make_name(FeedKind.KOMWIL, str(number)), roman, Language.INDONESIAN),
                cities=[city.slug for city in load_cities() if city.komwil == number],
                news=feeds.get(str(number), ("", 0))[1],
                feed=self._locate_feed(FeedKind.KOMWIL, str(number)),
            )
            for number, roman in KOMWILS.items()
        ]
        return self._desk.answer(request, Komwils(items=komwils))

    def _name(self, topic: str, title: str, language: Language) -> str:
        return fit_line(name_subject(make_name(FeedKind.TOPIC, topic), title, language))

    def _locate_feed(self, kind: FeedKind, slug: str) -> str:
        return self._desk.context.site.locate(make_feed_path(make_name(kind, slug), ENDING))
