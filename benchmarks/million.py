"""Years of a newsroom, made up, with every row that a real one has: `make_archive(folder / "news.db", 1_000_000)`.

The newsroom is the same at every size: 564 sources that publish 600 articles on topic a day. More articles are more
days, so that what grows with the archive and what is kept for a time (postings, polls, terms of stories, pages that
were off topic) are each as large as they would be. A million articles are four and a half years.

Rows are written in bulk, without the triggers, in the order in which they would have come; feeds, archives and coverage
are then counted by the product's own code.
"""
# ruff: noqa: SLF001 - the rows are made up

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from aggregator.feeds import list_feeds
from aggregator.reference import load_cities
from aggregator.store import Store
from benchmarks.archive import POLL_DAYS, SOURCES, make_source, write_days, write_polls
from benchmarks.newsroom_rows import Newsroom
from benchmarks.publishing import NOW, TOPICS

CACHE_KIB = 900_000
_CHANGES = (  # every article and every piece of news changed once: when it came
    "INSERT INTO article_changes SELECT strftime('%s', first_seen_at) * 1000000 + id % 1000000, id FROM articles",
    """
    INSERT INTO news_changes SELECT strftime('%s', first_published_at) * 1000000 + id % 1000000, id
    FROM duplicate_groups
    """,
)
_KEPT = "articles_fts_*"  # the only triggers; what the others would write is written at the end


def make_archive(database: Path, articles: int) -> None:
    """Writes the database: so many articles that were found before `NOW`, and all that goes with them."""
    with Store.open_writer(database) as store:
        store.write_catalogue([make_source(number, load_cities()) for number in range(SOURCES)])
        with store.transaction():
            store.write_feeds(list_feeds(TOPICS, store.get_published_sources()), NOW)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", f"cache_size = -{CACHE_KIB}"):
            store._connection.execute(f"PRAGMA {pragma}")
        triggers = list(_drop_triggers(store))
        newsroom = Newsroom(store, articles)
        newsroom.write()
        cycle = store.start_cycle(NOW - timedelta(minutes=10))
        with store.transaction():
            write_days(store, newsroom.dice, newsroom.days)
            write_polls(store, newsroom.dice, cycle, min(newsroom.days, POLL_DAYS))
        store.finish_cycle(cycle, NOW - timedelta(minutes=5), {})
        _settle_feeds(store)
        _count(store)
        for trigger in triggers:
            store._connection.execute(trigger)
    with Store.open_writer(database) as store:  # it is in WAL mode again; the last to close it leaves one file
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _drop_triggers(store: Store) -> Iterator[str]:
    """Yields what makes them again."""
    sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name NOT GLOB :kept"
    for row in store._rows(sql, kept=_KEPT):
        store._connection.execute(f"DROP TRIGGER {row['name']}")
        yield row["sql"]


def _settle_feeds(store: Store) -> None:
    """Archives of all feeds, and everything as if it were written."""
    for number, feed in enumerate(store.get_feeds().values()):
        with store.transaction():
            store.close_pages(feed.id, NOW, least=50)
            newest = store.list_newest(feed.id, limit=50)
            store.settle_feed(feed.id, shown=len(newest), shown_from=newest[-1][0] if newest else 0)
        if number % 200 == 0:
            print(f"archive of feed {number}", file=sys.stderr, flush=True)
    with store.transaction():
        store._connection.execute("UPDATE archive_pages SET is_due = 0")
        store._connection.execute("DELETE FROM changed_groups")


def _count(store: Store) -> None:
    with store.transaction():
        for statement in _CHANGES:
            store._connection.execute(statement)
        for moment in ("published_at", "first_seen_at"):
            store._connection.execute(
                f"INSERT INTO coverage_due SELECT DISTINCT date({moment}, '+7 hours') FROM articles WHERE true"
                " ON CONFLICT DO NOTHING"
            )
    store.refresh_coverage(NOW)
