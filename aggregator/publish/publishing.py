"""Publishing: what is new enters the feed, and the feed's file is replaced."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

from aggregator.publish.feed_info import FeedInfo
from aggregator.publish.files import write_public
from aggregator.publish.guids import make_guid
from aggregator.publish.rss import render_rss
from aggregator.settings import AggregatorSettings
from aggregator.store import Store

FEED_FILE = "feed.xml"
DESCRIPTION = (
    "Berita daerah tentang APEKSI dan kota cerdas dari portal-portal Indonesia, satu butir untuk setiap rilis. "
    "Regional news on APEKSI and smart cities from Indonesian portals, one item for each release."
)


def publish_feed(store: Store, public: Path, settings: AggregatorSettings, now: datetime) -> tuple[int, int]:
    """Publishes all that is unpublished and writes `feed.xml`; returns (new items, items in the file).

    The file holds the larger of `feed_items` and what was first published in the last `feed_hours`.
    Raises StoreError, PublishError.
    """
    new = store.publish_groups(now, archive_older_than=timedelta(days=settings.archive_days))
    recent = store.count_recent_groups(now - timedelta(hours=settings.feed_hours))
    items = store.get_feed_items(limit=max(settings.feed_items, recent))
    feed = FeedInfo(
        id=make_guid("feed/all"),
        title=f"{settings.site_name}: APEKSI dan kota cerdas",
        site_url=settings.site_url,
        page_url=settings.site_url,
        self_url=urljoin(settings.site_url, FEED_FILE),
        description=DESCRIPTION,
    )
    write_public(public / FEED_FILE, render_rss(items, feed))
    return new, len(items)
