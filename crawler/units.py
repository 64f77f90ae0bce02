"""The units of a batch: what can be asked for apart from the rest, when a crawl process dies of it. PURE.

A unit is a channel, a portal to probe, or a page or article of an archive. Each kind knows how to make a batch of some
of them, whose report is which, and what to report of one that is given up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeVar

from aggregator.models import ChannelJob, CrawlJob, Harvest, LinkFailure, Poll, PollOutcome
from crawler.backfilling.report import ArchiveFailure, ArchiveReport
from crawler.batch import CrawlBatch, Report
from crawler.politeness import host_of
from crawler.probing.report import ProbeReport

R = TypeVar("R")


class Units(ABC, Generic[R]):
    """The units of `batch`, by number. `R` is what is reported of them."""

    def __init__(self, batch: CrawlBatch) -> None:
        self.batch = batch

    @abstractmethod
    def list_numbers(self) -> range:
        """All of them."""

    @abstractmethod
    def cut(self, numbers: Collection[int]) -> CrawlBatch:
        """The batch of these alone, in which they keep their order."""

    @abstractmethod
    def read(self, report: Report) -> tuple[R, Sequence[int]] | None:
        """What is reported, and of which units; None where it is no report on a unit of the batch."""

    @abstractmethod
    def give_up(self, number: int, reason: str, at: datetime) -> R:
        """What is reported of a unit that crawl processes die of."""


class ChannelUnits(Units[Harvest]):
    def __init__(self, batch: CrawlBatch) -> None:
        super().__init__(batch)
        self._channels = [(job, channel) for job in batch.jobs for channel in job.channels]
        self._numbers = {
            (job.source.id, channel.channel_id): number for number, (job, channel) in enumerate(self._channels)
        }

    def list_numbers(self) -> range:
        return range(len(self._channels))

    def cut(self, numbers: Collection[int]) -> CrawlBatch:
        wanted = {self._channels[number][1].channel_id for number in numbers}
        jobs = (
            replace(job, channels=tuple(each for each in job.channels if each.channel_id in wanted))
            for job in self.batch.jobs
        )
        return replace(self.batch, jobs=tuple(job for job in jobs if job.channels))

    def read(self, report: Report) -> tuple[Harvest, Sequence[int]] | None:
        harvest = report.harvest
        number = self._numbers.get((harvest.source_id, harvest.poll.channel_id)) if harvest else None
        return (harvest, (number,)) if harvest is not None and number is not None else None

    def give_up(self, number: int, reason: str, at: datetime) -> Harvest:
        return make_failure(*self._channels[number], reason, at, kills=1)


def make_failure(job: CrawlJob, channel: ChannelJob, reason: str, at: datetime, *, kills: int = 0) -> Harvest:
    """The harvest of a channel that was not polled."""
    poll = Poll(
        channel_id=channel.channel_id,
        outcome=PollOutcome.FAILED,
        started_at=at,
        finished_at=at,
        reason=reason,
        host=host_of(channel.channel.url),
        kills=kills,
    )
    return Harvest(source_id=job.source.id, poll=poll)


class ProbeUnits(Units[ProbeReport]):
    def list_numbers(self) -> range:
        return range(len(self.batch.probes))

    def cut(self, numbers: Collection[int]) -> CrawlBatch:
        return replace(self.batch, probes=tuple(self.batch.probes[number] for number in sorted(numbers)))

    def read(self, report: Report) -> tuple[ProbeReport, Sequence[int]] | None:
        probe = report.probe
        found = [number for number, job in enumerate(self.batch.probes) if probe and job.source.id == probe.source_id]
        return (probe, found) if probe and found else None

    def give_up(self, number: int, reason: str, at: datetime) -> ProbeReport:
        job = self.batch.probes[number]
        return ProbeReport(source_id=job.source.id, url=job.url, probed_at=job.now, reason=reason, kills=1)


class ArchiveUnits(Units[ArchiveReport]):
    """Of the one job of the batch: the page, or each of the articles. One report is of all that were asked for."""

    def __init__(self, batch: CrawlBatch) -> None:
        super().__init__(batch)
        (self._job,) = batch.archives
        self._asked: Sequence[int] = ()

    def list_numbers(self) -> range:
        return range(max(1, len(self._job.links)))

    def cut(self, numbers: Collection[int]) -> CrawlBatch:
        self._asked = sorted(numbers)
        if not self._job.links:
            return self.batch
        links = tuple(self._job.links[number] for number in self._asked)
        return replace(self.batch, archives=(replace(self._job, links=links),))

    def read(self, report: Report) -> tuple[ArchiveReport, Sequence[int]] | None:
        return (report.archive, self._asked) if report.archive is not None else None

    def give_up(self, number: int, reason: str, at: datetime) -> ArchiveReport:
        if not self._job.links:
            return ArchiveReport(failure=ArchiveFailure(reason=reason, is_unreadable=True), kills=1)
        link = self._job.links[number]
        return ArchiveReport(failures=(LinkFailure(url=link.url, link=link, reason=reason, permanent=True),), kills=1)


def join_reports(reports: Iterable[ArchiveReport]) -> ArchiveReport | None:
    """What several parts of one job gave, as one report; None of none."""
    joined: ArchiveReport | None = None
    for part in reports:
        joined = part if joined is None else _join(joined, part)
    return joined


def _join(first: ArchiveReport, second: ArchiveReport) -> ArchiveReport:
    return replace(
        second,
        requests=first.requests + second.requests,
        traffic=first.traffic + second.traffic,
        pages=first.pages + second.pages,
        failures=first.failures + second.failures,
        failure=first.failure or second.failure,
        robots=first.robots + second.robots,
        kills=first.kills + second.kills,
    )
