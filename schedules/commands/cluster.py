"""`kabarkota cluster` and `kabarkota worker`: crawling on several machines. Needs the extra `cluster`."""

from __future__ import annotations

from typing import Annotated

import typer

from schedules.cluster.installed import require_dsn
from schedules.commands.context import get_context
from schedules.commands.order import PlainGroup
from schedules.commands.output import print_json
from schedules.config import Setup

app = typer.Typer(
    cls=PlainGroup,
    help="Prepare and look at the PostgreSQL between store node and workers.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def init(ctx: typer.Context) -> None:
    """Make the schema in the database that cluster.dsn names; nothing is done where it is there."""
    dsn = require_dsn(get_context(ctx).setup.cluster)
    from schedules.cluster.postgres import SCHEMA, connect, init_schema

    with connect(dsn) as connection:
        made = init_schema(connection)
    typer.echo(f"the schema {SCHEMA} {'is made' if made else 'is there, and of this version'}")


@app.command()
def status(
    ctx: typer.Context, *, json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False
) -> None:
    """Say what waits in the queue, which workers work, and how old the oldest harvest is."""
    setup = get_context(ctx).setup
    dsn = require_dsn(setup.cluster)
    from schedules.cluster.postgres import connect
    from schedules.cluster.status import read_status

    with connect(dsn) as connection:
        found = read_status(connection, stalled_seconds=setup.cluster.stalled_seconds)
    if json:
        print_json(found.to_json())
        return
    typer.echo(f"store node: {found.program or 'none yet'}")
    typer.echo(
        f"polls: {found.waiting} wait (the oldest for {found.lag_seconds:.0f} s), {found.under_way} under way,"
        f" {found.failed} failed"
    )
    typer.echo(
        f"harvests: {found.harvests} wait (the oldest for {found.oldest_harvest_seconds:.0f} s,"
        f" {found.harvest_bytes / 1e6:.1f} MB), {found.aside} set aside"
    )
    for aside in found.reasons:
        typer.echo(f"  {aside.source}: {aside.reason} ({aside.id})")
    typer.echo(f"workers: {found.alive} alive")
    for worker in found.workers:
        state = "silent" if not worker.is_alive else "leaving" if worker.is_leaving else "working"
        typer.echo(
            f"  {worker.name}: {state}, {worker.under_way} under way, {worker.polls} polls, {worker.articles} pages;"
            f" heard of {worker.silent_seconds:.0f} s ago; {worker.program}"
        )


def work(setup: Setup) -> None:
    """`kabarkota worker`. Raises UsageFailure, RunFailure."""
    require_dsn(setup.cluster)
    from schedules.cluster.worker import run_worker

    run_worker(setup)
