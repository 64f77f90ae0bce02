"""The formats of exports."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Protocol

from aggregator.exports.choices import Format
from aggregator.exports.table import Layout
from aggregator.exports.text_files import CsvFile, CsvStyle, JsonLinesFile
from aggregator.exports.values import Values

STREAMED = frozenset({Format.CSV, Format.JSONL})  # can be written to a pipe
_ENDINGS = {
    ".csv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".db": Format.SQLITE,
    ".sqlite": Format.SQLITE,
    ".sqlite3": Format.SQLITE,
}


class Writer(Protocol):
    """A file in one of the formats. Either `close` or `abandon` ends it; the file itself is the caller's."""

    def write(self, values: Values) -> None: ...

    def close(self) -> None: ...

    def abandon(self) -> None: ...


def find_format(path: Path | None) -> Format | None:
    """The format of a file's name; None: it tells none."""
    return _ENDINGS.get(path.suffix.lower()) if path else None


def open_writer(kind: Format, path: Path | None, file: IO[bytes], layout: Layout, style: CsvStyle) -> Writer:
    """A writer into `file`, which is at `path`; what is STREAMED needs no path. Raises ExportError, sqlite3.Error."""
    if kind is Format.CSV:
        return CsvFile(file, layout, style)
    if kind is Format.JSONL:
        return JsonLinesFile(file, layout)
    if kind is Format.PARQUET:
        from aggregator.exports.parquet_file import ParquetFile  # loads pyarrow, which takes a while

        return ParquetFile(file, layout)
    from aggregator.exports.database_file import DatabaseFile

    assert path is not None
    return DatabaseFile(path, layout)
