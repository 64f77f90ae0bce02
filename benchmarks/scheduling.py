"""What it costs to keep track of 100,000 channels: `python -m benchmarks.scheduling [--channels N] [--json]`.

A catalogue of made-up sources, their channels spread over the usual interval. Measured are the start of a process that
finds its catalogue unchanged, claiming what is due, and a minute's polls, all of which bring nothing new, from the
claim to the row and the next date: the very code of a cycle, with the crawl left out. Whatever the minute leaves
overdue is counted as missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.ingest import Ingest
from aggregator.models import Harvest, HostTraffic, Poll, PollOutcome
from aggregator.pages import PageFolder
from aggregator.settings import AggregatorSettings
from aggregator.store import Store
from aggregator.topics import load_topics
from crawler.settings import CrawlSettings
from schedules.config import Setup
from schedules.cycle import hold_back, make_jobs, refresh_catalogue

CHANNELS = 100_000
NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def make_setup(folder: Path) -> Setup:
    return Setup(
        data_folder=folder,
        catalogue_path=folder / "catalogue.toml",
        crawl=CrawlSettings(),
        aggregator=AggregatorSettings(),
    )


def prepare(folder: Path, channels: int) -> None:
    """The catalogue, read once, and every channel with a date in the next quarter of an hour."""
    entries = (
        f'[sources.p{n}]\nname = "Portal {n}"\ndomain = "p{n}.example"\n'
        f'channels = [{{ kind = "feed", url = "https://p{n}.example/feed" }}]\n'
        for n in range(channels)
    )
    setup = make_setup(folder)
    (folder / "catalogue.toml").write_text("".join(entries), encoding="utf-8")
    with Store.open_writer(setup.database) as store:
        refresh_catalogue(setup, store)
        with store.transaction():
            store.postpone((number, NOW + MINUTE * (15 * number / channels)) for number in range(1, channels + 1))


def measure(folder: Path) -> dict[str, Any]:
    """The figures, in the process that calls it: its memory counts."""
    setup = make_setup(folder)
    began = time.perf_counter()
    with Store.open_writer(setup.database) as store:
        refresh_catalogue(setup, store)
        store.get_due_channels(NOW - MINUTE)
        restart = time.perf_counter() - began
        until = NOW + MINUTE
        began = time.perf_counter()
        due = store.get_due_channels(until)
        claim = (time.perf_counter() - began) / len(due)
        began = time.process_time()
        _poll(setup, store, until)
        polls = (time.process_time() - began) / len(due)
        missed = len(store.get_due_channels(until))
    return {
        "due": len(due),
        "missed": missed,
        "restart_seconds": round(restart, 3),
        "claim_ms": round(claim * 1000, 4),
        "poll_cpu_ms": round(polls * 1000, 3),
        "memory_mib": round(_read_peak() / 1024, 1),
    }


def _read_peak() -> int:
    """Most memory of this process, in KiB; getrusage would count what its parent had when it forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def _poll(setup: Setup, store: Store, now: datetime) -> None:
    """A cycle whose crawl finds that nothing has changed."""
    due = store.get_due_channels(now)
    sources = store.get_sources({row.source_id for row in due})
    rows = {row.id: row for row in hold_back(setup, store, due, sources, now)}
    ingest = Ingest(
        store,
        sources=sources,
        settings=setup.aggregator,
        topics=load_topics(None),
        pages=PageFolder(setup.data_folder / "pages"),
        keep_all=False,
        now=now,
    )
    cycle = store.start_cycle(now)
    for job in make_jobs(store, rows.values(), sources, now, crawl=setup.crawl):
        for channel in job.channels:
            traffic = HostTraffic(host=f"{job.source.domain}", requests=1, bytes=200, free_at=now)
            poll = Poll(
                channel_id=channel.channel_id,
                outcome=PollOutcome.UNCHANGED,
                started_at=now,
                finished_at=now,
                http_status=304,
                requests=1,
                traffic=(traffic,),
            )
            ingest.write(Harvest(source_id=job.source.id, poll=poll), cycle, rows[channel.channel_id])
    store.finish_cycle(cycle, now, {})


def run(channels: int) -> dict[str, Any]:
    """Prepares in this process, and measures in a fresh one."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), channels)
        command = [sys.executable, "-m", "benchmarks.scheduling", "--measure", folder]
        measured = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(measured.stdout)
    return {"channels": channels, **figures}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    figures = run(options.channels)
    if not options.json:
        for name, value in figures.items():
            print(f"{name:16}  {value:>10,}")
    print(json.dumps({"scheduling": figures}))


if __name__ == "__main__":
    main()
