"""Publishes: composes the settings and tables that it takes."""

from __future__ import annotations

from datetime import datetime

from aggregator.publish.publishing import Published, publish_feeds
from aggregator.store import Store
from aggregator.topics import load_topics
from schedules.config import Setup


def publish(setup: Setup, store: Store, now: datetime, *, everything: bool = False) -> Published:
    """Publishes what changed; `everything`: writes all files anew. Raises StoreError, PublishError, TableError."""
    topics = {topic.id: topic.name for topic in load_topics(setup.topics_overlay).topics}
    return publish_feeds(store, setup.public, setup.aggregator, now, topics=topics, everything=everything)
