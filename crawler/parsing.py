"""The killable pool in which untrusted bytes are parsed.

A page can hang lxml for minutes or eat all memory. Each parse runs in a worker process with a limit on CPU, on memory
and on the clock; a page that breaks one costs itself and its worker, which Pebble replaces.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import resource
import signal
from collections.abc import Callable
from concurrent.futures import TimeoutError as PoolTimeoutError
from typing import ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from aggregator.lifeline import die_with_parent
from crawler.channels import ChannelError
from crawler.settings import CrawlSettings

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

TASKS_PER_WORKER = 500  # a fresh worker now and then keeps leaks in C libraries small
CLOCK_PER_CPU_SECOND = 6  # wall seconds allowed for each CPU second: the machine is shared


class ParseFailedError(Exception):
    """The bytes could not be parsed within the limits, or hold nothing of the kind."""


class ParserPool:
    """Runs functions of `crawler.reading` in worker processes."""

    def __init__(self, settings: CrawlSettings) -> None:
        self._cpu_seconds = settings.parse_cpu_seconds
        self._pool = ProcessPool(
            max_workers=settings.parser_workers,
            max_tasks=TASKS_PER_WORKER,
            initializer=_start_worker,
            initargs=(settings.parse_memory_bytes,),
            # never fork: the crawl process runs threads and a reactor
            context=multiprocessing.get_context("spawn"),
        )

    async def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`function(*args)` in a worker. Raises ParseFailedError."""
        future = self._pool.schedule(
            _run_limited,
            args=(self._cpu_seconds, function, args, kwargs),
            timeout=self._cpu_seconds * CLOCK_PER_CPU_SECOND,
        )
        try:
            result: R = await asyncio.wrap_future(future)
        except ChannelError as error:
            raise ParseFailedError(str(error)) from error
        except PoolTimeoutError as error:
            raise ParseFailedError("the parser did not finish in time") from error
        except ProcessExpired as error:
            raise ParseFailedError(f"the parser was stopped (more than {self._cpu_seconds} CPU s)") from error
        except MemoryError as error:
            raise ParseFailedError("the parser ran out of its memory") from error
        except Exception as error:
            # a bug on some page must not take its source down; it is told with its traceback once, here
            logger.warning("parser failed: %r", error, exc_info=True)
            raise ParseFailedError(f"the parser failed: {error!r}") from error
        return result

    def close(self) -> None:
        """Stops the workers, busy ones too."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _start_worker(memory_bytes: int) -> None:
    """Sets a new worker's limits, and loads what every parse needs."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    import crawler.reading  # noqa: F401 - loaded now, so that the first page's limits are its own

    used = _virtual_memory_bytes()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _run_limited(
    cpu_seconds: int, function: Callable[..., R], args: tuple[object, ...], kwargs: dict[str, object]
) -> R:
    """Runs one parse. RLIMIT_CPU counts the worker's whole life, so the limit is raised task by task."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + cpu_seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
    return function(*args, **kwargs)


def _virtual_memory_bytes() -> int:
    """Address space in use: the libraries alone map hundreds of MiB, which the limit must not count."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a pseudo file
            return int(statm.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 1024**3
