"""Publishing: what is new enters the feed, and the feed's file is replaced."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

from aggregator.publish.files import write_public
from aggregator.publish.rss import FeedInfo, render_rss
from aggregator.settings import AggregatorSettings
from aggregator.store import Store
from aggregator.takedowns import apply_takedowns

FEED_FILE = "feed.xml"
DESCRIPTION = (
    "Berita daerah tentang APEKSI dan kota cerdas dari portal-portal Indonesia, satu butir untuk setiap rilis. "
    "Regional news on APEKSI and smart cities from Indonesian portals, one item for each release."
)


def publish_feed(
    store: Store, public: Path, settings: AggregatorSettings, now: datetime, *, everything: bool = False
) -> tuple[int, int]:
    """Publishes all that is unpublished and writes `feed.xml`; returns (new items, items in the file).

    It is rendered each time, so that `everything` makes no difference yet. The file holds the larger of `feed_items`
    and what was first published in the last `feed_hours`. Raises StoreError, PublishError.
    """
    apply_takedowns(store, now)
    new = store.publish_groups(now, archive_older_than=timedelta(days=settings.archive_days))
    recent = store.count_recent_groups(now - timedelta(hours=settings.feed_hours))
    items = store.get_feed_items(limit=max(settings.feed_items, recent))
    feed = FeedInfo(
        title=f"{settings.site_name}: APEKSI dan kota cerdas",
        site_url=settings.site_url,
        self_url=urljoin(settings.site_url, FEED_FILE),
        description=DESCRIPTION,
    )
    if write_public(public / FEED_FILE, render_rss(items, feed)):
        store.queue_pings(settings.websub_hubs, [feed.self_url], now)
    return new, len(items)
