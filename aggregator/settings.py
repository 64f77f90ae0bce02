"""What an operator can set about deciding, keeping and publishing."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


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
    site_url: str = Field("http://127.0.0.1:8000/", description="where the pages and feeds are served, for links")
    site_name: str = "Kabar Kota"
    feed_items: int = Field(50, ge=1, description="items of the main feed, at least")
    feed_hours: int = Field(72, ge=1, description="and all items first published in so many hours")
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
