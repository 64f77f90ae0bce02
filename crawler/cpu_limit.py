"""A limit on the CPU time of a call: it ends with an error, before the kernel would end its process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from functools import wraps
from types import FrameType
from typing import ParamSpec, TypeVar

from crawler.channels.errors import ChannelError

P = ParamSpec("P")
R = TypeVar("R")

READING_SECONDS = 3.0  # of one channel or page; after 5 the worker is killed, which is held against its source
AGAIN_SECONDS = 0.1  # should some library swallow the first alarm


class TooCostlyError(ChannelError):
    """Reading the body would take more CPU time than it may."""


class _Alarm(BaseException):
    """No error that a library may take for one of its own."""


def limit_cpu(seconds: float) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Has a function raise TooCostlyError after so much CPU time in it.

    Python code, and its regular expressions, are broken off; a library in C only when it comes back. For the main
    thread, in which a worker does its work; in another thread there is no limit.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            if threading.current_thread() is not threading.main_thread():
                return function(*args, **kwargs)
            before = signal.signal(signal.SIGVTALRM, _raise_alarm)
            try:
                try:
                    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, AGAIN_SECONDS)
                    return function(*args, **kwargs)
                finally:
                    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            except _Alarm:
                raise TooCostlyError(f"the parser gave up after {seconds:g} CPU s") from None
            finally:
                signal.signal(signal.SIGVTALRM, before)

        return run

    return decorate


def _raise_alarm(_number: int, _frame: FrameType | None) -> None:
    raise _Alarm
