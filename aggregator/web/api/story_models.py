"""What the API answers: stories."""

from __future__ import annotations

from pydantic import Field

from aggregator.web.api.models import Count, Instant, Model, News, Next, Number, Place


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
