"""`kabarkota sources import` and `export`: OPML, CSV and TSV."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from aggregator.models import Channel, ChannelKind, Source
from crawler.catalogue import Catalogue, add_sources, extend_catalogue
from crawler.catalogue.addresses import make_address_key
from crawler.catalogue.exchange import read_sources, write_opml, write_table
from crawler.catalogue.loading import read_bytes, read_text
from schedules.commands.context import get_context
from schedules.commands.sources_common import DryRun, load, report_faults
from schedules.errors import RunFailure, UsageFailure


class Form(StrEnum):
    OPML = "opml"
    CSV = "csv"
    TSV = "tsv"


FormOption = Annotated[Form | None, typer.Option("--format", help="default: as the file is called")]


def import_sources(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="OPML of a feed reader, or a table as `sources export` writes it")],
    *,
    form: FormOption = None,
    dry_run: DryRun = False,
) -> None:
    """Add the sources of a file to sources.toml in the data folder: all, or none when one is faulty."""
    context = get_context(ctx)
    catalogue = load(context)
    with report_faults(context):
        chosen = _choose_form(form, file)
        text = read_bytes(file) if chosen is Form.OPML else read_text(file)  # XML says its encoding itself
        sources = read_sources(text, chosen.value, origin=str(file), taken=_list_ids(catalogue))
        new = _drop_known(sources, catalogue)
        extend_catalogue(catalogue, *new, origin=str(file))
        if new and not dry_run:
            add_sources(context.source_overlay, new)
    verb = "Would add" if dry_run else "Added"
    known = len(sources) - len(new)
    typer.echo(f"{verb} {len(new)} to {context.source_overlay}; {known} were there already, and are left as they are")


def export_sources(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="where to write; - is stdout")] = "-",
    *,
    form: FormOption = None,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="only those on, or off")] = None,
) -> None:
    """Write the sources as OPML (their feeds), CSV or TSV (all but selectors)."""
    sources = [source for source in load(get_context(ctx)).sources if enabled in (None, source.enabled)]
    chosen = _choose_form(form, Path("-.csv" if file == "-" else file))
    if chosen is Form.OPML:
        sources = [source for source in sources if any(map(is_feed, source.channels))]
        text = write_opml(sources, title="Kabar Kota: sources", now=datetime.now(UTC))
    else:
        text = write_table(sources, "," if chosen is Form.CSV else "\t")
    if file == "-":
        sys.stdout.write(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunFailure(f"{file}: cannot be written: {error.strerror}") from error
    typer.echo(f"Wrote {len(sources)} sources to {file}", err=True)


def is_feed(channel: Channel) -> bool:
    return channel.kind is ChannelKind.FEED


def _choose_form(form: Form | None, file: Path) -> Form:
    ending = {"xml": "opml"}.get(file.suffix[1:].lower(), file.suffix[1:].lower())
    if form is None and ending not in set(Form):
        raise UsageFailure(f"{file}: say what it is with --format opml, csv or tsv")
    return form or Form(ending)


def _list_ids(catalogue: Catalogue) -> set[str]:
    return {source.id for source in catalogue.sources}


def _drop_known(sources: list[Source], catalogue: Catalogue) -> list[Source]:
    """Those without an id or a channel's address that the catalogue has."""
    ids = _list_ids(catalogue)
    addresses = {make_address_key(channel.url) for source in catalogue.sources for channel in source.channels}
    return [
        source
        for source in sources
        if source.id not in ids and addresses.isdisjoint(make_address_key(channel.url) for channel in source.channels)
    ]
