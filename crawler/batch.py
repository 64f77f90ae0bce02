"""What goes into a crawl process and comes out of it, one line of JSON each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.models import CrawlJob, Harvest
from aggregator.wire import Codec
from crawler.backfilling.report import ArchiveJob, ArchiveReport
from crawler.overlays import Overlays
from crawler.permits import PermitAnswer, PermitCall
from crawler.probing.report import ProbeJob, ProbeReport
from crawler.settings import CrawlSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawlBatch:
    """The sources to poll in one cycle, or the portals to probe, or what to read of an archive."""

    settings: CrawlSettings
    jobs: tuple[CrawlJob, ...] = ()
    probes: tuple[ProbeJob, ...] = ()
    archives: tuple[ArchiveJob, ...] = ()
    overlays: Overlays = Overlays()  # noqa: RUF009 - frozen
    requests_per_day: int | None = None  # to one host; None: as many as one likes
    left: tuple[tuple[str, int], ...] = ()  # of them, where a host was asked already today
    held: tuple[tuple[str, datetime], ...] = ()  # hosts that may be asked only from then on, after earlier crawls
    needs_permits: bool = False  # other machines crawl, too: no host is asked without a permit
    is_open: bool = False  # more comes while it is crawled, until it is closed


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One line into the crawl process: a batch; or, while it crawls one, what it is told of permits, more for a batch
    that is open (jobs, with what is held and left), or that nothing more comes."""

    batch: CrawlBatch | None = None
    permits: tuple[PermitAnswer, ...] = ()
    more: CrawlBatch | None = None
    closes: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchEnd:
    """The last line of a batch: how many harvests came before it."""

    harvests: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One line out of the crawl process: a harvest, a probe's report, what an archive gave, what it says of permits, or
    the end of the batch."""

    harvest: Harvest | None = None
    probe: ProbeReport | None = None
    archive: ArchiveReport | None = None
    permits: PermitCall | None = None
    end: BatchEnd | None = None


ORDER = Codec(Order)
REPORT = Codec(Report)
