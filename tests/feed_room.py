"""A newsroom whose feeds are published as files, and a reader that goes by them alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from lxml import etree
from newsdesk import Newsroom

from aggregator.publish import files
from aggregator.publish.files import MARK_FILE
from aggregator.publish.publishing import Published, publish_feeds
from aggregator.settings import AggregatorSettings

SITE_URL = "https://kabarkota.example/"
TOPICS = {"apeksi": "APEKSI", "smart-city": "Kota cerdas"}
ATOM = "{http://www.w3.org/2005/Atom}"


class FeedRoom(Newsroom):
    """`press()` publishes what changed into `public`."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder)
        self.public = folder / "public"
        self.settings = AggregatorSettings(**{"site_url": SITE_URL, "empty_feeds": False, **settings})

    def press(self, *, minutes: int = 1, everything: bool = False) -> Published:
        self.minutes += minutes
        return publish_feeds(self.store, self.public, self.settings, self.now, topics=TOPICS, everything=everything)

    def read(self, path: str) -> list[str]:
        """The guids of a document, in its order; `path` of any of the formats."""
        body = (self.public / path).read_bytes()
        if path.endswith(".json"):
            return [item["id"] for item in json.loads(body)["items"]]
        tag = f"{ATOM}entry/{ATOM}id" if path.endswith(".atom") else "channel/item/guid"
        return [element.text or "" for element in etree.fromstring(body).findall(tag)]

    def read_titles(self, path: str) -> list[str]:
        return [item["title"] for item in json.loads((self.public / path).read_bytes())["items"]]

    def follow(self, path: str) -> list[str]:
        """The addresses of the documents that `prev-archive` leads to from an Atom document, one after the other."""
        found: list[str] = []
        while path:
            root = etree.fromstring((self.public / path).read_bytes())
            link = root.find(f"{ATOM}link[@rel='prev-archive']")
            path = (link.get("href") or "").removeprefix(SITE_URL) if link is not None else ""
            found += [path] if path else []
        return found

    def list_published(self) -> set[str]:
        """The guids of all that is published and not withdrawn."""
        rows = self.ask(
            "SELECT guid FROM duplicate_groups WHERE guid NOT NULL AND merged_into IS NULL AND withdrawn_at IS NULL"
        )
        return {guid for (guid,) in rows}

    def list_files(self) -> dict[str, tuple[int, bytes]]:
        """path → (time, bytes) of every published file; not the mark, which no two publishes share."""
        return {
            str(path.relative_to(self.public)): (path.stat().st_mtime_ns, path.read_bytes())
            for path in self.public.rglob("*")
            if path.is_file() and path.name != MARK_FILE
        }


@contextmanager
def skip_disk() -> Iterator[None]:
    """Nobody waits until what is written is on the disk."""
    with patch.object(os, "fsync", lambda _: None):
        yield


class PlainRoom(FeedRoom):
    """For tests of what is made of the news, not of the files: they have no twins, and nobody waits for the disk."""

    def press(self, *, minutes: int = 1, everything: bool = False) -> Published:
        with patch.object(files, "TWIN_FROM_BYTES", sys.maxsize), skip_disk():
            return super().press(minutes=minutes, everything=everything)


HOUR = timedelta(hours=1)
