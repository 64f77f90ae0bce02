"""The files of a snapshot: made beside those that are served, and put in their places when all of them are whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import zstandard

from aggregator.instants import to_text
from aggregator.publish.files import sync_folder
from aggregator.schema import VERSION
from aggregator.settings import AggregatorSettings, PrivatePages
from aggregator.snapshot_rows import Say
from aggregator.store import Store
from aggregator.takedowns import is_due as are_takedowns_due
from aggregator.times import WIB
from schedules.errors import RunFailure

NEWEST, SCHEMA, SUMS = "news.db", "schema.json", "SHA256SUMS.txt"
MARK = ".takedowns"  # which takedowns the snapshots heed
_PREFIX = ".snapshot-"  # of what is not whole yet
_NAME = re.compile(r"news-(\d{4}-\d\d-\d\d)\.db(\.zst)?")
_SUM = re.compile(r"([0-9a-f]{64}) [ *](\S+)")
_LEVEL = 3  # of Zstandard: a fifth of the size at 300 MB/s; 9 saves a seventh more for five times the work
_CHUNK = 4 << 20
LEFT_OUT = (
    "full texts, but of sources that allow it: an excerpt stands in articles.text, as in the feeds, and text_dropped_at"
    " says so; what changed articles said before; addresses and words of rejected pages; pages as they were fetched;"
    " polls but the last of each channel; working memory; takedowns, digests, alerts and all else of the operator's own"
)
LEFT_OUT_PRIVATE = "; how sources are doing (polls, alarms, channels, days of sources), which is not public here"
TERMS = (
    "Titles and excerpts belong to their publishers: name the portal when you quote it. Names and codes of regions:"
    " cahyadsn/wilayah (MIT). Points of cities: GeoNames (CC BY 4.0), six of them yusufsyaifudin/wilayah-indonesia"
    " (ODbL 1.0). Groups, topics and places: name Kabar Kota and the day."
)


def is_of_snapshot(name: str) -> bool:
    """Whether a file of that name in the folder of downloads is a snapshot's."""
    return name in {NEWEST, SCHEMA, SUMS, MARK} or bool(_NAME.fullmatch(name)) or name.startswith(_PREFIX)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What was made."""

    path: Path
    bytes: int
    compressed_bytes: int
    articles: int
    removed: tuple[str, ...]  # older ones that had to go

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.path.name,
            "bytes": self.bytes,
            "compressed_bytes": self.compressed_bytes,
            "articles": self.articles,
            "removed": list(self.removed),
        }


class SnapshotMaker:
    """Makes one."""

    def __init__(self, settings: AggregatorSettings, store: Store, folder: Path, now: datetime, say: Say) -> None:
        self._settings, self._store, self._folder, self._now, self._say = settings, store, folder, now, say
        self._day = now.astimezone(WIB).date().isoformat()
        self._name = f"news-{self._day}.db"

    def make(self) -> Snapshot:
        folder, name = self._folder, self._name
        mark = make_mark(self._store)
        database, packed = self._find_place(name), self._find_place(f"{name}.zst")
        self._store.write_snapshot(
            self._find_place("work"),
            database,
            self._list_facts(),
            made_at=to_text(self._now),
            private=self._is_private,
            say=self._say,
        )
        self._say("compressing")
        with database.open("rb") as source, packed.open("wb") as target:
            compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
            with compressor.stream_writer(target, size=database.stat().st_size, closefd=False) as stream:
                self._copy(source, stream.write)
        sums = {path.name.removeprefix(_PREFIX): self._hash(path) for path in (database, packed)}
        described = self._describe(database, sums)
        articles = next(each["rows"] for each in described["relations"] if each["name"] == "articles")
        sums |= {NEWEST: sums[name]}
        sizes = (database.stat().st_size, packed.stat().st_size)
        schema = self._write(SCHEMA, json.dumps(described, ensure_ascii=False, indent=1).encode())
        sums[SCHEMA] = self._hash(schema)
        self._link(database, self._find_place(NEWEST))
        kept = self._choose_kept()
        listing = self._write(SUMS, _render_sums(self._read_sums(kept - sums.keys()) | sums))
        marked = self._write(MARK, mark.encode("ascii"))
        for path in (database, packed):
            _sync(path)
        if make_mark(self._store) != mark or are_takedowns_due(self._store):
            raise RunFailure("something was taken down while the snapshot was made; try again")
        # The mark last: should the process die in between, whatever the mark does not tell of is removed. Until all are
        # in their places there are no sums rather than wrong ones.
        (folder / SUMS).unlink(missing_ok=True)
        places = {packed: f"{name}.zst", database: name, schema: SCHEMA}
        places |= {self._find_place(NEWEST): NEWEST, listing: SUMS, marked: MARK}
        for path, final in places.items():
            path.replace(folder / final)
        removed = tuple(each for each in list_dated(folder) if each not in kept)
        for each in removed:
            (folder / each).unlink(missing_ok=True)
        sync_folder(folder)
        return Snapshot(
            path=folder / name, bytes=sizes[0], compressed_bytes=sizes[1], articles=articles, removed=removed
        )

    @property
    def _is_private(self) -> bool:
        return not {PrivatePages.SOURCES, PrivatePages.STATUS}.isdisjoint(self._settings.private_pages)

    def _find_place(self, name: str) -> Path:
        """Where a file is until it is whole."""
        return self._folder / f"{_PREFIX}{name}"

    def _list_facts(self) -> dict[str, str]:
        """What the snapshot says of itself."""
        settings = self._settings
        facts = {
            "snapshot_made_at": to_text(self._now),
            "snapshot_day_wib": self._day,
            "snapshot_left_out": LEFT_OUT + (LEFT_OUT_PRIVATE if self._is_private else ""),
            "site_name": settings.site_name,
            "site_url": settings.site_url,
            "operator": settings.operator,
            "contact": settings.contact,
            "terms": TERMS,
        }
        return {key: value for key, value in facts.items() if value}

    def _describe(self, database: Path, sums: Mapping[str, str]) -> dict[str, Any]:
        """schema.json: what is in it, as it says itself."""
        with Store.open_reader(database) as snapshot:
            docs, rows = snapshot.get_schema_docs(), snapshot.count_rows()
            labels, info = snapshot.get_labels(), snapshot.get_info()
        return {
            "schema_version": VERSION,
            **{key: value for key, value in info.items() if key not in ("schema_digest", "schema_version")},
            "files": [
                {"name": name, "bytes": self._find_place(name).stat().st_size, "sha256": digest}
                for name, digest in sums.items()
            ],
            "relations": [
                {
                    "name": each.name,
                    "kind": each.kind,
                    "description": each.comment,
                    **({"rows": rows[each.name]} if each.name in rows else {}),
                    "columns": [
                        {"name": column.name, "type": column.type, "description": column.comment}
                        for column in each.columns
                    ],
                }
                for each in docs
            ],
            "labels": labels,
        }

    def _choose_kept(self) -> set[str]:
        """The names of the dated files that stay, the new ones among them."""
        days = {found[1] for name in list_dated(self._folder) if (found := _NAME.fullmatch(name))}
        older = sorted((day for day in days if day < self._day), reverse=True)  # those ahead are of a wrong clock
        kept = [self._day, *older][: self._settings.snapshots_kept]
        return {f"news-{day}.db{ending}" for day in kept for ending in ("", ".zst")}

    def _read_sums(self, kept: set[str]) -> dict[str, str]:
        """Of the older files that stay: as they were told, or worked out again."""
        told: dict[str, str] = {}
        with suppress(OSError, ValueError):
            told = {name: digest for digest, name in _SUM.findall((self._folder / SUMS).read_text(encoding="ascii"))}
        there = [name for name in list_dated(self._folder) if name in kept]
        return {name: told.get(name) or self._hash(self._folder / name) for name in there}

    def _hash(self, path: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            self._copy(file, digest.update)
        return digest.hexdigest()

    def _copy(self, source: IO[bytes], take: Callable[[bytes], object]) -> None:
        """Piece by piece; between two of them `cut_short` is heeded."""
        while chunk := source.read(_CHUNK):
            self._store.check_cut()
            take(chunk)

    def _link(self, database: Path, place: Path) -> None:
        """A second name for it; a second copy where the file system has no such thing."""
        try:
            os.link(database, place)
        except OSError:
            with database.open("rb") as source, place.open("wb") as target:
                self._copy(source, target.write)
            _sync(place)

    def _write(self, name: str, body: bytes) -> Path:
        path = self._find_place(name)
        path.write_bytes(body)
        _sync(path)
        return path


def make_mark(store: Store) -> str:
    """Of all that is taken down."""
    keys = sorted(each.key for each in store.get_takedowns())
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()


def list_dated(folder: Path) -> list[str]:
    """The files of a day; a folder or link of such a name is somebody else's."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
    )


def _render_sums(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode("ascii")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def remove_leftovers(folder: Path) -> None:
    with suppress(OSError):
        for path in folder.glob(f"{_PREFIX}*"):
            path.unlink(missing_ok=True)
