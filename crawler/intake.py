"""What a crawl is to poll, by kind of channel, as it comes: all at once, or more and more until it is closed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from itertools import count

from aggregator.models import ChannelJob, ChannelKind, CrawlJob
from crawler.settings import CrawlSettings
from crawler.visit import Visit


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A channel to poll, within the visit to its source."""

    visit: Visit
    job: ChannelJob
    unit: int  # of the batch


class Intake:
    """Hands each kind of channel its assignments. Channels of one source share its visit."""

    def __init__(self, settings: CrawlSettings) -> None:
        self._settings = settings
        self._queues: defaultdict[ChannelKind, asyncio.Queue[Assignment | None]] = defaultdict(asyncio.Queue)
        self._units = count()
        self._closed = asyncio.Event()

    def take(self, jobs: Iterable[CrawlJob]) -> None:
        """Units are numbered in this order."""
        for job in jobs:
            visit = Visit(job=job, settings=self._settings)
            for channel in job.channels:
                assignment = Assignment(visit=visit, job=channel, unit=next(self._units))
                self._queues[channel.channel.kind].put_nowait(assignment)

    def close(self) -> None:
        """Nothing more will come."""
        self._closed.set()
        for queue in self._queues.values():
            queue.put_nowait(None)

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()

    async def wait_closed(self) -> None:
        await self._closed.wait()

    def list_kinds(self) -> list[ChannelKind]:
        """Of which anything has come."""
        return list(self._queues)

    async def iterate(self, kind: ChannelKind) -> AsyncIterator[Assignment]:
        """Until it is closed and all of that kind are handed out; for one spider."""
        queue = self._queues[kind]
        while (assignment := await queue.get()) is not None:
            yield assignment
