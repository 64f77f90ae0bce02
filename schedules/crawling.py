"""Starting crawl processes of this machine."""

from __future__ import annotations

from crawler.process import CrawlProcess
from crawler.settings import CrawlSettings
from crawler.source_address import find_fault
from schedules.cluster.installed import require_dsn
from schedules.config import Setup
from schedules.errors import UsageFailure


def start_crawler(setup: Setup) -> CrawlProcess:
    """A crawl process; where workers crawl, too, it asks no host without a permit.

    Raises CrawlProcessError, UsageFailure.
    """
    check_source_address(setup.crawl)
    if setup.cluster.dsn is None:
        return CrawlProcess()
    dsn = require_dsn(setup.cluster)
    from schedules.cluster.permit_office import PermitOffice

    return CrawlProcess(keeper=PermitOffice(dsn, setup.crawl))


def check_source_address(crawl: CrawlSettings) -> None:
    """Raises UsageFailure where nothing can be asked from it."""
    if fault := find_fault(crawl):
        raise UsageFailure(fault)
