"""`kabarkota sources`: look at the catalogue, and change the operator's part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from aggregator.models import ChannelKind, Source, SourceKind
from crawler.catalogue import (
    Catalogue,
    CatalogueError,
    add_source,
    extend_catalogue,
    format_source,
    load_catalogue,
    parse_source,
    set_enabled,
)
from crawler.catalogue.addresses import check_address, read_host
from crawler.catalogue.places import check_city, check_province, list_provinces
from schedules.commands.context import CommandContext, get_context
from schedules.commands.output import print_json, print_table
from schedules.errors import RunFailure, UsageFailure

app = typer.Typer(help="Look at the sources, add one, switch one on or off.", no_args_is_help=True)

DEFAULT_TERMS = ("apeksi", "smart city", "kota cerdas")

SourceId = Annotated[str, typer.Argument(metavar="ID", help="the source's id, such as antara-gorontalo")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would change, and change nothing")]
Addresses = Annotated[list[str] | None, typer.Option(metavar="URL", help="an address to read; may be given again")]


@app.command("list")
def list_sources(
    ctx: typer.Context,
    *,
    kind: Annotated[SourceKind | None, typer.Option(help="only this kind of publisher")] = None,
    province: Annotated[str | None, typer.Option(help="only this province, such as Gorontalo")] = None,
    city: Annotated[str | None, typer.Option(help="only this home city, such as kota-gorontalo")] = None,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="only those on, or off")] = None,
    json: AsJson = False,
) -> None:
    """List the sources."""
    province = _check_province(province)
    city = city and _check_option("--city", check_city, city)
    sources = [
        source
        for source in _load(get_context(ctx)).sources
        if kind in (None, source.kind)
        and province in (None, source.province)
        and city in (None, source.city)
        and enabled in (None, source.enabled)
    ]
    if json:
        print_json([asdict(source) for source in sources])
    else:
        print_table(["id", "name", "kind", "province", "city", "channels", "enabled"], map(_make_row, sources))


@app.command("show")
def show_source(ctx: typer.Context, source_id: SourceId, *, json: AsJson = False) -> None:
    """Show one source, as an entry of the catalogue."""
    source = _find(_load(get_context(ctx)), source_id)
    if json:
        print_json(asdict(source))
    else:
        typer.echo(format_source(source), nl=False)


@app.command("add")
def add(
    ctx: typer.Context,
    *,
    source_id: Annotated[str, typer.Option("--id", help="lowercase letters, digits and hyphens")],
    name: Annotated[str, typer.Option(help="the publisher's name, for readers")],
    feed: Addresses = None,
    wordpress: Addresses = None,
    sitemap: Addresses = None,
    listing: Addresses = None,
    term: Annotated[
        list[str] | None, typer.Option(metavar="WORDS", help="what to search a WordPress site for; may be given again")
    ] = None,
    domain: Annotated[str | None, typer.Option(help="default: the host of the first address, without www")] = None,
    kind: Annotated[SourceKind, typer.Option(help="who publishes")] = SourceKind.REGIONAL,
    province: Annotated[str | None, typer.Option(help="default: the home city's")] = None,
    city: Annotated[str | None, typer.Option(help="home city, such as kota-gorontalo")] = None,
    timezone: Annotated[str | None, typer.Option(help="default: the home city's, else Asia/Jakarta")] = None,
    language: Annotated[str | None, typer.Option(help="default: id")] = None,
    note: Annotated[str | None, typer.Option(help="anything odd about it, for operators")] = None,
    dry_run: DryRun = False,
) -> None:
    """Add a source to sources.toml in the data folder."""
    context = get_context(ctx)
    addresses = {
        ChannelKind.FEED: feed,
        ChannelKind.WORDPRESS: wordpress,
        ChannelKind.SITEMAP: sitemap,
        ChannelKind.LISTING: listing,
    }
    channels = _describe_channels(addresses, term or list(DEFAULT_TERMS))
    if not channels:
        raise UsageFailure("sources add: give an address with --feed, --wordpress, --sitemap or --listing")
    values = {"name": name, "domain": domain, "kind": kind.value, "province": province, "city": city}
    values |= {"timezone": timezone, "language": language, "note": note}
    with _report_faults(context):
        source = _make_source(source_id, values, channels)
        extend_catalogue(_load(context), source, origin="sources add")
        if dry_run:
            typer.echo(format_source(source), nl=False)
        else:
            add_source(context.source_overlay, source)
            typer.echo(f"Added {source.id} to {context.source_overlay}")


@app.command("enable")
def enable(ctx: typer.Context, source_id: SourceId, *, dry_run: DryRun = False) -> None:
    """Switch a source on."""
    _switch(get_context(ctx), source_id, enabled=True, dry_run=dry_run)


@app.command("disable")
def disable(ctx: typer.Context, source_id: SourceId, *, dry_run: DryRun = False) -> None:
    """Switch a source off. What it brought so far stays."""
    _switch(get_context(ctx), source_id, enabled=False, dry_run=dry_run)


@contextmanager
def _report_faults(context: CommandContext) -> Iterator[None]:
    """A fault in a catalogue is the operator's to mend; a file that cannot be written is a failure of the command."""
    try:
        yield
    except CatalogueError as error:
        raise UsageFailure(str(error)) from error
    except OSError as error:
        raise RunFailure(f"{context.source_overlay}: cannot be written: {error.strerror or error}") from error


def _load(context: CommandContext) -> Catalogue:
    with _report_faults(context):
        return load_catalogue(context.catalogue_path, overlay=context.source_overlay)


def _check_province(name: str | None) -> str | None:
    """As the catalogue spells it. A slip of the pen must not look like a province without sources."""
    spelt = {province.casefold(): province for province in list_provinces()}
    return name and _check_option("--province", check_province, spelt.get(name.casefold(), name))


def _check_option(option: str, check: Callable[[str], str], value: str) -> str:
    try:
        return check(value)
    except ValueError as error:
        raise UsageFailure(f"{option} {value!r}: {error}") from error


def _find(catalogue: Catalogue, source_id: str) -> Source:
    if source := catalogue.get(source_id):
        return source
    meant = get_close_matches(source_id, [source.id for source in catalogue.sources], n=1)
    raise UsageFailure(f"no source {source_id!r}" + (f"; did you mean {meant[0]}?" if meant else ""))


def _make_row(source: Source) -> list[str]:
    kinds = ", ".join(dict.fromkeys(channel.kind.value for channel in source.channels))
    enabled = "yes" if source.enabled else "no"
    return [source.id, source.name, source.kind.value, source.province or "", source.city or "", kinds, enabled]


def _describe_channels(addresses: dict[ChannelKind, list[str] | None], terms: list[str]) -> list[dict[str, Any]]:
    """The channels as a file would have them; only a WordPress site is searched for terms."""
    return [
        {"kind": kind.value, "url": url} | ({"terms": terms} if kind is ChannelKind.WORDPRESS else {})
        for kind, urls in addresses.items()
        for url in urls or ()
    ]


def _make_source(source_id: str, values: dict[str, str | None], channels: list[dict[str, Any]]) -> Source:
    values = values | {"domain": values["domain"] or _guess_domain(channels[0]["url"])}
    given = {key: value for key, value in values.items() if value is not None}
    return parse_source(source_id, given | {"channels": channels}, origin="sources add")


def _guess_domain(url: str) -> str:
    try:
        return read_host(check_address(url)).removeprefix("www.")
    except ValueError as error:
        raise CatalogueError(f"sources add: {url!r}: {error}") from error


def _switch(context: CommandContext, source_id: str, *, enabled: bool, dry_run: bool) -> None:
    source = _find(_load(context), source_id)
    verb = "enable" if enabled else "disable"
    if source.enabled == enabled:
        typer.echo(f"{source.id} is {verb}d already")
    elif dry_run:
        typer.echo(f"Would {verb} {source.id} in {context.source_overlay}")
    else:
        with _report_faults(context):
            set_enabled(context.source_overlay, source.id, enabled)
        typer.echo(f"{verb.capitalize()}d {source.id} in {context.source_overlay}")
