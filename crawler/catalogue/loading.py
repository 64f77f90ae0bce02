"""Reads catalogues: the built-in one, or an operator's, and the operator's own entries over it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from aggregator.models import Channel, Selectors, Source
from crawler.catalogue.addresses import make_address_key
from crawler.catalogue.entries import parse_source
from crawler.catalogue.errors import CatalogueError

BUILT_IN = Path(__file__).with_name("sources.toml")

_FIELDS = sorted(f"{model.__name__}.{field.name}" for model in (Source, Channel, Selectors) for field in fields(model))
_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_DECLARED_TWICE = re.compile(r"Cannot declare \('sources', '([^']+)'\) twice")

Tables = dict[str, Any]  # id → table of one source, as TOML has it


@dataclass(frozen=True)
class Catalogue:
    """Sources, sorted by id. Those that are switched off belong to it."""

    sources: tuple[Source, ...]

    def get(self, source_id: str) -> Source | None:
        """The source with that id."""
        return self._by_id.get(source_id)

    @cached_property
    def _by_id(self) -> dict[str, Source]:
        return {source.id: source for source in self.sources}


def load_catalogue(path: Path | None = None, *, overlay: Path | None = None) -> Catalogue:
    """The catalogue in `path` (None: the built-in one) with the operator's entries in `overlay` laid over it.

        read path ─▶ check every entry ─┐
        read overlay, if it exists ─────┴─▶ lay over, key by key ─▶ check what that changed ─▶ compare addresses

    An entry of `overlay` adds a source or, with only some keys, changes one: `enabled = false` switches it off, and
    `channels` replaces all its channels. No network is touched. Raises CatalogueError.
    """
    path = path or BUILT_IN
    tables = parse_tables(read_text(path), origin=str(path))
    if not tables:
        raise CatalogueError(f"{path}: no sources")
    above = parse_tables(read_text(overlay, missing=""), origin=str(overlay)) if overlay else {}
    below = {source_id: tables[source_id] for source_id in above if source_id in tables}
    built_in = {}
    for source_id in list(tables):  # taken out one by one: 100,000 of them are 200 MB
        built_in[source_id] = parse_source(source_id, tables.pop(source_id), origin=str(path))
    _check_addresses(built_in.values(), origins={}, default=path)
    if overlay is None:
        return _make_catalogue(built_in.values())
    changed = _lay_over(below, above, overlay)
    # What was changed comes last: where two addresses are the same now, that is its doing.
    sources = [source for source in built_in.values() if source.id not in changed] + list(changed.values())
    _check_addresses(sources, origins=dict.fromkeys(changed, overlay), default=path)
    return _make_catalogue(sources)


def make_stamp(path: Path | None = None, *, overlay: Path | None = None) -> str:
    """A hash of what `load_catalogue` would read, and of what a source may hold. Raises CatalogueError."""
    digest = hashlib.blake2b(",".join(_FIELDS).encode(), digest_size=16)
    for file in (path or BUILT_IN, overlay):
        content = read_bytes(file) if file is not None and (file is not overlay or file.exists()) else b""
        digest.update(b"%d:" % len(content) + content)
    return digest.hexdigest()


def extend_catalogue(catalogue: Catalogue, *added: Source, origin: str) -> Catalogue:
    """The catalogue with more sources. Raises CatalogueError when an id or the address of a channel is taken."""
    for source in added:
        if catalogue.get(source.id):
            raise CatalogueError(f"{origin}: sources.{source.id}: there is a source with this id")
    sources = (*catalogue.sources, *added)
    _check_addresses(sources, origins={}, default=origin)
    return _make_catalogue(sources)


def read_text(path: Path, *, missing: str | None = None) -> str:
    """The text of a catalogue file, its line ends untouched; `missing` when there is no such file.

    Raises CatalogueError when it cannot be read, is not UTF-8, or does not exist and `missing` is None.
    """
    if missing is not None and not path.exists():
        return missing
    try:
        return read_bytes(path).decode("utf-8-sig")  # some editors write a byte order mark, which TOML does not allow
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path}: not UTF-8 text (byte {error.start + 1})") from error


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises CatalogueError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read: {error.strerror or error}") from error


def parse_tables(text: str, *, origin: str) -> Tables:
    """The tables under `sources` in the text of a TOML file, their insides not checked. Raises CatalogueError."""
    try:
        document = tomllib.loads(text)
    except RecursionError as error:
        raise CatalogueError(f"{origin}: nested too deeply") from error
    except ValueError as error:
        raise CatalogueError(f"{origin}: {_describe_syntax_fault(str(error), text)}") from error
    tables = document.pop("sources", {})
    if document:
        raise CatalogueError(f"{origin}: {next(iter(document))}: unknown key; an entry begins with [sources.<id>]")
    if not isinstance(tables, dict):
        raise CatalogueError(f"{origin}: sources: must be a table, not {tables!r:.60}")
    return tables


def _describe_syntax_fault(message: str, text: str) -> str:
    """What tomllib found, the line first. The last line is "end of document" to tomllib."""
    position, twice = _POSITION.search(message), _DECLARED_TWICE.match(message)
    line = (position[1] if position else None) or text.count("\n") + 1
    return f"line {line}: " + (f"the source {twice[1]} is declared twice" if twice else _POSITION.sub("", message))


def _lay_over(below: Tables, above: Tables, origin: Path) -> dict[str, Source]:
    """The sources that `above` adds or changes. A fault in one is the fault of `above`: `below` has been checked."""

    def merge(source_id: str, table: object) -> object:
        return {**below.get(source_id, {}), **table} if isinstance(table, dict) else table

    return {
        source_id: parse_source(source_id, merge(source_id, table), origin=str(origin))
        for source_id, table in above.items()
    }


def _check_addresses(sources: Iterable[Source], *, origins: Mapping[str, Path], default: Path | str) -> None:
    """Raises CatalogueError, blaming the later one, when two channels have the same address."""
    owners: dict[str, str] = {}
    for source in sources:
        for number, channel in enumerate(source.channels):
            here = f"sources.{source.id}.channels[{number}]"
            if (owner := owners.setdefault(make_address_key(channel.url), here)) != here:
                origin = origins.get(source.id, default)
                raise CatalogueError(f"{origin}: {here}.url: {channel.url!r} is the address of {owner} too")


def _make_catalogue(sources: Iterable[Source]) -> Catalogue:
    return Catalogue(tuple(sorted(sources, key=lambda source: source.id)))
