"""Changes the operator's own catalogue file, and nothing in it but what was asked for: comments stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

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
    """Write a new entry at the end of `overlay`; see `add_sources`."""
    add_sources(overlay, [source])


def add_sources(overlay: Path, sources: Sequence[Source]) -> None:
    """Write new entries at the end of `overlay`, all or none, making the file (and its folder) if need be.

    Whether the sources agree with the catalogue below is `extend_catalogue`'s question. Raises CatalogueError when
    the file has an entry with one of their ids, or cannot be read as TOML; OSError when it cannot be written.
    """
    entries = [format_source(source) for source in sources]
    added = parse_tables("\n".join(entries), origin=str(overlay))
    for source_id, table in added.items():
        parse_source(source_id, table, origin=str(overlay))

    def change(text: str) -> str:
        tables = parse_tables(text, origin=str(overlay))
        for source_id in added:
            if source_id in tables:
                raise CatalogueError(f"{overlay}: sources.{source_id}: the file has an entry with this id")
        for entry in entries:
            text = _append(text, entry)
        return _check_edit(text, expected=tables | added, overlay=overlay)

    edit_file(overlay, change)


def set_enabled(overlay: Path, source_id: str, enabled: bool) -> None:
    """Switch a source on or off in `overlay`; see `set_keys`."""
    set_keys(overlay, source_id, {"enabled": enabled})


def set_keys(overlay: Path, source_id: str, values: Mapping[str, Any]) -> None:
    """Set keys of a source in `overlay`, which gets an entry with just these if it has none.

    `values`: keys and values as an entry of the catalogue has them. Whether there is such a source is the caller's
    question. Raises CatalogueError for a bad id or when the file cannot be read as TOML; OSError when it cannot be
    written.
    """
    try:
        check_slug(source_id)
    except ValueError as error:
        raise CatalogueError(f"{overlay}: sources.{source_id!r}: {error}") from error
    lines = "".join(f"{line}\n" for line in _format_keys(values))
    wanted = parse_tables(f"[sources.{source_id}]\n{lines}", origin=str(overlay))[source_id]

    def change(text: str) -> str:
        tables = parse_tables(text, origin=str(overlay))
        table = tables.get(source_id, {})
        if not isinstance(table, dict):
            raise CatalogueError(f"{overlay}: sources.{source_id}: must be a table, not {table!r:.60}")
        expected = tables | {source_id: {**table, **wanted}}
        return _check_edit(_set(text, tables, source_id, wanted, lines), expected=expected, overlay=overlay)

    edit_file(overlay, change)


def describe_channels(source: Source) -> list[dict[str, Any]]:
    """The channels of a source as values for `set_keys`: keys that have their default are left out."""
    return [_drop_defaults(asdict(channel)) for channel in source.channels]


def format_source(source: Source) -> str:
    """The entry of a source, as TOML. Keys that have their default are left out, for the reader's sake."""
    values = asdict(source)
    source_id = values.pop("id")
    kept = {k: v for k, v in values.items() if k in _ALWAYS_WRITTEN or v != _SOURCE_DEFAULTS[k]}
    kept["channels"] = describe_channels(source)
    return "\n".join([f"[sources.{source_id}]", *_format_keys(kept), ""])


def _format_keys(values: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a table; its channels, one a line, come last."""
    for key in sorted(values, key=lambda key: key == "channels"):
        value = values[key]
        if key == "channels" and value:
            yield "channels = ["
            yield from (f"  {_format_value(channel)}," for channel in value)
            yield "]"
        else:
            yield f"{key} = {_format_value(value)}"


def _drop_defaults(channel: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in channel.items() if k in ("kind", "url") or v != _CHANNEL_DEFAULTS[k]}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()}


def _format_value(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{key} = {_format_value(item)}" for key, item in value.items() if item is not None)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_format_value, value))}]"
    if isinstance(value, bool | int):
        return str(value).lower()
    import tomlkit

    return tomlkit.string(value).as_string()


def _append(text: str, entry: str) -> str:
    """`text` with an entry after it, a blank line between, in the line ends of `text`."""
    text = text or _NEW_FILE
    newline = _guess_newline(text)
    gap = newline if text.endswith("\n") else 2 * newline
    return text + gap + entry.replace("\n", newline)


def _set(text: str, tables: Tables, source_id: str, values: Tables, lines: str) -> str:
    """Where there are no such keys yet they go right below the header: at the end of a table, tomlkit would put them
    between the next entry and the comment above that."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    if source_id not in tables:
        return _append(text, f"[sources.{source_id}]\n{lines}")
    header = re.search(_HEADER.format(source_id), text, re.MULTILINE)
    newline = _guess_newline(text)
    if header and not values.keys() & tables[source_id].keys():
        return f"{text[: header.end()]}{newline}{lines.rstrip().replace(chr(10), newline)}{text[header.end() :]}"
    try:
        document = tomlkit.parse(text)
        written = tomlkit.parse(lines)
        for key in values:
            document["sources"][source_id][key] = written[key]
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
