"""What a parser worker does: calls come in on a socket, replies go out.

    request ──▶ limits of CPU and memory for this call ──▶ the function ──▶ reply         (the socket closes: the end)

It may starve, crash or be broken into: it can neither make processes nor threads, its parent ends it when it takes too
long, and reads nothing from it but bytes of bounded length.
"""

from __future__ import annotations

import contextlib
import logging
import resource
import socket
import sys
import traceback
from io import BufferedRWPair

from aggregator.heap import end_loading
from crawler.channels.errors import ChannelError
from crawler.parser_calls import LONGEST_REPLY, REPLY, REQUEST, Outcome, Reply, find_call
from crawler.reading import load_readers

WORDS_LIMIT = 4_000  # characters of an error


def serve(descriptor: int, memory: int) -> None:
    """Serves calls until the socket closes. `memory`: bytes that no call may go beyond."""
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    load_readers()
    end_loading()

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    used = _virtual_memory_bytes()
    bounds = Bounds(used, used + memory)
    with socket.socket(fileno=descriptor) as parent, parent.makefile("rwb") as pipe:
        assert isinstance(pipe, BufferedRWPair)
        pipe.write(REPLY.pack(0, Outcome.RESULT.value, 0))  # it is ready
        pipe.flush()
        while serve_one(pipe, bounds):
            pass


class Bounds:
    """What a call may take. Each look and each setting is a system call, which costs where those are watched."""

    def __init__(self, used: int, most: int) -> None:
        """`used`: bytes of memory that are no call's; `most`: that no call may go beyond."""
        self._used, self._most = used, most
        _, self._cpu_hard = resource.getrlimit(resource.RLIMIT_CPU)
        self._cpu_set = 0
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    def tighten(self, cpu_seconds: int, memory: int) -> None:
        """For the next call. RLIMIT_CPU counts the worker's whole life, so that limit is raised call by call."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = int(usage.ru_utime + usage.ru_stime) + 1 + cpu_seconds
        if cpu != self._cpu_set:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, self._cpu_hard))
            self._cpu_set = cpu
        resource.setrlimit(resource.RLIMIT_AS, (min(self._used + memory, self._most), self._most))

    def loosen(self) -> None:
        """To read and write: up to what no call may go beyond."""
        resource.setrlimit(resource.RLIMIT_AS, (self._most, self._most))


def serve_one(pipe: BufferedRWPair, bounds: Bounds) -> bool:
    """Answers one request; False: there are no more."""
    head = pipe.read(REQUEST.size)
    if len(head) < REQUEST.size:
        return False
    number, cpu_seconds, memory, name_length, values_length = REQUEST.unpack(head)
    name = pipe.read(name_length).decode()
    values = pipe.read(values_length)
    bounds.tighten(cpu_seconds, memory)
    reply = run_call(name, values)
    bounds.loosen()
    pipe.write(REPLY.pack(number, reply.outcome.value, len(reply.body)))
    pipe.write(reply.body)
    pipe.flush()
    return True


def run_call(name: str, values: bytes) -> Reply:
    """The reply to a call; whatever is raised is told in it."""
    try:
        result = find_call(name).run(values)
    except ChannelError as error:
        return Reply(Outcome.NO_CHANNEL, _encode(str(error)))
    except MemoryError:
        return Reply(Outcome.NO_MEMORY, b"")
    except Exception as error:  # a bug on some page must not take its source down
        return Reply(Outcome.ERROR, _encode(f"{error!r}"[:WORDS_LIMIT] + "\n" + traceback.format_exc()))
    if len(result) > LONGEST_REPLY:
        return Reply(Outcome.TOO_LARGE, b"")
    return Reply(Outcome.RESULT, result)


def _encode(words: str) -> bytes:
    return words[:WORDS_LIMIT].encode("utf-8", "replace")


def _virtual_memory_bytes() -> int:
    """Address space in use: the libraries alone map hundreds of MiB, which the limit must not count."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a pseudo file
            return int(statm.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 1024**3
