"""`kabarkota alerts`: looks at alerts.toml, and tries its targets."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schedules.commands.context import get_context
from schedules.commands.output import print_json, print_table
from schedules.errors import UsageFailure

if TYPE_CHECKING:
    from schedules.alerts.configuration import Alerts
    from schedules.config import Setup

app = typer.Typer(rich_markup_mode=None)  # what help says of it stands in `order.LOADED_LATE`
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document")]


@app.command("list")
def list_alerts(ctx: typer.Context, *, json: AsJson = False) -> None:
    """List digests, alerts and targets."""
    alerts = _load(get_context(ctx).setup, needed=())
    rows = [*_list_told(alerts), *_list_targets(alerts)]
    if json:
        print_json(rows)
    else:
        print_table(
            ("name", "kind", "when", "to"),
            [(row["name"], row["kind"], row["when"], ", ".join(row["to"])) for row in rows],
        )


@app.command()
def check(ctx: typer.Context) -> None:
    """Say whether alerts.toml can be used; exit code 2 when it cannot."""
    from schedules.alerts.filters import check_filters

    setup = get_context(ctx).setup
    alerts = _load(setup)
    check_filters(setup, alerts)
    typer.echo(alerts.describe())


@app.command("test")
def try_name(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="a digest, an alert or a target")],
    *,
    json: AsJson = False,
) -> None:
    """Send a clearly marked test message to the targets of NAME; exit code 1 when one fails."""
    from schedules.alerts.trying import try_targets
    from schedules.commands.digest import check_name

    setup = get_context(ctx).setup
    alerts = _load(setup, needed=())
    check_name(name, {**alerts.digests, **alerts.alerts, **alerts.targets}, "digest, alert or target")
    told = alerts.digests.get(name) or alerts.alerts.get(name)
    alerts = _load(setup, needed=told.to if told is not None else (name,))
    results = try_targets(setup, alerts, name)
    if json:
        print_json(results)
    else:
        for row in results:
            problem = f": {row['reason']}" if row["reason"] else ""
            typer.echo(f"{row['target']} ({row['shown']}): {row['state']}{problem}", err=row["state"] != "sent")
    raise typer.Exit(0 if all(row["state"] == "sent" for row in results) else 1)


@app.command()
def example() -> None:
    """Print an alerts.toml with all keys explained."""
    typer.echo(files("schedules.alerts").joinpath("example.toml").read_text(encoding="utf-8").rstrip())


def _load(setup: Setup, needed: Collection[str] | None = None) -> Alerts:
    from schedules.alerts.configuration import find_alerts_file, load_alerts

    path = find_alerts_file(setup)
    if not path.exists():
        raise UsageFailure(f"{path}: there is none; `kabarkota alerts example` prints one to begin with")
    return load_alerts(path, needed=needed)


def _list_told(alerts: Alerts) -> Iterable[dict[str, Any]]:
    for name, digest in alerts.digests.items():
        when = f"{', '.join(digest.at)} {digest.zone}, {', '.join(digest.days)}"
        yield {"name": name, "kind": "digest", "when": when, "to": [*digest.to]}
    for name, alert in alerts.alerts.items():
        when = f"at once, but for {alert.quiet} {alert.zone}" if alert.quiet else "at once"
        yield {"name": name, "kind": alert.kind, "when": when, "to": [*alert.to]}


def _list_targets(alerts: Alerts) -> Iterable[dict[str, Any]]:
    for name, target in alerts.targets.items():
        yield {"name": name, "kind": "target", "when": "", "to": [target.shown]}
