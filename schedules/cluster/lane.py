"""A crawl process that a worker's polls go through, as they come, and the store node's tables for it.

poll ─▶ Lane.poll ─▶ (thread) CrawlProcess.follow ─▶ harvests, one for each channel ─▶ all of a source: done
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pydantic import SecretStr

from aggregator.wire import WireError
from crawler.batch import CrawlBatch
from crawler.clock import system_clock
from crawler.incoming import Incoming
from crawler.overlays import Overlays
from crawler.process import CrawlProcess, CrawlProcessError
from crawler.settings import CrawlSettings
from schedules.cluster.messages import HARVEST, Kit, PollOrder
from schedules.cluster.permit_office import PermitOffice
from schedules.cluster.worker_jobs import PackedHarvest

MOST_POLLS = 5_000  # through one crawl process: what leaks in it is bounded
CLOSE_SECONDS = 5.0
OF_THE_MACHINE = ("parser_workers", "source_address")  # settings that are each worker's, and no kit's

logger = logging.getLogger(__name__)


class LaneEnded(Exception):  # noqa: N818 - named after what happened
    """The poll was not done: the lane was broken off, or its crawl processes died."""


@dataclass
class _UnderWay:
    future: asyncio.Future[tuple[PackedHarvest, ...]]
    missing: set[int]  # channels
    harvests: list[PackedHarvest] = field(default_factory=list)


class Lane:
    """All methods are for the event loop's thread."""

    def __init__(self, kit_id: str, kit: Kit, dsn: SecretStr, own: CrawlSettings) -> None:
        """`own`: of this machine. Raises WireError for a kit that cannot be unpacked."""
        self.kit_id = kit_id
        self._loop = asyncio.get_running_loop()
        self._folder = tempfile.TemporaryDirectory(prefix="kabarkota-kit-")
        overlays = unpack_kit(kit, Path(self._folder.name))
        settings = kit.settings.model_copy(update={name: getattr(own, name) for name in OF_THE_MACHINE})
        self._incoming = Incoming(
            CrawlBatch(settings=settings, overlays=overlays, requests_per_day=kit.requests_per_day)
        )
        self._under_way: dict[str, _UnderWay] = {}
        self._polls = 0
        self._day = system_clock().date()
        self._is_closed = False
        self._process = CrawlProcess(keeper=PermitOffice(dsn, settings))
        self._thread = threading.Thread(target=self._run, name="lane", daemon=True)
        self._thread.start()

    @property
    def is_usable(self) -> bool:
        """Whether it takes polls. It counts what is left of a day's requests to hosts (UTC), so it is of one day."""
        return not self._is_closed and self._polls < MOST_POLLS and system_clock().date() == self._day

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    async def poll(self, order: PollOrder) -> tuple[PackedHarvest, ...]:
        """The harvests of the source's channels. Raises LaneEnded."""
        source_id = order.job.source.id
        while source_id in self._under_way:  # a poll that was given to another worker, and has come back
            await asyncio.wait([self._under_way[source_id].future])
        if self._is_closed:
            raise LaneEnded("it was closed meanwhile")
        self._polls += 1
        under_way = _UnderWay(self._loop.create_future(), {each.channel_id for each in order.job.channels})
        self._under_way[source_id] = under_way
        opening = self._incoming.opening
        self._incoming.add(CrawlBatch(settings=opening.settings, jobs=(order.job,), held=order.held, left=order.left))
        try:
            return await under_way.future
        finally:
            self._under_way.pop(source_id, None)

    def close(self) -> None:
        """It takes no more, and ends when all is done."""
        if not self._is_closed:
            self._is_closed = True
            self._incoming.close()

    def interrupt(self) -> None:
        """What is under way is broken off."""
        self.close()
        self._process.interrupt()

    async def join(self) -> None:
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        reason = "its crawl process has ended"
        try:
            for harvest in self._process.follow(self._incoming):
                channel_id, pages = harvest.poll.channel_id, len(harvest.pages)
                packed = PackedHarvest(channel_id=channel_id, pages=pages, body=HARVEST.pack(harvest))
                self._loop.call_soon_threadsafe(self._note, harvest.source_id, packed)
        except CrawlProcessError as error:
            reason = str(error)
        except Exception as error:
            logger.exception("a lane failed")
            reason = f"internal error: {error!r}"
        finally:
            self._process.close(CLOSE_SECONDS)
            self._folder.cleanup()
            self._loop.call_soon_threadsafe(self._end, reason)

    def _note(self, source_id: str, harvest: PackedHarvest) -> None:
        under_way = self._under_way.get(source_id)
        if under_way is None:
            return
        under_way.harvests.append(harvest)
        under_way.missing.discard(harvest.channel_id)
        if not under_way.missing and not under_way.future.done():
            under_way.future.set_result(tuple(under_way.harvests))

    def _end(self, reason: str) -> None:
        self._is_closed = True
        for under_way in self._under_way.values():
            if not under_way.future.done():
                under_way.future.set_exception(LaneEnded(reason))


def unpack_kit(kit: Kit, folder: Path) -> Overlays:
    """Writes the operator's tables into the folder. Raises WireError where they would lie elsewhere."""

    def write(name: str, content: str | None) -> str | None:
        if content is None:
            return None
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise WireError(f"kit: a file outside of its folder: {name!r}")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        return str(target)

    for name, content in kit.certificates:
        write(name, content)
    return Overlays(
        topics=write("topics.toml", kit.topics),
        profiles=write("profiles.toml", kit.profiles),
        data_folder=str(folder),
    )
