"""Reads the lines of a pipe ahead, in a thread, without ever holding more than so much of them."""

from __future__ import annotations

import threading
from collections import deque
from typing import IO

LONGEST_LINE = 64 << 20  # the largest harvest is a quarter of it
MOST_AHEAD = 32 << 20  # bytes of lines that wait; one line may always wait


class LineReader:
    """The lines of `pipe`, for one other thread."""

    def __init__(self, pipe: IO[bytes], *, longest: int = LONGEST_LINE, ahead: int = MOST_AHEAD) -> None:
        self._pipe, self._longest, self._ahead = pipe, longest, ahead
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self.is_broken = False  # by a line that had no end
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def get(self, timeout: float) -> bytes | None:
        """The next line; b"" after the last, None where none came in time. What has no end is no line."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._lines, timeout):
                return None
            line = self._lines[0]
            if line:  # the end stays
                self._lines.popleft()
                self._bytes -= len(line)
                self._changed.notify_all()
            return line

    def close(self) -> None:
        """Lets go what waits, and the pipe, whose other end must be closed."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()
        self._pipe.close()

    def _read(self) -> None:
        while (line := self._read_line()) and self._put(line):
            pass
        self._put(b"")

    def _read_line(self) -> bytes:
        try:
            line = self._pipe.readline(self._longest)
        except (OSError, ValueError, MemoryError):
            line = b""
        if line.endswith(b"\n"):
            return line
        self.is_broken = len(line) >= self._longest
        return b""

    def _put(self, line: bytes) -> bool:
        """Whether there is somebody to read on for."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._bytes < self._ahead)
            self._lines.append(line)
            self._bytes += len(line)
            self._changed.notify_all()
            return not self._is_closed
