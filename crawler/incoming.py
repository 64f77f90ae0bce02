"""Sources to poll that come one by one, and what is under way of them: for a crawl without an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from queue import SimpleQueue

from aggregator.models import CrawlJob, Harvest
from crawler.batch import CrawlBatch

GRACE_SECONDS = 600.0  # beyond the time of a visit: its last requests wait for hosts and permits, its pages for parsers


class Incoming:
    """Filled by one thread, emptied by others, until it is closed."""

    def __init__(self, opening: CrawlBatch) -> None:
        """`opening`: settings, overlays and budget, which are the same for all that comes."""
        self._opening = replace(opening, jobs=(), is_open=True)
        self._queue: SimpleQueue[CrawlBatch | None] = SimpleQueue()
        self._is_closed = False
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], tuple[CrawlJob, float]] = {}  # by source and channel; since when
        settings = opening.settings
        self._longest = settings.visit_seconds + settings.timeout_seconds + GRACE_SECONDS

    @property
    def opening(self) -> CrawlBatch:
        return self._opening

    def add(self, more: CrawlBatch) -> None:
        """Jobs, with what is held and left; a channel that is under way must not come again."""
        self._queue.put(more)

    def close(self) -> None:
        """Nothing more comes."""
        self._is_closed = True
        self._queue.put(None)

    def send_all(self, send: Callable[[CrawlBatch], object], is_wanted: Callable[[], bool]) -> bool:
        """Hands over what comes, until it is closed or no longer wanted; whether it is closed."""
        while not (self._is_closed and self._queue.empty()):  # whoever was told may have died of it
            more = self._queue.get()
            is_empty = more is not None and not more.jobs
            with self._lock:  # what is noted now is among what `take_left` takes, or was not wanted
                if not is_wanted():
                    if not is_empty:
                        self._queue.put(more)  # for the next; the order of sources is nobody's concern
                    return False
                begun = time.monotonic()
                for job in more.jobs if more is not None else ():
                    for channel in job.channels:
                        self._under_way[job.source.id, channel.channel_id] = (job, begun)
            if more is None:
                return True
            if not is_empty:
                send(more)
        return True

    def wake(self) -> None:
        """Has `send_all` look whether it is still wanted."""
        self._queue.put(replace(self._opening, is_open=False))

    def note_done(self, harvest: Harvest) -> bool:
        """Whether it was under way."""
        with self._lock:
            return self._under_way.pop((harvest.source_id, harvest.poll.channel_id), None) is not None

    def is_stuck(self) -> bool:
        """Whether a source takes longer than any may."""
        with self._lock:
            oldest = min((begun for _, begun in self._under_way.values()), default=None)
        return oldest is not None and time.monotonic() - oldest > self._longest

    def take_left(self) -> CrawlBatch:
        """What is under way, as a batch; it no longer is."""
        with self._lock:
            left, self._under_way = self._under_way, {}
        jobs: dict[str, CrawlJob] = {}
        for (source_id, channel_id), (job, _) in left.items():
            known = jobs.get(source_id, replace(job, channels=()))
            channel = next(each for each in job.channels if each.channel_id == channel_id)
            jobs[source_id] = replace(known, channels=(*known.channels, channel))
        return replace(self._opening, is_open=False, jobs=tuple(jobs.values()))
