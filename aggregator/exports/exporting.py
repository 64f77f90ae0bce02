"""Exports: from the question to the file.

question ─▶ checked against the export ─▶ one transaction: count, rows ─▶ writer ─▶ the file is whole
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from aggregator.export_rows import is_by_day, list_filters
from aggregator.exports.choices import Format
from aggregator.exports.formats import STREAMED, open_writer
from aggregator.exports.question import Question, check_filters, check_names
from aggregator.exports.table import Export, ExportError, Layout, make_layout
from aggregator.exports.target import is_stream, wrap_target, write_whole
from aggregator.exports.text_files import CsvStyle
from aggregator.instants import to_text
from aggregator.schema import VERSION
from aggregator.store import Store, StoreError

Progress = Callable[[int, int | None], object]  # rows so far, rows expected where that is known


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be exported, and how."""

    export: Export
    question: Question = field(default_factory=Question)
    format: Format = Format.CSV
    style: CsvStyle = field(default_factory=CsvStyle)
    full_text: bool = False


def export_to_file(
    store: Store, order: Order, path: Path, now: datetime, *, replace: bool = False, progress: Progress | None = None
) -> int:
    """Writes a file, whole or not at all; returns the rows. What is a pipe or a device is written as it comes.

    Reads the database as it is at the beginning, whoever is writing. Raises ExportError, StoreError, TargetError.
    """
    if is_stream(path):
        _check_streamed(order.format)
        with wrap_target(path), path.open("wb") as file:
            return export_to_stream(store, order, file, now, progress=progress)
    with _read(store, order, now) as layout, write_whole(path, replace=replace) as (place, file):
        return _write(store, order, layout, path=place, file=file, progress=progress)


def export_to_stream(
    store: Store, order: Order, file: IO[bytes], now: datetime, *, progress: Progress | None = None
) -> int:
    """The same to where nothing can be taken back. Raises ExportError, StoreError, OSError."""
    _check_streamed(order.format)
    with _read(store, order, now) as layout:
        rows = _write(store, order, layout, path=None, file=file, progress=progress)
        file.flush()
        return rows


def check_question(store: Store, export: Export, question: Question) -> Question:
    """The question with its names as they are known. Raises ExportError, StoreError."""
    check_filters(export.name, question, list_filters(export), needs_days=is_by_day(export))
    names = {name: check_names(name, values, store.list_known(name)) for name, values in question.names.items()}
    return Question(since=question.since, until=question.until, basis=question.basis, names=names)


def describe_export(store: Store, export: Export) -> Layout:
    """What its files hold. Raises ExportError, StoreError."""
    return make_layout(export, store.get_schema_docs(), {})


@contextmanager
def _read(store: Store, order: Order, now: datetime) -> Iterator[Layout]:
    """All that is read within sees the database as it is now."""
    with store.snapshot():
        version = store.get_info().get("schema_version")
        if version != VERSION:
            raise StoreError(f"{store.path}: views of version {version}, not {VERSION}; the next cycle writes ours")
        facts = {
            "made_by": "kabarkota",
            "made_at": to_text(now),
            "export": order.export.name,
            "schema_version": VERSION,
            **{f"filter_{name}": value for name, value in order.question.filters.items()},
        }
        yield make_layout(order.export, store.get_schema_docs(), facts, full_text=order.full_text)


def _write(
    store: Store, order: Order, layout: Layout, *, path: Path | None, file: IO[bytes], progress: Progress | None
) -> int:
    question = check_question(store, order.export, order.question)
    columns = [column.name for column in layout.columns]
    total = store.count_export(order.export, question) if progress and order.export.counted else None
    done = 0
    writer = open_writer(order.format, path, file, layout, order.style)
    try:
        for values in store.iterate_export(order.export, columns, question):
            writer.write(values)
            done += len(values[0])
            if progress:
                progress(done, total)
        writer.close()
    except BaseException:
        writer.abandon()
        raise
    return done


def _check_streamed(kind: Format) -> None:
    if kind not in STREAMED:
        raise ExportError(f"--format {kind} needs a file: --output NAME")
