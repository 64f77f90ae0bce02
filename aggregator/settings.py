"""What an operator can set about deciding, keeping and publishing."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class AggregatorSettings(BaseModel):
    """Section `[aggregator]` of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    poll_minutes: int = Field(
        15, ge=1, description="between two polls of a channel that posts once an hour; others by the root of their rate"
    )
    requests_per_day: int = Field(
        2_000, ge=1, description="to one host; when they are used up it is left alone until the next day (UTC)"
    )
    max_attempts: int = Field(
        8, ge=1, description="times that a failing page is tried: after 15 minutes, and each time twice as late"
    )
    poll_days: int = Field(90, ge=7, description="for so long each poll is kept; what they came to by day is for ever")
    site_url: str = Field("", description="where pages and feeds are served; without it, feeds hold relative links")
    site_name: str = "Kabar Kota"
    feed_items: int = Field(50, ge=1, description="items of the main feed, at least")
    feed_hours: int = Field(72, ge=1, description="and all items first published in so many hours")
    websub_hubs: tuple[str, ...] = Field((), description="hubs that are told of each change of a feed (WebSub)")
    empty_feeds: bool = Field(
        True,
        description="feeds are files before there is anything in them, for a static host; `serve` has them in any case",
    )
    candidate_days: int = Field(
        90, ge=7, description="for so long articles are compared with new ones; the very same text is found for ever"
    )
    late_hours: int = Field(
        6,
        ge=1,
        description="a channel that waits so long for its poll makes /healthz fail; with cron, twice its pause or more",
    )
    archive_days: int = Field(7, ge=1, description="what was older when found never enters the main feed")
    backups_kept: int = Field(7, ge=1, description="copies of the database that `serve` keeps, the newest")

    @field_validator("websub_hubs")
    @classmethod
    def check_websub_hubs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for hub in value:
            parts = urlsplit(hub)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or not hub.isascii():
                raise ValueError(f"{hub!r} is not the http(s) address of a hub")
        return tuple(dict.fromkeys(value))

    @field_validator("site_url")
    @classmethod
    def check_site_url(cls, value: str) -> str:
        """Ends in a slash, so that paths can be joined to it."""
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("must be the http(s) address of the front page")
        return value if not value or value.endswith("/") else f"{value}/"
