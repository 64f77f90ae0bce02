"""What a parser might do that was broken into, or that a page has brought into a state of which nobody thought."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import signal
import socket
import time

from aggregator.models import ArticleLink
from crawler.cpu_limit import limit_cpu
from crawler.parser_calls import REPLY


def add(a: int, b: int = 1) -> int:
    return a + b


def echo(link: ArticleLink, raw: bytes) -> tuple[ArticleLink, bytes]:
    return link, raw


def name_own_process() -> int:
    return os.getpid()


@limit_cpu(0.2)
def give_up() -> bool:
    return None is not re.match(r"(a+)+$", "a" * 60 + "b")


def crash() -> int:
    return len(ctypes.string_at(1))


def leave() -> int:
    os._exit(0)


def end_itself() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def eat() -> int:
    return len([ctypes.create_string_buffer(8 << 20) for _ in range(1_000)])


def spin() -> int:
    for number in (signal.SIGXCPU, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    return bool(re.match(r"(a+)+b", "a" * 90))


def spin_on() -> int:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    return spin_forever()


def spin_forever() -> int:
    while True:
        pass


def sleep() -> int:
    time.sleep(3600)
    return 0


def fork() -> int:
    """The number of a process of its own; 0: it could make none."""
    try:
        child = os.fork()
    except OSError:
        return 0
    if not child:
        time.sleep(3600)
    return child


def answer_much() -> str:
    return "x" * (70 << 20)


def answer_something_else() -> str:
    return 7  # type: ignore[return-value]


def answer_what_cannot_be_read() -> float:
    return float("inf")


def talk_nonsense() -> int:
    _say(b"\xff" * 40)
    return 1


def answer_too_soon() -> int:
    _say(REPLY.pack(2, b"R", 2) + b"-1")
    return 1


def _say(words: bytes) -> None:
    """To the parent, past all that a parser does."""
    next(each for each in gc.get_objects() if isinstance(each, socket.socket)).sendall(words)


def fail() -> int:
    raise KeyError("a bug")
