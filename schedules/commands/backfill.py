"""`kabarkota backfill`: what a source published since a day, from its archive into ours."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import typer

from aggregator.archives import Way
from aggregator.models import Source
from aggregator.quarantine import announce
from crawler.process import CrawlProcessError
from schedules.backfill_preview import Preview, preview
from schedules.backfilling import Backfilling, BackfillSummary, Progress, Request
from schedules.commands.context import CommandContext
from schedules.commands.hints import warn_without_contact
from schedules.commands.sources_common import find, load
from schedules.config import Setup
from schedules.errors import NothingReachable, RunFailure, UsageFailure, WriterBusy
from schedules.quarantines import find_quarantine

EARLIEST = date(1995, 1, 1)  # what claims to be older is not believed anyway
REASONS_SHOWN = 20
INTERRUPTED = 130  # what shells expect after Ctrl-C

Clock = Callable[[], datetime]


def get_now() -> datetime:
    return datetime.now(UTC)


def backfill(
    context: CommandContext,
    source_id: str,
    *,
    since: str,
    until: str | None = None,
    max_requests: int | None = None,
    dry_run: bool = False,
    as_json: bool = False,
    clock: Clock = get_now,
) -> int:
    """Reads on as far as it may, prints how it went, and returns the exit code.

    Raises UsageFailure, WriterBusy, RunFailure, NothingReachable, StoreError, PublishError.
    """
    catalogue = load(context)
    source = find(catalogue, source_id)
    if source.discovery:
        raise UsageFailure(f"{source_id}: a search engine has no archive of its own")
    request = make_request(source, since, until, max_requests, clock())
    warn_without_contact(context.setup)
    try:
        if dry_run:
            if held := find_quarantine(context.data_folder, source.id, clock()):
                raise RunFailure(f"{source_id}: {announce(held)}")
            print_preview(preview(context.setup, request, clock()), as_json=as_json)
            return 0
        with show_progress(context.setup, quiet=as_json) as show:
            summary = Backfilling(context.setup, request, clock=clock, watch=show).run()
    except CrawlProcessError as error:
        raise RunFailure(f"{source_id}: {error}; what was written stays, run the same command again") from error
    except WriterBusy as error:
        raise WriterBusy(f"{error}; stop `serve`, or wait until a cycle is done, then run this again") from error
    report(summary, as_json=as_json)
    if summary.reached_nothing:
        raise NothingReachable(f"{source_id}: {summary.stopped or 'no request was answered'}")
    return INTERRUPTED if summary.stopped == "interrupted" else 0


def make_request(source: Source, since: str, until: str | None, max_requests: int | None, now: datetime) -> Request:
    """What is asked for. Raises UsageFailure naming the option."""
    first = read_day("--since", since)
    last = read_day("--until", until) if until else None
    today = now.astimezone(ZoneInfo(source.timezone)).date()
    if first > today:
        raise UsageFailure(f"--since {since}: lies in the future")
    if first < EARLIEST:
        raise UsageFailure(f"--since {since}: before {EARLIEST.year} no date is believed")
    if last is not None and last < first:
        raise UsageFailure(f"--until {until}: lies before --since {since}")
    return Request(source=source, since=first, until=last, max_requests=max_requests)


def read_day(option: str, text: str) -> date:
    """Raises UsageFailure."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageFailure(f"{option} {text}: not a day; write it as 2023-01-31") from error


def report(summary: BackfillSummary, *, as_json: bool) -> None:
    """The summary, for people or as one line of JSON; what could not be read goes to stderr."""
    if as_json:
        typer.echo(json.dumps(summary.to_json(), ensure_ascii=False))
        return
    days = f"since {summary.since}" + (f" until {summary.until}" if summary.until else "")
    how = "finished" if summary.finished else f"not finished: {summary.stopped}"
    typer.echo(f"{summary.source} {days}: {how}")
    for way in _join_sitemaps(summary.ways):
        if way["pages"]:
            back = f", back to {way['oldest']}" if way["oldest"] else ""
            what = way["term"] or way["url"]
            typer.echo(f"  {way['way']:<11} {what}: {way['pages']} pages, {way['links']} entries{back}")
    typer.echo(
        f"{summary.requests} requests ({summary.requests_of_run} now), {summary.archive_pages} pages of archives; "
        f"{summary.seen} entries seen, {summary.read} articles read, {summary.kept} kept ({summary.kept_in_run} now), "
        f"{summary.outside} outside the days, {summary.failed} failed, {summary.waiting} waiting; "
        f"earliest {summary.earliest or 'unknown'}"
    )
    told = [way for way in summary.ways if way["reason"]]
    for way in told[:REASONS_SHOWN]:
        typer.echo(f"  {way['way']} {way['term'] or way['url']}: {way['state']}: {way['reason']}", err=True)
    if len(told) > REASONS_SHOWN:
        typer.echo(f"  and {len(told) - REASONS_SHOWN} more; --json tells all", err=True)


def _join_sitemaps(ways: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ways, the files of sitemaps as one: a portal may have thousands of them."""
    files = [way for way in ways if way["way"] == Way.SITEMAP and way["pages"]]
    others = [way for way in ways if way["way"] != Way.SITEMAP]
    if not files:
        return others
    joined = {
        **files[0],
        "pages": len(files),
        "links": sum(way["links"] for way in files),
        "oldest": min((way["oldest"] for way in files if way["oldest"]), default=""),
    }
    return [*others, joined]


def print_preview(found: Preview, *, as_json: bool) -> None:
    """What a dry run found."""
    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False))
        return
    typer.echo(f"{found.source} since {found.since}: nothing was written (--dry-run)")
    for way in found.ways:
        what = way["term"] or way["url"]
        said = way["reason"] or f"{way['links']} entries on the first page, about {way['pages_left']} more pages"
        typer.echo(f"  {way['way']:<11} {what}: {said}")
    typer.echo(f"about {found.requests_left} requests, {format_span(found.seconds_left)}; {found.requests} made now")


def format_span(seconds: float) -> str:
    """ "40 s", "12 min", "3.5 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


@contextmanager
def show_progress(setup: Setup, *, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A progress bar with an estimate of what remains, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[left]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("planning", total=None, left="")

        def show(progress: Progress) -> None:
            left = f"{progress.kept} kept, about {progress.requests_left} requests, "
            left += format_span(progress.requests_left * max(setup.crawl.delay_seconds, 0.1))
            back = f" (back to {progress.oldest})" if progress.oldest else ""
            total = progress.requests + progress.requests_left
            bar.update(task, completed=progress.requests, total=total, description=f"{progress.doing}{back}", left=left)

        yield show
