"""A crawl process for many tests: starting one takes longer than most of their cycles."""

from __future__ import annotations

import atexit
from datetime import datetime
from functools import cache

from fresh_database import lay_database

from crawler.process import CrawlProcess
from schedules.commands.run import run_once
from schedules.config import Setup
from schedules.cycle import CycleSummary


def run_warm(setup: Setup, *, now: datetime, due_only: bool = False) -> CycleSummary:
    """One cycle, as `kabarkota run` does it. Its limits of the parser are those of the first setup that comes."""
    lay_database(setup.database)
    return run_once(setup, now=now, due_only=due_only, quiet=True, process=get_process())


def get_process() -> CrawlProcess:
    process = _start_process()
    if not process.is_alive:
        _start_process.cache_clear()
        process = _start_process()
    return process


@cache
def _start_process() -> CrawlProcess:
    process = CrawlProcess(log_level="ERROR")
    atexit.register(process.close)
    return process
