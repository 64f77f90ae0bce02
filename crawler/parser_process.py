"""The crawl process's handle on one parser worker: a process of its own, and a socket to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass

from crawler.parser_calls import LONGEST_REPLY, REPLY, REQUEST, Outcome, Reply

START_SECONDS = 60.0  # for imports, on a machine that is busy
END_PAUSE, END_LOOKS = 0.005, 100


class WorkerDied(Exception):  # noqa: N818 - named after what happened
    """The worker ended, or was ended, before it replied. `signal`: what ended it; 0: it left by itself."""

    def __init__(self, reason: str, *, signal: int = 0) -> None:
        super().__init__(reason)
        self.signal = signal


class WorkerTookTooLong(WorkerDied):
    """It was ended by us."""


class WorkerUnavailable(Exception):  # noqa: N818 - named after what happened
    """No worker can be started: no fault of what was to be parsed."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one call may take."""

    cpu_seconds: int
    seconds: float  # by the clock: the machine is shared
    memory: int  # bytes


class ParserProcess:
    """One worker. One call at a time."""

    def __init__(self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._process = process
        self._reader, self._writer = reader, writer
        self.calls = 0

    @classmethod
    async def start(cls, memory: int) -> ParserProcess:
        """Returns when it is ready. `memory`: bytes that no call may go beyond. Raises WorkerUnavailable."""
        try:
            process, ours = _spawn(memory)
        except OSError as error:
            raise WorkerUnavailable(f"no parser can be started: {error}") from error
        try:
            worker = cls(process, *await asyncio.open_unix_connection(sock=ours))
        except BaseException as error:
            ours.close()
            _end(process)
            if isinstance(error, OSError):
                raise WorkerUnavailable(f"no parser can be started: {error}") from error
            raise
        try:
            async with asyncio.timeout(START_SECONDS):
                await worker._receive(0)
        except (WorkerDied, TimeoutError) as error:
            worker.kill()
            raise WorkerUnavailable(f"no parser can be started: {error}") from error
        except BaseException:
            worker.kill()
            raise
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return not self._has_ended()

    async def ask(self, name: str, values: bytes, limits: Limits) -> Reply:
        """Raises WorkerDied; then the worker is no more."""
        self.calls += 1
        number = secrets.randbits(64)  # not to be guessed by who would answer before it is asked
        try:
            async with asyncio.timeout(limits.seconds):
                sizes = (len(name.encode()), len(values))
                self._writer.write(REQUEST.pack(number, limits.cpu_seconds, limits.memory, *sizes) + name.encode())
                self._writer.write(values)
                with contextlib.suppress(ConnectionError):  # its end is told below
                    await self._writer.drain()
                return await self._receive(number)
        except TimeoutError:
            self.kill()
            raise WorkerTookTooLong("the parser did not finish in time") from None
        except BaseException:
            self.kill()
            raise

    async def _receive(self, asked: int) -> Reply:
        """The reply to that call, and to no other: what a worker said too much must not answer the next one."""
        try:
            number, outcome, length = REPLY.unpack(await self._reader.readexactly(REPLY.size))
            if number != asked or length > LONGEST_REPLY:
                raise ValueError(f"{length} bytes in reply to {number:x}, not {asked:x}")
            return Reply(Outcome(outcome), await self._reader.readexactly(length) if length else b"")
        except ValueError as error:
            self.kill()
            raise WorkerDied(f"the parser talked nonsense: {error}") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            code = await self._wait()
            raise WorkerDied(describe_end(code), signal=max(0, -code)) from error

    async def _wait(self) -> int:
        """How it ended: it has closed its socket, which does it no good if it did not end."""
        for _ in range(END_LOOKS):
            if self._has_ended():
                break
            await asyncio.sleep(END_PAUSE)
        self.kill()
        return self._process.wait()

    def _has_ended(self) -> bool:
        """Without its exit code being taken: as long as it is not, nobody else gets its number, nor its group's."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def kill(self) -> None:
        """Ends it, and whatever it has started, at once."""
        self._writer.close()
        _end(self._process)


def _spawn(memory: int) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A worker, and our end of the socket to it. Raises OSError."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            # -P: the current folder must not be able to shadow a module
            process = subprocess.Popen(  # noqa: S603 - our own module; it takes a millisecond
                [sys.executable, "-P", "-m", "crawler.parser_worker", str(theirs.fileno()), str(memory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,  # whatever it may start ends with it
            )
    except BaseException:
        ours.close()
        raise
    return process, ours


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all of its group."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


def describe_end(code: int) -> str:
    if code >= 0:
        return f"the parser left with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"the parser crashed ({signal.Signals(-code).name})"
    return f"the parser crashed (signal {-code})"
