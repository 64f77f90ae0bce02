"""What must hold after each kill, and what at the end: all that the portals have, once, whole."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import zlib
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
from crash_room import Room
from lxml import etree
from post_office import Receiver

from aggregator.backups import list_backups, name_files
from aggregator.feeds import ALL
from aggregator.publish.twins import CODINGS

READERS = {
    ".xml": etree.fromstring,
    ".atom": etree.fromstring,
    ".json": json.loads,
    **{coding.suffix: coding.decompress for coding in CODINGS},
}
UNREADABLE = (etree.XMLSyntaxError, ValueError, EOFError, zlib.error, gzip.BadGzipFile, brotli.error)


class Checks:
    def __init__(self, room: Room) -> None:
        self._room = room
        self._seen: dict[Path, int] = {}  # file → when it was changed

    def look_through(self, after: str) -> None:
        """After a kill, whoever is still at work: published files, the database, backups."""
        for folder, _, names in os.walk(self._room.data / "public"):
            for name in names:
                path = Path(folder, name)
                reader = READERS.get(path.suffix)
                if reader is not None and not name.startswith(".") and self._is_new(path):
                    self._check_file(path, reader, after)
        self._check_database(self._room.database, after, "quick_check")
        for backup in list_backups(self._room.data / "backups", datetime.now(UTC)):
            if self._is_new(backup.path):
                self._check_backup(backup.path, after)

    def _is_new(self, path: Path) -> bool:
        try:
            changed = path.stat().st_mtime_ns
        except OSError:  # gone meanwhile
            return False
        is_new = self._seen.get(path) != changed
        self._seen[path] = changed
        return is_new

    def _check_file(self, path: Path, read: Any, after: str) -> None:
        try:
            read(path.read_bytes())
        except FileNotFoundError:
            pass
        except UNREADABLE as error:
            self._room.complain(f"{after}: {path.name} is torn: {error}")
        self._room.record.seen["published files read"] += 1

    def _check_database(self, path: Path, after: str, pragma: str) -> None:
        try:
            found = self._room.read(f"PRAGMA {pragma}", path)
        except sqlite3.Error as error:
            found = [(str(error),)]
        if found != [("ok",)] and path.exists():
            self._room.complain(f"{after}: {path.name} is damaged: {found[:3]}")
        self._room.record.seen[f"{pragma} of databases"] += 1

    def _check_backup(self, path: Path, after: str) -> None:
        self._check_database(path, after, "integrity_check")
        files = name_files(path)
        with suppress(sqlite3.OperationalError):  # dropped meanwhile
            if self._room.read("SELECT count(*) FROM articles", path) == [(0,)]:
                self._room.complain(f"{after}: {path.name} is empty")
            if not (files / "alerts.toml").is_file() and path.exists():
                self._room.complain(f"{after}: {files.name} is not whole")
        self._room.record.seen["backups read"] += 1

    def check_all(self, receiver: Receiver) -> None:
        """When all is calm."""
        room = self._room
        expected, kept = room.expected(), Counter(url for (url,) in room.read("SELECT url FROM articles"))
        lost, doubled = expected - kept.keys(), [url for url, count in kept.items() if count > 1]
        grouped = "SELECT a.url FROM articles AS a JOIN duplicate_groups AS g ON g.id = a.group_id"
        sizes = room.read("SELECT 1 FROM articles GROUP BY group_id HAVING count(*) > 1")
        ids = self._list_items(room.data / "public/feed.xml")
        archived = {
            guid for path in room.data.glob(f"public/feeds/archive/{ALL}/*.xml") for guid in self._list_items(path)
        }
        told = archived | set(ids)
        checks = {
            f"lost: {sorted(lost)[:5]} … {len(lost)} of {len(expected)}": bool(lost),
            f"never published: {sorted(kept.keys() - expected)[:5]}": bool(kept.keys() - expected),
            f"twice: {doubled[:5]}": bool(doubled),
            "articles without a group": {url for (url,) in room.read(grouped)} != set(kept),
            f"groups of several: {len(sizes)}": bool(sizes),
            "an item twice in the feed": len(set(ids)) != len(ids),
            f"items missing from the feed and its archive: {len(told)} of {len(expected)}": len(told) != len(expected),
            "rows that refer to nothing": bool(room.read("PRAGMA foreign_key_check")),
            "half made files left in public": any(room.data.glob("public/**/.*.tmp")),
            "half made backups left": any(room.data.glob("backups/.*")),
        }
        for fault, holds in checks.items():
            if holds:
                room.complain(fault)
        self._check_database(room.database, "at the end", "integrity_check")
        self._check_backups()
        self._check_told(receiver)
        room.record.seen["articles, each there once"] += len(expected)

    @staticmethod
    def _list_items(path: Path) -> list[str]:
        return [each.findtext("guid", "") for each in etree.fromstring(path.read_bytes()).iter("item")]

    def _check_backups(self) -> None:
        backups = list_backups(self._room.data / "backups", datetime.now(UTC))
        for backup in backups:
            self._check_backup(backup.path, "at the end")
        owned = {backup.files for backup in backups}
        if orphans := set(self._room.data.glob("backups/*.files")) - owned:
            self._room.complain(f"{len(orphans)} folders of files without their backup, of {len(backups)}")

    def _check_told(self, receiver: Receiver) -> None:
        """The outbox against what the webhook got; the same id again is the same message."""
        room = self._room
        got = {message["id"]: message for message in receiver.messages}
        told = Counter(each["guid"] for message in got.values() for each in message["data"]["news"])
        states = Counter(state for (state,) in room.read("SELECT state FROM deliveries"))
        written = {uid for (uid,) in room.read("SELECT uid FROM deliveries")}
        owed = "SELECT count(*) FROM duplicate_groups WHERE id NOT IN (SELECT group_id FROM alert_groups)"
        untold = int(str(room.read(owed)[0][0])) - self.known
        for fault, holds in {
            f"deliveries that were not sent: {dict(states)}": states.keys() - {"sent"},
            f"messages lost: {len(written - got.keys())} of {len(written)}": written - got.keys(),
            f"messages of nobody: {len(got.keys() - written)}": got.keys() - written,
            f"told twice: {[guid for guid, n in told.items() if n > 1][:3]}": any(n > 1 for n in told.values()),
            f"news that no alert has: {untold}": untold,
        }.items():
            if holds:
                room.complain(fault)
        room.record.seen["messages, each there"] += len(got)
        room.record.seen["messages sent again with the same id"] += len(receiver.messages) - len(got)

    known = 0  # pieces of news that were there at the first look of the alert
