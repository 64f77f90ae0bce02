"""One crawl process, as its parent sees it: it is started, given a batch, listened to, watched and ended.

It is ended when its event loop has not beaten for a while, when it holds too much memory, when it does not come to an
end of its batch, and when it talks nonsense. What it had handed over before is kept.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol
from uuid import uuid4

from aggregator.processes import read_memory
from aggregator.wire import WireError
from crawler.batch import ORDER, REPORT, Order, Report
from crawler.line_reader import LineReader
from crawler.permits import PermitAnswer, PermitKeeper
from crawler.vitals import NOBODY, Vitals

Send = Callable[[Order], object]

logger = logging.getLogger(__name__)

TICK = 0.5  # seconds between two looks
SILENT_SECONDS = 15.0  # without a beat, of which there is one a second: its event loop hangs
START_SECONDS = 60.0  # before the first beat: imports, on a machine that is busy
MOST_MEMORY = 768 << 20  # bytes; with hundreds of sources it takes a third of it
NONSENSE_LIMIT = 200


class ChildDied(Exception):  # noqa: N818 - named after what happened
    """It ended, or was ended. `busy`: the unit of the batch whose bytes it was looking at; NOBODY: it is not known."""

    def __init__(self, reason: str, *, busy: int = NOBODY) -> None:
        super().__init__(reason)
        self.busy = busy


class CrawlChild:
    """A running process."""

    def __init__(self, command: Sequence[str], *, patience: float) -> None:
        """`command` gets the descriptor of its vitals as its last argument; `patience`: seconds without a beat."""
        self.vitals, descriptor = Vitals.create()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, str(descriptor)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[descriptor],
            )
        finally:
            os.close(descriptor)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin = self._process.stdin
        self._lines = LineReader(self._process.stdout)
        self._writing = threading.Lock()
        self.patience = patience
        self.is_idle = True

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def work(
        self,
        feed: Callable[[Send], object],
        most_seconds: float,
        idle: Callable[[], object],
        keeper: PermitKeeper | None = None,
    ) -> Iterator[Report]:
        """Yields what comes of a batch, its end last. Raises ChildDied.

        `feed`: sends the batch, and what belongs to it later, in a thread; `most_seconds`: that may be spent waiting
        for an answer; `idle`: what is done while nothing comes, over and over; `keeper`: of the permits that the batch
        needs, if it does.
        """
        self.is_idle = False
        self.vitals.reset()
        if keeper is None:
            yield from self._work(feed, most_seconds, idle)
            return
        holder = str(uuid4())
        try:
            for report in self._work(feed, most_seconds, idle):
                if report.permits is not None:
                    keeper.handle(holder, report.permits, self._send_permits)
                else:
                    yield report
        finally:
            keeper.take_back(holder)

    def _work(
        self, feed: Callable[[Send], object], most_seconds: float, idle: Callable[[], object]
    ) -> Iterator[Report]:
        sending = threading.Thread(target=feed, args=(self._send,), daemon=True)
        sending.start()  # a thread: a process that hangs reads nothing
        watch = Watch(self, most_seconds)
        trouble = ""
        looked = 0.0
        while True:
            begun = time.monotonic()
            line = self._lines.get(TICK)
            if line == b"":
                raise self._bury(trouble)
            if line is not None:
                report = self._decode(line)
                if report.end is not None:
                    self.is_idle = True
                yield report
                if report.end is not None:
                    return
                if time.monotonic() - looked < TICK:
                    continue
            looked = time.monotonic()
            if not trouble and (trouble := watch.look(looked - begun if line is None else 0.0)):
                self._process.kill()  # what it had handed over is still in the pipe
            else:
                idle()

    def _decode(self, line: bytes) -> Report:
        try:
            return REPORT.decode(line)
        except WireError as error:
            self._process.kill()
            said = " ".join(str(error).split())[:NONSENSE_LIMIT]
            raise ChildDied(f"the crawl process sent {said}", busy=self.vitals.busy) from None

    def _bury(self, trouble: str) -> ChildDied:
        """Its pipe has ended."""
        busy = self.vitals.busy
        if self._lines.is_broken:
            trouble = "the crawl process sent a line without an end"
        if not trouble:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
        code = self._process.poll()
        self._process.kill()
        return ChildDied(trouble or f"the crawl process ended (exit code {code})", busy=busy)

    def _send_permits(self, answers: tuple[PermitAnswer, ...]) -> None:
        self._send(Order(permits=answers))

    def _send(self, order: Order) -> None:
        line = ORDER.encode(order) + b"\n"
        try:
            with self._writing:
                self._stdin.write(line)
                self._stdin.flush()
        except (OSError, ValueError) as error:  # its end is told by its other pipe
            logger.debug("the crawl process cannot be reached: %s", error)

    def interrupt(self) -> None:
        """Ends it; for another thread or a signal handler, while it is worked with."""
        self._process.kill()

    def close(self, timeout: float = 0) -> None:
        """Lets it end by itself, then makes it; closes the pipes."""
        if self.is_idle and timeout:
            with contextlib.suppress(OSError, ValueError):
                self._stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        self._process.kill()
        self._process.wait()
        self._lines.close()
        with contextlib.suppress(OSError, ValueError):
            self._stdin.close()
        self.vitals.close()


class Watched(Protocol):
    """What is looked at of a child."""

    vitals: Vitals
    patience: float

    @property
    def pid(self) -> int: ...


class Watch:
    """Finds out what is wrong with a process that says nothing.

    Seconds are counted look by look, none for more than two ticks: while the machine slept or the service was stopped,
    nobody looked, and the process could not beat either.
    """

    def __init__(self, child: Watched, most_seconds: float) -> None:
        self._child = child
        self._most_seconds = most_seconds
        self._beats = child.vitals.beats
        self._silent = self._waited = 0.0

    def look(self, seconds: float) -> str:
        """What is wrong, after so many seconds without a line; "" where nothing is."""
        seconds = min(seconds, 2 * TICK)
        self._waited += seconds
        beats = self._child.vitals.beats
        self._silent = 0.0 if beats != self._beats else self._silent + seconds
        self._beats = beats
        patience = self._child.patience if beats else max(START_SECONDS, self._child.patience)
        if self._silent >= patience:
            return f"the crawl process hung: no sign of life for {self._silent:.0f} s"
        if self._waited >= self._most_seconds:
            return f"the crawl process did not come to an end in {self._waited:.0f} s"
        memory = read_memory(self._child.pid)
        if memory > MOST_MEMORY:
            return f"the crawl process took {memory >> 20} MiB of memory"
        return ""
