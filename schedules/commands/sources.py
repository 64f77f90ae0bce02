"""`kabarkota sources`: look at the catalogue, and change the operator's part of it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from aggregator.models import ChannelKind, Source, SourceKind
from aggregator.quarantine import announce, describe
from crawler.catalogue import (
    CatalogueError,
    add_source,
    extend_catalogue,
    format_source,
    parse_source,
    set_enabled,
)
from crawler.catalogue.addresses import check_address, read_host
from crawler.catalogue.places import check_city, check_province, list_provinces
from schedules.commands.context import CommandContext, get_context
from schedules.commands.output import print_json, print_table
from schedules.commands.sources_common import AsJson, DryRun, SourceId, check_option, find, load, report_faults
from schedules.commands.sources_exchange import export_sources, import_sources
from schedules.commands.sources_probe import probe, probe_new
from schedules.errors import UsageFailure
from schedules.probing import TERMS
from schedules.quarantines import ask_to_lift, find_quarantine

app = typer.Typer(rich_markup_mode=None)  # what help says of it stands in `order.LOADED_LATE`

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
    city = city and check_option("--city", check_city, city)
    sources = [
        source
        for source in load(get_context(ctx)).sources
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
    context = get_context(ctx)
    source = find(load(context), source_id)
    if json:
        print_json(asdict(source))
    else:
        typer.echo(format_source(source), nl=False)
    if held := find_quarantine(context.data_folder, source.id, datetime.now(UTC)):
        print(f"kabarkota: {source.id} is {announce(held)}", file=sys.stderr)


@app.command("add")
def add(
    ctx: typer.Context,
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="a portal's address: it is probed first")] = None,
    *,
    source_id: Annotated[str | None, typer.Option("--id", help="lowercase letters, digits and hyphens")] = None,
    name: Annotated[str | None, typer.Option(help="the publisher's name, for readers")] = None,
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
    timezone: Annotated[str | None, typer.Option(help="default: the home city's, else as probed, else WIB")] = None,
    language: Annotated[str | None, typer.Option(help="default: id")] = None,
    note: Annotated[str | None, typer.Option(help="anything odd about it, for operators")] = None,
    dry_run: DryRun = False,
) -> None:
    """Add a source to sources.toml in the data folder: one that is probed now (URL), or the channels given."""
    context = get_context(ctx)
    addresses = {
        ChannelKind.FEED: feed,
        ChannelKind.WORDPRESS: wordpress,
        ChannelKind.SITEMAP: sitemap,
        ChannelKind.LISTING: listing,
    }
    channels = _describe_channels(addresses, term or list(TERMS))
    values: dict[str, Any] = {"name": name, "domain": domain, "kind": kind.value, "province": province, "city": city}
    values |= {"timezone": timezone, "language": language, "note": note}
    given = {key: value for key, value in values.items() if value is not None}
    catalogue = load(context)
    city = city and check_option("--city", check_city, city)  # before the network is asked
    _check_province(province)
    if url is None:
        if not channels:
            raise UsageFailure(
                "sources add: give a portal's URL, or an address with --feed, --wordpress, --sitemap or --listing"
            )
        if source_id is None or name is None:
            raise UsageFailure("sources add: without a URL to probe, --id and --name are needed")
        with report_faults(context):
            given.setdefault("domain", _guess_domain(channels[0]["url"]))
        given["channels"] = channels
    elif channels:
        raise UsageFailure("sources add: a URL to probe and channels of your own exclude each other")
    else:
        probed = probe_new(context, catalogue, url)
        source_id = source_id or probed.pop("id")
        given = {key: value for key, value in probed.items() if key != "id"} | given
        if city and timezone is None:
            given.pop("timezone", None)
    with report_faults(context):
        source = parse_source(source_id, given, origin="sources add")
        extend_catalogue(catalogue, source, origin="sources add")
        if dry_run:
            typer.echo(format_source(source), nl=False)
        else:
            add_source(context.source_overlay, source)
            typer.echo(f"Added {source.id} to {context.source_overlay}")


app.command("probe")(probe)
app.command("import")(import_sources)
app.command("export")(export_sources)


@app.command("enable")
def enable(ctx: typer.Context, source_id: SourceId, *, dry_run: DryRun = False) -> None:
    """Switch a source on; one that is quarantined is read again with the next cycle, within a minute."""
    _switch(get_context(ctx), source_id, enabled=True, dry_run=dry_run)


@app.command("disable")
def disable(ctx: typer.Context, source_id: SourceId, *, dry_run: DryRun = False) -> None:
    """Switch a source off. What it brought so far stays."""
    _switch(get_context(ctx), source_id, enabled=False, dry_run=dry_run)


def _check_province(name: str | None) -> str | None:
    """As the catalogue spells it. A slip of the pen must not look like a province without sources."""
    spelt = {province.casefold(): province for province in list_provinces()}
    return name and check_option("--province", check_province, spelt.get(name.casefold(), name))


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


def _guess_domain(url: str) -> str:
    try:
        return read_host(check_address(url)).removeprefix("www.")
    except ValueError as error:
        raise CatalogueError(f"sources add: {url!r}: {error}") from error


def _switch(context: CommandContext, source_id: str, *, enabled: bool, dry_run: bool) -> None:
    source = find(load(context), source_id)
    verb = "enable" if enabled else "disable"
    held = find_quarantine(context.data_folder, source.id, datetime.now(UTC)) if enabled else None
    if held is not None:
        typer.echo(f"{source.id} was quarantined {describe(held)}")
        if not dry_run:
            ask_to_lift(context.data_folder, source.id)
    if source.enabled == enabled:
        typer.echo(f"{source.id} is {verb}d already")
    elif dry_run:
        typer.echo(f"Would {verb} {source.id} in {context.source_overlay}")
    else:
        with report_faults(context):
            set_enabled(context.source_overlay, source.id, enabled)
        typer.echo(f"{verb.capitalize()}d {source.id} in {context.source_overlay}")
