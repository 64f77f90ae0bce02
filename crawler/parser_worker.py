"""A parser worker: `python -m crawler.parser_worker DESCRIPTOR MEMORY`, started by `crawler.parser_process`."""

from __future__ import annotations

import signal
import sys

from aggregator.heap import begin_loading
from aggregator.lifeline import die_with_parent


def main(descriptor: str, memory: str) -> None:
    """See `crawler.parser_serving.serve`."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    begin_loading()
    from crawler.parser_serving import serve

    serve(int(descriptor), int(memory))


if __name__ == "__main__":
    main(*sys.argv[1:3])
