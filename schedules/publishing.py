"""Publishes: composes the settings and tables that it takes."""

from __future__ import annotations

from datetime import datetime

from aggregator.publish.publishing import Published, publish_feeds
from aggregator.store import Store
from aggregator.topics import load_topics
from schedules.config import Setup
from schedules.snapshots import withdraw_snapshots


def publish(setup: Setup, store: Store, now: datetime, *, everything: bool = False) -> Published:
    """Publishes what changed; `everything`: writes all files anew. What was taken down leaves the snapshots, too.

    Raises StoreError, PublishError, TableError.
    """
    topics = {topic.id: topic.name for topic in load_topics(setup.topics_overlay).topics}
    try:
        return publish_feeds(store, setup.public, setup.aggregator, now, topics=topics, everything=everything)
    finally:  # also where a document could not be written
        withdraw_snapshots(store, setup.public)
