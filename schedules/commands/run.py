"""`kabarkota run`: one cycle under the writer's lock."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import typer

from aggregator.diagnosis import diagnose
from aggregator.store import Store
from crawler.process import CrawlProcess, CrawlProcessError
from schedules.backups import back_up_after_cycle
from schedules.cluster.installed import require_dsn
from schedules.commands.hints import warn_of_gaps
from schedules.config import Setup
from schedules.cycle import CycleSummary, Progress, run_cycle
from schedules.errors import NothingReachable
from schedules.health import look_after_sources
from schedules.lock import hold_writer_lock
from schedules.pinging import ping_and_record
from schedules.quarantines import lift_quarantines
from schedules.snapshots import snapshot_after_cycle
from schedules.tending import tend_if_due

logger = logging.getLogger(__name__)


def run_once(
    setup: Setup,
    *,
    now: datetime,
    due_only: bool = False,
    quiet: bool = False,
    process: CrawlProcess | None = None,
    alerts: bool = True,
    backup: bool = False,
) -> CycleSummary:
    """One cycle under the lock, and what is due beside it; then hubs and alerts are told, and a snapshot is made.

    `process` is a warm crawl process; `backup`: one is made, too, where the newest is a day old.

    Raises WriterBusy, UsageFailure, StoreError, PublishError, CatalogueError."""
    warn_of_gaps(setup)
    with hold_writer_lock(setup.data_folder), Store.open_writer(setup.database) as store, show_progress(quiet) as show:
        lift_quarantines(setup, store, now)
        if setup.cluster.dsn is not None and process is None:
            require_dsn(setup.cluster)
            from schedules.cluster.cycle import run_store_node

            summary = run_store_node(setup, store, now=now, due_only=due_only, progress=show)
        else:
            summary = run_cycle(setup, store, now=now, due_only=due_only, process=process, progress=show)
        tend_if_due(setup, store, now)
        try:
            look_after_sources(setup, store, now, process)
        except CrawlProcessError as error:
            logger.error("no other ways into dead sources were looked for: %s", error)
    ping_and_record(setup, now)
    if alerts:
        from schedules.alerts.bureau import tell_after_cycle

        tell_after_cycle(setup, now)
    snapshot_after_cycle(setup, now)
    if backup and (warning := back_up_after_cycle(setup, now)):
        summary.warnings.append(warning)
    return summary


def bring_up_to_date(setup: Setup) -> None:
    """Brings a database of an older version up to date without keeping a copy of it. Raises as `run_once`."""
    if setup.database.exists():
        with hold_writer_lock(setup.data_folder):
            Store.open_writer(setup.database, keep_old=False).close()


def report_cycle(summary: CycleSummary, *, as_json: bool, strict: bool = False) -> int:
    """Prints the summary; returns the exit code. Raises NothingReachable."""
    if as_json:
        typer.echo(json.dumps(summary.to_json(), ensure_ascii=False))
    else:
        polls = ", ".join(f"{count} {outcome}" for outcome, count in sorted(summary.polls.items()))
        typer.echo(f"{summary.sources} sources, {summary.channels} channels ({polls or 'none due'})")
        gone = f"{summary.gone} deleted by their portals, " if summary.gone else ""
        typer.echo(
            f"{summary.articles} new articles, {summary.revised} revised, {gone}{summary.off_topic} off topic, "
            f"{summary.spam} spam, {summary.failed_pages} failed pages; {summary.new_items} new items, "
            f"{summary.feed_items} in the feed; {summary.seconds} s"
        )
        for held in summary.quarantined:
            typer.echo(f"  {held['source']}: {held['why']}", err=True)
        for failed in summary.failed_sources:
            said = diagnose(failed["reason"])
            typer.echo(f"  {failed['source']}: {said.says} {failed['channel']} ({failed['reason']})", err=True)
            typer.echo(f"    {said.advice}", err=True)
        for warning in summary.warnings:
            typer.echo(f"warning: {warning}", err=True)
    if summary.reached_nothing:
        raise NothingReachable("no source could be reached; is the network up?")
    return 1 if strict and summary.failed_sources else 0


@contextmanager
def show_progress(quiet: bool) -> Iterator[Progress | None]:
    """A progress bar, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("polling")

        def show(done: int, total: int, source_id: str) -> None:
            bar.update(task, completed=done, total=total, description=source_id)

        yield show
