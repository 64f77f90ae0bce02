"""What the API answers: topics and places."""

from __future__ import annotations

from pydantic import Field

from aggregator.web.api.models import Count, Model, OwnAddress


class Topic(Model):
    """A topic that news is looked for by."""

    id: str
    name_id: str
    name_en: str
    news: Count
    feed: OwnAddress


class Topics(Model):
    items: list[Topic]


class City(Model):
    """One of the 98 member cities of APEKSI."""

    slug: str
    code: str = Field(description="Kemendagri's")
    bps_code: str = Field(description="of Statistics Indonesia")
    name: str
    province: str = Field(description="slug")
    komwil: int = Field(ge=1, le=6)
    timezone: str = Field(description="IANA")
    latitude: float
    longitude: float
    news: Count = Field(description="that happened there")
    feed: OwnAddress


class Cities(Model):
    items: list[City]


class Province(Model):
    """A province."""

    slug: str
    code: str = Field(description="Kemendagri's")
    name: str
    timezone: str = Field(description="IANA")
    cities: list[str] = Field(description="slugs of its member cities")
    news: Count = Field(description="that happened there, in its cities included")
    feed: OwnAddress


class Provinces(Model):
    items: list[Province]


class Komwil(Model):
    """A regional commissariat of APEKSI."""

    number: int = Field(ge=1, le=6)
    name: str
    cities: list[str] = Field(description="slugs")
    news: Count = Field(description="that happened in its cities")
    feed: OwnAddress


class Komwils(Model):
    items: list[Komwil]
