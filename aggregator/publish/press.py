"""Renders what is due, and writes it. A document that cannot be written stays due, and keeps no other back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from aggregator.archive_rows import ArchivePage
from aggregator.feed_rows import FeedRow, should_list, sort_feeds
from aggregator.feeds import ALL, make_archive_path, make_feed_path, split_name
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
from aggregator.publish.files import PublishError, holds, sweep_leftovers, sync_folder, write_public
from aggregator.publish.opml import Outline, OutlineInfo, render_feeds_opml, render_sources_opml
from aggregator.publish.styles import get_style_files
from aggregator.publish.wording import get_wording
from aggregator.settings import AggregatorSettings
from aggregator.store import Store

OPML_FILE = "opml.xml"
SOURCES_OPML_FILE = "opml-sources.xml"
FEEDS_AT_ONCE = 20  # written between two commits
ITEMS_KEPT = 2_000  # items are asked for by many feeds

_Value = TypeVar("_Value")


def make_publisher(settings: AggregatorSettings) -> Publisher:
    """The installation as its feeds tell of it."""
    return Publisher(site_url=settings.site_url, name=settings.site_name, hubs=settings.told_hubs)


@dataclass(frozen=True)
class Sheet:
    """A feed, rendered."""

    feed: FeedRow
    documents: Mapping[str, bytes]  # by path
    shown: int  # items
    shown_from: int  # the place from which on it shows all, but for what is beyond a source's share …
    left_out_until: int  # … up to this place


class Press:
    """Renders and writes what is due."""

    def __init__(self, store: Store, public: Path, settings: AggregatorSettings, now: datetime) -> None:
        self.written = 0
        self.changed: list[str] = []
        self.failures: list[PublishError] = []
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
            written = [page for page in some if self._write(self._render_page(page, subjects[page.feed_id]))]
            self._sync()
            with self._store.transaction():
                for page in written:
                    self._store.settle_page(page)
        for several in _batch(feeds):
            if not self._settings.empty_feeds:
                several = self._settle_empty(several)  # noqa: PLW2901 - the rest of them
            self._print_feeds([self._render_feed(feed, subjects[feed.id]) for feed in several])
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

    def _print_feeds(self, sheets: Sequence[Sheet]) -> None:
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
        written = [sheet for sheet in sheets if self._write(sheet.documents)]
        self._sync()
        with self._store.transaction():
            for sheet in written:
                self._store.settle_feed(
                    sheet.feed.id,
                    shown=sheet.shown,
                    shown_from=sheet.shown_from,
                    left_out_until=sheet.left_out_until,
                )

    def _render_page(self, page: ArchivePage, subject: Subject) -> dict[str, bytes]:
        """path → bytes, of each format."""
        items = self._get_items(self._store.list_page(page))
        before, after = self._store.get_page_before(page), self._store.get_page_after(page)
        documents = {}
        for ending in Format:
            info = describe_page(
                subject,
                self._publisher,
                ending,
                label=page.label,
                page_before=before.label if before else None,
                page_after=after.label if after else None,
            )
            documents[make_archive_path(subject.name, page.label, ending)] = render_feed(items, info, ending)
        return documents

    def _render_feed(self, feed: FeedRow, subject: Subject) -> Sheet:
        since = self._now - timedelta(hours=self._settings.feed_hours)
        window = self._store.list_window(feed, least=self._settings.feed_items, since=since, now=self._now)
        items = self._get_items([group_id for _, group_id in window.news])
        last = self._store.get_last_page(feed.id)
        documents = {}
        for ending in Format:
            info = describe_feed(subject, self._publisher, ending, last_page=last.label if last else None)
            documents[make_feed_path(feed.name, ending)] = render_feed(items, info, ending)
        return Sheet(
            feed,
            documents,
            shown=len(window.news),
            shown_from=window.news[-1][0] if window.is_full else 0,
            left_out_until=window.left_out_until,
        )

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

    def _write(self, documents: Mapping[str, bytes]) -> bool:
        """Says whether all of them are in their places."""
        failed = len(self.failures)
        for path, body in documents.items():
            try:
                self.written += write_public(self._public / path, body, sync=False)
            except PublishError as error:
                self.failures.append(error)
            else:
                self._folders.add((self._public / path).parent)
        return len(self.failures) == failed

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
