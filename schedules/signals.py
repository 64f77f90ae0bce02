"""Signals as bytes in a pipe, so that a handler never does anything that could wait for a lock."""

from __future__ import annotations

import select
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self


@contextmanager
def heed_end() -> Iterator[None]:
    """SIGTERM ends what is in it in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class SignalPipe:
    """Within it the signals are only noted; `wait` tells which came. For the main thread alone, but for `wake`.

    Those that it is not made for are `heed`ed later, if at all. Afterwards they are ignored: the process is about to
    end, and shall not be hurried.
    """

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._numbers = tuple(numbers)
        self._out, self._in = socket.socketpair()
        for end in (self._out, self._in):
            end.setblocking(False)

    def __enter__(self) -> Self:
        signal.set_wakeup_fd(self._in.fileno(), warn_on_full_buffer=False)
        self._note(self._numbers)
        return self

    def heed(self, numbers: Iterable[signal.Signals]) -> None:
        """Has these noted, too."""
        more = tuple(numbers)
        self._numbers += more
        self._note(more)

    def _note(self, numbers: Iterable[signal.Signals]) -> None:
        for number in numbers:  # without a handler Python would not write its number; nothing is left to do in it
            signal.signal(number, lambda *_: None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self._numbers:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        self._out.close()
        self._in.close()

    def wait(self, seconds: float) -> set[signal.Signals]:
        """The signals that came; empty after so many seconds, or when woken."""
        select.select([self._out], [], [], seconds)
        try:
            came = set(self._out.recv(4096))
        except BlockingIOError:
            return set()
        return {number for number in self._numbers if number in came}

    def wake(self) -> None:
        """Ends the wait of the main thread, from any thread."""
        with suppress(OSError):  # full: it will not sleep; closed: it has ended
            self._in.send(b"\0")
