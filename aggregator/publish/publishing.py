"""Publishing: what changed enters the feeds, and the files that show it are replaced.

    groups without a guid get it, and their place for life
    groups that changed are put into the feeds that they belong in  ─▶  what shows them is due; archives grow
    what is due is rendered and written: style sheet, archives, feeds, OPML  ─▶  and is due no longer

What did not change costs nothing. What is due stays so until its files are there, so that a process that dies in
between leaves nothing half done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from aggregator.archive_rows import ArchivePage
from aggregator.feed_rows import FeedRow, should_list, sort_feeds
from aggregator.feeds import ALL, list_feeds, make_archive_path, make_feed_path, split_name
from aggregator.models import FeedItem, Language
from aggregator.publish.describing import (
    Publisher,
    Subject,
    describe_feed,
    describe_page,
    locate_preview,
    name_subject,
)
from aggregator.publish.documents import render_feed
from aggregator.publish.feed_info import Format
from aggregator.publish.files import PublishError, holds, remove_public, sweep_leftovers, sync_folder, write_public
from aggregator.publish.opml import Outline, OutlineInfo, render_feeds_opml, render_sources_opml
from aggregator.publish.styles import get_style_files
from aggregator.publish.wording import get_wording
from aggregator.settings import AggregatorSettings
from aggregator.store import Store
from aggregator.takedowns import apply_takedowns

OPML_FILE = "opml.xml"
SOURCES_OPML_FILE = "opml-sources.xml"
GROUPS_AT_ONCE = 500
FEEDS_AT_ONCE = 20  # written between two commits
ITEMS_KEPT = 2_000  # items are asked for by many feeds

_Value = TypeVar("_Value")


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

    `topics`: id → name of those that have a feed. Raises StoreError, PublishError.
    """
    apply_takedowns(store, now)
    _remove_superseded(store, public, now)
    new = store.publish_groups(now, archive_older_than=timedelta(days=settings.archive_days))
    with store.transaction():
        store.write_feeds(list_feeds(topics, store.get_published_sources()), now)
        grown = _place_changed_groups(store, now)
        if everything or not (public / make_feed_path(ALL, Format.RSS)).exists():
            store.forget_stamp()
        if store.mark_all_due(_make_stamp(settings)):
            grown = {feed.id for feed in store.get_feeds().values()}  # their documents may hold less than they did
        for feed_id in sorted(grown):
            store.close_pages(feed_id, now, least=settings.feed_items)
        store.mark_aged_due(now - timedelta(hours=settings.feed_hours), least=settings.feed_items)
    press = _Press(store, public, settings, now)
    press.print_due()
    store.queue_pings(settings.websub_hubs, (), now)  # forgets hubs that are not told any more
    main = store.find_feed(ALL)
    return Published(
        new_items=new, feed_items=main.shown if main else 0, files=press.written, changed=tuple(press.changed)
    )


def make_publisher(settings: AggregatorSettings) -> Publisher:
    """The installation as its feeds tell of it."""
    hubs = settings.websub_hubs if settings.site_url else ()  # a hub cannot ask for a relative address
    return Publisher(site_url=settings.site_url, name=settings.site_name, hubs=hubs)


def _place_changed_groups(store: Store, now: datetime) -> set[int]:
    """Returns the feeds that one was put into."""
    grown: set[int] = set()
    while ids := store.take_changed_groups(most=GROUPS_AT_ONCE):
        grown |= store.place_groups(ids, now)
    return grown


@dataclass(frozen=True)
class _Sheet:
    """A feed, rendered."""

    feed: FeedRow
    documents: Mapping[str, bytes]  # by path
    shown: int  # items
    shown_from: int  # the place from which on it shows all


def _remove_superseded(store: Store, public: Path, now: datetime) -> None:
    """The files first: what is taken down later must be in no file that the database does not know of."""
    superseded = store.get_superseded_pages(now)
    for name, label in superseded:
        for ending in Format:
            remove_public(public / make_archive_path(name, label, ending))
    if superseded:
        with store.transaction():
            store.drop_superseded_pages(now)


class _Press:
    """Renders and writes what is due."""

    def __init__(self, store: Store, public: Path, settings: AggregatorSettings, now: datetime) -> None:
        self.written = 0
        self.changed: list[str] = []
        self._store = store
        self._public = public
        self._settings = settings
        self._now = now
        self._publisher = make_publisher(settings)
        self._items: dict[int, FeedItem] = {}
        self._folders: set[Path] = set()

    def print_due(self) -> None:
        """In the order in which a reader may follow one to the other: no document names one that is not there yet."""
        pages, feeds = self._store.get_due_pages(), self._store.get_due_feeds()
        if not pages and not feeds:
            return
        sweep_leftovers(self._public)
        subjects = {feed.id: _make_subject(feed) for feed in self._store.get_feeds().values()}
        self._write(get_style_files())
        for some in _batch(pages):
            for page in some:
                self._write(self._render_page(page, subjects[page.feed_id]))
            self._sync()
            with self._store.transaction():
                for page in some:
                    self._store.settle_page(page)
        for several in _batch(feeds):
            if not self._settings.empty_feeds:
                several = self._settle_empty(several)  # noqa: PLW2901 - the rest of them
            self._print_feeds([_Sheet(feed, *self._render_feed(feed, subjects[feed.id])) for feed in several])
        self._print_opml()
        self._sync()

    def _settle_empty(self, feeds: Sequence[FeedRow]) -> list[FeedRow]:
        """Has those count as written that have nothing in them and are no file; returns the others."""
        needed = [
            feed for feed in feeds if feed.items or (self._public / make_feed_path(feed.name, Format.RSS)).exists()
        ]
        with self._store.transaction():
            for feed in feeds:
                if feed not in needed and feed.name != ALL:
                    self._store.settle_feed(feed.id, shown=0, shown_from=0)
        return [feed for feed in feeds if feed in needed or feed.name == ALL]

    def _print_feeds(self, sheets: Sequence[_Sheet]) -> None:
        """Hubs are to be told before the files are there: a kill in between then costs a ping too many, not one."""
        changed = [
            self._publisher.locate(path)
            for sheet in sheets
            for path, body in sheet.documents.items()
            if not holds(self._public / path, body) and (sheet.shown or (self._public / path).exists())
        ]
        if changed and self._settings.websub_hubs:
            self._store.queue_pings(self._settings.websub_hubs, changed, self._now)
        self.changed += changed
        for sheet in sheets:
            self._write(sheet.documents)
        self._sync()
        with self._store.transaction():
            for sheet in sheets:
                self._store.settle_feed(sheet.feed.id, shown=sheet.shown, shown_from=sheet.shown_from)

    def _render_page(self, page: ArchivePage, subject: Subject) -> dict[str, bytes]:
        """path → bytes, of each format."""
        items = self._get_items(self._store.list_page(page))
        before = self._store.get_page_before(page)
        documents = {}
        for ending in Format:
            page_before = before.label if before else None
            info = describe_page(subject, self._publisher, ending, label=page.label, page_before=page_before)
            documents[make_archive_path(subject.name, page.label, ending)] = render_feed(items, info, ending)
        return documents

    def _render_feed(self, feed: FeedRow, subject: Subject) -> tuple[dict[str, bytes], int, int]:
        """(path → bytes, of each format; how many items it shows; the place from which on it shows all)"""
        since = self._now - timedelta(hours=self._settings.feed_hours)
        newest, is_full = self._store.list_window(feed.id, least=self._settings.feed_items, since=since)
        items = self._get_items([group_id for _, group_id in newest])
        last = self._store.get_last_page(feed.id)
        documents = {}
        for ending in Format:
            info = describe_feed(subject, self._publisher, ending, last_page=last.label if last else None)
            documents[make_feed_path(feed.name, ending)] = render_feed(items, info, ending)
        return documents, len(newest), newest[-1][0] if is_full else 0

    def _print_opml(self) -> None:
        feeds, publisher, words = self._store.get_feeds().values(), self._publisher, get_wording(Language.INDONESIAN)
        info = OutlineInfo(
            title=words["title_feeds"].format(site=publisher.name),
            owner=publisher.name,
            modified=max(feed.began for feed in feeds),
            style_url=publisher.style_url,
        )
        ours = [_outline(feed, publisher) for feed in sort_feeds(feeds) if should_list(feed)]
        self._write({OPML_FILE: render_feeds_opml(ours, info)})
        info = replace(info, title=words["title_sources"].format(site=publisher.name))
        theirs = [
            Outline(title=row["name"], xml_url=row["url"], html_url=row["home"], group=row["province"])
            for row in self._store.get_source_feeds()
        ]
        self._write({SOURCES_OPML_FILE: render_sources_opml(theirs, info)})

    def _get_items(self, group_ids: Sequence[int]) -> list[FeedItem]:
        missing = [group_id for group_id in group_ids if group_id not in self._items]
        if missing:
            if len(self._items) > ITEMS_KEPT:
                self._items = {key: self._items[key] for key in group_ids if key in self._items}
            self._items |= self._store.get_items(missing)
        return [self._items[group_id] for group_id in group_ids if group_id in self._items]

    def _write(self, documents: Mapping[str, bytes]) -> None:
        for path, body in documents.items():
            self.written += write_public(self._public / path, body, sync=False)
            self._folders.add((self._public / path).parent)

    def _sync(self) -> None:
        """Makes what was written durable, before it counts as written. Raises PublishError."""
        for folder in sorted(self._folders):
            try:
                sync_folder(folder)
            except OSError as error:
                raise PublishError(folder, error.strerror or str(error)) from error
        self._folders.clear()


def _outline(feed: FeedRow, publisher: Publisher) -> Outline:
    words = get_wording(Language.INDONESIAN)
    kind = split_name(feed.name)[0]
    return Outline(
        title=name_subject(feed.name, feed.title, Language.INDONESIAN),
        xml_url=publisher.locate(make_feed_path(feed.name, Format.RSS)),
        html_url=locate_preview(feed.name, publisher),
        group=words["groups"].get(kind, ""),
    )


def _make_subject(feed: FeedRow) -> Subject:
    return Subject(name=feed.name, title=feed.title, began=feed.began)


def _batch(values: Sequence[_Value]) -> Iterable[Sequence[_Value]]:
    return (values[start : start + FEEDS_AT_ONCE] for start in range(0, len(values), FEEDS_AT_ONCE))


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
    code += [each for each in aggregator if each.name in {"feeds.py", "item_rows.py", "cleaning.py"}]
    return hashlib.sha256(b"".join(each.read_bytes() for each in code)).hexdigest()
