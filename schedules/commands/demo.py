"""`kabarkota demo`: the real pipeline against the sample portals, on loopback."""

from __future__ import annotations

import ipaddress
import shutil
from datetime import UTC, datetime
from pathlib import Path

import typer

from aggregator.settings import AggregatorSettings
from crawler.settings import CrawlSettings
from schedules.commands.run import report_cycle, run_once
from schedules.config import Setup
from schedules.demo import serve_portals
from schedules.errors import UsageFailure

MARKER = "this-is-the-demo"  # only a folder that holds this file is emptied


def run_demo(folder: Path, *, host: str, port: int, once: bool, as_json: bool) -> int:
    """One cycle over the sample portals; then, unless `once`, the pages until stopped. Returns the exit code."""
    _empty_folder(folder)
    now = datetime.now(UTC)
    with serve_portals(now) as portals:
        catalogue = folder / "catalogue.toml"
        portals.write_catalogue(catalogue)
        setup = make_demo_setup(folder, catalogue, site_url=f"http://{host}:{port}/")
        code = report_cycle(run_once(setup, now=now, quiet=as_json), as_json=as_json)
        if not as_json:
            typer.echo(f"database: {setup.database}\nfeed:     {setup.public / 'feed.xml'}")
        if not once:
            from schedules.service import serve_pages_until_stopped

            typer.echo(f"page:     http://{host}:{port}/   (stop with Ctrl-C)")
            serve_pages_until_stopped(setup, host=host, port=port)
    return code


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
        raise UsageFailure(f"{folder}: the demo's folder cannot be written: {error.strerror}") from error
