"""Parquet: every column with its type, its description, and the facts of the file beside it. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

from aggregator.exports.table import Column, ExportError, Kind, Layout
from aggregator.exports.values import (
    Convert,
    Values,
    read_boolean,
    read_integer,
    read_list,
    read_real,
    read_text,
)

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:  # the extra is not installed
    pa = pq = None

ROWS_IN_GROUP = 50_000
BYTES_IN_GROUP = 64 << 20  # with full texts they are fewer
# Hardly ever twice the same.
_PLAIN = frozenset({"url", "title", "title_before", "title_now", "text", "summary", "image", "guid", "evidence", "raw"})
_TIMES = frozenset({Kind.INSTANT, Kind.LOCAL, Kind.DATE})
_CONVERT: dict[Kind, Convert] = {Kind.LIST: read_list, Kind.BOOLEAN: read_boolean}
_REPAIR: dict[Kind, Convert] = {Kind.INTEGER: read_integer, Kind.REAL: read_real}
_MISSING = "--format parquet needs pyarrow, which is not installed: pip install 'kabarkota[analysis]'"


class ParquetFile:
    """Rows are turned into columns as they come, and written in groups."""

    def __init__(self, file: IO[bytes], layout: Layout) -> None:
        """Raises ExportError where pyarrow is missing."""
        check_pyarrow()
        self._columns = layout.columns
        self._types = {
            Kind.TEXT: pa.string(),
            Kind.INTEGER: pa.int64(),
            Kind.REAL: pa.float64(),
            Kind.BOOLEAN: pa.bool_(),
            Kind.INSTANT: pa.timestamp("us", tz="UTC"),
            Kind.LOCAL: pa.timestamp("us"),
            Kind.DATE: pa.date32(),
            Kind.LIST: pa.list_(pa.string()),
        }
        self._schema = pa.schema(
            [
                pa.field(each.name, self._types[each.kind], metadata={"description": each.about})
                for each in self._columns
            ],
            metadata={"description": layout.about, **layout.facts},
        )
        self._writer = pq.ParquetWriter(
            file, self._schema, compression="zstd", use_dictionary=_list_repeating(self._columns)
        )
        self._waiting: list[Any] = []
        self._rows = self._bytes = 0

    def write(self, values: Values) -> None:
        arrays = [self._make_array(column, found) for column, found in zip(self._columns, values, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= ROWS_IN_GROUP or self._bytes >= BYTES_IN_GROUP:
            self._write_group()

    def close(self) -> None:
        if self._waiting:
            self._write_group()
        self._writer.close()

    def abandon(self) -> None:
        """What is there is of no use; its library would complain of a file that it was not told to close."""
        with suppress(OSError, ValueError, pa.ArrowException):
            self._writer.close()

    def _write_group(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema), row_group_size=self._rows)
        self._waiting, self._rows, self._bytes = [], 0, 0

    def _make_array(self, column: Column, values: Sequence[Any]) -> Any:
        """Most values are what they should be: the library finds out faster than we would."""
        is_time = column.kind in _TIMES
        kind = pa.string() if is_time else self._types[column.kind]
        if convert := _CONVERT.get(column.kind):
            return pa.array(list(map(convert, values)), type=kind)
        try:
            found = pa.array(values, type=kind)
        except (pa.ArrowException, TypeError):
            found = pa.array(list(map(_REPAIR.get(column.kind, read_text), values)), type=kind)
        return _read_times(found, self._types[column.kind]) if is_time else found


def check_pyarrow() -> None:
    """Raises ExportError where it is not installed."""
    if pa is None:
        raise ExportError(_MISSING)


def _list_repeating(columns: Sequence[Column]) -> list[str]:
    """The columns whose values come again, as Parquet calls them: each is written once a group."""
    texts = [each.name for each in columns if each.kind in (Kind.TEXT, Kind.DATE) and each.name not in _PLAIN]
    return texts + [f"{each.name}.list.element" for each in columns if each.kind is Kind.LIST]


def _read_times(texts: Any, kind: Any) -> Any:
    """What is no time is none."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return pa.concat_arrays([_read_time(text, kind) for text in texts])


def _read_time(text: Any, kind: Any) -> Any:
    with suppress(pa.ArrowInvalid):
        return pa.array([text.as_py()], type=pa.string()).cast(kind)
    return pa.nulls(1, kind)
