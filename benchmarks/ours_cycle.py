"""`python -m benchmarks.ours_cycle FOLDER KEEP FEED …`: one cycle into an empty folder, politeness lifted."""

from __future__ import annotations

import ipaddress
import sys
from datetime import UTC, datetime
from pathlib import Path

from aggregator.settings import AggregatorSettings
from crawler.settings import CrawlSettings
from schedules.commands.run import run_once
from schedules.config import Setup


def main(folder: Path, keep: str, feeds: list[str]) -> None:
    folder.mkdir(parents=True)
    catalogue = folder / "catalogue.toml"
    catalogue.write_text(
        "".join(
            f'[sources.portal-{number}]\nname = "Portal {number}"\ndomain = "portal-{number}.example"\n'
            f'channels = [{{ kind = "feed", url = "{feed}" }}]\n'
            for number, feed in enumerate(feeds)
        ),
        encoding="utf-8",
    )
    crawl = CrawlSettings(
        contact="bench@localhost",
        keep="all" if keep == "all" else "topics",
        allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        delay_seconds=0,
        requests_per_domain=32,
        max_requests=1000,
        parser_workers=2,
    )
    setup = Setup(data_folder=folder / "data", catalogue_path=catalogue, crawl=crawl, aggregator=AggregatorSettings())
    summary = run_once(setup, now=datetime.now(UTC), quiet=True)
    assert not summary.failed_sources, summary.failed_sources


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
