"""CSV (RFC 4180) and JSON lines, in UTF-8."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any, ClassVar

from aggregator.exports.cells import make_cell
from aggregator.exports.table import Kind, Layout
from aggregator.exports.values import (
    Convert,
    Values,
    convert_columns,
    read_boolean,
    read_instant,
    read_integer,
    read_list,
    read_real,
    read_text,
)

LIST_SEPARATOR = "; "  # a portal's tags have commas in them
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvStyle:
    """How a program of tables wants it."""

    delimiter: str = ","
    has_bom: bool = False  # without it Excel reads UTF-8 as something else
    decimal_comma: bool = False


# Excel set to Indonesian takes ";" between cells and "," in numbers; "1.5" would be the first of May.
INDONESIAN_EXCEL = CsvStyle(delimiter=";", has_bom=True, decimal_comma=True)


class CsvFile:
    """A header, then a line for each row. Cells are made harmless for programs that calculate."""

    def __init__(self, file: IO[bytes], layout: Layout, style: CsvStyle) -> None:
        self._file = file
        self._columns = layout.columns
        self._lines = io.StringIO(newline="")
        self._writer = csv.writer(self._lines, delimiter=style.delimiter)
        self._convert: dict[Kind, Convert] = {
            Kind.TEXT: _make_text_cell,
            Kind.REAL: _make_comma_cell if style.decimal_comma else read_real,
            Kind.BOOLEAN: _make_boolean_cell,
            Kind.LIST: _make_list_cell,
        }
        if style.has_bom:
            self._lines.write(_BOM)
        self._writer.writerow([column.name for column in self._columns])

    def write(self, values: Values) -> None:
        self._writer.writerows(zip(*convert_columns(values, self._columns, self._convert), strict=True))
        self._pass_on()

    def close(self) -> None:
        self._pass_on()

    def abandon(self) -> None:
        """Nothing is held."""

    def _pass_on(self) -> None:
        self._file.write(self._lines.getvalue().encode("utf-8"))
        self._lines.seek(0)
        self._lines.truncate()


class JsonLinesFile:
    """An object a line, its keys in the order of the columns."""

    _CONVERT: ClassVar[dict[Kind, Convert]] = {
        Kind.TEXT: read_text,
        Kind.INTEGER: read_integer,
        Kind.REAL: read_real,
        Kind.BOOLEAN: read_boolean,
        Kind.INSTANT: read_instant,
        Kind.LIST: read_list,
    }

    def __init__(self, file: IO[bytes], layout: Layout) -> None:
        self._file = file
        self._columns = layout.columns
        self._names = [column.name for column in layout.columns]
        self._encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

    def write(self, values: Values) -> None:
        rows = zip(*convert_columns(values, self._columns, self._CONVERT), strict=True)
        lines = (self._encode(dict(zip(self._names, row, strict=True))) for row in rows)
        self._file.write("".join(f"{line}\n" for line in lines).encode("utf-8"))

    def close(self) -> None:
        """Nothing is held."""

    def abandon(self) -> None:
        """The same."""


def _make_text_cell(value: Any) -> str:
    """Without NUL, at which many programs end a cell."""
    text = value if isinstance(value, str) else read_text(value) or ""
    if text[:1].isalnum() and "\x00" not in text:  # most of them
        return text
    return make_cell(text.replace("\x00", ""))


@lru_cache(maxsize=4_096)
def _make_list_cell(value: Any) -> str:
    return _make_text_cell(LIST_SEPARATOR.join(read_list(value)))


def _make_boolean_cell(value: Any) -> str:
    return "" if value is None else "true" if value else "false"


def _make_comma_cell(value: Any) -> str:
    number = read_real(value)
    return "" if number is None else str(number).replace(".", ",")
