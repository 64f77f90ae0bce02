"""What commands print on stdout: one JSON document, or a table for people and for `cut`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from aggregator.exports.cells import make_cell
from aggregator.printable import make_printable


def print_json(value: Any) -> None:
    """`value` as one JSON document."""
    typer.echo(make_printable(json.dumps(value, ensure_ascii=False, indent=2)))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A drawn table on a terminal; elsewhere lines of tab-separated cells, the names of the columns first, and none of
    them a formula to the program of tables that opens the file."""
    if sys.stdout.isatty():
        _draw_table(columns, rows)
        return
    for row in (columns, *rows):
        typer.echo("\t".join(make_cell(clean_cell(cell)) for cell in row))


def clean_cell(cell: str) -> str:
    """Without what would break a line or a column, or speak to the terminal: names and reasons come from anywhere."""
    return "".join(each if each.isprintable() else " " for each in cell)


def _draw_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, header_style="bold", box=None, pad_edge=False)
    table.columns[0].no_wrap = True  # it identifies the row, and is copied into the next command
    for row in rows:
        table.add_row(*(Text(clean_cell(cell)) for cell in row))  # Text: square brackets in a name are no markup
    Console().print(table)
