"""`kabarkota serve`: the timetable, one writer, and the web server as a process of its own."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from types import FrameType
from typing import Any

from apscheduler.schedulers.blocking import BlockingScheduler

from aggregator.publish.files import PublishError
from aggregator.store import Store, StoreError
from crawler.catalogue import CatalogueError
from crawler.process import CrawlProcess
from schedules.config import Setup
from schedules.cycle import run_cycle
from schedules.errors import UsageFailure
from schedules.lock import hold_writer_lock

logger = logging.getLogger(__name__)

CYCLES_PER_PROCESS = 200  # a warm crawl process is replaced then: what leaks in it is bounded


class Service:
    """Runs due cycles. All jobs run in one thread, so there is one writer."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._crawler: CrawlProcess | None = None

    def poll(self) -> None:
        """One cycle over what is due. A failure is logged; the next tick tries again."""
        try:
            with Store.open_writer(self._setup.database) as store:
                due = store.get_due_channels(datetime.now(UTC))
                if due or store.get_health().last_cycle_finished_at is None:
                    run_cycle(self._setup, store, now=datetime.now(UTC), due_only=True, process=self._get_crawler())
        except (StoreError, PublishError, CatalogueError) as error:
            logger.error("cycle failed: %s", error)

    def close(self) -> None:
        if self._crawler is not None:
            self._crawler.kill()

    def _get_crawler(self) -> CrawlProcess:
        worn = self._crawler is not None and self._crawler.batches >= CYCLES_PER_PROCESS
        if self._crawler is not None and (worn or not self._crawler.is_alive):
            self._crawler.close()
            self._crawler = None
        self._crawler = self._crawler or CrawlProcess()
        return self._crawler


def read_timetable() -> dict[str, Any]:
    """The built-in timetable: job → seconds between two runs."""
    content: dict[str, Any] = tomllib.loads((files("schedules") / "timetable.toml").read_text(encoding="utf-8"))
    return content


def serve_forever(setup: Setup, *, host: str, port: int, crawl: bool) -> None:
    """Serves until SIGINT or SIGTERM. Raises UsageFailure (port taken), WriterBusy."""
    if not crawl:
        serve_pages_until_stopped(setup, host=host, port=port)
        return
    with hold_writer_lock(setup.data_folder):
        Store.open_writer(setup.database).close()  # what is wrong with it is said before anything starts
        service = Service(setup)
        scheduler = BlockingScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            executors={"default": {"type": "threadpool", "max_workers": 1}},
        )
        seconds = read_timetable()["poll"]["every_seconds"]
        soon = datetime.now(UTC) + timedelta(seconds=0.1)
        scheduler.add_job(service.poll, "interval", seconds=seconds, next_run_time=soon, id="poll")
        stop_on_signals(lambda: scheduler.shutdown(wait=False))
        with run_web_server(setup, host=host, port=port):
            try:
                scheduler.start()
            finally:
                service.close()


def serve_pages_until_stopped(setup: Setup, *, host: str, port: int) -> None:
    """The web server alone, until SIGINT or SIGTERM or its own end."""
    with run_web_server(setup, host=host, port=port) as server:
        stop_on_signals(server.terminate)
        server.wait()


@contextmanager
def run_web_server(setup: Setup, *, host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The web server in a process of its own, ended with the block. Raises UsageFailure when the port is taken."""
    check_port(host, port)
    arguments = (setup.database, setup.public, host, port, setup.aggregator.site_url, setup.aggregator.site_name)
    server = subprocess.Popen([sys.executable, "-P", "-m", "aggregator.web", *map(str, arguments)])  # noqa: S603 - our own module
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def check_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise UsageFailure(f"--port {port}: cannot listen on {host}: {error.strerror}") from error


def stop_on_signals(stop: Any) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
