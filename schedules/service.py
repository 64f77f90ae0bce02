"""`kabarkota serve`: the timetable, one writer, and the web server as a process of its own."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from types import FrameType
from typing import Any, Self

from apscheduler.schedulers.blocking import BlockingScheduler

from aggregator.publish.files import PublishError
from aggregator.store import Store, StoreError
from crawler.catalogue import CatalogueError
from crawler.extraction.profiles import ProfileError
from crawler.process import CrawlProcess, CrawlProcessError
from schedules.config import Setup
from schedules.cycle import run_cycle
from schedules.errors import UsageFailure
from schedules.lock import hold_writer_lock
from schedules.probing import probe_unprobed
from schedules.tending import tend

logger = logging.getLogger(__name__)

CYCLES_PER_PROCESS = 200  # a warm crawl process is replaced then: what leaks in it is bounded
WATCH_SECONDS = 5  # between two looks at the web server


class Service:
    """Runs due cycles. All jobs run in one thread, so there is one writer."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._crawler: CrawlProcess | None = None
        self._is_stopping = False

    def poll(self) -> None:
        """One cycle over what is due. A failure is logged; the next tick tries again."""
        try:
            with Store.open_writer(self._setup.database) as store:
                now = datetime.now(UTC)
                if self._is_stopping:
                    return
                if store.get_due_channels(now) or store.get_health().last_cycle_finished_at is None:
                    run_cycle(self._setup, store, now=now, due_only=True, process=self._get_crawler())
        except (StoreError, PublishError, CatalogueError, ProfileError) as error:
            logger.error("cycle failed: %s", error)

    def probe(self) -> None:
        """Looks at a few sources that nobody looked at yet. A failure is logged; their turn comes again."""
        try:
            with Store.open_writer(self._setup.database) as store:
                if not self._is_stopping:
                    for report in probe_unprobed(self._setup, store, datetime.now(UTC), self._get_crawler()):
                        logger.info("probed %s", report.source_id)
        except (StoreError, CatalogueError, CrawlProcessError, OSError) as error:
            logger.error("probes failed: %s", error)

    def tend(self) -> None:
        """The nightly look back. A failure is logged; the next night tries again."""
        try:
            with Store.open_writer(self._setup.database) as store:
                if not self._is_stopping:
                    tend(self._setup, store, datetime.now(UTC))
        except (StoreError, PublishError) as error:
            logger.error("looking back failed: %s", error)

    def stop(self) -> None:
        """Cuts a running cycle short: what has arrived is kept and published. For signal handlers."""
        self._is_stopping = True
        if self._crawler is not None:
            self._crawler.interrupt()

    def close(self) -> None:
        """Call when no cycle is running any more."""
        if self._crawler is not None:
            self._crawler.close()

    def _get_crawler(self) -> CrawlProcess:
        worn = self._crawler is not None and self._crawler.batches >= CYCLES_PER_PROCESS
        if self._crawler is not None and (worn or not self._crawler.is_alive):
            self._crawler.close()
            self._crawler = None
        self._crawler = self._crawler or CrawlProcess()
        if self._is_stopping:  # the signal came meanwhile
            self._crawler.interrupt()
        return self._crawler


def read_timetable() -> dict[str, Any]:
    """The built-in timetable: job → its settings."""
    content: dict[str, Any] = tomllib.loads((files("schedules") / "timetable.toml").read_text(encoding="utf-8"))
    return content


def serve_forever(setup: Setup, *, host: str, port: int, crawl: bool) -> None:
    """Serves until SIGINT or SIGTERM. Raises UsageFailure (port taken), WriterBusy."""
    web = WebServer(setup, host=host, port=port)
    if not crawl:
        serve_pages_until_stopped(web)
        return
    with hold_writer_lock(setup.data_folder):
        Store.open_writer(setup.database).close()  # what is wrong with it is said before anything starts
        service = Service(setup)
        scheduler = make_scheduler(service, web)

        def stop() -> None:
            service.stop()
            scheduler.shutdown(wait=True)  # the lock must outlive the cycle

        stop_on_signals(stop)
        with web:
            try:
                scheduler.start()
            finally:
                service.close()


def make_scheduler(service: Service, web: WebServer) -> BlockingScheduler:
    """The jobs of the timetable, and the watch over the web server."""
    scheduler = BlockingScheduler(
        timezone=UTC,
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        executors={
            "default": {"type": "threadpool", "max_workers": 1},  # whatever writes
            "watch": {"type": "threadpool", "max_workers": 1},
        },
    )
    timetable = read_timetable()
    soon = datetime.now(UTC) + timedelta(seconds=0.1)
    scheduler.add_job(
        service.poll, "interval", seconds=timetable["poll"]["every_seconds"], next_run_time=soon, id="poll"
    )
    scheduler.add_job(service.probe, "interval", seconds=timetable["probe"]["every_seconds"], id="probe")
    hour, minute = timetable["tend"]["at"].split(":")
    scheduler.add_job(service.tend, "cron", hour=hour, minute=minute, timezone=timetable["tend"]["zone"], id="tend")
    scheduler.add_job(web.revive, "interval", seconds=WATCH_SECONDS, executor="watch", id="watch")
    return scheduler


def serve_pages_until_stopped(web: WebServer) -> None:
    """The web server alone, until SIGINT or SIGTERM."""
    stopped = threading.Event()
    stop_on_signals(stopped.set)
    with web:
        while not stopped.wait(WATCH_SECONDS):
            web.revive()


class WebServer:
    """The web server in a process of its own, so that rendering and ingest never share an interpreter.

    Entering it raises UsageFailure when the port is taken; leaving it ends the process.
    """

    def __init__(self, setup: Setup, *, host: str, port: int) -> None:
        self._setup, self._host, self._port = setup, host, port
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # revived by one thread, ended by another

    def __enter__(self) -> Self:
        check_port(self._host, self._port)
        self._process = self._start()
        print(f"kabarkota: serving http://{self._host}:{self._port}/", file=sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def revive(self) -> None:
        """Starts the server again when it has died."""
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                logger.error("the web server ended (exit code %s); starting it again", self._process.returncode)
                self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        setup = self._setup
        arguments = (setup.database, setup.public, self._host, self._port)
        site = (setup.aggregator.site_url, setup.aggregator.site_name, str(setup.aggregator.late_hours))
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", "aggregator.web", *map(str, arguments), *site]
        )


def check_port(host: str, port: int) -> None:
    """Raises UsageFailure unless the port can be listened on."""
    try:
        socket.create_server((host, port)).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageFailure(f"--port {port}: cannot listen on {host}: {reason}") from error


def stop_on_signals(stop: Callable[[], object]) -> None:
    """Has SIGINT and SIGTERM call `stop`, once."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
