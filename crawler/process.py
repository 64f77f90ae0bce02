"""The parent's handle on a crawl process."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

from aggregator.models import Harvest
from aggregator.wire import WireError
from crawler.backfilling.report import ArchiveReport
from crawler.batch import BATCH, REPORT, BatchEnd, CrawlBatch, Report
from crawler.probing.report import ProbeReport

logger = logging.getLogger(__name__)

GRACE_SECONDS = 120  # after the deadline: requests under way, pages in the parser, the last harvests
_QUIET = "ignore:resource_tracker"  # when it is killed, its semaphores are tidied up, which is no news
QUEUE_LENGTH = 64  # harvests that may wait while one is being written


class CrawlProcessError(Exception):
    """The crawl process died, hung or talked nonsense; what it had handed over is safe."""


class CrawlInterrupted(CrawlProcessError):  # noqa: N818 - named after what happened to the crawl
    """`interrupt` broke it off."""


class CrawlProcess:
    """Starts `python -m crawler` and talks to it. One batch at a time; warm between batches."""

    def __init__(self, *, log_level: str = "WARNING") -> None:
        # -P: the current folder, which under cron is anything, must not be able to shadow a module
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", "crawler", log_level],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONWARNINGS": ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), _QUIET)))},
        )
        self._lines: queue.Queue[bytes] = queue.Queue(QUEUE_LENGTH)
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        self.batches = 0
        self._is_busy = self._is_interrupted = False
        self.last_end: BatchEnd | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def crawl(self, batch: CrawlBatch) -> Iterator[Harvest]:
        """Sends the batch and yields its harvests as they come. Raises CrawlProcessError."""
        return (report.harvest for report in self._run(batch) if report.harvest is not None)

    def probe(self, batch: CrawlBatch) -> Iterator[ProbeReport]:
        """Sends the batch and yields what its probes found, as they come. Raises CrawlProcessError."""
        return (report.probe for report in self._run(batch) if report.probe is not None)

    def read_archive(self, batch: CrawlBatch) -> Iterator[ArchiveReport]:
        """Sends the batch and yields what the archives gave, as it comes. Raises CrawlProcessError."""
        return (report.archive for report in self._run(batch) if report.archive is not None)

    def _run(self, batch: CrawlBatch) -> Iterator[Report]:
        self.batches += 1
        self.last_end = None
        self._is_busy = True
        try:
            if self._is_interrupted:
                raise CrawlInterrupted("the crawl was broken off")
            yield from self._crawl(batch)
        except CrawlProcessError as error:
            if self._is_interrupted and not isinstance(error, CrawlInterrupted):
                raise CrawlInterrupted("the crawl was broken off") from error
            raise
        finally:
            self._is_busy = False

    def _crawl(self, batch: CrawlBatch) -> Iterator[Report]:
        self._send(batch)
        patience = batch.settings.deadline_seconds + batch.settings.timeout_seconds + GRACE_SECONDS
        while True:
            try:
                line = self._lines.get(timeout=patience)
            except queue.Empty:
                self.kill()
                raise CrawlProcessError(f"the crawl process said nothing for {patience:.0f} s") from None
            if not line:
                raise CrawlProcessError(f"the crawl process ended (exit code {self._process.wait()})")
            try:
                report = REPORT.decode(line)
            except WireError as error:
                self.kill()
                raise CrawlProcessError(f"the crawl process sent {error}") from error
            if report.end is not None:
                self.last_end = report.end
                return
            yield report

    def close(self, timeout: float = 10) -> None:
        """Lets the process end by itself, then makes it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError:
            logger.debug("the crawl process had closed its stdin")
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._tidy()

    def interrupt(self) -> None:
        """Breaks a batch off, from another thread or a signal handler: `crawl` then raises CrawlInterrupted.

        It takes no further batch.
        """
        self._is_interrupted = True
        if self._is_busy:
            self._process.kill()

    def kill(self) -> None:
        self._process.kill()
        self._tidy()

    def _tidy(self) -> None:
        """Waits for the process and its reader, and closes the pipes."""
        self._process.wait()
        while self._reader.is_alive():  # it may be waiting for room in the queue
            with contextlib.suppress(queue.Empty):
                self._lines.get(timeout=0.05)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _send(self, batch: CrawlBatch) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(BATCH.encode(batch) + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise CrawlProcessError(f"the crawl process cannot be reached: {error}") from error

    def _read(self, out: IO[bytes]) -> None:
        for line in out:
            self._lines.put(line)
        self._lines.put(b"")
