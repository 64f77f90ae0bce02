"""Polls many hostile portals in one batch of a real crawl process, so that they overlap, and a sound one among them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from raw_portal import RawPortal, Talk, serve_raw

from aggregator.diagnosis import diagnose
from aggregator.models import Channel, ChannelJob, ChannelKind, CrawlJob, Harvest, Source
from crawler.batch import CrawlBatch
from crawler.overlays import Overlays
from crawler.process import CrawlProcess
from crawler.settings import CrawlSettings


def make_job(name: str, url: str, *, kind: ChannelKind = ChannelKind.FEED, **source: Any) -> CrawlJob:
    channel = Channel(kind=kind, url=url)
    return CrawlJob(
        source=Source(id=name, name="Uji", domain="uji.example", channels=(channel,), **source),
        channels=(ChannelJob(channel_id=1, channel=channel),),
        now=datetime.now(UTC),
    )


def crawl(
    process: CrawlProcess, jobs: Iterable[CrawlJob], *, data_folder: str = "", **limits: Any
) -> dict[str, Harvest]:
    """The harvests by the source's id."""
    options: dict[str, Any] = {
        "allow_networks": (ipaddress.ip_network("127.0.0.1/32"),),
        "delay_seconds": 0,
        "requests_per_domain": 500,
        "timeout_seconds": 30,
    }
    settings = CrawlSettings(**options | limits)
    batch = CrawlBatch(settings=settings, jobs=tuple(jobs), overlays=Overlays(data_folder=data_folder))
    return {harvest.source_id: harvest for harvest in process.crawl(batch)}


def poll_all(process: CrawlProcess, talks: Mapping[str, Talk], **limits: Any) -> dict[str, Harvest]:
    """What came of polling each as a feed, all at once."""
    with ExitStack() as stack:
        portals: dict[str, RawPortal] = {name: stack.enter_context(serve_raw(talk)) for name, talk in talks.items()}
        return crawl(process, (make_job(name, f"{portal.base}/feed") for name, portal in portals.items()), **limits)


def read_code(harvest: Harvest) -> str:
    """The poll's code, as it would be stored; "" where there is nothing to tell."""
    poll = harvest.poll
    return diagnose(poll.reason, poll.http_status).code if poll.reason else ""
