"""The command `kabarkota`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from aggregator.exports.choices import Basis
from aggregator.exports.choices import Format as ExportFormat
from aggregator.heap import end_loading
from aggregator.log import set_up_log
from aggregator.printable import make_printable
from aggregator.replay_stages import Stage
from schedules.commands.context import CommandContext, get_context
from schedules.commands.hints import warn_of_gaps
from schedules.commands.order import OrderedGroup, PlainGroup
from schedules.errors import KabarKotaError, UsageFailure

app = typer.Typer(
    cls=OrderedGroup,
    help="Kabar Kota: regional Indonesian news on APEKSI and smart cities, each piece once, as one feed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # frames of it cost a third of the time until help is there
    add_completion=False,
)
topics = typer.Typer(cls=PlainGroup, help="Try a table of topics.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(topics, name="topics")


class Keep(StrEnum):
    TOPICS = "topics"
    ALL = "all"


class DigestFormat(StrEnum):
    TEXT = "text"
    HTML = "html"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    MARKDOWN = "markdown"
    PRINT = "print"
    DOCX = "docx"
    JSON = "json"


class SearchOrder(StrEnum):
    NEWEST = "newest"
    RELEVANCE = "relevance"


Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="only what came since then: a day (WIB), an instant, 7d")
]
OnlySource = Annotated[str | None, typer.Option("--source", metavar="ID", help="only this source")]
AsJson = Annotated[bool, typer.Option("--json", help="print the summary as one line of JSON")]


@app.callback()
def configure(
    ctx: typer.Context,
    *,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="the configuration file")] = None,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="the data folder")] = None,
    catalogue: Annotated[Path | None, typer.Option(metavar="FILE", help="replaces the built-in catalogue")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="show tracebacks, log everything")] = False,
) -> None:
    """Options that hold for every command; they stand before its name."""
    set_up_log("DEBUG" if debug else "WARNING", thinned=not debug)
    given = {"data": data, "catalogue": catalogue}
    flags = {name: value for name, value in given.items() if value is not None}
    if ctx.invoked_subcommand == "doctor":  # it tells of a broken configuration, and reads it itself
        ctx.obj = CommandContext(data_folder=data or Path(), config=config, flags=flags, debug=debug)
    else:
        ctx.obj = make_context(config, flags, debug=debug)


def make_context(config: Path | None, flags: dict[str, Any], *, debug: bool = False) -> CommandContext:
    """What the commands are given. Raises UsageFailure."""
    from schedules.config import load_setup

    setup = load_setup(config=config, flags=flags)
    return CommandContext(
        data_folder=setup.data_folder,
        catalogue_path=setup.catalogue_path,
        resolved=setup,
        config=config,
        flags=flags,
        debug=debug,
    )


@app.command()
def run(
    ctx: typer.Context,
    *,
    catalogue: Annotated[Path | None, typer.Option(metavar="FILE", help="replaces the built-in catalogue")] = None,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="the data folder")] = None,
    due: Annotated[bool, typer.Option("--due", help="poll only the channels that are due")] = False,
    keep: Annotated[Keep | None, typer.Option(help="`all` keeps every article, on topic or not")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="exit code 1 when a source failed")] = False,
    no_alerts: Annotated[bool, typer.Option("--no-alerts", help="tell no instant alerts")] = False,
    now: Annotated[str | None, typer.Option(metavar="TIME", help="the cycle's clock, ISO 8601 with offset")] = None,
    no_backup: Annotated[
        bool,
        typer.Option(
            "--no-backup", help="make no backup, neither of a day nor before a new version changes the database"
        ),
    ] = False,
    json: AsJson = False,
) -> None:
    """Run one cycle, then exit: what cron calls."""
    from schedules.commands.run import bring_up_to_date, report_cycle, run_once

    context = extend_context(get_context(ctx), {"catalogue": catalogue, "data": data}, keep)
    if no_backup:
        bring_up_to_date(context.setup)
    end_loading()
    summary = run_once(
        context.setup, now=parse_now(now), due_only=due, quiet=json, alerts=not no_alerts, backup=not no_backup
    )
    raise typer.Exit(report_cycle(summary, as_json=json, strict=strict))


@app.command()
def demo(
    ctx: typer.Context,
    *,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="where the demo keeps its database")] = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    once: Annotated[bool, typer.Option("--once", help="exit after the cycle")] = False,
    json: AsJson = False,
) -> None:
    """Run the same code against sample portals on this machine: no network needed."""
    from schedules.commands.demo import run_demo

    folder = data or get_context(ctx).data_folder / "demo"
    raise typer.Exit(run_demo(folder, host=host, port=port, once=once, as_json=json))


@app.command()
def serve(
    ctx: typer.Context,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    catalogue: Annotated[Path | None, typer.Option(metavar="FILE", help="replaces the built-in catalogue")] = None,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="the data folder")] = None,
    no_crawl: Annotated[
        bool,
        typer.Option("--no-crawl", "--no-schedule", help="serve what is there, run no job: cron may, beside it"),
    ] = False,
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="bring a database of an older version up to date without a copy of it")
    ] = False,
) -> None:
    """Gather by the timetable and serve the pages and the feed, until stopped."""
    from schedules.config import load_setup
    from schedules.serving import serve_forever

    context = extend_context(get_context(ctx), {"catalogue": catalogue, "data": data}, None)
    if not no_crawl:
        warn_of_gaps(context.setup)
    serve_forever(
        context.setup,
        host=host,
        port=port,
        crawl=not no_crawl,
        reload=lambda: load_setup(config=context.config, flags=context.flags),
        keep_old=not no_backup,
    )


@app.command()
def worker(ctx: typer.Context) -> None:
    """Crawl for a store node on another machine, until stopped. Needs the extra `cluster`.

    The store node is where `run` or `serve` has the same cluster.dsn; SIGTERM lets a worker finish what it has begun.
    """
    from schedules.commands.cluster import work

    work(get_context(ctx).setup)


@app.command()
def datasette(
    ctx: typer.Context,
    *,
    host: str = "127.0.0.1",
    port: int = 8001,
    snapshot: Annotated[str | None, typer.Option(metavar="FILE|latest", help="not the database, but a copy")] = None,
    base_url: Annotated[str, typer.Option(metavar="PATH", help="where a proxy shows it, such as /datasette/")] = "/",
    private: Annotated[bool, typer.Option("--private", help="full texts and takedowns, too: for this desk")] = False,
    metadata: Annotated[bool, typer.Option("--metadata", help="print what Datasette is told, serve nothing")] = False,
) -> None:
    """Let the database be asked in a browser by Datasette, read-only. Needs the extra `analysis`."""
    from schedules.commands.datasette import run_datasette

    options: dict[str, Any] = {"snapshot": snapshot, "base_url": base_url, "private": private}
    run_datasette(get_context(ctx).setup, host=host, port=port, only_metadata=metadata, **options)


@app.command()
def status(
    ctx: typer.Context,
    *,
    source: Annotated[str | None, typer.Option(metavar="ID", help="all about one source")] = None,
    failing: Annotated[bool, typer.Option("--failing", help="only the channels that fail")] = False,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Say what is polled, late, failing or retired, and why."""
    from schedules.commands.status import show_status

    show_status(get_context(ctx), now=datetime.now(UTC), source_id=source, only_failing=failing, as_json=json)


@app.command(context_settings={"ignore_unknown_options": True})  # -word: what shall not be there
def search(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORD]...", help="all of them; see above")] = None,
    *,
    topic: Annotated[list[str] | None, typer.Option(metavar="NAME", help="such as apeksi")] = None,
    city: Annotated[list[str] | None, typer.Option(metavar="NAME", help="such as kota-gorontalo")] = None,
    province: Annotated[list[str] | None, typer.Option(metavar="NAME", help="such as gorontalo")] = None,
    komwil: Annotated[list[str] | None, typer.Option(metavar="NUMBER", help="1 to 6")] = None,
    kind: Annotated[list[str] | None, typer.Option(metavar="KIND", help="of source, such as city-government")] = None,
    source: Annotated[list[str] | None, typer.Option(metavar="ID", help="a source")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="published since a day (WIB), an instant, or such as 7d, today")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="published until then, the day included")] = None,
    order: Annotated[
        SearchOrder, typer.Option(help="newest first, or the most fitting of the newest 500")
    ] = SearchOrder.NEWEST,
    by_story: Annotated[bool, typer.Option("--by-story", help="one for each event")] = False,
    archive: Annotated[
        bool, typer.Option("--archive/--no-archive", help="with what was old when it was found, and backfills")
    ] = True,
    copies: Annotated[
        bool, typer.Option("--copies", help="every article that has the words, last found first")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, metavar="N", help="so many")] = 20,
    before: Annotated[str | None, typer.Option(metavar="GUID", help="go on after it; with --copies, an id")] = None,
    urls: Annotated[bool, typer.Option("--urls", help="print addresses alone")] = False,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Find news by its words, topic, place, source and time.

    All words are wanted; apek* begins so; -word is not there; "a phrase"; judul:word (title:) and isi:word (text:) in
    the title or the text alone. An option for a name may be given again: either will do.
    """
    from aggregator.feeds import FeedKind
    from schedules.commands.search import SearchRequest, search_news
    from schedules.commands.search_output import print_answer, print_answer_json, print_urls

    if urls and json:
        raise UsageFailure("search: --urls or --json, not both")
    names = {"topic": topic, "city": city, "province": province, "komwil": komwil, "kind": kind, "source": source}
    request = SearchRequest(
        words=words or (),
        filters={FeedKind(key): values for key, values in names.items() if values},
        since=since,
        until=until,
        by_relevance=order is SearchOrder.RELEVANCE,
        by_story=by_story,
        with_archive=archive,
        copies=copies,
        limit=limit,
        before=before,
    )
    answer = search_news(get_context(ctx), request, datetime.now(UTC))
    (print_urls if urls else print_answer_json if json else print_answer)(answer)


@app.command()
def doctor(
    ctx: typer.Context,
    *,
    offline: Annotated[bool, typer.Option("--offline", help="ask nobody on the network")] = False,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Look whether this installation can work, and say what to do; exit code 1 when it cannot."""
    from schedules.commands.doctor import run_doctor

    raise typer.Exit(run_doctor(get_context(ctx), now=datetime.now(UTC), offline=offline, as_json=json))


@app.command()
def extract(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="an HTML page")],
    *,
    url: Annotated[str, typer.Option(help="the page's address")] = "",
    zone: Annotated[str, typer.Option(help="time zone of the portal")] = "Asia/Jakarta",
    now: Annotated[str | None, typer.Option(metavar="TIME", help="relative dates count from here")] = None,
    utc_is_local: Annotated[
        bool, typer.Option("--utc-is-local", help="the portal labels its own clock GMT or UTC")
    ] = False,
    explain: Annotated[bool, typer.Option("--explain", help="show what each stage found and which won")] = False,
    json: AsJson = False,
) -> None:
    """Extract the article of a saved page."""
    from schedules.commands.extract import extract_file

    moment = parse_now(now) if now else None
    extract_file(
        file,
        get_context(ctx).setup,
        url=url,
        zone=zone,
        now=moment,
        utc_is_local=utc_is_local,
        as_json=json,
        explain=explain,
    )


@app.command()
def classify(
    ctx: typer.Context, file: Annotated[str, typer.Argument(metavar="FILE.jsonl|-", help="articles, one a line")]
) -> None:
    """Find the topics, regions and spam of the articles in a file.

    A line is {"id", "title", "text"}, and if you like "summary", "tags", "url", "source" (an id of the catalogue).
    """
    from schedules.commands.classify import classify_file

    classify_file(file, get_context(ctx).setup)


@app.command()
def explain(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="URL|ID", help="an article's address, or its id in the database")],
    other: Annotated[str | None, typer.Argument(metavar="[URL|ID]", help="another article, to compare")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Say why an article is in, or why it is not; with another, what the two share and where they differ."""
    from schedules.commands.explain import explain as explain_address
    from schedules.commands.explain_pair import explain_pair

    if other is not None:
        explain_pair(get_context(ctx).setup, address, other, as_json=json)
    else:
        explain_address(get_context(ctx).setup, address, as_json=json)


@app.command()
def replay(
    ctx: typer.Context,
    *,
    stage: Annotated[list[Stage] | None, typer.Option(help="only this; may be given again; default: all")] = None,
    since: Since = None,
    source: OnlySource = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the differences, and change nothing")] = False,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Judge anew what is kept, after rules or tables changed: all in one transaction, guids untouched."""
    from schedules.commands.replay import replay as replay_kept

    setup = get_context(ctx).setup
    replay_kept(setup, stages=stage or (), since=since, source=source, dry_run=dry_run, as_json=json)


@app.command()
def backfill(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="the source's id")],
    *,
    since: Annotated[str, typer.Option(metavar="DATE", help="the first day, such as 2023-01-31")],
    until: Annotated[str | None, typer.Option(metavar="DATE", help="the last day; default: today")] = None,
    max_requests: Annotated[int | None, typer.Option(min=1, metavar="N", help="stop after so many")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="ask for first pages only, and print the plan")] = False,
    json: AsJson = False,
) -> None:
    """Read back what a source published since a day, into the archives. Run again, it goes on where it stopped."""
    from schedules.commands.backfill import backfill as read_back

    options: dict[str, Any] = {"since": since, "until": until, "max_requests": max_requests}
    raise typer.Exit(read_back(get_context(ctx), source, dry_run=dry_run, as_json=json, **options))


@app.command("prune")
def prune_database(
    ctx: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, and change nothing")] = False,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="then write the file anew, without what is free in it; takes minutes")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Let go what `aggregator.retention` no longer keeps; the service does it each night."""
    from schedules.commands.prune import run_prune

    if dry_run and vacuum:
        raise UsageFailure("prune: --vacuum changes the file, --dry-run nothing; give one of them")
    run_prune(get_context(ctx).setup, datetime.now(UTC), dry_run=dry_run, vacuum=vacuum, as_json=json)


@app.command()
def backup(
    ctx: typer.Context,
    *,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="there, or under its own name in that folder; none is dropped")
    ] = None,
    json: AsJson = False,
) -> None:
    """Make a checked copy of the database, beside a running service, too; the service makes one each night."""
    from schedules.commands.backup import run_backup

    run_backup(get_context(ctx).setup, datetime.now(UTC), to=to, as_json=json)


@app.command()
def restore(
    ctx: typer.Context,
    backup: Annotated[
        str | None, typer.Argument(metavar="[BACKUP]", help="a file, or a name of --list; default: the newest")
    ] = None,
    *,
    listed: Annotated[bool, typer.Option("--list", help="show the backups that there are")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="look the backup through, and change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    json: AsJson = False,
) -> None:
    """Put a backup in the place of the database, which is set aside. Nothing else may be at work."""
    from schedules.commands.restore import run_restore, show_backups

    if listed:
        show_backups(get_context(ctx).setup, datetime.now(UTC), as_json=json)
    else:
        run_restore(get_context(ctx).setup, backup, datetime.now(UTC), dry_run=dry_run, is_sure=yes, as_json=json)


@app.command()
def publish(
    ctx: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="write every file anew")] = False,
    json: AsJson = False,
) -> None:
    """Write what changed into the published files, and tell hubs."""
    from schedules.commands.publish import publish as publish_changes

    publish_changes(get_context(ctx).setup, datetime.now(UTC), everything=everything, as_json=json)


@app.command()
def digest(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="a digest of alerts.toml; default: all")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show it and to whom it would go; send nothing")] = False,
    send: Annotated[bool, typer.Option("--send", help="send it now, whatever the hour")] = False,
    form: Annotated[DigestFormat | None, typer.Option("--format", help="of --dry-run; default: text")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="what came in since then, of one digest"),
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="where --dry-run writes it")] = None,
    json: AsJson = False,
) -> None:
    """Send the digests (kliping) whose hour has come: what cron calls. With --dry-run, show one."""
    from schedules.commands.digest import DigestRequest, run_digest

    request = DigestRequest(name=name, dry_run=dry_run, send=send, form=form, since=since, output=output)
    raise typer.Exit(run_digest(get_context(ctx).setup, request, datetime.now(UTC), as_json=json))


@app.command()
def takedown(
    ctx: typer.Context,
    address: Annotated[str | None, typer.Argument(metavar="URL|ID", help="an article's address, or its id")] = None,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="why; the log keeps it")] = "",
    copies: Annotated[bool, typer.Option("--copies", help="every copy of its text at other portals, too")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="let it be read again")] = False,
    listed: Annotated[bool, typer.Option("--list", help="show what is taken down")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, and change nothing")] = False,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Take an article out of every feed, page and index, and keep it out when it is read again."""
    from schedules.commands.takedown import Request, show_takedowns, take_down

    setup = get_context(ctx).setup
    if listed == (address is not None):
        raise UsageFailure("takedown: give an address or id, or --list")
    if address is None:
        show_takedowns(setup, as_json=json)
        return
    request = Request(address=address, reason=reason, copies=copies, undo=undo, dry_run=dry_run)
    take_down(setup, request, datetime.now(UTC), as_json=json)


@app.command()
def export(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="what: see --list; or `snapshot`")] = None,
    *,
    form: Annotated[ExportFormat | None, typer.Option("--format", help="default: by the file's name, else csv")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="default: to stdout")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="a day (WIB), an instant, 7d, today")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="a day (WIB), included; or an instant")] = None,
    by: Annotated[Basis, typer.Option(help="which time of an article --since and --until are about")] = Basis.PUBLISHED,
    topic: Annotated[list[str] | None, typer.Option(metavar="SLUG", help="may be given again: either will do")] = None,
    city: Annotated[
        list[str] | None, typer.Option(metavar="SLUG", help="such as kota-gorontalo; may be given again")
    ] = None,
    province: Annotated[
        list[str] | None, typer.Option(metavar="SLUG", help="such as jawa-barat; may be given again")
    ] = None,
    komwil: Annotated[list[str] | None, typer.Option(metavar="1-6", help="may be given again")] = None,
    source: Annotated[list[str] | None, typer.Option(metavar="ID", help="may be given again")] = None,
    full_text: Annotated[
        bool, typer.Option("--full-text", help="with the text of articles, not to be passed on")
    ] = False,
    excel: Annotated[
        bool, typer.Option("--excel", help="CSV for Excel set to Indonesian: BOM, ';', decimal comma")
    ] = False,
    delimiter: Annotated[str | None, typer.Option(metavar="SIGN", help="between the cells of CSV: , ; or tab")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace the file where it is there already")] = False,
    listed: Annotated[bool, typer.Option("--list", help="say what can be exported, or of what NAME consists")] = False,
    json: Annotated[bool, typer.Option("--json", help="print the summary, or the list, as JSON")] = False,
) -> None:
    """Write what is known into a file of another program: CSV, JSON lines, Parquet, SQLite."""
    from schedules.commands.export import Request, run_export

    names = {"topic": topic, "city": city, "province": province, "komwil": komwil, "source": source}
    request = Request(
        name=name,
        form=form,
        output=output,
        since=since,
        until=until,
        basis=by,
        names={key: tuple(values) for key, values in names.items() if values},
        full_text=full_text,
        excel=excel,
        delimiter=delimiter,
        force=force,
        listed=listed,
    )
    raise typer.Exit(run_export(get_context(ctx).setup, request, datetime.now(UTC), as_json=json))


@topics.command("test")
def topics_test(
    ctx: typer.Context,
    table: Annotated[Path | None, typer.Argument(help="a table to lie over the built-in one; default: yours")] = None,
    *,
    since: Since = None,
    source: OnlySource = None,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Show what a table of topics would add and remove over all kept pages, before it is applied."""
    from schedules.commands.replay import test_topics

    test_topics(get_context(ctx).setup, table, since=since, source=source, as_json=json)


@app.command()
def dedup(
    file: Annotated[str, typer.Argument(metavar="FILE.jsonl|-", help="articles, one a line")],
    *,
    stories: Annotated[bool, typer.Option("--stories", help="which report the same event, instead")] = False,
) -> None:
    """Find which articles in a file carry the same text.

    A line is {"id", "source", "title", "text"}, and if you like "published" and "url". Prints `id,cluster` as CSV.
    """
    from schedules.commands.dedup import dedup_file

    dedup_file(file, stories=stories)


OrderedGroup.take_over(app)


def extend_context(context: CommandContext, flags: dict[str, Any], keep: Keep | None) -> CommandContext:
    """The context with flags given behind the command's name."""
    more: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    if keep is not None:
        more["crawl"] = {"keep": keep.value}
    return make_context(context.config, {**context.flags, **more}, debug=context.debug) if more else context


def parse_now(text: str | None) -> datetime:
    """The clock given on the command line, else the machine's. Raises UsageFailure."""
    if text is None:
        return datetime.now(UTC)
    try:
        now = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageFailure(f"--now {text}: {error}") from error
    if now.tzinfo is None:
        raise UsageFailure(f"--now {text}: needs an offset, such as {text}+07:00")
    return now


def main() -> None:
    """Runs the command; every expected failure is one line on stderr and an exit code."""
    try:
        app()
    except Exception as error:
        code = find_exit_code(error)
        if code is None:
            raise
        fail(error, code)


def find_exit_code(error: Exception) -> int | None:
    """None: it was not expected."""
    if isinstance(error, KabarKotaError):
        return error.exit_code
    from aggregator.publish.files import PublishError
    from aggregator.reference import TableError
    from aggregator.store import NewerDatabaseError, StoreError
    from crawler.catalogue import CatalogueError
    from crawler.extraction.profiles import ProfileError

    if isinstance(error, (CatalogueError, ProfileError, TableError, NewerDatabaseError)):
        return 2
    return 1 if isinstance(error, (StoreError, PublishError)) else None


def fail(error: Exception, code: int) -> None:
    if "--debug" in sys.argv:
        raise error
    print(f"kabarkota: {make_printable(str(error))}", file=sys.stderr)
    sys.exit(code)
