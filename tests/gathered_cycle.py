"""One cycle of one machine that takes its harvests in together, in the order of sources: what clusters are compared
with. `python gathered_cycle.py CATALOGUE NOW`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from aggregator.models import Harvest
from aggregator.store import Store
from crawler.batch import CrawlBatch
from crawler.process import CrawlProcess
from schedules import cycle
from schedules.config import load_setup
from schedules.cycle import run_cycle
from schedules.lock import hold_writer_lock


class GatheringProcess(CrawlProcess):
    def crawl(self, batch: CrawlBatch, idle: Callable[[], object] = bool) -> Generator[Harvest]:
        yield from sorted(super().crawl(batch, idle), key=lambda harvest: (harvest.source_id, harvest.poll.channel_id))


def main(catalogue: str, now: str) -> None:
    cycle.NEWS_SECONDS = float("inf")  # all is published together, however slow the machine is
    setup = load_setup(flags={"catalogue": Path(catalogue)})
    with (
        hold_writer_lock(setup.data_folder),
        Store.open_writer(setup.database) as store,
        closing(GatheringProcess()) as process,
    ):
        run_cycle(setup, store, now=datetime.fromisoformat(now), process=process)


if __name__ == "__main__":
    main(*sys.argv[1:])
