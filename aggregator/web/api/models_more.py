"""What the API answers: stories, places, sources, figures, and what the API and the database say of themselves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aggregator.web.api.models import (
    Address,
    Copy,
    Count,
    Day,
    Instant,
    Model,
    News,
    NewsName,
    Next,
    Number,
    OwnAddress,
    Place,
)


class Story(Model):
    """News on one event, told in different words by one or several pieces of news."""

    id: Number
    title: str = Field(description="of its most central news")
    first_seen_at: Instant = Field(description="publication of its first article")
    last_seen_at: Instant = Field(description="publication of its latest article: the order of lists")
    news: Count
    articles: Count = Field(description="copies included")
    sources: Count
    topics: list[str] = Field(description="most frequent first")
    places: list[Place] = Field(description="where it happened: cities, then provinces, most frequent first")
    why: list[str] = Field(description="the rarest words that most of its news share")


class StoryPage(Model):
    items: list[Story]
    next: Next


class StoryDetail(Story):
    """A story with its news."""

    reports: list[News] = Field(description="in the order of publication, the first 200")


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


class Trouble(Model):
    """Something that is wrong with a source."""

    code: str = Field(description="labels of kind reason")
    since: Instant | None
    http_status: int = Field(ge=0, description="0: no answer, or not by HTTP")


class Health(Model):
    """How a source is doing."""

    state: Literal["trouble", "silent", "retired", "waiting", "good", "off"]
    last_success_at: Instant | None
    channels: Count = Field(description="that are on")
    failing: Count = Field(description="of these, that did not answer the last time")
    retired: Count = Field(description="of these, gone for good as it seems")
    days_asked: Count = Field(description="of the last seven")
    posts: Count = Field(description="new entries of its channels on these days")
    troubles: list[Trouble]


class Source(Model):
    """A publisher."""

    id: str
    name: str
    domain: str
    kind: str = Field(description="labels of kind source-kind")
    province: str | None = Field(description="slug")
    city: str | None = Field(description="slug of its home city")
    timezone: str = Field(description="IANA")
    language: str = Field(description="ISO 639")
    is_enabled: bool
    allows_full_text: bool
    news: Count = Field(description="pieces of news that it carries")
    newest_at: Instant | None = Field(description="publication of its newest article")
    health: Health | None = Field(description="null where the operator keeps it private")


class SourcePage(Model):
    items: list[Source]
    next: Next


class Channel(Model):
    """A way into a source."""

    kind: Literal["feed", "sitemap", "wordpress", "listing"]
    url: Address | None
    is_enabled: bool
    retired_at: Instant | None
    last_success_at: Instant | None
    failures: Count = Field(description="in a row")


class SourceDetail(Source):
    """A publisher with the ways into it."""

    channels: list[Channel] | None = Field(description="null where the operator keeps them private")


class CoverageStep(Model):
    """What was counted on some days."""

    first_day: Day
    last_day: Day = Field(description="included")
    news: Count = Field(description="pieces of news whose canonical article is of these days")
    articles: Count = Field(description="copies included")
    backfilled: Count = Field(description="of these articles, found by a backfill of an archive")
    source_days_working: Count = Field(description="sources that answered, summed over the days: the denominator")
    source_days_polled: Count = Field(description="sources that were asked, summed over the days")
    days_known: Count = Field(description="days on which any was asked; 0: few news say nothing")


class Coverage(Model):
    """Counts over time. Days are WIB."""

    by: Literal["published", "found"]
    step: Literal["day", "week", "month"]
    since: Day
    until: Day = Field(description="included")
    topic: str | None
    place: str | None = Field(description="kind and slug, city/kota-gorontalo")
    source: str | None
    items: list[CoverageStep]


class Outlet(Copy):
    """Another source that carries a release."""

    minutes_later: int = Field(description="than the government's own; below 0: the outlet had it first")


class Pickup(Model):
    """What a city government published, and who carries it."""

    news: NewsName
    city: str | None = Field(description="slug of the government's city")
    release: Copy = Field(description="the government's own article")
    outlets: list[Outlet] = Field(description="by publication; none: nobody carries it")
    articles: Count = Field(description="that carry it in all, the release included")


class PickupPage(Model):
    items: list[Pickup]
    next: Next


class Column(Model):
    name: str
    type: str
    description: str


class Relation(Model):
    """A table or view of the database."""

    name: str
    kind: Literal["view", "table", "working"] = Field(
        description="view: the public interface; table: what is behind it; working: of no use to others"
    )
    description: str
    columns: list[Column]


class DatabaseSchema(Model):
    version: str | None = Field(description="of the views; null before it was written")
    relations: list[Relation]


class Label(Model):
    """What a value is called."""

    kind: str
    value: str
    name_id: str
    name_en: str


class Labels(Model):
    items: list[Label]


class Counts(Model):
    news: Count
    articles: Count
    sources: Count = Field(description="that are on")


class Index(Model):
    """Where to begin."""

    name: str
    version: str
    openapi: OwnAddress
    documentation: OwnAddress
    links: dict[str, OwnAddress]
    counts: Counts = Field(description="as last counted")
    last_cycle_finished_at: Instant | None
    licence: str
