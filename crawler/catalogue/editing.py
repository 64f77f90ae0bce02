"""Changes the operator's own catalogue file, and nothing in it but what was asked for: comments stay."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from aggregator.models import Channel, ChannelKind, Source
from crawler.catalogue.entries import check_slug, parse_source
from crawler.catalogue.errors import CatalogueError
from crawler.catalogue.files import edit_file
from crawler.catalogue.loading import Tables, parse_tables

_NEW_FILE = "# Sources of this installation: they add to the catalogue, or change its entries key by key.\n"
_HEADER = r"""^[ \t]*\[[ \t]*sources[ \t]*\.[ \t]*(["']?){}\1[ \t]*\][^\r\n]*"""
_ALWAYS_WRITTEN = frozenset({"name", "domain", "kind", "timezone"})
_SOURCE_DEFAULTS = asdict(Source(id="", name="", domain=""))
_CHANNEL_DEFAULTS = asdict(Channel(kind=ChannelKind.FEED, url=""))


def add_source(overlay: Path, source: Source) -> None:
    """Write a new entry at the end of `overlay`, making the file (and its folder) if need be.

    Whether the source agrees with the catalogue below is `extend_catalogue`'s question. Raises CatalogueError when
    the file has an entry with this id, or cannot be read as TOML; OSError when it cannot be written.
    """
    entry = format_source(source)
    added = parse_tables(entry, origin=source.id)
    parse_source(source.id, added[source.id], origin=str(overlay))

    def change(text: str) -> str:
        tables = parse_tables(text, origin=str(overlay))
        if source.id in tables:
            raise CatalogueError(f"{overlay}: sources.{source.id}: the file has an entry with this id")
        return _check_edit(_append(text, entry), expected=tables | added, overlay=overlay)

    edit_file(overlay, change)


def set_enabled(overlay: Path, source_id: str, enabled: bool) -> None:
    """Switch a source on or off in `overlay`, which gets an entry with that one key if it has none.

    Whether there is such a source is the caller's question. Raises CatalogueError for a bad id or when the file
    cannot be read as TOML; OSError when it cannot be written.
    """
    try:
        check_slug(source_id)
    except ValueError as error:
        raise CatalogueError(f"{overlay}: sources.{source_id!r}: {error}") from error

    def change(text: str) -> str:
        tables = parse_tables(text, origin=str(overlay))
        table = tables.get(source_id, {})
        if not isinstance(table, dict):
            raise CatalogueError(f"{overlay}: sources.{source_id}: must be a table, not {table!r:.60}")
        expected = tables | {source_id: {**table, "enabled": enabled}}
        return _check_edit(_switch(text, tables, source_id, enabled), expected=expected, overlay=overlay)

    edit_file(overlay, change)


def format_source(source: Source) -> str:
    """The entry of a source, as TOML. Keys that have their default are left out, for the reader's sake."""
    values = asdict(source)
    source_id, channels = values.pop("id"), values.pop("channels")
    kept = {k: v for k, v in values.items() if k in _ALWAYS_WRITTEN or v != _SOURCE_DEFAULTS[k]}
    lines = [f"[sources.{source_id}]", *(f"{key} = {_format_value(value)}" for key, value in kept.items())]
    if not channels:
        return "\n".join([*lines, "channels = []", ""])
    return "\n".join([*lines, "channels = [", *(f"  {_format_channel(channel)}," for channel in channels), "]", ""])


def _format_channel(values: dict[str, Any]) -> str:
    return _format_value({k: v for k, v in values.items() if k in ("kind", "url") or v != _CHANNEL_DEFAULTS[k]})


def _format_value(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{key} = {_format_value(item)}" for key, item in value.items() if item is not None)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_format_value, value))}]"
    if isinstance(value, bool | int):
        return str(value).lower()
    return tomlkit.string(value).as_string()


def _append(text: str, entry: str) -> str:
    """`text` with an entry after it, a blank line between, in the line ends of `text`."""
    text = text or _NEW_FILE
    newline = _guess_newline(text)
    gap = newline if text.endswith("\n") else 2 * newline
    return text + gap + entry.replace("\n", newline)


def _switch(text: str, tables: Tables, source_id: str, enabled: bool) -> str:
    """Where there is no such key yet it goes right below the header: at the end of a table, tomlkit would put it
    between the next entry and the comment above that."""
    line = f"enabled = {_format_value(enabled)}"
    if source_id not in tables:
        return _append(text, f"[sources.{source_id}]\n{line}\n")
    header = re.search(_HEADER.format(source_id), text, re.MULTILINE)
    if header and "enabled" not in tables[source_id]:
        return f"{text[: header.end()]}{_guess_newline(text)}{line}{text[header.end() :]}"
    try:
        document = tomlkit.parse(text)
        document["sources"][source_id]["enabled"] = enabled
        return document.as_string()
    except TOMLKitError:  # what tomllib could read
        return ""  # does not pass the check


def _guess_newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _check_edit(text: str, *, expected: Tables, overlay: Path) -> str:
    """`text`, if it reads as intended: TOML may be laid out in a way that an edit cannot follow, as all in braces."""
    try:
        if parse_tables(text, origin=str(overlay)) == expected:
            return text
    except CatalogueError:
        pass
    raise CatalogueError(f"{overlay}: is laid out in a way that cannot be edited safely; edit it by hand")
