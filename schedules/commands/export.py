"""`kabarkota export`: what is known, as a file of another program. It only reads, and holds no lock."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import IO

import typer

from aggregator.export_rows import list_filters
from aggregator.exports.choices import Basis, Format
from aggregator.exports.exporting import (
    Order,
    Progress,
    describe_export,
    export_to_file,
    export_to_stream,
)
from aggregator.exports.formats import find_format
from aggregator.exports.question import Question
from aggregator.exports.table import Export, ExportError, find_export, load_exports
from aggregator.exports.target import TargetError, is_stream
from aggregator.exports.text_files import INDONESIAN_EXCEL, CsvStyle
from aggregator.processes import LOCK_FILE
from aggregator.replacing import ASIDE, READY
from aggregator.store import Store
from aggregator.takedown_log import LOG_FILE
from aggregator.web.downloads import FOLDER
from schedules.commands.export_snapshot import INTERRUPTED, export_snapshot
from schedules.commands.figures import format_bytes
from schedules.commands.opening import check_database, check_schema
from schedules.commands.output import print_json, print_table
from schedules.commands.time_options import read_since, read_until
from schedules.config import Setup
from schedules.errors import RunFailure, UsageFailure
from schedules.signals import heed_end
from schedules.snapshot_files import is_of_snapshot

SNAPSHOT = "snapshot"
STDOUT = Path("-")
_DELIMITERS = {",": ",", ";": ";", "tab": "\t", "\t": "\t", "\\t": "\t"}
_FULL_TEXT = (
    "kabarkota: the texts belong to their publishers: they are for your own work, and may be passed on only where the"
    " source allows it (sources.full_text)"
)
_OWN_NAMES = {LOCK_FILE, LOG_FILE, READY, "backups", "pages"}  # in the data folder
_NOBODY_READS = 141  # exit code, as of a process that the signal ended


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command line asks for."""

    name: str | None
    form: Format | None = None
    output: Path | None = None
    since: str | None = None
    until: str | None = None
    basis: Basis = Basis.PUBLISHED
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    full_text: bool = False
    excel: bool = False
    delimiter: str | None = None
    force: bool = False
    listed: bool = False

    @property
    def path(self) -> Path | None:
        """None: standard output."""
        return None if self.output is None or self.output == STDOUT else self.output


def run_export(setup: Setup, request: Request, now: datetime, *, as_json: bool) -> int:
    """Exports, or lists what can be; returns the exit code. Raises UsageFailure, RunFailure, StoreError."""
    try:
        if request.name == SNAPSHOT:
            if request != Request(name=SNAPSHOT):
                raise UsageFailure(f"{SNAPSHOT} takes no option but --json")
            return export_snapshot(setup, now, as_json=as_json)
        if request.listed:
            _list(setup, request.name, as_json=as_json)
            return 0
        if request.name is None:
            raise UsageFailure("export: name what; `kabarkota export --list` tells what there is")
        return _export(setup, request, find_export(request.name), now, as_json=as_json)
    except ExportError as error:
        raise UsageFailure(str(error)) from error
    except TargetError as error:
        raise RunFailure(str(error)) from error


def _export(setup: Setup, request: Request, export: Export, now: datetime, *, as_json: bool) -> int:
    order = _make_order(request, export, now)
    path = request.path
    if as_json and (path is None or is_stream(path)):
        raise UsageFailure("--json tells of a file: --output NAME")
    check_database(setup.database)
    if path is not None:
        _check_place(path, setup, full_text=order.full_text)
    if order.full_text:
        typer.echo(_FULL_TEXT, err=True)
    began = time.monotonic()
    try:
        with heed_end(), Store.open_reader(setup.database) as store, show_progress(export.name, path) as show:
            check_schema(store)
            if path is None:
                with _guard_stdout() as file:
                    export_to_stream(store, order, file, now, progress=show)
                return 0
            rows = export_to_file(store, order, path, now, replace=request.force, progress=show)
    except KeyboardInterrupt:
        typer.echo("kabarkota: interrupted; nothing was written", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # as with `| head`
        return _NOBODY_READS
    _report(path, rows, time.monotonic() - began, order, as_json=as_json)
    return 0


def _make_order(request: Request, export: Export, now: datetime) -> Order:
    """Raises ExportError, UsageFailure."""
    kind = request.form or find_format(request.path) or Format.CSV
    if kind is not Format.CSV and (request.excel or request.delimiter is not None):
        raise UsageFailure(f"--excel and --delimiter are of csv, not of {kind}")
    if request.full_text and not export.full_text:
        having = " and ".join(name for name, each in load_exports().items() if each.full_text)
        raise UsageFailure(f"--full-text does not apply to {export.name}, but to {having}")
    question = Question(
        since=read_since(request.since, now),
        until=read_until(request.until, now),
        basis=request.basis,
        names=request.names,
    )
    return Order(export=export, question=question, format=kind, style=_make_style(request), full_text=request.full_text)


def _make_style(request: Request) -> CsvStyle:
    style = INDONESIAN_EXCEL if request.excel else CsvStyle()
    if request.delimiter is None:
        return style
    delimiter = _DELIMITERS.get(request.delimiter)
    if delimiter is None:
        raise UsageFailure(f"--delimiter {request.delimiter[:20]!r}: one of , ; and tab")
    return replace(style, delimiter=delimiter, decimal_comma=style.decimal_comma and delimiter != ",")


def _check_place(path: Path, setup: Setup, *, full_text: bool) -> None:
    """Raises UsageFailure where a file of ours would be lost, or full texts be served."""
    folder, real = Path(os.path.realpath(setup.data_folder)), Path(os.path.realpath(path))
    if not real.is_relative_to(folder) or real == folder:
        return
    parts = real.relative_to(folder).parts
    if parts[0] == setup.database.name or parts[0].startswith(f"{setup.database.name}-"):
        raise UsageFailure(f"{path}: is the database itself")
    is_ours = parts[0] in _OWN_NAMES or parts[0].startswith(ASIDE) or parts[0].endswith(".toml")
    if is_ours or (parts[0] == setup.public.name and parts[1] != FOLDER):
        raise UsageFailure(f"{path}: {parts[0]} is kept by Kabar Kota itself; write elsewhere")
    if parts[0] == setup.public.name and (full_text or is_of_snapshot(parts[-1])):
        problem = "full texts may not be served" if full_text else "is of the nightly snapshot"
        raise UsageFailure(f"{path}: {problem}; write elsewhere")


@contextmanager
def _guard_stdout() -> Iterator[IO[bytes]]:
    """Standard output; what it does not take any more is let go, so that nothing complains at the end.

    Raises RunFailure, BrokenPipeError.
    """
    try:
        yield sys.stdout.buffer
    except OSError as error:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise RunFailure(f"standard output: {error.strerror or error}") from error


@contextmanager
def show_progress(name: str, path: Path | None) -> Iterator[Progress | None]:
    """A bar on a terminal, unless the rows themselves go there."""
    if not sys.stderr.isatty() or (path is None and sys.stdout.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None, rows="")

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, rows=f"{done:,} rows")

        yield show


# ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _report(path: Path, rows: int, seconds: float, order: Order, *, as_json: bool) -> None:
    if is_stream(path):
        return
    size = path.stat().st_size
    if not as_json:
        typer.echo(f"{path}: {rows:,} rows, {format_bytes(size)}, {seconds:.1f} s")
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    print_json(
        {
            "export": order.export.name,
            "format": order.format.value,
            "filters": order.question.filters,
            "file": str(path),
            "rows": rows,
            "bytes": size,
            "sha256": digest,
            "seconds": round(seconds, 2),
        }
    )


def _list(setup: Setup, name: str | None, *, as_json: bool) -> None:
    """What can be exported; or the columns of one."""
    if name is not None:
        _list_columns(setup, find_export(name), as_json=as_json)
        return
    told = [
        {"name": each.name, "of": each.relation, "filters": [f"--{key}" for key in _list_filters(each)]}
        for each in load_exports().values()
    ]
    if as_json:
        print_json(told)
    else:
        print_table(("name", "of", "filters"), [(str(t["name"]), str(t["of"]), " ".join(t["filters"])) for t in told])


def _list_columns(setup: Setup, export: Export, *, as_json: bool) -> None:
    check_database(setup.database)
    with Store.open_current_reader(setup.database) as store:
        layout = describe_export(store, export)
    if as_json:
        columns = [{"name": each.name, "type": each.kind.value, "about": each.about} for each in layout.columns]
        print_json({"name": export.name, "about": layout.about, "key": export.key, "columns": columns})
        return
    typer.echo(layout.about)
    print_table(("column", "type", "what it is"), [(each.name, each.kind, each.about) for each in layout.columns])


def _list_filters(export: Export) -> list[str]:
    filters = list_filters(export)
    usual = ("since", "until", "topic", "city", "province", "komwil", "source")
    return [name for name in usual if name in filters] + (["by"] if Basis.FOUND in filters else [])
