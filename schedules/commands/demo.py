"""`kabarkota demo`: the real pipeline against the sample portals, on loopback: a week of it, and then today."""

from __future__ import annotations

import ipaddress
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from aggregator.settings import AggregatorSettings
from crawler.catalogue import load_catalogue
from crawler.process import CrawlProcess
from crawler.settings import CrawlSettings
from schedules.backfilling import Backfilling, Request
from schedules.commands.run import report_cycle, run_once
from schedules.config import Setup
from schedules.cycle import CycleSummary
from schedules.demo import PortalServer, serve_portals
from schedules.errors import UsageFailure, blame_folder

MARKER = "this-is-the-demo"  # only a folder that holds this file is emptied
DAYS = 6  # before today
BACKFILLED = "jejak-tepian"  # since …
BACKFILLED_DAYS = 30


def run_demo(folder: Path, *, host: str, port: int, once: bool, as_json: bool) -> int:
    """A cycle on each day of a week; then, unless `once`, the pages until stopped. Returns the exit code."""
    _empty_folder(folder)
    now = datetime.now(UTC)
    with serve_portals(now) as portals:
        catalogue = folder / "catalogue.toml"
        portals.write_catalogue(catalogue)
        setup = make_demo_setup(folder, catalogue, site_url=f"http://{host}:{port}/")
        with closing(CrawlProcess()) as process:
            past = play_days(setup, portals, now, process)
            today = run_once(setup, now=now, quiet=as_json, process=process)
        if not as_json:
            typer.echo(
                f"{len(past)} days before today: {sum(day.articles for day in past)} new articles, "
                f"{sum(day.revised for day in past)} revised"
            )
        code = report_cycle(today, as_json=as_json)
        if not as_json:
            typer.echo(f"database: {setup.database}\nfeed:     {setup.public / 'feed.xml'}")
        if not once:
            from schedules.serving import serve_pages_until_stopped

            typer.echo(f"page:     http://{host}:{port}/   (stop with Ctrl-C)")
            serve_pages_until_stopped(setup, host=host, port=port)
    return code


def play_days(setup: Setup, portals: PortalServer, now: datetime, process: CrawlProcess) -> list[CycleSummary]:
    """What would have been gathered had it run for some days, a cycle a day, and a backfill of one portal since.

    Portals show what they showed then; some were down, some changed their articles later. They are left as of `now`.
    """
    cycles = []
    for ago in range(DAYS, 0, -1):
        moment = now - timedelta(days=ago)
        portals.stand_at(moment)
        cycles.append(run_once(setup, now=moment, quiet=True, process=process, alerts=False))
    source = next(each for each in load_catalogue(setup.catalogue_path).sources if each.id == BACKFILLED)
    today = moment.astimezone(ZoneInfo(source.timezone)).date()
    request = Request(source=source, since=today - timedelta(days=BACKFILLED_DAYS), until=today - timedelta(days=DAYS))
    Backfilling(setup, request, clock=lambda: moment, process=process).run()
    portals.stand_at(now)
    return cycles


def make_demo_setup(folder: Path, catalogue: Path, *, site_url: str) -> Setup:
    """Loopback opened, no waiting between requests: these portals are our own."""
    return Setup(
        data_folder=folder,
        catalogue_path=catalogue,
        crawl=CrawlSettings(
            contact="demo@localhost",
            allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
            delay_seconds=0,
            requests_per_domain=32,
            max_requests=200,
        ),
        aggregator=AggregatorSettings(site_url=site_url),
    )


def _empty_folder(folder: Path) -> None:
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
            raise UsageFailure(f"{folder}: not empty and not the demo's own; choose another with --data")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / MARKER).touch()
    except OSError as error:
        raise blame_folder(error, f"{folder}: the demo's folder cannot be written: {error.strerror}") from error
