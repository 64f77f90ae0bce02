"""What the API and the database say of themselves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aggregator.web.api.models import Count, Instant, Model, OwnAddress


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
