"""Keeps the published files and the tables of feeds at one: nothing is missing, nothing is left that nobody knows of.

A database that was restored from a backup, or a folder that was, knows less than the other. A mark that both carry, new
with every publish that writes something, tells: where the two differ, everything is written anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from aggregator.feeds import ALL, make_archive_path, make_feed_path
from aggregator.publish.feed_info import Format
from aggregator.publish.files import MARK_FILE, PublishError, remove_public, write_public
from aggregator.publish.press import OPML_FILE, SOURCES_OPML_FILE
from aggregator.publish.styles import get_style_files
from aggregator.publish.twins import CODINGS
from aggregator.store import Store

FEEDS_FOLDER = "feeds"


def is_of_this_database(store: Store, public: Path) -> bool:
    """Whether the files are what this database last had written."""
    try:
        mark = (public / MARK_FILE).read_text(encoding="ascii")
    except (OSError, ValueError):
        mark = ""
    return mark == store.get_mark()


def write_mark(public: Path, mark: str) -> None:
    """Raises PublishError."""
    write_public(public / MARK_FILE, mark.encode("ascii"))


def reconcile(store: Store, public: Path, *, empty_feeds: bool) -> list[PublishError]:
    """Has written what should be a file and is none, and removes files of feeds that are in no table.

    In the caller's transaction. Goes by names: a file that was damaged is written anew by `publish --all`. Returns what
    could not be removed.
    """
    found = _list_files(public)
    known = set()
    for feed in store.get_feeds().values():
        paths = {make_feed_path(feed.name, ending) for ending in Format}
        known |= paths
        if feed.name == ALL:
            paths |= {OPML_FILE, SOURCES_OPML_FILE, *get_style_files()}
        if (feed.items or empty_feeds or feed.name == ALL) and not paths <= found:
            store.mark_feed_due(feed.id)
    for name, page in store.get_pages():
        paths = {make_archive_path(name, page.label, ending) for ending in Format}
        known |= paths
        if not paths <= found:
            store.mark_page_due(page)
    return _remove(public, {_name_file(path) for path in found if path.startswith(f"{FEEDS_FOLDER}/")} - known)


def summarize_failures(failures: list[PublishError]) -> PublishError:
    """The first of them, which says how many more there are."""
    first, more = failures[0], len(failures) - 1
    if not more:
        return first
    return PublishError(first.path, f"{first.reason} (and {more} more; all others are published)")


def _remove(public: Path, paths: Iterable[str]) -> list[PublishError]:
    failures = []
    for path in paths:
        try:
            remove_public(public / path)
        except PublishError as error:
            failures.append(error)
    return failures


def _name_file(path: str) -> str:
    """The file that a twin is one of."""
    return next((path.removesuffix(each.suffix) for each in CODINGS if path.endswith(each.suffix)), path)


def _list_files(public: Path) -> set[str]:
    """Paths of all that is there, twins included."""
    paths = set(_list_names(public))
    for folder, inner, names in os.walk(public / FEEDS_FOLDER):
        inner[:] = [name for name in inner if not name.startswith(".")]  # none of ours
        below = Path(folder).relative_to(public).as_posix()
        paths |= {f"{below}/{name}" for name in names if not name.startswith(".")}
    return paths


def _list_names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return []
