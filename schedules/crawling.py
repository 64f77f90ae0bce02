"""Starting crawl processes of this machine."""

from __future__ import annotations

from crawler.process import CrawlProcess
from schedules.cluster.installed import require_dsn
from schedules.config import Setup


def start_crawler(setup: Setup) -> CrawlProcess:
    """A crawl process; where workers crawl, too, it asks no host without a permit.

    Raises CrawlProcessError, UsageFailure.
    """
    if setup.cluster.dsn is None:
        return CrawlProcess()
    dsn = require_dsn(setup.cluster)
    from schedules.cluster.permit_office import PermitOffice

    return CrawlProcess(keeper=PermitOffice(dsn, setup.crawl))
