"""What the API answers: counts over time, and who carries what city governments publish."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aggregator.web.api.models import Copy, Count, Day, Model, NewsName, Next


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
