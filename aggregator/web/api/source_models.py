"""What the API answers: sources and how they are doing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aggregator.web.api.models import Address, Count, Instant, Model, Next


class Trouble(Model):
    """Something that is wrong with a source."""

    code: str = Field(description="labels of kind reason")
    since: Instant | None
    http_status: int = Field(ge=0, description="0: no answer, or not by HTTP")


class Health(Model):
    """How a source is doing."""

    state: Literal["quarantined", "trouble", "silent", "retired", "waiting", "good", "off"]
    quarantined_until: Instant | None = Field(description="nothing of it is read before; null: in no quarantine")
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
