"""A crawl process of which some answers are the end: what `crawler` may do when there is a fault in it.

Started as `crawler` is; the path of an answer says what happens to the process that looks at it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import hostile_calls

from crawler.batch import Report
from crawler.child import ReportWriter, main
from crawler.spiders.portal import PortalSpider


def spin() -> None:
    re.match(r"(a+)+b", "a" * 90)  # in C, holding the interpreter's lock


FAULTS = {
    "/hang.xml": spin,
    "/sleep.xml": lambda: time.sleep(3600),
    "/stop.xml": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "/killed.xml": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "/left.xml": lambda: os._exit(0),
}
WORDS = {"nonsense": b'{"harvest": 7}\n', "foreign": b"", "endless": b"x" * (1 << 20)}


def make_answer(spider: PortalSpider, response: Any, places: Any, **how: Any) -> Any:
    fault = FAULTS.get(urlsplit(response.url).path)
    if fault is not None:
        fault()
    return usual_answer(spider, response, places, **how)


async def run_parser(spider: PortalSpider, talk: Any, url: str, function: Any, *args: Any, **named: Any) -> Any:
    """Parsers leave over pages of that name."""
    if "/parah" in url:
        function, args, named = hostile_calls.leave, (), {}
    return await usual_run(spider, talk, url, function, *args, **named)


async def write(writer: ReportWriter, report: Report) -> None:
    words = WORDS.get(report.harvest.source_id) if report.harvest else None
    if words is None:
        await usual_write(writer, report)
    elif not words:
        await usual_write(writer, report)
        await usual_write(writer, report)  # the same once more
    else:
        while True:
            writer._write_line(words)


usual_answer, PortalSpider._make_answer = PortalSpider._make_answer, make_answer  # type: ignore[method-assign]
usual_run, PortalSpider.run_parser = PortalSpider.run_parser, run_parser  # type: ignore[method-assign, assignment]
usual_write, ReportWriter.write = ReportWriter.write, write  # type: ignore[method-assign]

if __name__ == "__main__":
    main(*sys.argv[1:3])
