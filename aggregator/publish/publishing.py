"""Publishing: what changed enters the feeds, and the files that show it are replaced.

    groups without a guid get it, and their place for life
    groups that changed are put into the feeds that they belong in  ─▶  what shows them is due; archives grow
    days on which something changed are counted again, for charts and maps
    what is due is rendered and written: style sheet, archives, feeds, OPML  ─▶  and is due no longer

What did not change costs nothing. What is due stays so until its files are there, so that a process that dies in
between leaves nothing half done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

from aggregator.feeds import ALL, list_feeds, make_archive_path
from aggregator.publish.feed_info import Format
from aggregator.publish.files import remove_public
from aggregator.publish.press import Press
from aggregator.publish.upkeep import is_of_this_database, reconcile, summarize_failures, write_mark
from aggregator.settings import AggregatorSettings
from aggregator.store import Store
from aggregator.takedowns import apply_takedowns

GROUPS_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a publish came to."""

    new_items: int
    feed_items: int  # in the main feed
    files: int  # that are new or changed
    changed: tuple[str, ...]  # addresses of the feeds that changed


def publish_feeds(
    store: Store,
    public: Path,
    settings: AggregatorSettings,
    now: datetime,
    *,
    topics: Mapping[str, str],
    everything: bool = False,
) -> Published:
    """Publishes all that is unpublished, and writes the files that it changes; `everything`: all files.

    `topics`: id → name of those that have a feed. Raises StoreError; PublishError
    where a document could not be written: all others are.
    """
    apply_takedowns(store, now)
    _remove_superseded_pages(store, public, now)
    new = store.publish_groups(now, archive_older_than=timedelta(days=settings.archive_days))
    with store.transaction():
        store.write_feeds(list_feeds(topics, store.get_published_sources()), now)
        store.name_topics(topics)
        grown = _place_changed_groups(store, now)
        is_known = is_of_this_database(store, public)
        if everything or not is_known:
            store.begin_history()  # copies of it may know what it does not
        if everything or not is_known:
            store.forget_stamp()
        if store.mark_all_due(_make_stamp(settings)):
            grown = {feed.id for feed in store.get_feeds().values()}  # their documents may hold less than they did
        for feed_id in sorted(grown):
            store.close_pages(feed_id, now, least=settings.feed_items)
        store.mark_aged_due(now - timedelta(hours=settings.feed_hours), now, least=settings.feed_items)
        failures = reconcile(store, public, empty_feeds=settings.empty_feeds)
        is_anything_due = store.is_anything_due()
        mark = store.renew_mark() if is_anything_due else ""
    store.refresh_coverage(now)
    press = Press(store, public, settings, now)
    press.print_due()
    if is_anything_due:
        write_mark(public, mark)
    store.queue_pings(settings.websub_hubs, (), now)  # forgets hubs that are not told any more
    if failures := failures + press.failures:
        failure = summarize_failures(failures)
        failure.new_items = new
        raise failure
    main = store.find_feed(ALL)
    return Published(
        new_items=new, feed_items=main.shown if main else 0, files=press.written, changed=tuple(press.changed)
    )


def _remove_superseded_pages(store: Store, public: Path, now: datetime) -> None:
    """The files first: what is taken down later must be in no file that the database does not know of."""
    superseded = store.get_superseded_pages(now)
    for name, label in superseded:
        for ending in Format:
            remove_public(public / make_archive_path(name, label, ending))
    if superseded:
        with store.transaction():
            store.drop_superseded_pages(now)


def _place_changed_groups(store: Store, now: datetime) -> set[int]:
    """Returns the feeds that one was put into."""
    grown: set[int] = set()
    while ids := store.take_changed_groups(most=GROUPS_AT_ONCE):
        grown |= store.place_groups(ids, now)
    return grown


def _make_stamp(settings: AggregatorSettings) -> str:
    """Of all that the files are made with, but for the news: another one has them all written anew."""
    told = (settings.site_url, settings.site_name, settings.websub_hubs)
    shown = (settings.feed_items, settings.feed_hours, settings.empty_feeds)
    return hashlib.sha256(repr((_hash_code(), told, shown)).encode()).hexdigest()


@cache
def _hash_code() -> str:
    folders = (files("aggregator.publish"), files("aggregator"))
    names = (".py", ".toml", ".xsl", ".txt")
    publish, aggregator = (sorted(folder.iterdir(), key=lambda each: each.name) for folder in folders)
    code = [each for each in publish if each.name.endswith(names)]
    code += [each for each in aggregator if each.name in {"feeds.py", "item_rows.py", "cleaning.py", "excerpt.py"}]
    return hashlib.sha256(b"".join(each.read_bytes() for each in code)).hexdigest()
